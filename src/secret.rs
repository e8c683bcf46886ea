//! The shared secret: out of base64 or a key file, redacted in `Debug`, wiped when dropped.
//!
//! Nothing in this module, its errors included, ever shows a byte of what it read.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use zeroize::Zeroizing;

/// Base64 as Python decodes it: padded, and the last character's spare bits may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes of a TSIG key.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Decodes base64; white space in it is passed over.
    ///
    /// # Errors
    /// It is empty or no base64.
    pub(crate) fn from_base64(text: &str) -> Result<Self, &'static str> {
        let packed: Zeroizing<Vec<u8>> = Zeroizing::new(
            text.bytes()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect(),
        );
        let mut bytes = Zeroizing::new(Vec::with_capacity(packed.len()));
        BASE64
            .decode_vec(&*packed, &mut bytes)
            .map_err(|_| "is not base64")?;
        if bytes.is_empty() {
            Err("is empty")
        } else {
            Ok(Self(bytes))
        }
    }

    /// The secret itself, for the HMAC alone.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The three things that a key file says, as text.
#[derive(Debug)]
pub(crate) struct KeyFile {
    /// The key's name.
    pub(crate) name: String,
    /// The algorithm's name, in whatever case and with or without its domain.
    pub(crate) algorithm: String,
    /// The secret.
    pub(crate) secret: Secret,
}

impl KeyFile {
    /// Reads `key "name" { algorithm hmac-sha256; secret "..."; };` as tsig-keygen writes it, with the comments and
    /// quotes that BIND's configuration allows.
    ///
    /// # Errors
    /// What is wrong, on which line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words { text, line: 1 };
        words.expect("key")?;
        let name = words.word("the key's name")?.to_owned();
        words.expect("{")?;
        let (mut algorithm, mut secret) = (None, None);
        loop {
            match words.next()? {
                Some("algorithm") if algorithm.is_none() => {
                    algorithm = Some(words.word("the algorithm")?.to_owned());
                }
                Some("secret") if secret.is_none() => {
                    let text = words.word("the secret")?;
                    secret = Some(
                        Secret::from_base64(text)
                            .map_err(|wrong| words.error(&format!("the secret {wrong}")))?,
                    );
                }
                Some("}") => break,
                _ => {
                    return Err(words
                        .error("expected `algorithm ...;`, `secret \"...\";` (each once) or `}`"));
                }
            }
            words.expect(";")?;
        }
        words.expect(";")?;
        if words.next()?.is_some() {
            return Err(words.error("expected nothing after the key; one key a file"));
        }
        Ok(Self {
            name,
            algorithm: algorithm.ok_or("the key has no `algorithm`")?,
            secret: secret.ok_or("the key has no `secret`")?,
        })
    }
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
            '"' => {
                let quoted = &self.text[1..];
                let end = quoted
                    .find(['"', '\n'])
                    .filter(|&end| quoted[end..].starts_with('"'));
                let end = end.ok_or_else(|| self.error("a quote is not closed"))?;
                (&quoted[..end], end + 2)
            }
            _ => {
                let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '{' | '}' | ';' | '"');
                let end = self.text.find(ends).unwrap_or(self.text.len());
                (&self.text[..end], end)
            }
        };
        self.skip(used);
        Ok(Some(word))
    }

    /// The next word, which must be `wanted`.
    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self.next()? == Some(wanted) {
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

    #[test]
    fn reads_what_tsig_keygen_writes() {
        let file = KeyFile::parse("key \"host.example.com\" {\n\talgorithm hmac-sha256;\n\tsecret \"aGVsbG8gd29ybGQ=\";\n};\n").unwrap();
        assert_eq!(
            (file.name.as_str(), file.algorithm.as_str()),
            ("host.example.com", "hmac-sha256")
        );
        assert_eq!(file.secret.bytes(), b"hello world");
    }

    #[test]
    fn reads_comments_and_unquoted_words() {
        let text = "// one\n# two\n/* three\n */ key k{secret aGVsbG8=;algorithm HMAC-MD5.SIG-ALG.REG.INT;};";
        let file = KeyFile::parse(text).unwrap();
        assert_eq!(
            (file.name.as_str(), file.algorithm.as_str()),
            ("k", "HMAC-MD5.SIG-ALG.REG.INT")
        );
        assert_eq!(file.secret.bytes(), b"hello");
    }

    #[test]
    fn names_the_line_and_never_the_secret() {
        for (text, wrong) in [
            ("", "line 1: expected `key`"),
            (
                "key \"a\" {\nalgorithm x;\nsecret \"c2VjcmV0!\";\n};",
                "line 3: the secret is not base64",
            ),
            ("key a { secret \"\"; };", "line 1: expected the secret"),
            (
                "key a { secret \"c2VjcmV0\"; };",
                "the key has no `algorithm`",
            ),
            ("key a { algorithm x; };", "the key has no `secret`"),
            (
                "key a {\n secret \"c2VjcmV0",
                "line 2: a quote is not closed",
            ),
            (
                "key a { algorithm x; secret c2VjcmV0; };\nkey b { };",
                "line 2: expected nothing after the key; one key a file",
            ),
            ("/* c2VjcmV0", "line 1: a comment is not closed"),
        ] {
            let error = KeyFile::parse(text).unwrap_err();
            assert_eq!(error, wrong);
            assert!(!error.contains("c2VjcmV0"));
        }
    }

    #[test]
    fn debug_is_redacted() {
        let secret = Secret::from_base64(" c2Vj\ncmV0 ").unwrap();
        assert_eq!(secret.bytes(), b"secret");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(Secret::from_base64("c2VjcmV").unwrap_err(), "is not base64");
        assert_eq!(Secret::from_base64(" ").unwrap_err(), "is empty");
    }
}
