//! Formatters: from a record to text, by Python's three styles.

pub(super) mod float;

mod brace;
mod dollar;
mod percent;
mod spec;

#[cfg(test)]
mod tests;

use super::record::Record;
use super::time;
use super::value::Value;

/// The widest padding and the highest precision that a format may ask for: Python would run out of memory somewhere above.
const WIDEST: usize = 1 << 24;

/// A value that Python looks at only once a record comes, with its complaint if it is of no use.
pub(super) type Late<T> = Result<T, String>;

/// How a format refers to a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    /// `%(name)s`
    Percent,
    /// `{name}`
    Brace,
    /// `${name}`
    Dollar,
}

impl Style {
    /// Reads the value of `style`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "%" => Some(Style::Percent),
            "{" => Some(Style::Brace),
            "$" => Some(Style::Dollar),
            _ => None,
        }
    }

    /// The format of a formatter without one.
    pub(super) fn default_format(self) -> &'static str {
        match self {
            Style::Percent => "%(message)s",
            Style::Brace => "{message}",
            Style::Dollar => "${message}",
        }
    }

    /// What `validate` finds wrong with a format.
    pub(super) fn validate(self, format: &str) -> Result<(), String> {
        match self {
            Style::Percent if percent::valid(format) => Ok(()),
            Style::Percent => Err(format!("invalid format '{format}' for '%' style")),
            Style::Brace => {
                brace::validate(format).map_err(|error| format!("invalid format: {error}"))
            }
            Style::Dollar => {
                dollar::validate(format).map_err(|error| format!("invalid format: {error}"))
            }
        }
    }

    /// Whether a format shows the time, so that `asctime` must be made.
    fn uses_time(self, format: &str) -> bool {
        match self {
            Style::Percent => format.contains("%(asctime)"),
            Style::Brace => format.contains("{asctime"),
            Style::Dollar => format.contains("$asctime") || format.contains("${asctime}"),
        }
    }
}

/// `logging.Formatter`
pub(super) struct Formatter {
    /// how the format is written
    pub(super) style: Style,
    /// the format
    pub(super) format: Late<String>,
    /// how `asctime` is written, if not in the usual way
    pub(super) datefmt: Late<Option<String>>,
    /// fields that a record hasn't
    pub(super) defaults: Late<Vec<(String, Value)>>,
    /// the usual way to write `asctime`
    pub(super) default_time_format: Late<String>,
    /// how the milliseconds are added to it
    pub(super) default_msec_format: Late<Option<String>>,
}

impl Default for Formatter {
    fn default() -> Self {
        Formatter {
            style: Style::Percent,
            format: Ok(Style::Percent.default_format().to_owned()),
            datefmt: Ok(None),
            defaults: Ok(Vec::new()),
            default_time_format: Ok("%Y-%m-%d %H:%M:%S".to_owned()),
            default_msec_format: Ok(Some("%s,%03d".to_owned())),
        }
    }
}

impl Formatter {
    /// `Formatter.format`
    pub(super) fn format(&self, record: &Record) -> Result<String, String> {
        record.set_formatted();
        let format = self.format.as_ref().map_err(Clone::clone)?;
        if self.style.uses_time(format) {
            record.set_asctime(self.time(record)?);
        }
        let defaults = self.defaults.as_ref().map_err(Clone::clone)?;
        let fields = Fields { record, defaults };
        match self.style {
            Style::Percent => percent::format(format, &fields),
            Style::Brace => brace::format(format, &fields),
            Style::Dollar => dollar::format(format, &fields),
        }
    }

    /// `Formatter.formatTime`
    fn time(&self, record: &Record) -> Result<String, String> {
        let moment = time::local(record.seconds());
        if let Some(datefmt) = self.datefmt.as_ref().map_err(Clone::clone)? {
            return Ok(time::strftime(datefmt, &moment));
        }
        let text = time::strftime(
            self.default_time_format.as_ref().map_err(Clone::clone)?,
            &moment,
        );
        match self.default_msec_format.as_ref().map_err(Clone::clone)? {
            None => Ok(text),
            Some(format) => time::with_milliseconds(format, &text, record.milliseconds()),
        }
    }
}

/// What a format's fields can refer to.
struct Fields<'a> {
    /// the record, which goes before the defaults
    record: &'a Record,
    /// the formatter's defaults
    defaults: &'a [(String, Value)],
}

impl Fields<'_> {
    /// The value of one field.
    fn get(&self, name: &str) -> Option<Value> {
        self.record.get(name).or_else(|| {
            self.defaults
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        })
    }

    /// `defaults | record.__dict__`
    fn all(&self) -> Value {
        let record = self.record.fields();
        let mut all: Vec<(String, Value)> = self.defaults.to_vec();
        for (name, value) in record {
            match all.iter_mut().find(|(key, _)| key == name) {
                Some(entry) => entry.1 = value,
                None => all.push((name.to_owned(), value)),
            }
        }
        Value::Dict(all)
    }
}

/// What `\w` matches.
fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
