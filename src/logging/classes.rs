//! What each Python class becomes here. A class that isn't in this file is not supported.

use crate::error::ConfigError;
use crate::handler::Kind;
use crate::handlers::{
    Arguments, EventLog, FileHandler, Http, Journal, Memory, Rotating, Sink, Smtp, Socket, Stream,
    SysLog, Timed, Watched,
};
use crate::value::Value;

/// The class of formatters, [`crate::format::Formatter`].
pub(crate) const FORMATTER: &str = "logging.Formatter";

/// The class of filters. All records go to one logger, so that a filter is nothing but whether it lets them pass.
pub(crate) const FILTER: &str = "logging.Filter";

/// Makes a handler of a class's arguments.
pub(crate) type Make = fn(&mut Arguments) -> Result<Kind, ConfigError>;

/// The classes of handlers.
static HANDLERS: [(&str, Make); 14] = [
    ("logging.StreamHandler", |given| {
        sink(Ok(Stream::new(given)))
    }),
    // It takes a level, and that has been taken out already.
    ("logging.NullHandler", |_| Ok(Kind::Null)),
    ("logging.FileHandler", |given| sink(FileHandler::new(given))),
    ("logging.handlers.WatchedFileHandler", |given| {
        sink(Watched::new(given))
    }),
    ("logging.handlers.RotatingFileHandler", |given| {
        sink(Rotating::new(given))
    }),
    ("logging.handlers.TimedRotatingFileHandler", |given| {
        sink(Timed::new(given))
    }),
    ("logging.handlers.SysLogHandler", |given| {
        sink(SysLog::new(given))
    }),
    ("logging.handlers.NTEventLogHandler", |given| {
        sink(EventLog::new(given))
    }),
    (MEMORY, |given| Memory::new(given).map(Kind::Memory)),
    ("logging.handlers.SocketHandler", |given| {
        sink(Socket::new(given, true))
    }),
    ("logging.handlers.DatagramHandler", |given| {
        sink(Socket::new(given, false))
    }),
    ("logging.handlers.SMTPHandler", |given| {
        sink(Smtp::new(given))
    }),
    ("logging.handlers.HTTPHandler", |given| {
        sink(Http::new(given))
    }),
    ("systemd.journal.JournalHandler", |given| {
        sink(Journal::new(given))
    }),
];

/// The one class of handlers whose argument `target` names another handler.
pub(crate) const MEMORY: &str = "logging.handlers.MemoryHandler";

/// Puts a destination on the heap.
fn sink<S: Sink + 'static>(sink: Result<S, ConfigError>) -> Result<Kind, ConfigError> {
    Ok(Kind::Sink(Box::new(sink?)))
}

/// A class of handlers, and how one is made.
pub(crate) fn handler(name: &str) -> Option<(&'static str, Make)> {
    HANDLERS.iter().copied().find(|(class, _)| *class == name)
}

/// The full name of a class of this name, of whatever it is.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    [FORMATTER, FILTER]
        .into_iter()
        .find(|class| *class == name)
        .or_else(|| Some(handler(name)?.0))
}

/// The names of the classes of handlers, for messages.
pub(crate) fn handlers() -> String {
    HANDLERS.map(|(class, _)| class).join(", ")
}

/// The complaint about a class that isn't here.
pub(crate) fn foreign(class: &Value, known: &str) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let meant = match class {
        Value::Str(name) => known.split(", ").find(|known| last(known) == last(name)),
        _ => None,
    };
    let reason = match meant {
        Some(meant) => format!("the class is called {meant}"),
        None => "it needs a Python interpreter".to_owned(),
    };
    format!(
        "{} is not supported: {reason}; there are {known}",
        class.repr()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_under_a_name_that_is_nearly_right_is_told_its_own() {
        for (name, says) in [
            ("StreamHandler", "the class is called logging.StreamHandler"),
            (
                "logging.SyslogHandler",
                "the class is called logging.handlers.SysLogHandler",
            ),
            (
                "logging.handlers.QueueHandler",
                "it needs a Python interpreter",
            ),
            ("", "it needs a Python interpreter"),
        ] {
            let told = foreign(&Value::Str(name.to_owned()), &handlers());
            let expected = format!("'{name}' is not supported: {says}; there are logging.Stream");
            assert!(told.starts_with(&expected), "{told}");
        }
    }
}
