//! The format specification mini-language: `>+#010x` of `{levelno:>+#010x}`.

use super::fields::WIDEST;
use crate::float::{self, Shape};
use crate::value::Value;

/// A parsed specification.
struct Spec {
    /// what pads
    fill: char,
    /// `<`, `>`, `^` or `=`
    align: char,
    /// whether the alignment was written
    aligned: bool,
    /// `+`, `-` or a space
    sign: Option<char>,
    /// `z`: no negative zero
    no_negative_zero: bool,
    /// `#`
    alternate: bool,
    /// the least number of characters
    width: usize,
    /// `,` or `_`
    separator: Option<char>,
    /// what follows the point
    precision: Option<usize>,
    /// the conversion
    kind: Option<char>,
}

/// `format(value, spec)`
pub(crate) fn format(value: &Value, spec: &str) -> Result<String, String> {
    if spec.is_empty() {
        return Ok(value.str());
    }
    match value {
        Value::Str(text) => Spec::parse(spec, 's', '<', "str")?.text(text),
        Value::Int(_) | Value::Bool(_) => {
            let parsed = Spec::parse(spec, 'd', '>', value.type_name())?;
            parsed.integer(value.integer().unwrap_or_default(), value)
        }
        Value::Float(number) => Spec::parse(spec, '\0', '>', "float")?.float(*number),
        _ => Err(format!(
            "unsupported format string passed to {}.__format__",
            value.type_name()
        )),
    }
}

/// A number of digits at the start, and how many characters it takes.
fn amount(chars: &[char]) -> Result<(Option<usize>, usize), String> {
    let digits = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 {
        return Ok((None, 0));
    }
    let text: String = chars[..digits].iter().collect();
    match text.parse() {
        Ok(number) if number <= WIDEST => Ok((Some(number), digits)),
        _ => Err("too many decimal digits in format string".to_owned()),
    }
}

impl Spec {
    /// Reads a specification for a type with the given default conversion and alignment.
    fn parse(spec: &str, kind: char, align: char, type_name: &str) -> Result<Self, String> {
        let chars: Vec<char> = spec.chars().collect();
        let mut at = 0;
        let mut parsed = Spec {
            fill: ' ',
            align,
            aligned: false,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            separator: None,
            precision: None,
            kind: (kind != '\0').then_some(kind),
        };
        let is_align = |at: usize| chars.get(at).is_some_and(|c| "<>=^".contains(*c));
        let mut filled = false;
        if is_align(1) {
            parsed.fill = chars[0];
            parsed.align = chars[1];
            (filled, parsed.aligned, at) = (true, true, 2);
        } else if is_align(0) {
            parsed.align = chars[0];
            (parsed.aligned, at) = (true, 1);
        }
        if let Some(c) = chars.get(at).filter(|c| "+- ".contains(**c)) {
            parsed.sign = Some(*c);
            at += 1;
        }
        if chars.get(at) == Some(&'z') {
            parsed.no_negative_zero = true;
            at += 1;
        }
        if chars.get(at) == Some(&'#') {
            parsed.alternate = true;
            at += 1;
        }
        if !filled && chars.get(at) == Some(&'0') {
            parsed.fill = '0';
            if !parsed.aligned && align == '>' {
                parsed.align = '=';
            }
            at += 1;
        }
        let (width, read) = amount(&chars[at..])?;
        parsed.width = width.unwrap_or(0);
        at += read;
        for separator in [',', '_'] {
            if chars.get(at) == Some(&separator) {
                if parsed.separator.is_some() {
                    return Err("cannot specify both ',' and '_'.".to_owned());
                }
                parsed.separator = Some(separator);
                at += 1;
            }
        }
        if parsed.separator == Some('_') && chars.get(at) == Some(&',') {
            return Err("cannot specify both ',' and '_'.".to_owned());
        }
        if chars.get(at) == Some(&'.') {
            let (precision, read) = amount(&chars[at + 1..])?;
            parsed.precision = Some(precision.ok_or("format specifier missing precision")?);
            at += 1 + read;
        }
        match chars.get(at..).unwrap_or_default() {
            [] => {}
            [c] => parsed.kind = Some(*c),
            _ => {
                return Err(format!(
                    "invalid format specifier '{spec}' for object of type '{type_name}'"
                ));
            }
        }
        if let Some(separator) = parsed.separator {
            let allowed = match parsed.kind {
                None => true,
                Some(c) if "defgEGF%".contains(c) => true,
                Some(c) => separator == '_' && "boxX".contains(c),
            };
            if !allowed {
                return Err(format!(
                    "cannot specify '{separator}' with '{}'.",
                    parsed.kind.unwrap_or('s')
                ));
            }
        }
        Ok(parsed)
    }

    /// The error for a conversion that the type hasn't.
    fn unknown(&self, type_name: &str) -> String {
        format!(
            "unknown format code '{}' for object of type '{type_name}'",
            self.kind.unwrap_or(' ')
        )
    }

    /// Pads a finished text.
    fn pad(&self, text: &str, out: &mut String) {
        let fill = self.width.saturating_sub(text.chars().count());
        let left = match self.align {
            '<' => 0,
            '^' => fill / 2,
            _ => fill,
        };
        out.extend(std::iter::repeat_n(self.fill, left));
        out.push_str(text);
        out.extend(std::iter::repeat_n(self.fill, fill - left));
    }

    /// A string.
    fn text(&self, text: &str) -> Result<String, String> {
        if self.sign.is_some() {
            return Err("sign not allowed in string format specifier".to_owned());
        }
        if self.no_negative_zero {
            return Err(
                "negative zero coercion (z) not allowed in string format specifier".to_owned(),
            );
        }
        if self.alternate {
            return Err("alternate form (#) not allowed in string format specifier".to_owned());
        }
        if self.align == '=' {
            return Err("'=' alignment not allowed in string format specifier".to_owned());
        }
        if self.kind != Some('s') {
            return Err(self.unknown("str"));
        }
        let text = match self
            .precision
            .and_then(|precision| text.char_indices().nth(precision))
        {
            Some((end, _)) => &text[..end],
            None => text,
        };
        let mut out = String::new();
        self.pad(text, &mut out);
        Ok(out)
    }

    /// An integer.
    #[allow(clippy::cast_precision_loss)] // as Python: the number becomes a float
    fn integer(&self, number: i64, value: &Value) -> Result<String, String> {
        let kind = self.kind.unwrap_or('d');
        if "eEfFgG%".contains(kind) {
            return self.float(number as f64);
        }
        if !"bcdoxXn".contains(kind) {
            return Err(self.unknown(value.type_name()));
        }
        if self.precision.is_some() {
            return Err("precision not allowed in integer format specifier".to_owned());
        }
        if self.no_negative_zero {
            return Err(
                "negative zero coercion (z) not allowed in format specifier with integer"
                    .to_owned(),
            );
        }
        if kind == 'c' {
            if self.sign.is_some() || self.alternate {
                return Err(
                    "sign and alternate form (#) not allowed with integer format specifier 'c'"
                        .to_owned(),
                );
            }
            let c = u32::try_from(number)
                .ok()
                .and_then(char::from_u32)
                .ok_or("%c arg not in range(0x110000)")?;
            return Ok(self.number("", "", "", &c.to_string(), 3));
        }
        let magnitude = number.unsigned_abs();
        let (digits, prefix, group) = match kind {
            'b' => (format!("{magnitude:b}"), "0b", 4),
            'o' => (format!("{magnitude:o}"), "0o", 4),
            'x' => (format!("{magnitude:x}"), "0x", 4),
            'X' => (format!("{magnitude:X}"), "0X", 4),
            _ => (magnitude.to_string(), "", 3),
        };
        let prefix = if self.alternate { prefix } else { "" };
        Ok(self.number(self.sign_of(number < 0), prefix, &digits, "", group))
    }

    /// A floating-point number.
    fn float(&self, number: f64) -> Result<String, String> {
        let (mut kind, mut default_precision, mut point_zero) =
            (self.kind.unwrap_or('\0'), 6, false);
        if !"eEfFgGn%\0".contains(kind) {
            return Err(self.unknown("float"));
        }
        let mut number = number;
        let percent = kind == '%';
        match kind {
            '\0' => (kind, default_precision, point_zero) = ('r', 0, true),
            'n' => kind = 'g',
            '%' => {
                kind = 'f';
                number *= 100.0;
            }
            _ => {}
        }
        if kind == 'r' && self.precision.is_some() {
            kind = 'g';
        }
        let shape = Shape {
            kind: kind.to_ascii_lowercase(),
            precision: self.precision.unwrap_or(default_precision),
            alternate: self.alternate,
            point_zero,
            upper: kind.is_ascii_uppercase(),
        };
        let mut text = float::write(number, shape);
        if percent {
            text.push('%');
        }
        let (mut negative, mut body) = text
            .strip_prefix('-')
            .map_or((false, text.as_str()), |body| (true, body));
        if negative
            && self.no_negative_zero
            && !body.contains(|c: char| ('1'..='9').contains(&c))
            && body != "inf"
        {
            negative = false;
        }
        let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest;
        (body, rest) = body.split_at(digits);
        Ok(self.number(self.sign_of(negative), "", body, rest, 3))
    }

    /// The sign to show.
    fn sign_of(&self, negative: bool) -> &'static str {
        match self.sign {
            _ if negative => "-",
            Some('+') => "+",
            Some(' ') => " ",
            _ => "",
        }
    }

    /// Puts sign, prefix, grouped digits and the rest together and pads.
    fn number(&self, sign: &str, prefix: &str, digits: &str, rest: &str, group: usize) -> String {
        let other = sign.len() + prefix.len() + rest.chars().count();
        // Zeros that pad a grouped number are grouped with it.
        let least = if self.fill == '0' && self.align == '=' {
            self.width.saturating_sub(other)
        } else {
            0
        };
        let grouped = if digits.is_empty() {
            String::new()
        } else {
            self.grouped(digits, least, group)
        };
        let mut out = String::new();
        if self.align == '=' {
            let fill = self.width.saturating_sub(other + grouped.len());
            out.push_str(sign);
            out.push_str(prefix);
            out.extend(std::iter::repeat_n(self.fill, fill));
            out.push_str(&grouped);
            out.push_str(rest);
        } else {
            self.pad(&format!("{sign}{prefix}{grouped}{rest}"), &mut out);
        }
        out
    }

    /// Digits with separators, led by zeros up to the least width.
    fn grouped(&self, digits: &str, least: usize, group: usize) -> String {
        let Some(separator) = self.separator else {
            return "0".repeat(least.saturating_sub(digits.len())) + digits;
        };
        let mut reversed = String::new();
        let mut source = digits.chars().rev();
        let (mut count, mut left) = (0, digits.len());
        loop {
            // `reversed` is ASCII, so its length is its width.
            if left == 0 && reversed.len() >= least {
                break;
            }
            if count == group {
                reversed.push(separator);
                count = 0;
            }
            reversed.push(source.next().unwrap_or('0'));
            left = left.saturating_sub(1);
            count += 1;
        }
        reversed.chars().rev().collect()
    }
}
