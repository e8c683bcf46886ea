//! The name of a file in the configuration. It is taken as it stands: nothing in it is expanded, and a relative one
//! starts at the configuration's folder.

use super::section::{At, Fault, fault, quoted, string};
use std::path::{Path, PathBuf};

/// No system takes a longer path than this many bytes; Windows takes as many UTF-16 units.
const MAX_PATH: usize = 32_767;

/// A file's name, made absolute or relative to where the configuration is by `folder`.
pub(super) fn path(value: At, folder: &Path) -> Result<PathBuf, Fault> {
    let (path, text) = string(value)?;
    check(&text).map_err(|wrong| fault(path.as_str(), wrong))?;
    if Path::new(&text).file_name().is_none() {
        let wrong = format!("{} is a folder; name the file in it", quoted(&text));
        return Err(fault(path, wrong));
    }
    Ok(folder.join(text))
}

/// Whether a text can be meant as a file's name.
///
/// # Errors
/// It is empty or too long, has a control character, which is what becomes of a single backslash in JSON, or needs a shell.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty; name a file".into());
    }
    if text.len() > MAX_PATH {
        return Err(format!("is longer than a path can be: {MAX_PATH} bytes"));
    }
    if let Some(control) = text.chars().find(|character| character.is_control()) {
        return Err(format!(
            "has a control character in it ({}), which no file's name should; JSON wants a backslash written twice: \"C:\\\\temp\"",
            control.escape_default()
        ));
    }
    match unexpanded(text) {
        Some(word) => Err(format!(
            "{} has {} in it, which is not expanded here; write the path in full",
            quoted(text),
            quoted(word)
        )),
        None => Ok(()),
    }
}

/// What a shell would expand in a path: `%NAME%`, `${NAME}`, a component `$NAME`, and `~` at the start.
fn unexpanded(text: &str) -> Option<&str> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'(' | b')'))
    };
    let enclosed = |open: &str, close: char| {
        text.match_indices(open).find_map(|(start, _)| {
            let inner = start + open.len();
            let end = inner + text[inner..].find(close)?;
            is_name(&text[inner..end]).then(|| &text[start..=end])
        })
    };
    let separators = ['/', '\\'];
    let first = text.split(separators).next().unwrap_or_default();
    let home =
        (first == "~" || (first.starts_with('~') && first.len() < text.len())).then_some(first);
    home.or_else(|| enclosed("%", '%'))
        .or_else(|| enclosed("${", '}'))
        .or_else(|| {
            text.split(separators)
                .find(|component| component.strip_prefix('$').is_some_and(is_name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The path that a value at `cache` is.
    fn at(text: &str) -> Result<PathBuf, String> {
        path(("cache".into(), json!(text)), Path::new("/etc")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn starts_at_the_configurations_folder() {
        assert_eq!(at("a/b").unwrap(), Path::new("/etc/a/b"));
        assert_eq!(at("/a/b").unwrap(), Path::new("/a/b"));
        let beside = path(("cache".into(), json!("a")), Path::new("")).unwrap();
        assert_eq!(beside, Path::new("a"));
    }

    #[test]
    fn a_single_backslash_is_told() {
        for (text, control) in [
            ("C:\temp\new.cache", "\\t"),
            ("C:\new", "\\n"),
            ("a\0b", "\\u{0}"),
            ("\u{7f}", "\\u{7f}"),
            ("a\u{85}", "\\u{85}"),
        ] {
            let said = at(text).unwrap_err();
            assert_eq!(
                said,
                format!(
                    "cache: has a control character in it ({control}), which no file's name should; JSON wants a backslash written twice: \"C:\\\\temp\""
                )
            );
        }
        assert_eq!(at("").unwrap_err(), "cache: is empty; name a file");
        assert_eq!(
            at(&"${".repeat(1 << 20)).unwrap_err(),
            "cache: is longer than a path can be: 32767 bytes"
        );
    }

    #[test]
    fn what_only_a_shell_would_expand_is_refused() {
        for (text, word) in [
            ("%LOCALAPPDATA%\\x", "%LOCALAPPDATA%"),
            ("C:\\%ProgramFiles(x86)%\\x", "%ProgramFiles(x86)%"),
            ("${HOME}/x", "${HOME}"),
            ("/run/${USER}.cache", "${USER}"),
            ("$HOME/x", "$HOME"),
            ("/a/$USER", "$USER"),
            ("~/x", "~"),
            ("~", "~"),
            ("~alice/x", "~alice"),
        ] {
            let said = at(text).unwrap_err();
            assert!(
                said.ends_with(&format!(
                    " has {word:?} in it, which is not expanded here; write the path in full"
                )),
                "{said}"
            );
        }
        for text in [
            "100%",
            "50%-100%/x",
            "a$",
            "\\\\server\\c$\\x",
            "C:\\$Recycle.Bin\\x",
            "~x",
            "PROGRA~1\\x",
            "${}",
            "a~/b",
        ] {
            assert!(at(text).is_ok(), "{text}");
        }
    }
}
