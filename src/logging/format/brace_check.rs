//! Which formats of the style `{` Python accepts before there is any record.

use super::brace::Pieces;
use super::fields::word;

/// What `StrFormatStyle.validate` does.
pub(crate) fn validate(format: &str) -> Result<(), String> {
    let mut pieces = Pieces::new(format);
    let mut named = false;
    while let Some(piece) = pieces.next()? {
        let Some(field) = piece.field else { continue };
        if !field.name.is_empty() {
            if !valid_name(&field.name) {
                return Err(format!("invalid field name/expression: {:?}", field.name));
            }
            named = true;
        }
        if let Some(conversion) = field.conversion.filter(|c| !"rsa".contains(*c)) {
            return Err(format!("invalid conversion: {conversion:?}"));
        }
        if !field.spec.is_empty() && !valid_spec(&field.spec) {
            return Err(format!("bad specifier: {:?}", field.spec));
        }
    }
    if named {
        Ok(())
    } else {
        Err("no fields".to_owned())
    }
}

/// Whether the pattern `field_spec` of `StrFormatStyle` matches: a word, then attributes and indexes.
fn valid_name(name: &str) -> bool {
    let chars: Vec<char> = name.strip_suffix('\n').unwrap_or(name).chars().collect();
    let words = |chars: &[char]| chars.iter().take_while(|c| word(**c)).count();
    let mut at = words(&chars);
    if at == 0 {
        return false;
    }
    while let Some(c) = chars.get(at) {
        let length = match c {
            '.' => words(&chars[at + 1..]),
            '[' => {
                let inside = chars[at + 1..].iter().take_while(|c| **c != ']').count();
                if chars.get(at + 1 + inside).is_none() {
                    return false;
                }
                if inside == 0 { 0 } else { inside + 1 }
            }
            _ => return false,
        };
        if length == 0 {
            return false;
        }
        at += 1 + length;
    }
    true
}

/// Whether the pattern by which `StrFormatStyle` checks a specification matches it.
fn valid_spec(spec: &str) -> bool {
    let chars: Vec<char> = spec.strip_suffix('\n').unwrap_or(spec).chars().collect();
    let aligned = |at: usize| chars.get(at).is_some_and(|c| "<>=^".contains(*c));
    // The three ways in which the optional first group can match; a newline is no fill character there.
    (chars.first().is_some_and(|c| *c != '\n') && aligned(1) && valid_tail(&chars[2..]))
        || (aligned(0) && valid_tail(&chars[1..]))
        || valid_tail(&chars)
}

/// The pattern's rest after fill and alignment.
fn valid_tail(chars: &[char]) -> bool {
    let optional =
        |chars: &[char], set: &str| usize::from(chars.first().is_some_and(|c| set.contains(*c)));
    let mut rest = &chars[optional(chars, "+ -")..];
    rest = &rest[optional(rest, "#")..];
    rest = &rest[optional(rest, "0")..];
    rest = valid_amount(rest).unwrap_or(rest);
    rest = &rest[optional(rest, ",_")..];
    if rest.first() == Some(&'.') {
        match valid_amount(&rest[1..]) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    match rest {
        [] => true,
        [c] => "bcdefgnosx%".contains(c.to_ascii_lowercase()) || *c == 'ſ',
        _ => false,
    }
}

/// Steps over digits or a nested `{name}`.
fn valid_amount(chars: &[char]) -> Option<&[char]> {
    let digits = chars.iter().take_while(|c| c.is_numeric()).count();
    if digits > 0 {
        return Some(&chars[digits..]);
    }
    let inner = chars.strip_prefix(&['{'])?;
    let name = inner.iter().take_while(|c| word(**c)).count();
    (name > 0 && inner.get(name) == Some(&'}')).then(|| &inner[name + 1..])
}
