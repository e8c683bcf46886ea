//! What the descriptions of all Python objects have in common: a factory `()`, and attributes `.`.

use super::section::Section;
use crate::classes;
use crate::error::ConfigError;
use crate::references::References;
use crate::value::{Object, Value};

/// What an object needs for itself and only a Python program could replace.
const INNER: [&str; 14] = [
    "formatter",
    "filters",
    "lock",
    "emit",
    "handle",
    "format",
    "filter",
    "flush",
    "close",
    "acquire",
    "release",
    "handleError",
    "converter",
    "formatTime",
];

/// Removes the `()` factory key and checks that it names a class we provide.
pub(crate) fn take_factory(
    references: &mut References,
    section: &Section,
    class: &'static str,
) -> Result<(), ConfigError> {
    match section.take(references, "()")?.unwrap_or(Value::None) {
        Value::Str(name) if name == class => Ok(()),
        Value::Object(Object::Class(name)) if name == class => Ok(()),
        other => Err(section.error("()", classes::foreign(&other, class))),
    }
}

/// Removes the `.` dictionary. Its values stay as they are written, references too.
pub(crate) fn take_attributes(
    references: &mut References,
    section: &Section,
) -> Result<Vec<(String, Value)>, ConfigError> {
    /// How paths show the key.
    const KEY: &str = "\".\"";
    let given = section.take(references, ".");
    let given = given.map_err(|error| section.error(KEY, error.message()))?;
    match given.unwrap_or(Value::None) {
        Value::Dict(attributes) => match attributes
            .iter()
            .find(|(name, _)| INNER.contains(&name.as_str()))
        {
            None => Ok(attributes),
            Some((name, _)) => Err(section.error(
                &format!("{KEY}.{name}"),
                "only a Python program could replace this",
            )),
        },
        value if !value.truthy() => Ok(Vec::new()),
        value => Err(section.error(KEY, format!("must be an object, not {}", value.repr()))),
    }
}
