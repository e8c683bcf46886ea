//! Key files: one TSIG key as name servers' own tools write it.
//!
//! | form | written by |
//! |---|---|
//! | `key "NAME" { algorithm hmac-sha256; secret "BASE64"; };` | BIND's tsig-keygen, ddns-confgen, rndc-confgen |
//! | YAML: `key:`, `- id: NAME`, `algorithm: ...`, `secret: ...` | Knot DNS's `keymgr -t` |
//! | `Private-key-format: v1.3`, `Algorithm: 163 (HMAC_SHA256)`, `Key: BASE64` | BIND's dnssec-keygen before 9.13, as `KNAME.+163+ID.private` |
//!
//! The first word of a file tells its form. Nothing in this module, its errors included, shows a byte of a secret, and
//! so nothing of what stands in a file but where it stands.

use crate::secret::Secret;
use std::path::Path;

/// The forms that are read, for who has another one.
const FORMS: &str = "the forms that are read are tsig-keygen's (key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };), the YAML of keymgr -t, and K*.private of dnssec-keygen";

/// What a key file says, as text.
#[derive(Debug)]
pub struct KeyFile {
    /// The key's name; none in `K*.private`, where the file's own name has it.
    pub name: Option<String>,
    /// The algorithm's name, in whatever case and with or without its domain: `HMAC-MD5.SIG-ALG.REG.INT`.
    pub algorithm: String,
    /// The secret, decoded and never empty.
    pub secret: Secret,
}

impl KeyFile {
    /// Reads the text of a key file in any of the forms above, with or without a byte order mark.
    ///
    /// # Errors
    /// What is wrong, on which line, and what would be right; one line without a byte of the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut words = Words { text, line: 1 };
        let first = words.next().map_err(|wrong| with_example(&wrong, BIND))?;
        match first {
            None => Err(format!("there is no key in the file; {FORMS}")),
            Some(word) if word.eq_ignore_ascii_case("key") => {
                bind(words).map_err(|wrong| with_example(&wrong, BIND))
            }
            // A YAML text may begin with a line of three hyphens.
            Some("key:" | "---") => yaml(text).map_err(|wrong| with_example(&wrong, YAML)),
            Some(word) if word.eq_ignore_ascii_case("Private-key-format:") => {
                private(text).map_err(|wrong| with_example(&wrong, PRIVATE))
            }
            Some(_) => Err(words.error(&format!("this is no key file; {FORMS}"))),
        }
    }
}

/// A key file's name for the key that is in it: `Khost.example.com.+163+04711.private` is of `host.example.com`.
pub(super) fn name_in_file_name(file: &Path) -> Option<String> {
    let stem = file.file_name()?.to_str()?.strip_suffix(".private")?;
    let (rest, id) = stem.rsplit_once('+')?;
    let (name, algorithm) = rest.strip_prefix('K')?.rsplit_once('+')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(id) && is_number(algorithm)).then(|| name.to_owned())
}

/// How BIND's form looks.
const BIND: &str = "key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };";

/// How Knot's form looks, where each of the four stands on a line of its own.
const YAML: &str =
    "`key:`, `- id: NAME`, `algorithm: hmac-sha256`, `secret: BASE64`, each on a line of its own";

/// How dnssec-keygen's form looks.
const PRIVATE: &str = "`Private-key-format: v1.3`, `Algorithm: 163 (HMAC_SHA256)`, `Key: BASE64`, each on a line of its own";

/// An error with how it would be right.
fn with_example(wrong: &str, example: &str) -> String {
    format!("{wrong}; it should read {example}")
}

/// Reads what stands behind the word `key` in BIND's syntax: keywords in any case, quotes or none, three kinds of comment.
fn bind(mut words: Words<'_>) -> Result<KeyFile, String> {
    let name = words.word("the key's name")?.to_owned();
    words.expect("{")?;
    let (mut algorithm, mut secret) = (None, None);
    loop {
        match words.next()? {
            Some(word) if algorithm.is_none() && word.eq_ignore_ascii_case("algorithm") => {
                algorithm = Some(words.word("the algorithm")?.to_owned());
            }
            Some(word) if secret.is_none() && word.eq_ignore_ascii_case("secret") => {
                let text = words.word("the secret")?;
                secret = Some(
                    Secret::from_base64(text)
                        .map_err(|wrong| words.error(&format!("the secret {wrong}")))?,
                );
            }
            Some("}") => break,
            _ => {
                return Err(
                    words.error("expected `algorithm ...;`, `secret \"...\";` (each once) or `}`")
                );
            }
        }
        words.expect(";")?;
    }
    words.expect(";")?;
    if words.next()?.is_some() {
        return Err(words.error("expected nothing after the key; one key a file"));
    }
    Ok(KeyFile {
        name: Some(name),
        algorithm: algorithm.ok_or("the key has no `algorithm`")?,
        secret: secret.ok_or("the key has no `secret`")?,
    })
}

/// Reads the YAML that `keymgr -t` prints, which is a section of knot.conf: a list of one mapping of plain or quoted
/// texts. More of YAML is not read.
fn yaml(text: &str) -> Result<KeyFile, String> {
    let (mut name, mut algorithm, mut secret) = (None, None, None);
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let error = |what: &str| Err(format!("line {}: {what}", index + 1));
        let content = line.split(" #").next().unwrap_or_default().trim();
        if content.is_empty() || content.starts_with('#') || content == "---" {
            continue;
        }
        if !is_open {
            if content != "key:" {
                return error("expected `key:`");
            }
            is_open = true;
            continue;
        }
        let (item, begins) = match content.strip_prefix("- ") {
            Some(item) => (item.trim_start(), true),
            None => (content, false),
        };
        let started = name.is_some() || algorithm.is_some() || secret.is_some();
        if begins && started {
            return error("expected nothing after the key; one key a file");
        }
        if !begins && !started {
            return error("expected `- id: NAME`");
        }
        let Some((key, value)) = item.split_once(':') else {
            return error("expected `id: ...`, `algorithm: ...` or `secret: ...`");
        };
        let value = unquoted(value.trim());
        if value.is_empty() {
            return error("a value is missing");
        }
        match key.trim_end() {
            "id" if name.is_none() => name = Some(value.to_owned()),
            "algorithm" if algorithm.is_none() => algorithm = Some(value.to_owned()),
            "secret" if secret.is_none() => match Secret::from_base64(value) {
                Ok(read) => secret = Some(read),
                Err(wrong) => return error(&format!("the secret {wrong}")),
            },
            _ => return error("expected `id`, `algorithm` or `secret` (each once)"),
        }
    }
    Ok(KeyFile {
        name: Some(name.ok_or("the key has no `id`")?),
        algorithm: algorithm.ok_or("the key has no `algorithm`")?,
        secret: secret.ok_or("the key has no `secret`")?,
    })
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// Reads `K*.private`: a field a line. A key for DNSSEC looks the same and has another algorithm.
fn private(text: &str) -> Result<KeyFile, String> {
    let (mut algorithm, mut secret) = (None, None);
    for (index, line) in text.lines().enumerate() {
        let error = |what: &str| format!("line {}: {what}", index + 1);
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field.eq_ignore_ascii_case("Algorithm") {
            let number = value.split_ascii_whitespace().next().unwrap_or_default();
            algorithm = Some(hmac_of_number(number).ok_or_else(|| {
                error("the algorithm is none for TSIG (157, 161 to 165); is it a key for DNSSEC?")
            })?);
        } else if field.eq_ignore_ascii_case("Key") {
            let read = Secret::from_base64(value);
            secret = Some(read.map_err(|wrong| error(&format!("the secret {wrong}")))?);
        }
    }
    Ok(KeyFile {
        name: None,
        algorithm: algorithm.ok_or("the key has no `Algorithm`")?.to_owned(),
        secret: secret.ok_or("the key has no `Key`")?,
    })
}

/// The algorithm behind the number that BIND gives it in key files.
fn hmac_of_number(number: &str) -> Option<&'static str> {
    Some(match number {
        "157" => "hmac-md5",
        "161" => "hmac-sha1",
        "162" => "hmac-sha224",
        "163" => "hmac-sha256",
        "164" => "hmac-sha384",
        "165" => "hmac-sha512",
        _ => return None,
    })
}

/// The words of a configuration file in BIND's syntax.
struct Words<'a> {
    /// What is left.
    text: &'a str,
    /// The line that it begins on.
    line: usize,
}

impl<'a> Words<'a> {
    /// The next word, quoted or not, or one of `{ } ;`; none at the end.
    fn next(&mut self) -> Result<Option<&'a str>, String> {
        self.skip_blanks()?;
        let Some(first) = self.text.chars().next() else {
            return Ok(None);
        };
        let (word, used) = match first {
            '{' | '}' | ';' => (&self.text[..1], 1),
            // In named.conf a quoted text may go over lines.
            '"' => {
                let quoted = &self.text[1..];
                let end = quoted
                    .find('"')
                    .ok_or_else(|| self.error("a quote is not closed"))?;
                (&quoted[..end], end + 2)
            }
            _ => {
                let ends =
                    |c: char| c.is_ascii_whitespace() || matches!(c, '{' | '}' | ';' | '"' | '#');
                let end = self.text.find(ends).unwrap_or(self.text.len());
                (&self.text[..end], end)
            }
        };
        self.skip(used);
        Ok(Some(word))
    }

    /// The next word, which must be `wanted` in whatever case.
    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self
            .next()?
            .is_some_and(|word| word.eq_ignore_ascii_case(wanted))
        {
            Ok(())
        } else {
            Err(self.error(&format!("expected `{wanted}`")))
        }
    }

    /// The next word, which must be none of `{ } ;`.
    fn word(&mut self, what: &str) -> Result<&'a str, String> {
        match self.next()? {
            Some(word) if !matches!(word, "{" | "}" | ";" | "") => Ok(word),
            _ => Err(self.error(&format!("expected {what}"))),
        }
    }

    /// Passes over white space and the three kinds of comment.
    fn skip_blanks(&mut self) -> Result<(), String> {
        loop {
            let blanks = self.text.len() - self.text.trim_ascii_start().len();
            self.skip(blanks);
            if self.text.starts_with("/*") {
                let end = self
                    .text
                    .find("*/")
                    .ok_or_else(|| self.error("a comment is not closed"))?;
                self.skip(end + 2);
            } else if self.text.starts_with("//") || self.text.starts_with('#') {
                self.skip(self.text.find('\n').unwrap_or(self.text.len()));
            } else {
                return Ok(());
            }
        }
    }

    /// Passes over so many bytes.
    fn skip(&mut self, bytes: usize) {
        let (over, rest) = self.text.split_at(bytes);
        self.line += over.matches('\n').count();
        self.text = rest;
    }

    /// An error on the line where this is.
    fn error(&self, what: &str) -> String {
        format!("line {}: {what}", self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file's name, algorithm and secret.
    fn read(text: &str) -> (Option<String>, String, Vec<u8>) {
        let file = KeyFile::parse(text).unwrap();
        (file.name, file.algorithm, file.secret.bytes().to_vec())
    }

    #[test]
    fn reads_what_tsig_keygen_writes() {
        let text = "key \"host.example.com\" {\n\talgorithm hmac-sha256;\n\tsecret \"aGVsbG8gd29ybGQ=\";\n};\n";
        let expected = (
            Some("host.example.com".into()),
            "hmac-sha256".into(),
            b"hello world".to_vec(),
        );
        assert_eq!(read(text), expected);
        assert_eq!(
            read(&format!("\u{feff}{}", text.replace('\n', "\r\n"))),
            expected
        );
    }

    #[test]
    fn reads_binds_syntax_as_bind_does() {
        let expected = (
            Some("k".into()),
            "HMAC-MD5.SIG-ALG.REG.INT".into(),
            b"hello".to_vec(),
        );
        for text in [
            "// one\n# two\n/* three\n */ key k{secret aGVsbG8=;algorithm HMAC-MD5.SIG-ALG.REG.INT;};",
            "key k#one\n{secret aGVsbG8=#two\n;algorithm HMAC-MD5.SIG-ALG.REG.INT# three\n;};",
            "KEY k {\n Algorithm \"HMAC-MD5.SIG-ALG.REG.INT\"; SECRET \"aGVs\n    bG8=\"; }; // end",
        ] {
            assert_eq!(read(text), expected);
        }
    }

    #[test]
    fn reads_the_yaml_of_keymgr() {
        let expected = (
            Some("host.example.com".into()),
            "hmac-sha256".into(),
            b"hello".to_vec(),
        );
        for text in [
            "# hmac-sha256:host.example.com:aGVsbG8=\nkey:\n  - id: host.example.com\n    algorithm: hmac-sha256\n    secret: aGVsbG8=\n",
            "---\r\nkey:\r\n- id: \"host.example.com\"\r\n\r\n  secret: 'aGVsbG8='  # so\r\n  algorithm: hmac-sha256\r\n",
        ] {
            assert_eq!(read(text), expected);
        }
    }

    #[test]
    fn reads_what_dnssec_keygen_wrote() {
        let text = "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: aGVsbG8=\nBits: AAA=\nCreated: 20261126000000\n";
        assert_eq!(read(text), (None, "hmac-sha256".into(), b"hello".to_vec()));
        let name = |name: &str| name_in_file_name(&Path::new("/etc").join(name));
        assert_eq!(
            name("Khost.example.com.+163+04711.private").as_deref(),
            Some("host.example.com.")
        );
        for other in [
            "host.example.com.+163+04711.private",
            "Khost.+163.private",
            "Khost.+x+04711.private",
            "Khost.+163+04711.key",
            "K",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }

    #[test]
    fn names_the_line_and_the_right_form_and_never_the_secret() {
        for (text, wrong, example) in [
            (
                "key \"a\" {\nalgorithm x;\nsecret \"c2VjcmV0!\";\n};",
                "line 3: the secret is not base64",
                BIND,
            ),
            (
                "key a { secret \"\"; };",
                "line 1: expected the secret",
                BIND,
            ),
            (
                "key a { secret \"c2VjcmV0\"; };",
                "the key has no `algorithm`",
                BIND,
            ),
            ("key a { algorithm x; };", "the key has no `secret`", BIND),
            (
                "key a {\n secret \"c2VjcmV0",
                "line 2: a quote is not closed",
                BIND,
            ),
            (
                "key a { algorithm x; secret c2VjcmV0; };\nkey b { };",
                "line 2: expected nothing after the key; one key a file",
                BIND,
            ),
            ("/* c2VjcmV0", "line 1: a comment is not closed", BIND),
            (
                "key:\n  - id: a\n    secret: c2VjcmV0!",
                "line 3: the secret is not base64",
                YAML,
            ),
            (
                "key:\n  - id: a\n    c2VjcmV0",
                "line 3: expected `id: ...`, `algorithm: ...` or `secret: ...`",
                YAML,
            ),
            (
                "key:\n  - id: a\n    c2VjcmV0: 1",
                "line 3: expected `id`, `algorithm` or `secret` (each once)",
                YAML,
            ),
            ("key:\n  id: a", "line 2: expected `- id: NAME`", YAML),
            (
                "key:\n  - id: a\n  - id: b",
                "line 3: expected nothing after the key; one key a file",
                YAML,
            ),
            ("key:\n", "the key has no `id`", YAML),
            ("---\nc2VjcmV0", "line 2: expected `key:`", YAML),
            ("key:\n - id:", "line 2: a value is missing", YAML),
            (
                "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\nKey: c2VjcmV0",
                "line 2: the algorithm is none for TSIG (157, 161 to 165); is it a key for DNSSEC?",
                PRIVATE,
            ),
            (
                "Private-key-format: v1.3\nAlgorithm: 163\nKey: c2VjcmV0!",
                "line 3: the secret is not base64",
                PRIVATE,
            ),
            (
                "Private-key-format: v1.3\nKey: c2VjcmV0",
                "the key has no `Algorithm`",
                PRIVATE,
            ),
        ] {
            let error = KeyFile::parse(text).unwrap_err();
            assert_eq!(error, format!("{wrong}; it should read {example}"));
            assert!(!error.contains("c2VjcmV0"));
        }
        for text in [
            "host.example.com. hmac-sha256. c2VjcmV0",
            "Create new TSIG key host hmac-sha256 c2VjcmV0",
            "c2VjcmV0",
            "host.example.com. IN KEY 512 3 163 c2VjcmV0",
            "hmac-sha256:host:c2VjcmV0",
        ] {
            assert_eq!(
                KeyFile::parse(text).unwrap_err(),
                format!("line 1: this is no key file; {FORMS}")
            );
        }
        assert_eq!(
            KeyFile::parse("# nothing\n").unwrap_err(),
            format!("there is no key in the file; {FORMS}")
        );
    }
}
