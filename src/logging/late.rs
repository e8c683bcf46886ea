//! Values that Python accepts in a configuration unseen and only looks at once a record comes. They keep their complaint
//! until then.

use crate::value::Value;

/// A value, or the complaint about it.
pub(crate) type Late<T> = Result<T, String>;

/// A string.
pub(crate) fn text(name: &str, value: &Value) -> Late<String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Err(format!("{name} must be a string, not {}", value.repr())),
    }
}

/// A string that may be left out.
pub(crate) fn optional_text(name: &str, value: &Value) -> Late<Option<String>> {
    if value.truthy() {
        text(name, value).map(Some)
    } else {
        Ok(None)
    }
}

/// A number that is compared with another.
pub(crate) fn number(name: &str, value: &Value) -> Late<f64> {
    value
        .number()
        .ok_or_else(|| format!("{name} must be a number, not {}", value.repr()))
}

/// A whole number.
pub(crate) fn count(name: &str, value: &Value) -> Late<i64> {
    match value {
        Value::Float(number) if *number <= 0.0 => Ok(0),
        _ => value
            .integer()
            .ok_or_else(|| format!("{name} must be a whole number, not {}", value.repr())),
    }
}
