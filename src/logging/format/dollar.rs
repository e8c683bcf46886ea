//! The style `$`: `$name` and `${name}`, as `string.Template` does it.

use super::fields::{Fields, within_bounds};

/// What follows a `$`.
enum Mark<'a> {
    /// `$$`
    Escaped,
    /// `$name` or `${name}`
    Name(&'a str),
    /// anything else
    Bare,
}

/// Splits a template at its next `$`: the text before, the mark, and what follows.
fn split(template: &str) -> Option<(&str, Mark<'_>, &str)> {
    let (before, rest) = template.split_once('$')?;
    if let Some(rest) = rest.strip_prefix('$') {
        return Some((before, Mark::Escaped, rest));
    }
    let name = identifier(rest);
    if !name.is_empty() {
        return Some((before, Mark::Name(name), &rest[name.len()..]));
    }
    if let Some(inside) = rest.strip_prefix('{') {
        let name = identifier(inside);
        if let Some(after) = inside[name.len()..]
            .strip_prefix('}')
            .filter(|_| !name.is_empty())
        {
            return Some((before, Mark::Name(name), after));
        }
    }
    Some((before, Mark::Bare, rest))
}

/// The ASCII identifier at the start, perhaps empty.
fn identifier(text: &str) -> &str {
    let length = text
        .bytes()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == b'_')
        .count();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        &text[..length]
    }
}

/// What `StringTemplateStyle.validate` does.
pub(crate) fn validate(template: &str) -> Result<(), String> {
    let mut rest = template;
    let mut named = false;
    while let Some((_, mark, after)) = split(rest) {
        match mark {
            Mark::Escaped => {}
            Mark::Name(_) => named = true,
            Mark::Bare => return Err("bare '$' not allowed".to_owned()),
        }
        rest = after;
    }
    if named {
        Ok(())
    } else {
        Err("no fields".to_owned())
    }
}

/// `Template(template).substitute(**fields)`
pub(crate) fn format(template: &str, fields: &Fields) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, mark, after)) = split(rest) {
        out.push_str(before);
        match mark {
            Mark::Escaped => out.push('$'),
            Mark::Name(name) => {
                let value = fields
                    .get(name)
                    .ok_or_else(|| format!("formatting field not found in record: {name:?}"))?;
                out.push_str(&value.str());
                within_bounds(&out)?;
            }
            Mark::Bare => return Err("invalid placeholder in string".to_owned()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
