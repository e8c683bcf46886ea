//! JSON text to an object, stricter than Python's `json` in one point (no key may be given twice), and with words of its
//! own for the slips that people make: comments, single quotes, single backslashes, a comma too many.

use super::section::{Fault, fault, shown};
use super::text::{decode, position};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::map::{Entry, Map};
use std::cell::Cell;
use std::fmt;

/// No configuration has more values than this. Small ones take twenty times their text's bytes in memory.
const MAX_VALUES: u32 = 1 << 16;

/// The object that a JSON text is, without its comments.
///
/// # Errors
/// It is no JSON object, or a key is given twice; with line and column.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Fault> {
    let text = decode(text)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict {
        left: &Cell::new(MAX_VALUES),
        logging: false,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(keys)) => Ok(keys),
        Ok(_) => Err(fault("", "must be a JSON object: { ... }")),
        Err(error) => Err(explain(text, &error)),
    }
}

/// Why a text is no JSON, in the words of somebody who edits it.
#[cold]
fn explain(text: &str, error: &serde_json::Error) -> Fault {
    if text.trim().is_empty() {
        return fault("", "the file is empty; it must have a JSON object: { ... }");
    }
    let at = offset(text, error.line(), error.column());
    let (before, rest) = text.split_at(at);
    let place = position(before);
    let what = error.to_string();
    let what = what
        .strip_suffix(&format!(
            " at line {} column {}",
            error.line(),
            error.column()
        ))
        .unwrap_or(&what);
    let words = match what {
        _ if error.classify() == Category::Eof => match what.rsplit(' ').next() {
            Some("object") => "the file ends within an object; is a closing brace missing?",
            Some("list") => "the file ends within a list; is a closing bracket missing?",
            Some("string") => "the file ends within a string; is a closing quote missing?",
            _ => "the file ends where a value is expected",
        },
        "invalid escape" => "no such escape; JSON wants a backslash written twice: \"C:\\\\Temp\"",
        _ if what.starts_with("control character") && rest.starts_with(['\n', '\r']) => {
            "a string must end on the line it begins on; is a closing quote missing?"
        }
        _ if what.starts_with("control character") => {
            "a string cannot hold a control character as it is; write a tab as \\t"
        }
        _ if error.classify() != Category::Syntax => what,
        _ if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') => {
            "JSON has no comments; use a key that begins with `_`: \"_why\": \"...\""
        }
        _ if rest.starts_with([
            '\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}',
        ]) =>
        {
            "JSON has only the straight double quotes: \"...\""
        }
        _ if rest.starts_with(is_odd_blank) => {
            "an invisible character or blank that JSON does not know, as web pages have them; type the line anew"
        }
        "trailing comma" => "a comma stands before the closing bracket; take it away",
        "key must be a string" => "a key in double quotes is expected",
        "expected value" | "expected ident"
            if ["true", "false", "null", "none"]
                .iter()
                .any(|word| is_form_of(word_at(text, at), word)) =>
        {
            "JSON writes true, false and null in lower case and in full"
        }
        "expected value" | "expected ident" => {
            "a value is expected; a text stands in double quotes"
        }
        "invalid number" => "a number is expected, which JSON writes like 300, -1, 0.5 or 1e3",
        "number out of range" => "no number can be so large",
        "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
            "half of a character beyond U+FFFF; JSON writes it as two escapes: \\ud83d\\ude00"
        }
        "trailing characters" => "nothing may follow the object's closing brace",
        "recursion limit exceeded" => {
            "lists and objects are nested too deeply; no configuration needs more than 127 levels"
        }
        what => what,
    };
    fault(place, words)
}

/// Whether a character is seen as a blank, or not at all, and is none of JSON's blanks.
fn is_odd_blank(character: char) -> bool {
    match character {
        ' ' | '\t' | '\n' | '\r' => false,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => true,
        _ => character.is_whitespace() || character.is_control(),
    }
}

/// The word that a position is in, at or behind its end.
fn word_at(text: &str, at: usize) -> &str {
    let is_letter = |character: char| character.is_ascii_alphabetic();
    let rest = &text[text[..at].trim_end_matches(is_letter).len()..];
    &rest[..rest.len() - rest.trim_start_matches(is_letter).len()]
}

/// Whether a word is meant as this one of JSON's: written with capitals, or not to its end.
fn is_form_of(word: &str, of: &str) -> bool {
    let word = word.to_ascii_lowercase();
    !word.is_empty() && of.starts_with(&word)
}

/// Where in a text serde_json's position is: of the character at fault, or of the last one read. Its columns count
/// bytes, and column 0 is the line end before.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (start + column).saturating_sub(1).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Reads any JSON value like serde_json itself, but refuses a key that is given twice, and masses of values; comments
/// are passed over, except in the logging section, where names begin as they like.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// How many more values there may be.
    left: &'a Cell<u32>,
    /// Whether this is within the logging section.
    logging: bool,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(
            left.ok_or_else(|| de::Error::custom(format_args!("more than {MAX_VALUES} values")))?,
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
            if is_comment(&key) && !self.logging {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let within = Self {
                logging: self.logging || key == "logging",
                ..self
            };
            match keys.entry(key) {
                Entry::Vacant(place) => place.insert(entries.next_value_seed(within)?),
                Entry::Occupied(first) => {
                    let twice = format_args!("the key `{}` is given twice", shown(first.key()));
                    return Err(de::Error::custom(twice));
                }
            };
        }
        Ok(Value::Object(keys))
    }
}

/// Whether a key is a comment, whatever it holds: `$schema` is for editors.
pub(super) fn is_comment(key: &str) -> bool {
    key.starts_with('_') || key == "$schema"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a text.
    fn says(text: &str) -> String {
        object(text.as_bytes()).unwrap_err().to_string()
    }

    /// Expects that this is said of a text, at this place; one that ends in `*` is only the place's beginning.
    fn is_told(text: &str, place: &str, what: &str) {
        let said = says(text);
        let (said_place, said_what) = said.split_once(": ").unwrap();
        assert_eq!(said_what, what, "{text}");
        match place.strip_suffix('*') {
            Some(start) => assert!(said_place.starts_with(start), "{text}: {said}"),
            None => assert_eq!(said_place, place, "{text}"),
        }
    }

    #[test]
    fn each_usual_slip_has_its_own_words() {
        let comments = "JSON has no comments; use a key that begins with `_`: \"_why\": \"...\"";
        let backslash = "no such escape; JSON wants a backslash written twice: \"C:\\\\Temp\"";
        let quotes = "JSON has only the straight double quotes: \"...\"";
        let comma = "a comma stands before the closing bracket; take it away";
        for (text, place, what) in [
            ("{\n  // on\n}", "line 2 column 3", comments),
            ("{\"a\": 1 // on\n}", "line 1 column 9", comments),
            (
                "{\"ä\": 1, /* on */ \"b\": 1}",
                "line 1 column 10",
                comments,
            ),
            ("# on\n{}", "line 1 column 1", comments),
            ("{} // on", "line 1 column 4", comments),
            ("{\"a\": // on\n1}", "line 1 column 7", comments),
            (r#"{"a": "C:\Temp"}"#, "line 1 column 11", backslash),
            (r#"{"a": "C:\users"}"#, "line 1 column 1*", backslash),
            ("{'a': 1}", "line 1 column 2", quotes),
            ("{\"a\": 'b'}", "line 1 column 7", quotes),
            ("{\u{201c}a\u{201d}: 1}", "line 1 column 2", quotes),
            ("{\"a\": 1,\n}", "line 2 column 1", comma),
            ("{\"a\": [1,]}", "line 1 column 10", comma),
            (
                "{\"a\": \"b\n\"}",
                "line 1 column 9",
                "a string must end on the line it begins on; is a closing quote missing?",
            ),
            (
                "{\"a\": \"b\tc\"}",
                "line 1 column 9",
                "a string cannot hold a control character as it is; write a tab as \\t",
            ),
            (
                "{a: 1}",
                "line 1 column 2",
                "a key in double quotes is expected",
            ),
            (
                "{}}",
                "line 1 column 3",
                "nothing may follow the object's closing brace",
            ),
            (
                "{\"a\": {",
                "line 1 column 7",
                "the file ends within an object; is a closing brace missing?",
            ),
            (
                "{\"a\": [",
                "line 1 column 7",
                "the file ends within a list; is a closing bracket missing?",
            ),
            (
                "{\"a\": \"b",
                "line 1 column 8",
                "the file ends within a string; is a closing quote missing?",
            ),
            (
                "{\"a\":",
                "line 1 column 5",
                "the file ends where a value is expected",
            ),
            (
                "{\"a\": 1 \"b\": 2}",
                "line 1 column 9",
                "expected `,` or `}`",
            ),
        ] {
            is_told(text, place, what);
        }
        for empty in ["", " \n\t", "\u{feff}"] {
            assert_eq!(
                says(empty),
                "the file is empty; it must have a JSON object: { ... }"
            );
        }
        assert_eq!(says("[]"), "must be a JSON object: { ... }");
    }

    #[test]
    fn values_and_blanks_that_json_does_not_have_are_told_what_it_has() {
        let lower_case = "JSON writes true, false and null in lower case and in full";
        let value = "a value is expected; a text stands in double quotes";
        let number = "a number is expected, which JSON writes like 300, -1, 0.5 or 1e3";
        let blank = "an invisible character or blank that JSON does not know, as web pages have them; type the line anew";
        for (text, place, what) in [
            ("{\"a\": True}", "line 1 column 7", lower_case),
            ("{\"a\": TRUE}", "line 1 column 7", lower_case),
            ("{\"ä\": tru}", "line 1 column 10", lower_case),
            ("{\"a\": nul,", "line 1 column 10", lower_case),
            ("{\"a\": yes}", "line 1 column 7", value),
            ("{\"a\": NaN}", "line 1 column 7", value),
            ("{\"a\": trux}", "line 1 column 10", value),
            ("{\"a\": -Infinity}", "line 1 column 8", number),
            ("{\"a\": 01}", "line 1 column 8", number),
            ("{\"a\": 5.}", "line 1 column 9", number),
            (
                "{\"a\": 1e400}",
                "line 1 column 11",
                "no number can be so large",
            ),
            (
                r#"{"a": "\ud800"}"#,
                "line 1 column 1*",
                r"half of a character beyond U+FFFF; JSON writes it as two escapes: \ud83d\ude00",
            ),
            ("{\u{a0}\"a\": 1}", "line 1 column 2", blank),
            ("{\"a\":\u{200b}1}", "line 1 column 6", blank),
            ("\u{feff}\u{feff}{}", "line 1 column 1", blank),
        ] {
            is_told(text, place, what);
        }
    }

    #[test]
    fn no_key_is_given_twice() {
        assert_eq!(
            says("{\n\"a\": {\"b\": 1, \"b\": 2}}"),
            "line 2 column 17: the key `b` is given twice"
        );
    }

    #[test]
    fn comments_hold_whatever_they_like_but_in_the_logging_section() {
        let masses = "1,".repeat(70_000);
        let text = format!(
            r#"{{"_": {{"a": 1, "a": 1}}, "_": [{masses}1], "$schema": "x", "a": {{"_b": 1}}, "logging": {{"loggers": {{"_c": 1}}}}}}"#
        );
        let object = object(text.as_bytes()).unwrap();
        assert_eq!(
            Value::Object(object),
            serde_json::json!({"a": {}, "logging": {"loggers": {"_c": 1}}})
        );
        assert_eq!(
            says(r#"{"_": [1 2]}"#),
            "line 1 column 10: expected `,` or `]`"
        );
    }

    #[test]
    fn masses_and_depths_are_refused() {
        assert!(says(&"[".repeat(100_000)).contains("nested too deeply"));
        assert!(
            says(&format!("{{\"a\": [1{}]}}", ",1".repeat(70_000)))
                .contains("more than 65536 values")
        );
    }
}
