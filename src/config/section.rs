//! JSON as the configuration is written in: an object in which no key is given twice, from which keys are taken one by
//! one until none is left, and faults that name the place.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::map::{Entry, Map};
use std::cell::Cell;
use std::fmt;

/// The place in a file and what is wrong there.
#[derive(Debug)]
pub(crate) struct Fault {
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
pub(super) fn fault(place: impl Into<String>, what: impl Into<String>) -> Fault {
    Fault {
        place: place.into(),
        what: what.into(),
    }
}

/// No configuration has more values than this. Small ones take twenty times their text's bytes in memory.
const MOST_VALUES: u32 = 1 << 16;

/// The object that a JSON text is, in which no key is given twice.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Fault> {
    // Windows' editors put a mark before UTF-8.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict {
        left: &Cell::new(MOST_VALUES),
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(keys)) => Ok(keys),
        Ok(_) => Err(fault("", "must be a JSON object: { ... }")),
        Err(error) => {
            let place = format!("line {} column {}", error.line(), error.column());
            let what = error.to_string();
            Err(fault(
                place.clone(),
                what.strip_suffix(&format!(" at {place}")).unwrap_or(&what),
            ))
        }
    }
}

/// Reads any JSON value like serde_json itself, but refuses a key that is given twice, and masses of values.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// How many more values there may be.
    left: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(
            left.ok_or_else(|| de::Error::custom(format_args!("more than {MOST_VALUES} values")))?,
        );
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut keys = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            match keys.entry(key) {
                Entry::Vacant(place) => place.insert(entries.next_value_seed(self)?),
                Entry::Occupied(first) => {
                    let twice = format_args!("the key `{}` is given twice", first.key());
                    return Err(de::Error::custom(twice));
                }
            };
        }
        Ok(Value::Object(keys))
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
    /// The object at `path` (with a dot behind, for the top nothing), if it has no other keys than `allowed` and
    /// comments, whose keys begin with `_`.
    pub(super) fn new(
        path: String,
        keys: Map<String, Value>,
        allowed: &[&str],
    ) -> Result<Self, Fault> {
        let is_known = |key: &str| key.starts_with('_') || allowed.contains(&key);
        let Some(unknown) = keys.keys().find(|key| !is_known(key)) else {
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
            format!("{path}{unknown}"),
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

    /// Takes a key that must be there.
    pub(super) fn required(&mut self, key: &str) -> Result<At, Fault> {
        self.optional(key)
            .ok_or_else(|| fault(format!("{}{key}", self.path), "is missing and required"))
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

/// An object with no other keys than `allowed` and comments.
pub(super) fn section((path, value): At, allowed: &[&str]) -> Result<Section, Fault> {
    match value {
        Value::Object(keys) => Section::new(format!("{path}."), keys, allowed),
        other => Err(fault(
            path,
            format!("must be an object, not {}", kind(&other)),
        )),
    }
}
