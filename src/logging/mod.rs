//! The `logging` section: Python's `logging.config.dictConfig` for a native program.
//!
//! What `CPython` 3.11 prints for a configuration and a record, this prints; what it rejects, this rejects, with the path of
//! the key at fault. All records go to the logger `pydyndns`. Where Python would print a traceback about a destination that
//! fails, this prints one line on stderr; the program goes on whatever happens here. Destinations on the network are served
//! only by [`Logger::finish`], once the program's own work is done, and never for long.

mod classes;
mod codec;
mod format;
mod handlers;
mod level;
mod network;
mod record;
mod schema;
mod time;
mod tree;
mod value;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use format::Formatter;
use handlers::{Handler, Kind};
use record::Record;
use schema::Node;

/// The logger that all records go to; also what lines about logging itself begin with.
const LOGGER_NAME: &str = "pydyndns";

/// A validated section. Nothing has been opened yet.
pub(crate) struct Configuration(schema::Plan);

/// What is wrong with a section.
#[derive(Debug)]
pub(crate) struct ConfigError {
    /// the key at fault, like `logging.handlers.syslog.facility`
    pub(crate) path: String,
    /// what is wrong, and what is allowed
    pub(crate) message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Configuration {
    /// Validates a section as `dictConfig` does, without opening anything.
    ///
    /// # Errors
    /// Whatever Python would raise an exception for, and what only a Python program could have.
    pub(crate) fn from_json(section: &serde_json::Value) -> Result<Self, ConfigError> {
        schema::read(section).map(Configuration)
    }

    /// Opens the destinations in the order in which Python does. One that can't be opened is a line on stderr.
    /// `resolve` finds the addresses of hosts on the network, once they are needed.
    #[must_use]
    pub(crate) fn open(self, resolve: fn(&str) -> io::Result<Vec<IpAddr>>) -> Logger {
        let schema::Plan {
            formatters,
            mut handlers,
            attributes,
            root,
            own,
        } = self.0;
        for (handler, attributes) in handlers.iter_mut().zip(attributes) {
            handler.open();
            for (name, value) in &attributes {
                match (&mut handler.kind, name.as_str()) {
                    (_, "level") => handler.level = value.integer().unwrap_or(handler.level),
                    (Kind::Sink(sink), _) => sink.set(name, value),
                    (Kind::Memory(memory), _) => memory.set(name, value),
                    (Kind::Null, _) => {}
                }
            }
        }
        Logger {
            level: if own.level == 0 {
                root.level
            } else {
                own.level
            },
            start: SystemTime::now(),
            resolve,
            last_resort: Formatter::default(),
            formatters,
            own,
            root,
            handlers: Mutex::new(handlers),
        }
    }
}

/// The logger `pydyndns` with its handlers.
pub(crate) struct Logger {
    /// below this level nothing is logged
    level: i64,
    /// when the program's log began
    start: SystemTime,
    /// finds hosts on the network
    resolve: network::Resolve,
    /// the formatter of handlers without one
    last_resort: Formatter,
    /// the formatters
    formatters: Vec<Formatter>,
    /// the logger itself
    own: Node,
    /// its parent
    root: Node,
    /// the handlers
    handlers: Mutex<Vec<Handler>>,
}

impl Logger {
    /// The most that is logged, for `log::set_max_level`.
    #[must_use]
    pub(crate) fn max_level(&self) -> log::LevelFilter {
        level::filter(self.level)
    }

    /// Passes on what handlers have kept, sends what is for the network, and closes everything. Takes less than five
    /// seconds whatever the other side does; what can't be delivered is a line on stderr for each handler.
    pub(crate) fn finish(&self) {
        let mut handlers = self.lock();
        // Python's shutdown goes from the last handler to the first.
        for number in (0..handlers.len()).rev() {
            self.flush(&mut handlers, number);
            if let Some(handler) = handlers.get_mut(number)
                && let Kind::Sink(sink) = &mut handler.kind
            {
                sink.close();
            }
        }
        let deliveries: Vec<_> = handlers
            .iter_mut()
            .filter_map(|handler| match &mut handler.kind {
                Kind::Sink(sink) => Some((handler.name.clone(), sink.delivery()?)),
                _ => None,
            })
            .collect();
        drop(handlers);
        if !deliveries.is_empty() {
            network::deliver(deliveries, self.resolve);
        }
    }

    /// The handlers. A thread that panicked within one leaves them usable.
    fn lock(&self) -> MutexGuard<'_, Vec<Handler>> {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Logger.handle`
    fn handle(&self, record: &Arc<Record>) {
        if !self.own.passes {
            return;
        }
        let parents: &[usize] = if self.own.propagate {
            &self.root.handlers
        } else {
            &[]
        };
        if self.own.handlers.is_empty() && parents.is_empty() {
            self.handle_without_handlers(record);
            return;
        }
        let mut handlers = self.lock();
        for number in self.own.handlers.iter().chain(parents) {
            if handlers
                .get(*number)
                .is_some_and(|handler| record.level >= handler.level)
            {
                self.pass(&mut handlers, *number, record);
            }
        }
    }

    /// `logging.lastResort`: warnings and worse go to stderr if there is no handler at all.
    fn handle_without_handlers(&self, record: &Record) {
        if record.level >= level::WARNING
            && let Ok(text) = self.last_resort.format(record)
        {
            use io::Write;
            let _ =
                io::stderr().write_all(handlers::stream::with_line_ends(text + "\n").as_bytes());
        }
    }

    /// `Handler.handle`, which looks at the handler's filters but not at its level.
    fn pass(&self, handlers: &mut [Handler], number: usize, record: &Arc<Record>) {
        let Some(handler) = handlers.get_mut(number).filter(|handler| handler.passes) else {
            return;
        };
        if let Kind::Memory(memory) = &mut handler.kind {
            match memory.keep(record) {
                Ok(true) => self.flush(handlers, number),
                Ok(false) => {}
                Err(problem) => handler.report(&problem),
            }
        } else {
            let formatter = handler
                .formatter
                .and_then(|number| self.formatters.get(number));
            handler.emit(record, formatter.unwrap_or(&self.last_resort));
        }
    }

    /// Passes on what a memory handler has kept. A chain of them ends, since a target is always made before its handler.
    fn flush(&self, handlers: &mut [Handler], number: usize) {
        let Some(handler) = handlers.get_mut(number) else {
            return;
        };
        let Kind::Memory(memory) = &mut handler.kind else {
            return;
        };
        match memory.target.clone() {
            Ok(Some(target)) => {
                for record in std::mem::take(&mut memory.buffer) {
                    self.pass(handlers, target, &record);
                }
            }
            // Without a target the records stay where they are.
            Ok(None) => {}
            Err(problem) => handler.report(&problem),
        }
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        level::of(metadata.level()) >= self.level
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            self.handle(&Arc::new(Record::new(record, self.start)));
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    //! Without `CPython`: where errors point, and what is enabled.
    #![allow(clippy::unwrap_used)]

    use log::Log;
    use serde_json::json;

    use super::Configuration;

    /// Nobody is to be found.
    fn resolve(_: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    #[test]
    fn names_the_key_at_fault() {
        let syslog = "logging.handlers.SysLogHandler";
        let cases = [
            (json!({}), "logging.version: is missing"),
            (json!({"version": 2}), "logging.version: unsupported"),
            (json!([]), "logging: must be"),
            (
                json!({"version": 1, "handlers": {"s": {"class": syslog, "address": "/dev/log", "facility": "locl0"}}}),
                "logging.handlers.s.facility: unknown facility \"locl0\"; there are kern, user",
            ),
            (
                json!({"version": 1, "root": {"handlers": ["x"]}}),
                "logging.root.handlers: there is no handler 'x'",
            ),
            (
                json!({"version": 1, "formatters": {"f": {"format": "x"}}}),
                "logging.formatters.f.format: ",
            ),
        ];
        for (section, expected) in cases {
            let error = Configuration::from_json(&section)
                .err()
                .unwrap()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn enables_what_the_effective_level_lets_pass() {
        let cases = [
            (json!({"version": 1}), log::LevelFilter::Warn),
            (
                json!({"version": 1, "root": {"level": "DEBUG"}}),
                log::LevelFilter::Debug,
            ),
            (
                json!({"version": 1, "root": {"level": 0}}),
                log::LevelFilter::Trace,
            ),
            (
                json!({"version": 1, "root": {"level": 41}}),
                log::LevelFilter::Off,
            ),
            (
                json!({"version": 1, "root": {"level": "ERROR"}, "loggers": {"pydyndns": {"level": "INFO"}}}),
                log::LevelFilter::Info,
            ),
        ];
        for (section, expected) in cases {
            let logger = Configuration::from_json(&section).unwrap().open(resolve);
            assert_eq!(logger.max_level(), expected);
            for level in log::Level::iter() {
                let metadata = log::Metadata::builder().level(level).build();
                assert_eq!(logger.enabled(&metadata), level <= expected);
            }
        }
    }
}
