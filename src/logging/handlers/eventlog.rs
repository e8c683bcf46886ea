//! `logging.handlers.NTEventLogHandler`: the Windows event log.

use super::super::ConfigError;
use super::super::format::Formatter;
use super::super::record::Record;
use super::super::value::Value;
#[cfg(windows)]
use super::eventlog_windows as system;
use super::{Arguments, Sink};

/// An event's type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum EventType {
    /// `EVENTLOG_ERROR_TYPE`
    Error,
    /// `EVENTLOG_WARNING_TYPE`
    Warning,
    /// `EVENTLOG_INFORMATION_TYPE`
    Information,
}

impl EventType {
    /// The type for a level. Python takes levels that it has no name for as errors.
    fn of(level: i64) -> Self {
        match level {
            10 | 20 => EventType::Information,
            30 => EventType::Warning,
            _ => EventType::Error,
        }
    }
}

/// The event log under one source.
pub(in super::super) struct EventLog {
    /// the source
    appname: String,
    /// the file with the texts of messages, if not the usual one
    dllname: Option<String>,
    /// the log: `Application`, `System` or `Security`
    logtype: String,
}

impl EventLog {
    /// Reads the class's arguments.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        if cfg!(not(windows)) {
            return Err(arguments.error("class", "only Windows has an event log"));
        }
        let appname = match arguments.required("appname")? {
            Value::Str(text) => text,
            value => {
                return Err(
                    arguments.error("appname", format!("must be a string, not {}", value.repr()))
                );
            }
        };
        let dllname = Some(arguments.text("dllname", "")?).filter(|name| !name.is_empty());
        let logtype = arguments.text("logtype", "Application")?;
        Ok(EventLog {
            appname,
            dllname,
            logtype,
        })
    }
}

impl Sink for EventLog {
    fn open(&mut self) -> Result<(), String> {
        // An account that may not register a source may still write to one that is there, or even to none.
        system::register(&self.appname, self.dllname.as_deref(), &self.logtype)
            .map_err(|error| format!("event source {}: {}", self.appname, super::reason(&error)))
    }

    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        let text = formatter.format(record)?;
        system::report(&self.appname, EventType::of(record.level), &text)
            .map_err(|error| format!("event source {}: {}", self.appname, super::reason(&error)))
    }
}

/// The system's side where there is no event log; such a handler is refused before.
#[cfg(not(windows))]
mod system {
    use std::io;

    use super::EventType;

    /// There is nothing to register with.
    pub(super) fn register(_: &str, _: Option<&str>, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is nothing to write to.
    pub(super) fn report(_: &str, _: EventType, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
