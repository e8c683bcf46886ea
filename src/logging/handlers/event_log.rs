//! `logging.handlers.NTEventLogHandler`: the Windows event log.

use std::sync::Arc;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::{ConfigError, reason};
use crate::format::Formatter;
use crate::record::Record;
use crate::system::{EventType, HAS_EVENT_LOG, event_log};
use crate::value::Value;

/// The type of an event for a level. Python takes levels that it has no name for as errors.
fn event_type(level: i64) -> EventType {
    match level {
        10 | 20 => EventType::Information,
        30 => EventType::Warning,
        _ => EventType::Error,
    }
}

/// The event log under one source.
pub(crate) struct EventLog {
    /// the source
    appname: String,
    /// the file with the texts of messages, if not the usual one
    dllname: Option<String>,
    /// the log: `Application`, `System` or `Security`
    logtype: String,
}

impl EventLog {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        if !HAS_EVENT_LOG {
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
        event_log::register(&self.appname, self.dllname.as_deref(), &self.logtype)
            .map_err(|error| format!("event source {}: {}", self.appname, reason(&error)))
    }

    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        let text = formatter.format(record)?;
        event_log::report(&self.appname, event_type(record.level), &text)
            .map(|()| Taken::Written)
            .map_err(|error| format!("event source {}: {}", self.appname, reason(&error)))
    }
}
