//! An object of the configuration, from which keys are taken one by one; the values that need no room of their own; and
//! faults that name the place.

use serde_json::Value;
use serde_json::map::Map;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The place in a file and what is wrong there: one line without the file's name, like `ttl: is missing and required`.
/// Texts of the file may stand in it as they are, so whoever shows it escapes it; a secret never does.
#[derive(Debug)]
pub struct Fault {
    /// The key's path (`tsig.algorithm`), or the line and column; empty for the file as a whole.
    place: String,
    /// What is wrong and what would be right.
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.place.is_empty() { "" } else { ": " };
        write!(f, "{}{between}{}", self.place, self.what)
    }
}

/// A fault at a key.
#[cold]
pub(super) fn fault(place: impl Into<String>, what: impl Into<String>) -> Fault {
    Fault {
        place: place.into(),
        what: what.into(),
    }
}

/// A value with the path to it.
pub(super) type At = (String, Value);

/// A JSON object of the configuration, from which keys are taken.
pub(super) struct Section {
    /// The path to it with a dot behind, for the top nothing.
    path: String,
    /// What has not been taken yet.
    keys: Map<String, Value>,
}

impl Section {
    /// The object at `path` (with a dot behind, for the top nothing), if it has no other keys than `allowed`.
    pub(super) fn new(
        path: String,
        keys: Map<String, Value>,
        allowed: &[&str],
    ) -> Result<Self, Fault> {
        let Some(unknown) = keys.keys().find(|key| !allowed.contains(&key.as_str())) else {
            return Ok(Self { path, keys });
        };
        // To measure how near two words are takes memory by the product of their lengths.
        let lower: String = unknown.to_ascii_lowercase().chars().take(32).collect();
        let near = allowed
            .iter()
            .map(|key| (strsim::damerau_levenshtein(&lower, key), key))
            .min()
            .filter(|(distance, key)| distance * 3 <= key.len().max(6));
        let hint = match near {
            Some((_, key)) => format!("did you mean `{key}`?"),
            None => format!("there are {}", allowed.join(", ")),
        };
        Err(fault(
            format!("{path}{}", shown(unknown)),
            format!("no such key; {hint}"),
        ))
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Takes a key that need not be there.
    pub(super) fn optional(&mut self, key: &str) -> Option<At> {
        self.keys
            .remove(key)
            .map(|value| ([&self.path, key].concat(), value))
    }

    /// Takes a key that must be there; `wanted` is what it should have, in words.
    pub(super) fn required(&mut self, key: &str, wanted: &str) -> Result<At, Fault> {
        self.optional(key).ok_or_else(|| {
            fault(
                format!("{}{key}", self.path),
                format!("is missing and required; give {wanted}"),
            )
        })
    }
}

/// A key as part of a path: as it stands if it is a plain word, and in quotes if one could not see what it is.
pub(super) fn shown(key: &str) -> Cow<'_, str> {
    let is_plain = |character: char| !character.is_whitespace() && !character.is_control();
    if key.is_empty() || key.len() > 64 || !key.chars().all(is_plain) {
        quoted(key).into()
    } else {
        key.into()
    }
}

/// The text of a string.
pub(super) fn string((path, value): At) -> Result<(String, String), Fault> {
    match value {
        Value::String(text) => Ok((path, text)),
        other => Err(fault(
            path,
            format!("must be a string, not {}", kind(&other)),
        )),
    }
}

/// What a value is, without saying which.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text in quotes for a message, of which nobody needs more than the beginning.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// `true` or `false`.
pub(super) fn boolean((path, value): At) -> Result<bool, Fault> {
    value
        .as_bool()
        .ok_or_else(|| fault(path, format!("must be true or false, not {}", kind(&value))))
}

/// An object with no other keys than `allowed`.
pub(super) fn section((path, value): At, allowed: &[&str]) -> Result<Section, Fault> {
    match value {
        Value::Object(keys) => Section::new(format!("{path}."), keys, allowed),
        other => Err(fault(
            path,
            format!(
                "must be an object with the keys {}, not {}",
                allowed.join(", "),
                kind(&other)
            ),
        )),
    }
}

/// A number of seconds above zero.
pub(super) fn seconds(value: At) -> Result<Duration, Fault> {
    let (path, seconds) = number(value)?;
    if !(0.001..=f64::from(i32::MAX)).contains(&seconds) {
        return Err(fault(
            path,
            "must be a number of seconds from 0.001 to 2147483647",
        ));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A time to live: RFC 2181, section 8, allows 31 bits. A fraction is cut off, as Python's int does.
pub(super) fn ttl(value: At) -> Result<u32, Fault> {
    let (path, seconds) = number(value)?;
    let seconds = seconds.trunc();
    if !(0.0..=f64::from(i32::MAX)).contains(&seconds) {
        return Err(fault(path, "must be from 0 to 2147483647 seconds"));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked"
    )]
    Ok(seconds as u32)
}

/// A number of seconds, however large.
fn number((path, value): At) -> Result<(String, f64), Fault> {
    match &value {
        Value::Number(number) => Ok((path, number.as_f64().unwrap_or(f64::NAN))),
        other => Err(fault(
            path,
            format!("must be a number of seconds, not {}", kind(other)),
        )),
    }
}

/// That a key which may be `true` or an object is neither.
pub(super) fn neither_true_nor_object(path: String, value: &Value) -> Fault {
    fault(
        path,
        format!("must be true or an object, not {}", kind(value)),
    )
}
