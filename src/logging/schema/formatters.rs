//! Formatters: `DictConfigurator.configure_formatter`.

use std::borrow::Cow;

use super::objects::{take_attributes, take_factory};
use super::section::Section;
use crate::classes::{self, FORMATTER};
use crate::error::ConfigError;
use crate::format::{Formatter, Style};
use crate::late;
use crate::references::References;
use crate::value::Value;

/// Arguments by name.
type Arguments = Vec<(String, Value)>;

/// One argument.
fn find(given: &Arguments, key: &str) -> Option<Value> {
    given
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.clone())
}

/// Makes the formatter that a section describes.
pub(crate) fn configure(
    references: &mut References,
    section: &Section,
) -> Result<Formatter, ConfigError> {
    if section.has(references, "()") {
        return by_factory(references, section);
    }
    let mut given = Vec::new();
    for (key, argument) in [
        ("format", "fmt"),
        ("datefmt", "datefmt"),
        ("style", "style"),
        ("validate", "validate"),
        ("class", "class"),
    ] {
        if let Some(value) = section.get(references, key)? {
            given.push((argument.to_owned(), value));
        }
    }
    if let Some(class) = find(&given, "class").filter(Value::truthy)
        && class != Value::Str(FORMATTER.to_owned())
    {
        return Err(section.error("class", classes::foreign(&class, FORMATTER)));
    }
    make(&given, section)
}

/// Makes a formatter that the factory `()` names, which takes the class's own arguments and attributes.
fn by_factory(references: &mut References, section: &Section) -> Result<Formatter, ConfigError> {
    take_factory(references, section, FORMATTER)?;
    let attributes = take_attributes(references, section)?;
    let mut given = Vec::new();
    for key in section.keys(references) {
        let value = section.get(references, &key)?.unwrap_or(Value::None);
        match key.as_ref() {
            "fmt" | "datefmt" | "style" | "validate" | "defaults" => {
                given.push((key.into_owned(), value));
            }
            // The parameter's older name, which goes before the newer one.
            "format" => given.insert(0, ("fmt".to_owned(), value)),
            _ => {
                let message = "logging.Formatter takes no such argument; it takes: fmt, datefmt, style, validate, defaults";
                return Err(section.error(&key, message));
            }
        }
    }
    let mut formatter = make(&given, section)?;
    for (name, value) in &attributes {
        match name.as_str() {
            "datefmt" => formatter.datefmt = late::optional_text(name, value),
            "default_time_format" => {
                formatter.default_time_format = late::text(name, value).map(Cow::Owned);
            }
            "default_msec_format" => {
                let format = late::optional_text(name, value);
                formatter.default_msec_format = format.map(|format| format.map(Cow::Owned));
            }
            _ => {}
        }
    }
    Ok(formatter)
}

/// `logging.Formatter(fmt, datefmt, style, validate, defaults=defaults)`
fn make(given: &Arguments, section: &Section) -> Result<Formatter, ConfigError> {
    let style = find(given, "style").unwrap_or(Value::Str("%".to_owned()));
    let style = match &style {
        Value::Str(text) => Style::parse(text),
        _ => None,
    }
    .ok_or_else(|| {
        let message = format!(
            "must be one of \"%\", \"{{\" and \"$\", not {}",
            style.repr()
        );
        section.error("style", message)
    })?;
    let format = match find(given, "fmt").filter(Value::truthy) {
        None => Ok(Cow::Borrowed(style.default_format())),
        Some(format) => late::text("format", &format).map(Cow::Owned),
    };
    if find(given, "validate").is_none_or(|validate| validate.truthy()) {
        let checked = format
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|format| style.validate(format));
        checked.map_err(|error| section.error("format", error))?;
    }
    let datefmt = find(given, "datefmt").unwrap_or(Value::None);
    let datefmt = late::optional_text("datefmt", &datefmt).and_then(|datefmt| match datefmt {
        Some(text) if text.contains('\0') => Err("datefmt: embedded null character".to_owned()),
        datefmt => Ok(datefmt),
    });
    let defaults = match find(given, "defaults") {
        Some(Value::Dict(entries)) => Ok(entries),
        Some(value) if value.truthy() => {
            Err(format!("defaults must be an object, not {}", value.repr()))
        }
        _ => Ok(Vec::new()),
    };
    Ok(Formatter {
        style,
        format,
        datefmt,
        defaults,
        ..Formatter::default()
    })
}
