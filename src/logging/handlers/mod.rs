//! Handlers: what the classes share. Each kind has a file of its own.

pub(super) mod eventlog;
#[cfg(windows)]
mod eventlog_windows;
pub(super) mod file;
pub(super) mod http;
pub(super) mod journal;
pub(super) mod memory;
pub(super) mod rotating;
pub(super) mod smtp;
pub(super) mod socket;
pub(super) mod stream;
pub(super) mod syslog;
pub(super) mod timed;
pub(super) mod watched;

use std::sync::Arc;

use super::ConfigError;
use super::format::{Formatter, Late};
use super::network::Delivery;
use super::record::Record;
use super::value::Value;

/// A destination of records.
pub(super) trait Sink: Send {
    /// Opens the destination, as the class does when it is made.
    ///
    /// # Errors
    /// The destination and what is wrong with it.
    fn open(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Writes one record, or keeps it for `delivery`.
    ///
    /// # Errors
    /// The destination and what is wrong with it, or with the format.
    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String>;

    /// Sets an attribute, as a `.` dictionary does; one without a meaning here is ignored.
    fn set(&mut self, _name: &str, _value: &Value) {}

    /// Hands over what is to be sent once the program's work is done.
    fn delivery(&mut self) -> Option<Delivery> {
        None
    }

    /// Closes the destination.
    fn close(&mut self) {}
}

/// What a handler does with a record.
pub(super) enum Kind {
    /// nothing
    Null,
    /// keeps it for another handler
    Memory(memory::Memory),
    /// writes it
    Sink(Box<dyn Sink>),
}

/// A configured handler.
pub(super) struct Handler {
    /// its name in the configuration
    pub(super) name: String,
    /// below this level it takes nothing
    pub(super) level: i64,
    /// whether its filters let our records pass
    pub(super) passes: bool,
    /// its formatter, by number
    pub(super) formatter: Option<usize>,
    /// what it does
    pub(super) kind: Kind,
    /// whether it is of no use any more
    pub(super) broken: bool,
    /// whether its failure has been reported
    pub(super) reported: bool,
}

impl Handler {
    /// Says on stderr, once, what is wrong with the handler.
    pub(super) fn report(&mut self, problem: &str) {
        if !self.reported {
            self.reported = true;
            report(&self.name, problem);
        }
    }

    /// Opens the destination. One that can't be opened is reported and left alone from then on.
    pub(super) fn open(&mut self) {
        if let Kind::Sink(sink) = &mut self.kind
            && let Err(problem) = sink.open()
        {
            self.broken = true;
            self.report(&problem);
        }
    }

    /// Writes one record to a destination of its own.
    pub(super) fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) {
        if self.broken {
            return;
        }
        if let Kind::Sink(sink) = &mut self.kind
            && let Err(problem) = sink.emit(record, formatter)
        {
            self.report(&problem);
        }
    }
}

/// Writes the line about a handler that fails. If that can't be written either, nothing can.
pub(super) fn report(handler: &str, problem: &str) {
    use std::io::Write;
    let name = super::LOGGER_NAME;
    let problem = without_number(problem).replace('\n', " ");
    let line = format!("{name}: logging.handlers.{handler}: {problem}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// An operating system's error in its own words.
pub(super) fn reason(error: &std::io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

/// A problem without the number that Rust puts behind what the operating system says.
fn without_number(problem: &str) -> &str {
    match problem.rfind(" (os error ") {
        Some(end) if problem.ends_with(')') => &problem[..end],
        _ => problem,
    }
}

/// The keyword arguments of a handler.
pub(super) struct Arguments {
    /// the handler's path in the configuration
    path: String,
    /// those not taken yet
    values: Vec<(String, Value)>,
    /// those that the class has been asked for
    known: Vec<&'static str>,
    /// whether the class is called directly, by a factory `()`, so that lists stay lists
    pub(super) by_factory: bool,
}

impl Arguments {
    /// Starts with all of them.
    pub(super) fn new(path: String, values: Vec<(String, Value)>, by_factory: bool) -> Self {
        Arguments {
            path,
            values,
            known: Vec::new(),
            by_factory,
        }
    }

    /// An argument, if it is given.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.values.iter().position(|(key, _)| key == name)?;
        Some(self.values.swap_remove(at).1)
    }

    /// An argument that must be given.
    pub(super) fn required(&mut self, name: &'static str) -> Result<Value, ConfigError> {
        self.take(name)
            .ok_or_else(|| self.error(name, "is missing, and the class needs it"))
    }

    /// An argument that must be text, with what it is if not given.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        default: &str,
    ) -> Result<String, ConfigError> {
        match self.take(name) {
            None => Ok(default.to_owned()),
            Some(Value::Str(text)) => Ok(text),
            Some(value) => Err(self.error(name, format!("must be a string, not {}", value.repr()))),
        }
    }

    /// An argument that Python only asks whether it is true.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.take(name).map_or(default, |value| value.truthy())
    }

    /// All others, for a class that takes any.
    pub(super) fn others(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.values)
    }

    /// An error about one argument.
    pub(super) fn error(&self, name: &str, message: impl Into<String>) -> ConfigError {
        ConfigError {
            path: format!("{}.{name}", self.path),
            message: message.into(),
        }
    }

    /// Turns a complaint about an argument that Python would come upon at once into an error.
    pub(super) fn now<T>(&self, name: &str, value: Late<T>) -> Result<T, ConfigError> {
        value.map_err(|message| self.error(name, message))
    }

    /// Refuses what the class doesn't know.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        match self.values.first() {
            None => Ok(()),
            Some((name, _)) => {
                let known = if self.known.is_empty() {
                    "none".to_owned()
                } else {
                    self.known.join(", ")
                };
                Err(self.error(
                    name,
                    format!("the class takes no such argument; it takes: {known}"),
                ))
            }
        }
    }
}

/// An attribute that must be text once a record comes.
pub(super) fn late_text(name: &str, value: &Value) -> Late<String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Err(format!("{name} must be a string, not {}", value.repr())),
    }
}

/// A number that Python compares with another once a record comes.
pub(super) fn late_number(name: &str, value: &Value) -> Late<f64> {
    value
        .number()
        .ok_or_else(|| format!("{name} must be a number, not {}", value.repr()))
}

/// A whole number that Python needs once a record comes.
pub(super) fn late_count(name: &str, value: &Value) -> Late<i64> {
    match value {
        Value::Float(number) if *number <= 0.0 => Ok(0),
        _ => value
            .integer()
            .ok_or_else(|| format!("{name} must be a whole number, not {}", value.repr())),
    }
}
