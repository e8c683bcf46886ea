//! Formatters: from a record to text, by Python's three styles.

mod brace;
mod brace_check;
mod dollar;
mod fields;
mod percent;
mod spec;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::late::Late;
use crate::record::Record;
use crate::time;
use crate::value::Value;
use fields::Fields;

/// How a format refers to a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    /// `%(name)s`
    Percent,
    /// `{name}`
    Brace,
    /// `${name}`
    Dollar,
}

impl Style {
    /// Reads the value of `style`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "%" => Some(Style::Percent),
            "{" => Some(Style::Brace),
            "$" => Some(Style::Dollar),
            _ => None,
        }
    }

    /// The format of a formatter without one.
    pub(crate) fn default_format(self) -> &'static str {
        match self {
            Style::Percent => "%(message)s",
            Style::Brace => "{message}",
            Style::Dollar => "${message}",
        }
    }

    /// What `validate` finds wrong with a format.
    pub(crate) fn validate(self, format: &str) -> Result<(), String> {
        match self {
            Style::Percent if percent::valid(format) => Ok(()),
            Style::Percent => Err(format!("invalid format '{format}' for '%' style")),
            Style::Brace => {
                brace_check::validate(format).map_err(|error| format!("invalid format: {error}"))
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
pub(crate) struct Formatter {
    /// how the format is written
    pub(crate) style: Style,
    /// the format
    pub(crate) format: Late<Cow<'static, str>>,
    /// how `asctime` is written, if not in the usual way
    pub(crate) datefmt: Late<Option<String>>,
    /// fields that a record hasn't
    pub(crate) defaults: Late<Vec<(String, Value)>>,
    /// the usual way to write `asctime`
    pub(crate) default_time_format: Late<Cow<'static, str>>,
    /// how the milliseconds are added to it
    pub(crate) default_msec_format: Late<Option<Cow<'static, str>>>,
}

impl Default for Formatter {
    fn default() -> Self {
        Formatter {
            style: Style::Percent,
            format: Ok(Style::Percent.default_format().into()),
            datefmt: Ok(None),
            defaults: Ok(Vec::new()),
            default_time_format: Ok("%Y-%m-%d %H:%M:%S".into()),
            default_msec_format: Ok(Some("%s,%03d".into())),
        }
    }
}

impl Formatter {
    /// `Formatter.format`
    pub(crate) fn format(&self, record: &Record) -> Result<String, String> {
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
