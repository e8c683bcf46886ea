//! `logging.handlers.TimedRotatingFileHandler`: begins a new file at certain times.

use std::sync::Arc;

use std::time::SystemTime;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use super::text_file::TextFile;
use crate::error::{ConfigError, reason};
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::record::Record;
use crate::time::{self, Moment};
use crate::value::{Object, Value};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// A file that is put aside at certain times.
pub(crate) struct Timed {
    /// the file
    file: TextFile,
    /// `S`, `M`, `H`, `D`, `MIDNIGHT` or `W0` to `W6`
    when: String,
    /// seconds from one time to the next
    interval: f64,
    /// how many old files to keep; 0 is all
    backup_count: Late<i64>,
    /// whether times are in UTC
    utc: bool,
    /// the second of the day at which a day ends
    at: i64,
    /// how the old files' names end
    suffix: Late<String>,
    /// how those look that may be removed: a digit stands for digits
    pattern: &'static str,
    /// when the next new file begins
    rollover_at: f64,
}

/// The present, in seconds since the epoch.
fn now() -> i64 {
    seconds(SystemTime::now())
}

/// A point in time, in seconds since the epoch.
fn seconds(time: SystemTime) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Timed {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let file = TextFile::new(arguments, Some("a"))?;
        let when = arguments.text("when", "h")?.to_uppercase();
        let (unit, suffix, pattern) = match when.as_str() {
            "S" => (1, "%Y-%m-%d_%H-%M-%S", "0000-00-00_00-00-00"),
            "M" => (60, "%Y-%m-%d_%H-%M", "0000-00-00_00-00"),
            "H" => (60 * 60, "%Y-%m-%d_%H", "0000-00-00_00"),
            "D" | "MIDNIGHT" => (DAY, "%Y-%m-%d", "0000-00-00"),
            "W0" | "W1" | "W2" | "W3" | "W4" | "W5" | "W6" => (7 * DAY, "%Y-%m-%d", "0000-00-00"),
            _ => {
                let message =
                    format!("{when:?} is none of S, M, H, D, MIDNIGHT and W0 (Monday) to W6");
                return Err(arguments.error("when", message));
            }
        };
        let interval = arguments.take("interval").unwrap_or(Value::Int(1));
        let interval = interval.number().ok_or_else(|| {
            arguments.error(
                "interval",
                format!("must be a number, not {}", interval.repr()),
            )
        })?;
        let backup_count = late::count(
            "backupCount",
            &arguments.take("backupCount").unwrap_or(Value::Int(0)),
        );
        let utc = arguments.flag("utc", false);
        let at = match arguments.take("atTime") {
            None | Some(Value::None) => DAY,
            Some(Value::Object(Object::Time(second))) => i64::from(second),
            Some(_) if when != "MIDNIGHT" && !when.starts_with('W') => DAY,
            Some(value) => {
                let message = format!(
                    "must be a datetime.time, which JSON can't say, not {}; there are null, ext://datetime.time.min and ext://datetime.time.max",
                    value.repr()
                );
                return Err(arguments.error("atTime", message));
            }
        };
        #[allow(clippy::cast_precision_loss)] // a week at most
        let interval = interval * unit as f64;
        Ok(Timed {
            file,
            when,
            interval,
            backup_count,
            utc,
            at,
            suffix: Ok(suffix.to_owned()),
            pattern,
            rollover_at: 0.0,
        })
    }

    /// A moment in the time zone that counts here.
    fn moment(&self, seconds: i64) -> Moment {
        if self.utc {
            time::utc(seconds)
        } else {
            time::local(seconds)
        }
    }

    /// Whether days, not intervals, are counted.
    fn is_daily(&self) -> bool {
        self.when == "MIDNIGHT" || self.when.starts_with('W')
    }

    /// An hour more or less if daylight saving time begins or ends between two moments.
    fn adjustment(dst_now: bool, then: i64) -> i64 {
        match (dst_now, time::local(then).dst) {
            (false, true) => -3600,
            (true, false) => 3600,
            _ => 0,
        }
    }

    /// When a file that was begun or changed at a time is to be put aside (`computeRollover`).
    #[allow(clippy::cast_precision_loss)] // seconds since the epoch are far below 2^53
    fn compute_rollover(&self, current: i64) -> f64 {
        if !self.is_daily() {
            return current as f64 + self.interval;
        }
        let moment = self.moment(current);
        let mut weekday = moment.weekday();
        let mut remaining = self.at - moment.second_of_day();
        if remaining < 0 {
            remaining += DAY;
            weekday = (weekday + 1) % 7;
        }
        let mut result = current + remaining;
        if let Some(day) = self
            .when
            .strip_prefix('W')
            .and_then(|day| day.parse::<i64>().ok())
            && weekday != day
        {
            let days = if weekday < day {
                day - weekday
            } else {
                6 - weekday + day + 1
            };
            result += days * DAY;
            if !self.utc {
                result += Self::adjustment(moment.dst, result);
            }
        }
        result as f64
    }

    /// The name of the file that is put aside now.
    #[allow(clippy::cast_possible_truncation)] // seconds since the epoch
    fn old_name(&self, current: i64) -> Result<std::path::PathBuf, String> {
        let start = (self.rollover_at - self.interval).floor() as i64;
        let mut moment = self.moment(start);
        if !self.utc {
            let dst_now = time::local(current).dst;
            if dst_now != moment.dst {
                moment = self.moment(start + if dst_now { 3600 } else { -3600 });
            }
        }
        let suffix = self.suffix.as_ref().map_err(Clone::clone)?;
        Ok(self
            .file
            .path_with(&format!(".{}", time::strftime(suffix, &moment))))
    }

    /// Puts the file aside, removes what is too much and begins a new one (`doRollover`).
    #[allow(clippy::cast_precision_loss)] // seconds since the epoch are far below 2^53
    #[allow(clippy::cast_possible_truncation)]
    fn roll_over(&mut self) -> Result<(), String> {
        self.file.file = None;
        let current = now();
        let old = self.old_name(current)?;
        self.file.remove(&old)?;
        self.file.rename(&self.file.path, &old)?;
        if self.backup_count.clone()? > 0 {
            self.remove_oldest()?;
        }
        self.file.open_at_once()?;
        let mut next = self.compute_rollover(current);
        let late = current as f64 - next;
        if late >= 0.0 && self.interval > 0.0 {
            next += ((late / self.interval).floor() + 1.0) * self.interval;
            // An interval may be too short to make a difference.
            next = next.max(current as f64 + 1.0);
        }
        if self.is_daily() && !self.utc {
            next += Self::adjustment(time::local(current).dst, next as i64) as f64;
        }
        self.rollover_at = next;
        Ok(())
    }

    /// Removes the oldest files, so that no more than the wanted number is left (`getFilesToDelete`).
    fn remove_oldest(&self) -> Result<(), String> {
        let count = usize::try_from(self.backup_count.clone()?).unwrap_or(0);
        let (Some(folder), Some(base)) = (
            self.file.path.parent(),
            self.file.path.file_name().and_then(|name| name.to_str()),
        ) else {
            return Ok(());
        };
        let dots = base.len() - base.trim_start_matches('.').len();
        let stem = base[dots..]
            .rfind('.')
            .map_or(base, |dot| &base[..dots + dot]);
        let entries =
            std::fs::read_dir(folder).map_err(|error| self.file.problem(&reason(&error)))?;
        let mut old: Vec<_> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                name.starts_with(base)
                    && name[stem.len()..]
                        .strip_prefix('.')
                        .is_some_and(|rest| rest.split('.').any(|part| self.matches(part)))
            })
            .collect();
        if old.len() < count {
            return Ok(());
        }
        old.sort();
        old.truncate(old.len() - count);
        old.iter()
            .try_for_each(|name| self.file.remove(&folder.join(name)))
    }

    /// Whether a part of a file's name is a date as this handler writes it.
    fn matches(&self, part: &str) -> bool {
        part.len() == self.pattern.len()
            && part.bytes().zip(self.pattern.bytes()).all(|(c, like)| {
                if like == b'0' {
                    c.is_ascii_digit()
                } else {
                    c == like
                }
            })
    }
}

impl Sink for Timed {
    fn open(&mut self) -> Result<(), String> {
        let opened = self.file.open_at_once();
        let changed = std::fs::metadata(&self.file.path).and_then(|metadata| metadata.modified());
        self.rollover_at = self.compute_rollover(changed.map_or_else(|_| now(), seconds));
        opened
    }

    #[allow(clippy::cast_precision_loss)] // seconds since the epoch are far below 2^53
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        let current = now();
        if current as f64 >= self.rollover_at {
            if self.file.is_special() {
                self.rollover_at = self.compute_rollover(current);
            } else {
                self.roll_over()?;
            }
        }
        self.file.write(record, formatter)
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "suffix" => self.suffix = late::text(name, value),
            "backupCount" => self.backup_count = late::count(name, value),
            "utc" => self.utc = value.truthy(),
            "interval" => self.interval = value.number().unwrap_or(self.interval),
            _ => self.file.set(name, value),
        }
    }

    fn is_stderr(&self) -> bool {
        self.file.is_stderr()
    }
}
