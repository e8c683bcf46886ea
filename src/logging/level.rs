//! Levels: Python's numbers and names.

use crate::value::Value;

/// `ERROR`
pub(crate) const ERROR: i64 = 40;

/// `WARNING`: the root logger's level, and that from which on the last resort prints.
pub(crate) const WARNING: i64 = 30;

/// The names that a configuration may use.
const NAMES: [(&str, i64); 8] = [
    ("CRITICAL", 50),
    ("FATAL", 50),
    ("ERROR", 40),
    ("WARN", 30),
    ("WARNING", 30),
    ("INFO", 20),
    ("DEBUG", 10),
    ("NOTSET", 0),
];

/// The Python level of what a Rust program logs.
pub(crate) fn of(level: log::Level) -> i64 {
    match level {
        log::Level::Error => 40,
        log::Level::Warn => 30,
        log::Level::Info => 20,
        log::Level::Debug => 10,
        log::Level::Trace => 5,
    }
}

/// The most that passes a logger with the given level.
pub(crate) fn filter(level: i64) -> log::LevelFilter {
    match level {
        ..=5 => log::LevelFilter::Trace,
        6..=10 => log::LevelFilter::Debug,
        11..=20 => log::LevelFilter::Info,
        21..=30 => log::LevelFilter::Warn,
        31..=40 => log::LevelFilter::Error,
        _ => log::LevelFilter::Off,
    }
}

/// `logging.getLevelName`
pub(crate) fn name(level: i64) -> String {
    match level {
        50 => "CRITICAL".to_owned(),
        40 => "ERROR".to_owned(),
        30 => "WARNING".to_owned(),
        20 => "INFO".to_owned(),
        10 => "DEBUG".to_owned(),
        0 => "NOTSET".to_owned(),
        other => format!("Level {other}"),
    }
}

/// The number of a level's name.
pub(crate) fn by_name(name: &str) -> Option<i64> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, level)| *level)
}

/// `logging._checkLevel`
pub(crate) fn parse(value: &Value) -> Result<i64, String> {
    let allowed =
        "a level is CRITICAL, FATAL, ERROR, WARNING, WARN, INFO, DEBUG, NOTSET or a whole number";
    match value {
        Value::Str(text) => {
            by_name(text).ok_or_else(|| format!("unknown level {text:?}; {allowed}"))
        }
        _ => value
            .integer()
            .ok_or_else(|| format!("not a level: {}; {allowed}", value.repr())),
    }
}
