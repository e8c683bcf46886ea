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
    /// Reads the class's arguments, and sees that there is such a log: Python would make one.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        if !HAS_EVENT_LOG {
            return Err(arguments.error("class", "only Windows has an event log"));
        }
        let log = Self::read(arguments)?;
        if !event_log::log_exists(&log.logtype) {
            let message = format!(
                "there is no log {:?}; the usual ones are Application and System",
                log.logtype
            );
            return Err(arguments.error("logtype", message));
        }
        Ok(log)
    }

    /// Reads the class's arguments.
    fn read(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let appname = match arguments.required("appname")? {
            Value::Str(text) => text,
            value => {
                return Err(
                    arguments.error("appname", format!("must be a string, not {}", value.repr()))
                );
            }
        };
        arguments.now("appname", key_name(&appname))?;
        let dllname = match arguments.take("dllname") {
            Some(Value::Str(text)) if !text.is_empty() => Some(text),
            Some(value) if value.truthy() => {
                let message = format!("must be null or a path, not {}", value.repr());
                return Err(arguments.error("dllname", message));
            }
            _ => None,
        };
        let logtype = arguments.text("logtype", "Application")?;
        arguments.now("logtype", key_name(&logtype))?;
        Ok(EventLog {
            appname,
            dllname,
            logtype,
        })
    }
}

/// Sees that a name can be that of one key of the registry, where sources and logs are keys.
fn key_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("must not be empty".to_owned())
    } else if name.contains(['\\', '\0']) {
        Err(format!("{name:?} must not have a backslash or a NUL"))
    } else {
        Ok(())
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

#[cfg(test)]
mod tests {
    //! The arguments, which are the same on every system.
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Reads arguments.
    fn read(given: &[(&str, Value)]) -> Result<EventLog, ConfigError> {
        let given = given
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        EventLog::read(&mut Arguments::new("h".to_owned(), given, false, None))
    }

    /// A string.
    fn text(text: &str) -> Value {
        Value::Str(text.to_owned())
    }

    #[test]
    fn null_stands_for_the_usual_message_file() {
        for (dllname, expected) in [
            (Value::None, None),
            (text(""), None),
            (text(r"C:\own.dll"), Some(r"C:\own.dll")),
        ] {
            let log = read(&[("appname", text("App")), ("dllname", dllname)]).unwrap();
            assert_eq!(log.dllname.as_deref(), expected);
            assert_eq!(log.logtype, "Application");
        }
    }

    #[test]
    fn names_that_are_no_keys_are_refused() {
        for name in ["", "\\", r"App\Own", "App\0"] {
            let appname = [("appname", text(name))];
            assert_eq!(read(&appname).err().unwrap().path(), "h.appname");
            let logtype = [("appname", text("App")), ("logtype", text(name))];
            assert_eq!(read(&logtype).err().unwrap().path(), "h.logtype");
        }
        let dllname = [("appname", text("App")), ("dllname", Value::Int(5))];
        assert_eq!(read(&dllname).err().unwrap().path(), "h.dllname");
    }

    #[test]
    fn levels_have_types() {
        assert_eq!(event_type(10), EventType::Information);
        assert_eq!(event_type(20), EventType::Information);
        assert_eq!(event_type(30), EventType::Warning);
        assert_eq!(event_type(40), EventType::Error);
        assert_eq!(event_type(5), EventType::Error);
    }
}
