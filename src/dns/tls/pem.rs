//! Certificates and private keys out of PEM files (RFC 7468): PKCS#8, PKCS#1 and SEC1 keys. Errors name file and line,
//! and never show a byte of what was read.

use crate::escape;
use rustls::pki_types::pem::{Error, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// No file of certificates needs more bytes than this; 4 MiB.
const MAX_FILE: u64 = 4 << 20;

/// What some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The certificates of a file, in its order; at least one.
///
/// # Errors
/// What is wrong, on which file and line.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file).map_err(|error| wrong_file(file, &escape::system(&error)))?;
    certificates_in(&text).map_err(|wrong| wrong_file(file, &wrong))
}

/// The private key of a file.
///
/// # Errors
/// What is wrong, on which file and line.
pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(file).map_err(|error| wrong_file(file, &escape::system(&error)))?;
    key_in(&text, file).map_err(|wrong| wrong_file(file, &wrong))
}

/// What is wrong, behind the name of the file.
fn wrong_file(file: &Path, wrong: &str) -> String {
    format!("{}: {wrong}", file.display())
}

/// The certificates of a PEM text; at least one.
///
/// # Errors
/// What is wrong, on which line.
pub fn certificates_in(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = sections(text)?
        .into_iter()
        .filter(|(kind, _)| *kind == SectionKind::Certificate)
        .map(|(_, bytes)| CertificateDer::from(bytes.to_vec()))
        .collect();
    if found.is_empty() {
        return Err(lacks(text, "certificate", "CERTIFICATE"));
    }
    Ok(found)
}

/// The one private key of a PEM text.
///
/// # Errors
/// What is wrong, on which line; `file` is named in the remedy.
pub fn key_in(text: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    if is_encrypted(text) {
        return Err(format!(
            "the key is encrypted, and nobody is there to type the passphrase; decrypt it: openssl pkey -in {} -out NEW_FILE",
            file.display()
        ));
    }
    let mut keys = sections(text)?
        .into_iter()
        .filter_map(|(kind, bytes)| PrivateKeyDer::from_pem(kind, bytes.to_vec()));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err("has more than one private key; leave one".into()),
        (None, _) => Err(lacks(text, "private key", "PRIVATE KEY")),
    }
}

/// Whether there is an encrypted key in a PEM text: of PKCS#8 by its label, of the older forms by a header (RFC 1421, 4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    text.windows(9).any(|word| word == b"ENCRYPTED")
}

/// That a PEM text has nothing of a kind, and what it has.
fn lacks(text: &[u8], what: &str, label: &str) -> String {
    let found = labels(text).join(", ");
    let only = if found.is_empty() { "" } else { ", only " };
    format!(
        "has no {what}{only}{found}; it should have a part that begins with -----BEGIN {label}-----"
    )
}

/// What the parts of a PEM text are called, each once and the first few, as far as they are names such as those in use.
fn labels(text: &[u8]) -> Vec<&str> {
    let mut labels = Vec::new();
    for line in text.split(|&octet| octet == b'\n' || octet == b'\r') {
        let label = line
            .strip_prefix(b"-----BEGIN ")
            .and_then(|label| label.trim_ascii_end().strip_suffix(b"-----"))
            .and_then(|label| str::from_utf8(label).ok())
            .filter(|label| {
                let is_usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ';
                label.len() < 40 && label.chars().all(is_usual)
            });
        if let Some(label) = label
            && !labels.contains(&label)
            && labels.len() < 3
        {
            labels.push(label);
        }
    }
    labels
}

/// A part of a PEM text: what it is, and its octets.
type Section = (SectionKind, Zeroizing<Vec<u8>>);

/// The parts of a PEM text that are known here.
fn sections(text: &[u8]) -> Result<Vec<Section>, String> {
    if let Some(wrong) = not_pem(text) {
        return Err(wrong.into());
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut sections = Vec::new();
    let mut rest = text;
    loop {
        let mut reader = rest;
        match rustls::pki_types::pem::from_buf(&mut reader) {
            Ok(Some((kind, bytes))) => sections.push((kind, Zeroizing::new(bytes))),
            Ok(None) => return Ok(sections),
            // A key's headers; its certificate may be beside it, and the key in use elsewhere.
            Err(Error::Base64Decode(_)) if is_encrypted(&rest[..rest.len() - reader.len()]) => {}
            Err(error) => return Err(wrong_section(text, rest, &error)),
        }
        rest = reader;
    }
}

/// That a file is of another kind altogether.
fn not_pem(text: &[u8]) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.starts_with(&[0x30]) {
        Some("is DER, not PEM; convert it with openssl")
    } else if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        Some("is UTF-16; save it as UTF-8")
    } else {
        None
    }
}

/// What is wrong with the first section of `rest`, the end of `text`.
fn wrong_section(text: &[u8], rest: &[u8], error: &Error) -> String {
    let marker = b"-----BEGIN";
    let start = rest
        .windows(marker.len())
        .position(|word| word == marker)
        .unwrap_or_default();
    let before = &text[..text.len() - rest.len() + start];
    let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
    let what = match error {
        Error::MissingSectionEnd { .. } => "has no -----END line: is the file whole?",
        Error::IllegalSectionStart { .. } => "is no proper -----BEGIN line",
        Error::Base64Decode(_) => "is not base64",
        _ => "cannot be read",
    };
    format!("line {line}: the part that begins here {what}")
}

/// A file's bytes, wiped when dropped.
fn read(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "is a folder; name a file in it"
        } else {
            "is not a regular file"
        };
        return Err(io::Error::other(what));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other("is larger than 4 MiB"));
    }
    // With room for one byte more than there are, the buffer never grows and leaves no copy behind.
    let size = metadata.len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(size).unwrap_or_default() + 1,
    ));
    fs::File::open(file)?
        .take(MAX_FILE)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for ns.example with its key, as PEM.
    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["ns.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn reads_a_chain_in_its_order_and_passes_over_text_between() {
        let ((one, _), (two, key)) = (pair(), pair());
        let text = format!("subject=one\n{one}\nissuer=two\n{two}{key}");
        let found = certificates_in(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_ne!(found[0], found[1]);
        assert_eq!(certificates_in(one.as_bytes()).unwrap(), found[..1]);
    }

    #[test]
    fn names_the_line_and_shows_nothing_of_the_key() {
        let (certificate, key) = pair();
        let file = Path::new("client.key");
        let wrong = |text: &str| key_in(text.as_bytes(), file).unwrap_err();
        assert_eq!(wrong(""), "is empty");
        assert_eq!(
            wrong(&certificate),
            "has no private key, only CERTIFICATE; it should have a part that begins with -----BEGIN PRIVATE KEY-----"
        );
        let cut = &key[..key.len() - 30];
        assert_eq!(
            wrong(&format!("# comment\n{cut}")),
            "line 2: the part that begins here has no -----END line: is the file whole?"
        );
        let body = key.lines().nth(1).unwrap();
        let broken = key.replace(body, "&&&&");
        assert_eq!(
            wrong(&format!("\n\n{broken}")),
            "line 3: the part that begins here is not base64"
        );
        assert_eq!(
            wrong(&format!("{key}{key}")),
            "has more than one private key; leave one"
        );
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(wrong(encrypted).contains("openssl pkey -in client.key -out"));
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(wrong(legacy).contains("encrypted"));
        assert_eq!(
            key_in(&[0x30, 0x82, 1, 2], file).unwrap_err(),
            "is DER, not PEM; convert it with openssl"
        );
        for text in [cut, &broken] {
            assert!(!wrong(text).contains(&body[..8]));
        }
    }

    #[test]
    fn reads_what_editors_and_other_systems_make_of_a_text() {
        let (one, key) = pair();
        let expected = certificates_in(one.as_bytes()).unwrap();
        let with_mark = format!("\u{feff}{one}");
        for text in [
            with_mark.clone(),
            with_mark.replace('\n', "\r\n"),
            one.replace('\n', "\r"),
            one.trim_end().to_owned(),
            format!("{key}{one}"),
            format!("-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n{one}"),
        ] {
            assert_eq!(
                certificates_in(text.as_bytes()).unwrap(),
                expected,
                "{text}"
            );
        }
        let parameters = "-----BEGIN EC PARAMETERS-----\nMAA=\n-----END EC PARAMETERS-----\n";
        let text = format!("\u{feff}{parameters}{key}");
        assert!(key_in(text.as_bytes(), Path::new("k")).is_ok());
    }

    #[test]
    fn a_file_without_a_certificate_is_told_by_what_it_has() {
        let wrong = |text: &str| certificates_in(text.as_bytes()).unwrap_err();
        let should = "; it should have a part that begins with -----BEGIN CERTIFICATE-----";
        for (text, has) in [
            ("\n", ""),
            ("words", ""),
            (
                "-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n",
                ", only PKCS7",
            ),
            (
                "-----BEGIN TRUSTED CERTIFICATE-----\r\nMAA=\r\n-----END TRUSTED CERTIFICATE-----\r\n",
                ", only TRUSTED CERTIFICATE",
            ),
            (
                "-----BEGIN a\u{1b}[m-----\nMAA=\n-----END a\u{1b}[m-----\n",
                "",
            ),
        ] {
            assert_eq!(wrong(text), format!("has no certificate{has}{should}"));
        }
    }

    #[test]
    fn a_certificate_beside_an_encrypted_key_is_read() {
        let (one, _) = pair();
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let found = certificates_in(format!("{legacy}{one}").as_bytes()).unwrap();
        assert_eq!(found, certificates_in(one.as_bytes()).unwrap());
    }

    #[test]
    fn reads_each_of_the_three_forms_of_a_key() {
        for (label, is) in [
            ("PRIVATE KEY", "Pkcs8"),
            ("RSA PRIVATE KEY", "Pkcs1"),
            ("EC PRIVATE KEY", "Sec1"),
        ] {
            let text = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
            let key = key_in(text.as_bytes(), Path::new("k")).unwrap();
            let found = match key {
                PrivateKeyDer::Pkcs1(_) => "Pkcs1",
                PrivateKeyDer::Sec1(_) => "Sec1",
                PrivateKeyDer::Pkcs8(_) => "Pkcs8",
                _ => "another",
            };
            assert_eq!(found, is);
        }
    }
}
