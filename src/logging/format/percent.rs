//! The style `%`: `%(levelname)-8s`, as `str.__mod__` with a dictionary does it.

use super::fields::{Fields, WIDEST, within_bounds, word};
use crate::float::{self, Shape};

use crate::value::Value;

/// Why a conversion that needs a number can't be done.
fn wants_number(conversion: char, value: &Value) -> String {
    format!(
        "%{conversion} format: a number is required, not {}",
        value.type_name()
    )
}

/// Whether `PercentStyle.validate` finds a `%(name)` conversion in the format.
pub(crate) fn valid(format: &str) -> bool {
    let chars: Vec<char> = format.chars().collect();
    (0..chars.len()).any(|start| conversion_at(&chars[start..]))
}

/// Whether the pattern of `PercentStyle` matches at the start of these characters.
fn conversion_at(chars: &[char]) -> bool {
    let Some(mut rest) = chars.strip_prefix(&['%', '(']) else {
        return false;
    };
    let name = rest.iter().take_while(|c| word(**c)).count();
    if name == 0 || rest.get(name) != Some(&')') {
        return false;
    }
    rest = &rest[name + 1..];
    rest = &rest[rest.iter().take_while(|c| "#0+ -".contains(**c)).count()..];
    rest = skip_amount(rest).unwrap_or(rest);
    if rest.first() == Some(&'.') {
        match skip_amount(&rest[1..]) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    // The last three are what `re.IGNORECASE` counts as an `s` or an `i`.
    rest.first().is_some_and(|c| {
        "diouxefgcrsa%".contains(c.to_ascii_lowercase()) || matches!(c, 'ſ' | 'ı' | 'İ')
    })
}

/// Steps over `*` or digits, if there are any.
fn skip_amount(chars: &[char]) -> Option<&[char]> {
    if chars.first() == Some(&'*') {
        return Some(&chars[1..]);
    }
    let digits = chars.iter().take_while(|c| c.is_numeric()).count();
    (digits > 0).then(|| &chars[digits..])
}

/// What the parser has read of one conversion.
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
#[derive(Default)]
struct Conversion {
    /// `-`
    left: bool,
    /// `+`
    plus: bool,
    /// a space
    blank: bool,
    /// `#`
    alternate: bool,
    /// `0`
    zero: bool,
    /// the least number of characters
    width: usize,
    /// what follows the point
    precision: Option<usize>,
}

/// The argument that the next conversion without a name, or a `*`, takes.
enum Argument {
    /// the whole dictionary, as long as nothing has been taken
    Everything,
    /// the value of the last `%(name)`
    One(Value),
    /// nothing is left
    Taken,
}

impl Argument {
    /// Takes the argument.
    fn take(&mut self, fields: &Fields) -> Result<Value, String> {
        match std::mem::replace(self, Argument::Taken) {
            Argument::Everything => Ok(fields.all()),
            Argument::One(value) => Ok(value),
            Argument::Taken => Err("not enough arguments for format string".to_owned()),
        }
    }
}

/// `format % fields`
pub(crate) fn format(format: &str, fields: &Fields) -> Result<String, String> {
    let mut out = String::with_capacity(format.len() + 64);
    let mut chars = format.chars().peekable();
    let mut argument = Argument::Everything;
    while let Some(c) = chars.next() {
        if c == '%' {
            convert(&mut chars, &mut argument, fields, &mut out)?;
            within_bounds(&out)?;
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

/// The characters still to be read.
type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads one conversion after its `%` and appends what it yields.
fn convert(
    chars: &mut Chars,
    argument: &mut Argument,
    fields: &Fields,
    out: &mut String,
) -> Result<(), String> {
    let incomplete = || "incomplete format".to_owned();
    // Only `%%` stands for a percent sign; with anything between, it is no conversion.
    if chars.peek() == Some(&'%') {
        chars.next();
        out.push('%');
        return Ok(());
    }
    let mut conversion = Conversion::default();
    if chars.peek() == Some(&'(') {
        chars.next();
        let mut depth = 1;
        let mut name = String::new();
        loop {
            let c = chars.next().ok_or("incomplete format key")?;
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            name.push(c);
        }
        *argument = Argument::One(fields.get(&name).ok_or_else(|| missing(&name))?);
    }
    let mut c = chars.next().ok_or_else(incomplete)?;
    loop {
        match c {
            '-' => conversion.left = true,
            '+' => conversion.plus = true,
            ' ' => conversion.blank = true,
            '#' => conversion.alternate = true,
            '0' => conversion.zero = true,
            _ => break,
        }
        c = chars.next().ok_or_else(incomplete)?;
    }
    if c == '*' {
        let width = star(argument, fields)?;
        conversion.left |= width < 0;
        conversion.width = bounded(width.unsigned_abs())?;
        c = chars.next().ok_or_else(incomplete)?;
    } else {
        let mut width = 0_u64;
        while let Some(digit) = c.to_digit(10) {
            width = width.saturating_mul(10).saturating_add(u64::from(digit));
            c = chars.next().ok_or_else(incomplete)?;
        }
        conversion.width = bounded(width)?;
    }
    if c == '.' {
        c = chars.next().ok_or_else(incomplete)?;
        let mut precision = 0_u64;
        if c == '*' {
            precision = star(argument, fields)?.max(0).unsigned_abs();
            c = chars.next().ok_or_else(incomplete)?;
        } else {
            while let Some(digit) = c.to_digit(10) {
                precision = precision
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit));
                c = chars.next().ok_or_else(incomplete)?;
            }
        }
        conversion.precision = Some(bounded(precision)?);
    }
    if matches!(c, 'h' | 'l' | 'L') {
        c = chars.next().ok_or_else(incomplete)?;
    }
    let value = argument.take(fields)?;
    conversion.write(c, &value, out)
}

/// What a `KeyError` becomes.
fn missing(name: &str) -> String {
    format!("formatting field not found in record: {name:?}")
}

/// The number that a `*` takes.
fn star(argument: &mut Argument, fields: &Fields) -> Result<i64, String> {
    argument
        .take(fields)?
        .integer()
        .ok_or_else(|| "* wants int".to_owned())
}

/// A width or precision that memory can hold.
fn bounded(amount: u64) -> Result<usize, String> {
    usize::try_from(amount)
        .ok()
        .filter(|amount| *amount <= WIDEST)
        .ok_or_else(|| "width or precision too big".to_owned())
}

impl Conversion {
    /// Appends one value.
    fn write(&self, c: char, value: &Value, out: &mut String) -> Result<(), String> {
        match c {
            's' => self.write_text(&value.str(), out),
            'r' => self.write_text(&value.repr(), out),
            'a' => self.write_text(&value.ascii(), out),
            'c' => {
                let character = match value {
                    Value::Str(text) if text.chars().count() == 1 => text.clone(),
                    _ => {
                        let code = value.integer().ok_or_else(|| wants_number(c, value))?;
                        u32::try_from(code)
                            .ok()
                            .and_then(char::from_u32)
                            .ok_or("%c arg not in range(0x110000)")?
                            .to_string()
                    }
                };
                let whole = Conversion {
                    precision: None,
                    ..*self
                };
                whole.write_text(&character, out);
            }
            'd' | 'i' | 'u' => {
                let digits = match value {
                    Value::Float(number) if number.is_finite() => {
                        let text = format!("{:.0}", number.trunc());
                        if text == "-0" { "0".to_owned() } else { text }
                    }
                    _ => value
                        .integer()
                        .ok_or_else(|| wants_number(c, value))?
                        .to_string(),
                };
                self.write_integer(&digits, "", out);
            }
            'x' | 'X' | 'o' => {
                let number = value.integer().ok_or_else(|| wants_number(c, value))?;
                let magnitude = number.unsigned_abs();
                let (digits, prefix) = match c {
                    'x' => (format!("{magnitude:x}"), "0x"),
                    'X' => (format!("{magnitude:X}"), "0X"),
                    _ => (format!("{magnitude:o}"), "0o"),
                };
                let digits = if number < 0 {
                    format!("-{digits}")
                } else {
                    digits
                };
                self.write_integer(&digits, if self.alternate { prefix } else { "" }, out);
            }
            'e' | 'f' | 'g' | 'E' | 'F' | 'G' => {
                let number = value.number().ok_or_else(|| wants_number(c, value))?;
                let shape = Shape {
                    kind: c.to_ascii_lowercase(),
                    precision: self.precision.unwrap_or(6),
                    alternate: self.alternate,
                    point_zero: false,
                    upper: c.is_ascii_uppercase(),
                };
                self.write_number(&float::write(number, shape), "", out);
            }
            _ => return Err(format!("unsupported format character {c:?}")),
        }
        Ok(())
    }

    /// Appends text, cut at the precision.
    fn write_text(&self, text: &str, out: &mut String) {
        let text = match self
            .precision
            .and_then(|precision| text.char_indices().nth(precision))
        {
            Some((end, _)) => &text[..end],
            None => text,
        };
        let fill = self.width.saturating_sub(text.chars().count());
        if !self.left {
            out.extend(std::iter::repeat_n(' ', fill));
        }
        out.push_str(text);
        if self.left {
            out.extend(std::iter::repeat_n(' ', fill));
        }
    }

    /// Appends an integer, which the precision gives a least number of digits.
    fn write_integer(&self, number: &str, prefix: &str, out: &mut String) {
        let (sign, digits) = number
            .strip_prefix('-')
            .map_or(("", number), |digits| ("-", digits));
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        self.write_number(&format!("{sign}{}{digits}", "0".repeat(zeros)), prefix, out);
    }

    /// Appends a number with its sign and prefix in the right places around the padding.
    fn write_number(&self, number: &str, prefix: &str, out: &mut String) {
        let (sign, digits) = match number.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None if self.plus => ("+", number),
            None if self.blank => (" ", number),
            None => ("", number),
        };
        let fill = self
            .width
            .saturating_sub(sign.len() + prefix.len() + digits.len());
        if !self.left && !self.zero {
            out.extend(std::iter::repeat_n(' ', fill));
        }
        out.push_str(sign);
        out.push_str(prefix);
        if !self.left && self.zero {
            out.extend(std::iter::repeat_n('0', fill));
        }
        out.push_str(digits);
        if self.left {
            out.extend(std::iter::repeat_n(' ', fill));
        }
    }
}
