//! Local time, and `strftime` as the GNU C library does it in the locale C, which is what Python calls.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::late::Late;

/// A moment taken apart (`time.struct_time`).
pub(crate) struct Moment {
    /// date and time of day
    date: DateTime,
    /// seconds east of UTC
    offset: i32,
    /// the time zone's abbreviation
    zone: String,
    /// whether it is daylight saving time
    pub(crate) dst: bool,
    /// seconds since the epoch
    seconds: i64,
}

/// The system's time zone, read once it is needed. Like the C library, one that can't be read counts as UTC.
fn system() -> &'static TimeZone {
    static SYSTEM: OnceLock<TimeZone> = OnceLock::new();
    SYSTEM.get_or_init(|| TimeZone::try_system().unwrap_or(TimeZone::UTC))
}

/// `time.localtime`
pub(crate) fn local(seconds: i64) -> Moment {
    moment(seconds, system())
}

/// `time.gmtime`
pub(crate) fn utc(seconds: i64) -> Moment {
    moment(seconds, &TimeZone::UTC)
}

/// A moment in a time zone; one out of range becomes the epoch.
pub(crate) fn moment(seconds: i64, zone: &TimeZone) -> Moment {
    let stamp = Timestamp::from_second(seconds).unwrap_or_default();
    let info = zone.to_offset_info(stamp);
    Moment {
        date: info.offset().to_datetime(stamp),
        offset: info.offset().seconds(),
        zone: info.abbreviation().to_owned(),
        dst: info.dst().is_dst(),
        seconds: stamp.as_second(),
    }
}

impl Moment {
    /// Seconds since midnight, by the clock.
    pub(crate) fn second_of_day(&self) -> i64 {
        (i64::from(self.date.hour()) * 60 + i64::from(self.date.minute())) * 60
            + i64::from(self.date.second())
    }

    /// `tm_wday`: 0 is Monday.
    pub(crate) fn weekday(&self) -> i64 {
        self.date.weekday().to_monday_zero_offset().into()
    }
}

/// `default_msec_format % (text, milliseconds)`: one `%s` and one integer conversion.
#[allow(clippy::cast_possible_truncation)] // 0 to 999
pub(crate) fn with_milliseconds(format: &str, text: &str, milliseconds: f64) -> Late<String> {
    let wrong = || format!("default_msec_format {format:?} is not like \"%s,%03d\"");
    let (before, rest) = format.split_once("%s").ok_or_else(wrong)?;
    let (between, rest) = rest.split_once('%').ok_or_else(wrong)?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (width, rest) = rest.split_at(digits);
    let after = rest.strip_prefix('d').ok_or_else(wrong)?;
    if [before, between, after]
        .iter()
        .any(|part| part.contains('%'))
    {
        return Err(wrong());
    }
    let number = milliseconds as i64;
    let pad = width.parse().unwrap_or(0_usize).min(64);
    let number = if width.starts_with('0') {
        format!("{number:0>pad$}")
    } else {
        format!("{number:>pad$}")
    };
    Ok(format!("{before}{text}{between}{number}{after}"))
}

/// Days, as `%A` writes them.
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Months, as `%B` writes them.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The flags and the width of one conversion.
#[derive(Clone, Copy, Default)]
struct Flags {
    /// `_`, `-`, `0` or `+`
    pad: Option<char>,
    /// `^`
    upper: bool,
    /// `#`
    change: bool,
    /// the least number of characters
    width: usize,
}

impl Flags {
    /// Appends text, padded to the width.
    fn text(self, text: &str, out: &mut String) {
        let upper = |c: char| {
            let mut upper = c.to_uppercase();
            upper
                .next()
                .filter(|_| self.upper && upper.next().is_none())
                .unwrap_or(c)
        };
        let text: String = text.chars().map(upper).collect();
        let fill = if matches!(self.pad, Some('0' | '+')) {
            '0'
        } else {
            ' '
        };
        let missing = self.width.saturating_sub(text.chars().count());
        out.extend(std::iter::repeat_n(fill, missing));
        out.push_str(&text);
    }

    /// The same without `^`.
    fn lower(self) -> Self {
        Flags {
            upper: false,
            ..self
        }
    }

    /// Appends a number of at least so many digits.
    fn number(self, digits: usize, value: i64, out: &mut String) {
        let text = value.to_string();
        let missing = digits.max(self.width).saturating_sub(text.len());
        match self.pad {
            // No zeros, but the width still counts.
            Some('-') => {
                let missing = self.width.saturating_sub(text.len());
                out.extend(std::iter::repeat_n(' ', missing));
            }
            Some('_') => out.extend(std::iter::repeat_n(' ', missing)),
            _ => out.extend(std::iter::repeat_n('0', missing)),
        }
        out.push_str(&text);
    }

    /// As `number`, but padded with spaces unless a flag says otherwise.
    fn spaced(self, digits: usize, value: i64, out: &mut String) {
        Flags {
            pad: self.pad.or(Some('_')),
            ..self
        }
        .number(digits, value, out);
    }
}

/// `time.strftime`. Of a text that is far longer than its format, Python shows nothing.
pub(crate) fn strftime(format: &str, moment: &Moment) -> String {
    let mut room = 1024;
    while room < 256 * format.chars().count() {
        room *= 2;
    }
    let text = expand(format, moment, 4 * room);
    if text.chars().count() < room {
        text
    } else {
        String::new()
    }
}

/// Replaces the conversions of a format, until there are so many bytes.
fn expand(format: &str, moment: &Moment, enough: usize) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    let mut rest = format;
    while let Some((before, conversion)) = rest.split_once('%') {
        out.push_str(before);
        let mut chars = conversion.char_indices();
        let mut flags = Flags::default();
        let mut next = chars.next();
        while let Some((_, c)) = next {
            match c {
                '_' | '-' | '0' | '+' => flags.pad = Some(c),
                '^' => flags.upper = true,
                '#' => flags.change = true,
                _ => break,
            }
            next = chars.next();
        }
        while let Some(digit) = next.and_then(|(_, c)| c.to_digit(10)) {
            flags.width = (flags.width * 10 + digit as usize).min(1 << 16);
            next = chars.next();
        }
        let modifier = next.map(|(_, c)| c).filter(|c| matches!(c, 'E' | 'O'));
        if modifier.is_some() {
            next = chars.next();
        }
        let Some((at, c)) = next else {
            // A `%` at the very end, with whatever flags: shown as it stands.
            flags.text(&format!("%{conversion}"), &mut out);
            return out;
        };
        let end = at + c.len_utf8();
        // These two heed `#` even before it turns out that they take no `E`.
        flags.upper |= flags.change && matches!(c, 'b' | 'h');
        if !convert(c, modifier, flags, moment, &mut out) {
            flags.text(&format!("%{}", &conversion[..end]), &mut out);
        }
        if out.len() > enough {
            return out;
        }
        rest = &conversion[end..];
    }
    out.push_str(rest);
    out
}

/// Appends what one conversion stands for; false if there is no such conversion.
fn convert(
    c: char,
    modifier: Option<char>,
    mut flags: Flags,
    moment: &Moment,
    out: &mut String,
) -> bool {
    let allowed = match modifier {
        None => true,
        Some('E') => !"aAbBhDdeFHIkljMmSUVgGWw".contains(c),
        Some(_) => !"aAcDFxXY".contains(c),
    };
    if !allowed {
        return false;
    }
    let date = moment.date;
    let year = i64::from(date.year());
    let day_of_year = i64::from(date.day_of_year()) - 1;
    let monday = moment.weekday();
    let sunday = (monday + 1) % 7;
    let hour = i64::from(date.hour());
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let week_date = date.date().iso_week_date();
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    let day = usize::try_from(monday).unwrap_or(0);
    if flags.change && "aAbBh".contains(c) {
        flags.upper = true;
    }
    let within =
        |format: &str, out: &mut String| flags.text(&expand(format, moment, usize::MAX), out);
    match c {
        '%' => flags.text("%", out),
        'n' => flags.text("\n", out),
        't' => flags.text("\t", out),
        'a' => flags.text(&DAYS[day][..3], out),
        'A' => flags.text(DAYS[day], out),
        'b' | 'h' => flags.text(&MONTHS[month][..3], out),
        'B' => flags.text(MONTHS[month], out),
        'c' => within("%a %b %e %H:%M:%S %Y", out),
        'D' | 'x' => within("%m/%d/%y", out),
        'F' => within("%Y-%m-%d", out),
        'r' => within("%I:%M:%S %p", out),
        'R' => within("%H:%M", out),
        'T' | 'X' => within("%H:%M:%S", out),
        'C' => flags.number(2, year.div_euclid(100), out),
        'd' => flags.number(2, date.day().into(), out),
        'e' => flags.spaced(2, date.day().into(), out),
        'g' => flags.number(2, i64::from(week_date.year()).rem_euclid(100), out),
        'G' => flags.number(4, week_date.year().into(), out),
        'H' => flags.number(2, hour, out),
        'I' => flags.number(2, hour12, out),
        'j' => flags.number(3, day_of_year + 1, out),
        'k' => flags.spaced(2, hour, out),
        'l' => flags.spaced(2, hour12, out),
        'm' => flags.number(2, date.month().into(), out),
        'M' => flags.number(2, date.minute().into(), out),
        'p' if flags.change => flags.text(if hour < 12 { "am" } else { "pm" }, out),
        'p' => flags.text(if hour < 12 { "AM" } else { "PM" }, out),
        'P' => flags.lower().text(if hour < 12 { "am" } else { "pm" }, out),
        's' => flags.text(&moment.seconds.to_string(), out),
        'S' => flags.number(2, date.second().into(), out),
        'u' => flags.number(1, monday + 1, out),
        'U' => flags.number(2, (day_of_year - sunday + 7) / 7, out),
        'V' => flags.number(2, week_date.week().into(), out),
        'w' => flags.number(1, sunday, out),
        'W' => flags.number(2, (day_of_year - monday + 7) / 7, out),
        'y' => flags.number(2, year.rem_euclid(100), out),
        'Y' => flags.number(4, year, out),
        'z' => {
            let minutes = i64::from(moment.offset.unsigned_abs() / 60);
            let sign = if moment.offset < 0 { "-" } else { "+" };
            // The sign and the digits each have the width to themselves.
            flags.text(sign, out);
            flags.number(4, minutes / 60 * 100 + minutes % 60, out);
        }
        'Z' if flags.change => flags.text(&moment.zone.to_ascii_lowercase(), out),
        'Z' => flags.text(&moment.zone, out),
        _ => return false,
    }
    true
}
