//! The record: one message with everything that Python's `LogRecord` knows about it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::level;
use crate::value::Value;

/// One message and its circumstances.
pub(crate) struct Record {
    /// the logger's name
    pub(crate) logger: Arc<str>,
    /// the message, complete
    pub(crate) message: String,
    /// its level as a Python number
    pub(crate) level: i64,
    /// the source file
    pub(crate) path: String,
    /// the line in it
    pub(crate) line: u32,
    /// the module that logged
    pub(crate) function: String,
    /// when it was logged, since the epoch
    pub(crate) created: Duration,
    /// how long the program had been running by then
    pub(crate) relative: Duration,
    /// the thread that logged
    pub(crate) thread: (i64, String),
    /// whether a formatter has had it, which adds `message` to its fields
    pub(crate) formatted: AtomicBool,
    /// whether it has reached a destination
    pub(crate) taken: AtomicBool,
    /// the time as the last formatter wrote it
    pub(crate) asctime: Mutex<Option<String>>,
}

impl Record {
    /// Takes over what the program logs.
    pub(crate) fn new(record: &log::Record, logger: &Arc<str>, start: SystemTime) -> Self {
        let now = SystemTime::now();
        let path = record.file().unwrap_or("(unknown file)").to_owned();
        Record {
            logger: Arc::clone(logger),
            message: record.args().to_string(),
            level: level::of(record.level()),
            path,
            line: record.line().unwrap_or(0),
            function: record
                .module_path()
                .unwrap_or("(unknown function)")
                .to_owned(),
            created: now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
            relative: now.duration_since(start).unwrap_or_default(),
            thread: thread(),
            formatted: AtomicBool::new(false),
            taken: AtomicBool::new(false),
            asctime: Mutex::new(None),
        }
    }

    /// Notes that a formatter has had the record.
    pub(crate) fn set_formatted(&self) {
        self.formatted.store(true, Ordering::Relaxed);
    }

    /// Notes that the record has reached a destination.
    pub(crate) fn set_taken(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// Whether the record has reached a destination.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// Notes the time as text.
    pub(crate) fn set_asctime(&self, text: String) {
        *self.asctime.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// When the message was logged, in whole seconds since the epoch.
    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.created.as_secs()).unwrap_or(i64::MAX)
    }

    /// `msecs`: by way of a float, as Python does it.
    pub(crate) fn milliseconds(&self) -> f64 {
        (self.created.as_secs_f64().fract() * 1000.0).trunc()
    }

    /// `filename`
    fn filename(&self) -> &str {
        self.path
            .rsplit(std::path::is_separator)
            .next()
            .unwrap_or_default()
    }

    /// `module`: the file name without its extension.
    fn module(&self) -> &str {
        let name = self.filename();
        let dots = name.len() - name.trim_start_matches('.').len();
        name[dots..]
            .rfind('.')
            .map_or(name, |dot| &name[..dots + dot])
    }

    /// One field by name.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let text = |text: &str| Some(Value::Str(text.to_owned()));
        match name {
            "message" if self.formatted.load(Ordering::Relaxed) => text(&self.message),
            "msg" => text(&self.message),
            "levelname" => Some(Value::Str(level::name(self.level))),
            "levelno" => Some(Value::Int(self.level)),
            "name" => text(&self.logger),
            "args" => Some(Value::Tuple),
            "pathname" => text(&self.path),
            "filename" => text(self.filename()),
            "module" => text(self.module()),
            "exc_info" | "exc_text" | "stack_info" => Some(Value::None),
            "lineno" => Some(Value::Int(self.line.into())),
            "funcName" => text(&self.function),
            "created" => Some(Value::Float(self.created.as_secs_f64())),
            "msecs" => Some(Value::Float(self.milliseconds())),
            "relativeCreated" => Some(Value::Float(self.relative.as_secs_f64() * 1000.0)),
            "thread" => Some(Value::Int(self.thread.0)),
            "threadName" => text(&self.thread.1),
            "processName" => text("MainProcess"),
            "process" => Some(Value::Int(std::process::id().into())),
            "asctime" => self
                .asctime
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
                .map(Value::Str),
            _ => None,
        }
    }

    /// `record.__dict__`, in its order.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Value)> {
        const NAMES: [&str; 22] = [
            "name",
            "msg",
            "args",
            "levelname",
            "levelno",
            "pathname",
            "filename",
            "module",
            "exc_info",
            "exc_text",
            "stack_info",
            "lineno",
            "funcName",
            "created",
            "msecs",
            "relativeCreated",
            "thread",
            "threadName",
            "processName",
            "process",
            "message",
            "asctime",
        ];
        NAMES
            .iter()
            .filter_map(|name| Some((*name, self.get(name)?)))
            .collect()
    }
}

/// The current thread's number and its name, as Python would call it.
fn thread() -> (i64, String) {
    let thread = std::thread::current();
    // The number is only to be had from the text, `ThreadId(1)`.
    let number = format!("{:?}", thread.id())
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>();
    let number = number.parse().unwrap_or(0);
    let name = match thread.name() {
        Some("main") => "MainThread".to_owned(),
        // A program that does not start as Rust's do has not named it.
        None if number == 1 => "MainThread".to_owned(),
        Some(name) => name.to_owned(),
        None => format!("Thread-{number}"),
    };
    (number, name)
}
