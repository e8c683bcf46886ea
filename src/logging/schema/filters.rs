//! Filters: `DictConfigurator.configure_filter`, and which of them a logger or handler has.

use super::objects::{take_attributes, take_factory};
use super::section::Section;
use crate::classes::FILTER;
use crate::error::ConfigError;
use crate::references::References;
use crate::value::{Object, Value};

/// Whether the filter that a section describes lets records of this logger pass.
pub(crate) fn configure(
    references: &mut References,
    section: &Section,
    logger: &str,
) -> Result<bool, ConfigError> {
    if section.has(references, "()") {
        take_factory(references, section, FILTER)?;
        take_attributes(references, section)?;
        if let Some(key) = section.keys(references).iter().find(|key| *key != "name") {
            let message = "logging.Filter takes no such argument; it takes: name";
            return Err(section.error(key, message));
        }
    }
    match section.get(references, "name")? {
        None => Ok(true),
        Some(Value::Str(name)) => Ok(lets_pass(&name, logger)),
        Some(value) => {
            Err(section.error("name", format!("must be a string, not {}", value.repr())))
        }
    }
}

/// `Filter.filter`: a filter lets its own logger's records pass, and those of loggers below it.
fn lets_pass(name: &str, logger: &str) -> bool {
    name.is_empty()
        || logger
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the filters that a logger or handler names let records pass.
pub(crate) fn all_pass(
    references: &mut References,
    section: &Section,
    names: Option<Value>,
) -> Result<bool, ConfigError> {
    let mut passes = true;
    if let Some(names) = names {
        for name in section.iterate("filters", &names)? {
            match section.look_up(references, "filters", &name, "filters")? {
                Value::Object(Object::Filter(one)) => passes &= one,
                _ => return Err(section.error("filters", format!("{} is no filter", name.repr()))),
            }
        }
    }
    Ok(passes)
}
