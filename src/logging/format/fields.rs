//! What the three styles share: the fields that a format can refer to, and its limits.

use crate::record::Record;
use crate::value::Value;

/// The widest padding and the highest precision that a format may ask for, and the longest text that it may make: Python
/// would run out of memory somewhere above.
pub(crate) const WIDEST: usize = 1 << 24;

/// Sees that a text, as far as it is made, is not too long.
pub(crate) fn within_bounds(text: &str) -> Result<(), String> {
    if text.len() > WIDEST {
        Err("the text is too long".to_owned())
    } else {
        Ok(())
    }
}

/// What a format's fields can refer to.
pub(crate) struct Fields<'a> {
    /// the record, which goes before the defaults
    pub(crate) record: &'a Record,
    /// the formatter's defaults
    pub(crate) defaults: &'a [(String, Value)],
}

impl Fields<'_> {
    /// The value of one field.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.record.get(name).or_else(|| {
            self.defaults
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        })
    }

    /// `defaults | record.__dict__`
    pub(crate) fn all(&self) -> Value {
        let record = self.record.fields();
        let mut all: Vec<(String, Value)> = self.defaults.to_vec();
        for (name, value) in record {
            match all.iter_mut().find(|(key, _)| key == name) {
                Some(entry) => entry.1 = value,
                None => all.push((name.to_owned(), value)),
            }
        }
        Value::Dict(all)
    }
}

/// What `\w` matches.
pub(crate) fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
