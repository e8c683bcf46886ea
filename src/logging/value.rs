//! Python's values, as far as JSON and a log record can hold them, and how Python writes them.

use crate::float;

/// A value as a Python program would see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `None`
    None,
    /// `True` or `False`; like in Python, a kind of integer
    Bool(bool),
    /// `int`
    Int(i64),
    /// `float`
    Float(f64),
    /// `str`
    Str(String),
    /// `list`
    List(Vec<Value>),
    /// `tuple`: only the record's empty `args` is one
    Tuple,
    /// `dict`, in order
    Dict(Vec<(String, Value)>),
    /// what an `ext://` name stood for and JSON can't say
    Object(Object),
}

/// The Python objects that a configuration may name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Object {
    /// `sys.stdout`
    Stdout,
    /// `sys.stderr`
    Stderr,
    /// a `datetime.time`, in seconds after midnight
    Time(u32),
    /// a class of `logging`, by its full name
    Class(&'static str),
    /// a formatter that has been configured, by its number
    Formatter(usize),
    /// a filter that has been configured: whether it lets our records pass
    Filter(bool),
    /// a handler that has been configured, by its number
    Handler(usize),
}

impl Value {
    /// Whether `if value:` is taken.
    pub(crate) fn truthy(&self) -> bool {
        match self {
            Value::None | Value::Tuple => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(value) => !value.is_empty(),
            Value::List(value) => !value.is_empty(),
            Value::Dict(value) => !value.is_empty(),
            Value::Object(_) => true,
        }
    }

    /// The value as an `int`, if it is one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// The value as something that can be compared with a number.
    #[allow(clippy::cast_precision_loss)] // sizes and levels are far below 2^53
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            _ => self.integer().map(|value| value as f64),
        }
    }

    /// `type(value).__name__`
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::List(_) => "list",
            Value::Tuple => "tuple",
            Value::Dict(_) => "dict",
            Value::Object(_) => "object",
        }
    }

    /// `str(value)`
    pub(crate) fn str(&self) -> String {
        match self {
            Value::Str(value) => value.clone(),
            _ => self.repr(),
        }
    }

    /// `repr(value)`
    pub(crate) fn repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out);
        out
    }

    /// `ascii(value)`
    pub(crate) fn ascii(&self) -> String {
        let mut out = String::new();
        for c in self.repr().chars() {
            if c.is_ascii() {
                out.push(c);
            } else {
                escape(&mut out, c);
            }
        }
        out
    }

    /// Appends `repr(value)`.
    fn write_repr(&self, out: &mut String) {
        match self {
            Value::None => out.push_str("None"),
            Value::Bool(true) => out.push_str("True"),
            Value::Bool(false) => out.push_str("False"),
            Value::Int(value) => out.push_str(&value.to_string()),
            Value::Float(value) => out.push_str(&float::repr(*value)),
            Value::Str(value) => write_quoted(out, value),
            Value::Tuple => out.push_str("()"),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.write_repr(out);
                }
                out.push(']');
            }
            Value::Dict(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write_quoted(out, key);
                    out.push_str(": ");
                    value.write_repr(out);
                }
                out.push('}');
            }
            Value::Object(object) => {
                out.push('<');
                out.push_str(object.name());
                out.push('>');
            }
        }
    }
}

impl Object {
    /// What to call it in a message.
    fn name(self) -> &'static str {
        match self {
            Object::Stdout => "sys.stdout",
            Object::Stderr => "sys.stderr",
            Object::Time(_) => "datetime.time",
            Object::Class(name) => name,
            Object::Formatter(_) => "formatter",
            Object::Filter(_) => "filter",
            Object::Handler(_) => "handler",
        }
    }
}

/// Appends a string as Python's `repr` quotes it.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if c.is_ascii() || !printable(c) => escape(out, c),
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// Appends the shortest of `\xNN`, `\uNNNN` and `\UNNNNNNNN` that holds the character.
pub(crate) fn escape(out: &mut String, c: char) {
    let code = u32::from(c);
    let text = match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.push_str(&text);
}

/// Whether Python counts a character beyond ASCII as printable. The standard library keeps the same table for `Debug`,
/// which only shows through when the character isn't the first.
fn printable(c: char) -> bool {
    let mut buffer = String::from("a");
    buffer.push(c);
    buffer.escape_debug().count() == 2
}
