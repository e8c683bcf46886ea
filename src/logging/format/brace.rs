//! The style `{`: `{levelname:<8}`, as `str.format` with keyword arguments does it.

use super::fields::{Fields, within_bounds};
use super::spec;
use crate::value::Value;

/// One piece of a format string.
pub(crate) struct Piece {
    /// the text before the field
    pub(crate) literal: String,
    /// the field, if one follows
    pub(crate) field: Option<Field>,
}

/// A replacement field.
pub(crate) struct Field {
    /// what stands before `!` and `:`
    pub(crate) name: String,
    /// the character after `!`
    pub(crate) conversion: Option<char>,
    /// what stands after `:`
    pub(crate) spec: String,
    /// whether the specification has fields of its own
    nested: bool,
}

/// Reads a format string piece by piece (`MarkupIterator_next`).
pub(crate) struct Pieces {
    /// the whole string
    chars: Vec<char>,
    /// how far it has been read
    at: usize,
}

impl Pieces {
    /// Starts at the beginning.
    pub(crate) fn new(format: &str) -> Self {
        Pieces {
            chars: format.chars().collect(),
            at: 0,
        }
    }

    /// The next piece, if any is left.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, String> {
        let start = self.at;
        let Some(&first) = self.chars.get(start) else {
            return Ok(None);
        };
        let mut c = first;
        let mut markup = false;
        while let Some(&next) = self.chars.get(self.at) {
            c = next;
            self.at += 1;
            if matches!(c, '{' | '}') {
                markup = true;
                break;
            }
        }
        let mut end = self.at;
        let next = self.chars.get(self.at).copied();
        if c == '}' && next != Some('}') {
            return Err("single '}' encountered in format string".to_owned());
        }
        if c == '{' && next.is_none() {
            return Err("single '{' encountered in format string".to_owned());
        }
        if let Some(next) = next {
            if c == next {
                self.at += 1;
                markup = false;
            } else {
                end -= 1;
            }
        }
        let literal = self.chars[start..end].iter().collect();
        let field = if markup { Some(self.field()?) } else { None };
        Ok(Some(Piece { literal, field }))
    }

    /// The next character.
    fn read(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    /// Reads a field after its `{` (`parse_field`).
    fn field(&mut self) -> Result<Field, String> {
        let start = self.at;
        let stop = loop {
            match self.read() {
                None => return Err("expected '}' before end of string".to_owned()),
                Some('{') => return Err("unexpected '{' in field name".to_owned()),
                Some('[') => {
                    while self.chars.get(self.at).is_some_and(|c| *c != ']') {
                        self.at += 1;
                    }
                }
                Some(c @ ('}' | ':' | '!')) => break c,
                Some(_) => {}
            }
        };
        let mut field = Field {
            name: self.chars[start..self.at - 1].iter().collect(),
            conversion: None,
            spec: String::new(),
            nested: false,
        };
        if stop == '}' {
            return Ok(field);
        }
        if stop == '!' {
            field.conversion = Some(
                self.read()
                    .ok_or("end of string while looking for conversion specifier")?,
            );
            match self.read() {
                Some('}') => return Ok(field),
                None | Some(':') => {}
                Some(_) => return Err("expected ':' after conversion specifier".to_owned()),
            }
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.read() {
            match c {
                '{' => {
                    field.nested = true;
                    depth += 1;
                }
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                field.spec = self.chars[start..self.at - 1].iter().collect();
                return Ok(field);
            }
        }
        Err("unmatched '{' in format spec".to_owned())
    }
}

/// `format.format(**fields)`
pub(crate) fn format(format: &str, fields: &Fields) -> Result<String, String> {
    expand(format, fields, 2)
}

/// Expands a format string, or a specification within one.
fn expand(format: &str, fields: &Fields, depth: u32) -> Result<String, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err("max string recursion exceeded".to_owned());
    };
    let mut out = String::with_capacity(format.len() + 64);
    let mut pieces = Pieces::new(format);
    while let Some(piece) = pieces.next()? {
        out.push_str(&piece.literal);
        let Some(field) = piece.field else { continue };
        let mut value = look_up(&field.name, fields)?;
        match field.conversion {
            None => {}
            Some('s') => value = Value::Str(value.str()),
            Some('r') => value = Value::Str(value.repr()),
            Some('a') => value = Value::Str(value.ascii()),
            Some(c) => return Err(format!("unknown conversion specifier {c:?}")),
        }
        let spec = if field.nested {
            expand(&field.spec, fields, depth)?
        } else {
            field.spec
        };
        out.push_str(&spec::format(&value, &spec)?);
        within_bounds(&out)?;
    }
    Ok(out)
}

/// Finds the value of `name[0].attribute`.
fn look_up(name: &str, fields: &Fields) -> Result<Value, String> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    if first.chars().all(|c| c.is_ascii_digit()) {
        return Err(format!(
            "replacement index {} out of range for positional args tuple",
            index(first).unwrap_or(0)
        ));
    }
    let mut value = fields
        .get(first)
        .ok_or_else(|| format!("formatting field not found in record: {first:?}"))?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (key, after) = after
                .split_once(']')
                .ok_or("missing ']' in format string")?;
            value = item(&value, key)?;
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let attribute = &after[..end];
            value = match (attribute, &value, value.integer()) {
                ("real", Value::Float(number), _) => Value::Float(*number),
                ("imag", Value::Float(_), _) => Value::Float(0.0),
                ("real" | "numerator", _, Some(number)) => Value::Int(number),
                ("imag", _, Some(_)) => Value::Int(0),
                ("denominator", _, Some(_)) => Value::Int(1),
                _ => {
                    let kind = value.type_name();
                    return Err(format!(
                        "'{kind}' object has no attribute '{attribute}' here"
                    ));
                }
            };
            rest = &after[end..];
        } else {
            return Err("only '.' or '[' may follow ']' in format field specifier".to_owned());
        }
    }
    Ok(value)
}

/// A key that Python takes for an index.
fn index(key: &str) -> Option<usize> {
    key.chars()
        .all(|c| c.is_ascii_digit())
        .then(|| key.parse().ok())
        .flatten()
}

/// `value[key]`
fn item(value: &Value, key: &str) -> Result<Value, String> {
    if key.is_empty() {
        return Err("empty attribute in format string".to_owned());
    }
    let found = match (value, index(key)) {
        (Value::Str(text), Some(index)) => {
            text.chars().nth(index).map(|c| Value::Str(c.to_string()))
        }
        (Value::List(items), Some(index)) => items.get(index).cloned(),
        (Value::Dict(entries), None) => entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.clone()),
        _ => None,
    };
    found.ok_or_else(|| format!("'{}' object has no item {key:?}", value.type_name()))
}
