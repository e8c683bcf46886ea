//! Python's [`logging.config.dictConfig`] for programs that use the [`log`] crate.
//!
//! A *logging configuration dictionary* says where a program's log goes: which levels, in which format, to which files,
//! streams, system logs and servers. Python programs have such dictionaries in their JSON configuration files. This crate
//! reads them, so that a program that is rewritten in Rust can keep its users' files, and a new one can offer them a way of
//! configuring logs that is documented and widely known.
//!
//! ```standalone_crate
//! let configuration = serde_json::json!({
//!     "version": 1,
//!     "formatters": {"brief": {"format": "%(levelname)-8s %(message)s"}},
//!     "handlers": {
//!         "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "brief"}
//!     },
//!     "root": {"level": "INFO", "handlers": ["console"]}
//! });
//! let logger = dictconfig::Configuration::from_json(&configuration, "example")?
//!     .open(dictconfig::Environment::default());
//! log::set_max_level(logger.max_level());
//! let logger: &'static dictconfig::Logger = Box::leak(Box::new(logger));
//! log::set_logger(logger)?;
//!
//! log::info!("three files copied");        // prints "INFO     three files copied"
//! log::debug!("not shown at level INFO");
//!
//! for error in logger.finish() {
//!     eprintln!("{error}");                // an error that no destination has taken
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is the same as in Python
//!
//! `CPython` 3.11 is the reference, and the tests compare with it: what it writes for a configuration and a record, this
//! writes, byte for byte; what it rejects, this rejects, naming the key at fault. That holds for
//!
//! * the schema: `formatters`, `filters`, `handlers`, `loggers`, `root`, `incremental`, propagation, levels by name or number;
//! * references: `cfg://handlers.file.filename`, and `ext://` for what a program without an interpreter can have
//!   (`ext://sys.stdout`, `ext://logging.INFO`, `ext://socket.SOCK_STREAM`, the constants of `SysLogHandler`);
//! * formats: the styles `%`, `{` and `$` with all their flags, widths and conversions, `datefmt`, `validate`, `defaults`;
//! * handlers: `StreamHandler`, `NullHandler` and `FileHandler`; of `logging.handlers`: `WatchedFileHandler`,
//!   `RotatingFileHandler`, `TimedRotatingFileHandler`, `SysLogHandler`, `NTEventLogHandler`, `MemoryHandler`,
//!   `SocketHandler`, `DatagramHandler`, `SMTPHandler`, `HTTPHandler`; and `systemd.journal.JournalHandler`.
//!
//! # What is different
//!
//! * All records go to one logger, whose name the program chooses; `target` and modules of the `log` crate do not matter.
//! * A handler that fails does not print a traceback: [`Environment::complain`] gets one line about it, and only the first.
//! * A pipe that nobody empties or a daemon that hangs holds the program up for half a second at most.
//! * Handlers for the network keep their records, and [`Logger::finish`] sends them, all at once and within a time limit.
//!   So this crate is for programs that run, end, and must not wait for a log server in between; a server that runs for
//!   months would not see its mails before its end.
//! * `pathname`, `filename`, `module`, `lineno` are those of the Rust source, and `funcName` is the module path.
//! * Classes, factories and `ext://` objects of a Python program's own are not supported: they are errors, and never ignored.
//! * Errors that no destination has taken are returned by [`Logger::finish`].
//!
//! [`logging.config.dictConfig`]: https://docs.python.org/3.11/library/logging.config.html#logging-config-dictschema

// From the bottom up: each module imports only from those above it in this list, and so do the files of a folder.
mod error;
mod float;
mod value;

mod codec;
mod late;
mod level;
mod record;
mod streams;
mod syslog_codes;
mod system;
mod time;

mod external;
mod tree;

mod references;

mod environment;
mod format;
mod network;
mod tls;

mod handlers;

mod handler;

mod classes;

mod schema;

mod logger;

pub use environment::{Authorities, Complain, Environment, Resolve};
pub use error::ConfigError;
pub use logger::Logger;
pub use streams::Stderr;

use std::sync::Arc;

/// A validated configuration. Nothing has been opened yet.
pub struct Configuration {
    /// what it says
    plan: schema::Plan,
    /// the logger that records go to
    name: Arc<str>,
}

impl Configuration {
    /// Validates a configuration as `dictConfig` does, without opening anything. All records will go to the logger of the
    /// given name, as those of `logging.getLogger(name)` would; `""` is the root.
    ///
    /// # Errors
    /// Whatever Python would raise an exception for, and what only a Python program could have.
    pub fn from_json(
        configuration: &serde_json::Value,
        logger_name: &str,
    ) -> Result<Self, ConfigError> {
        let plan = schema::read(configuration, logger_name)?;
        let name = if schema::is_root(logger_name) {
            "root"
        } else {
            logger_name
        };
        Ok(Self {
            plan,
            name: name.into(),
        })
    }

    /// Opens the destinations, in the order in which Python does. One that can't be opened is a complaint, and the others
    /// work all the same.
    #[must_use]
    pub fn open(self, environment: Environment) -> Logger {
        Logger::open(self.plan, self.name, environment)
    }
}

/// The example in README.md is tested as well.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    //! Without `CPython`: where errors point, and what is enabled.
    #![allow(clippy::unwrap_used)]

    use log::Log;
    use serde_json::json;

    use super::{Configuration, Environment};

    #[test]
    fn names_the_key_at_fault() {
        let syslog = "logging.handlers.SysLogHandler";
        let cases = [
            (json!({}), "version: is missing"),
            (json!({"version": 2}), "version: unsupported"),
            (json!([]), "must be"),
            (
                json!({"version": 1, "handlers": {"s": {"class": syslog, "address": "/dev/log", "facility": "locl0"}}}),
                "handlers.s.facility: unknown facility \"locl0\"; there are kern, user",
            ),
            (
                json!({"version": 1, "root": {"handlers": ["x"]}}),
                "root.handlers: there is no handler 'x'",
            ),
            (
                json!({"version": 1, "formatters": {"f": {"format": "x"}}}),
                "formatters.f.format: ",
            ),
        ];
        for (section, expected) in cases {
            let error = Configuration::from_json(&section, "app")
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
                json!({"version": 1, "root": {"level": "ERROR"}, "loggers": {"app": {"level": "INFO"}}}),
                log::LevelFilter::Info,
            ),
        ];
        for (section, expected) in cases {
            let logger = Configuration::from_json(&section, "app")
                .unwrap()
                .open(Environment::default());
            assert_eq!(logger.max_level(), expected);
            for level in log::Level::iter() {
                let metadata = log::Metadata::builder().level(level).build();
                assert_eq!(logger.enabled(&metadata), level <= expected);
            }
        }
    }
}
