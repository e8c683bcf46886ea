//! Certificates and private keys out of PEM files (RFC 7468): PKCS#8, PKCS#1 and SEC1 keys. Errors name file and line,
//! and never show a byte of what was read.

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// No file of certificates needs more bytes than this; 4 MiB.
const MAX_FILE: u64 = 4 << 20;

/// The certificates of a file, in its order.
///
/// # Errors
/// What is wrong, on which file and line.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = certificates_in(&text).map_err(|wrong| format!("{}: {wrong}", file.display()))?;
    if found.is_empty() {
        return Err(format!(
            "{}: has no certificate; it should have a part that begins with -----BEGIN CERTIFICATE-----",
            file.display()
        ));
    }
    Ok(found)
}

/// The private key of a file.
///
/// # Errors
/// What is wrong, on which file and line.
pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    key_in(&text, file).map_err(|wrong| format!("{}: {wrong}", file.display()))
}

/// The certificates of a PEM text.
///
/// # Errors
/// What is wrong, on which line.
pub(crate) fn certificates_in(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    Ok(sections(text)?
        .into_iter()
        .filter(|(kind, _)| *kind == SectionKind::Certificate)
        .map(|(_, bytes)| CertificateDer::from(bytes.to_vec()))
        .collect())
}

/// The one private key of a PEM text.
///
/// # Errors
/// What is wrong, on which line; `file` is named in the remedy.
pub(crate) fn key_in(text: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    if text.windows(9).any(|word| word == b"ENCRYPTED") {
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
        (None, _) => Err(
            "has no private key; it should have a part that begins with -----BEGIN PRIVATE KEY-----"
                .into(),
        ),
    }
}

/// A part of a PEM text: what it is, and its octets.
type Section = (SectionKind, Zeroizing<Vec<u8>>);

/// The parts of a PEM text that are known here.
fn sections(text: &[u8]) -> Result<Vec<Section>, String> {
    if let Some(wrong) = not_pem(text) {
        return Err(wrong.into());
    }
    let mut sections = Vec::new();
    let mut rest = text;
    loop {
        let mut reader = rest;
        match rustls::pki_types::pem::from_buf(&mut reader) {
            Ok(Some((kind, bytes))) => sections.push((kind, Zeroizing::new(bytes))),
            Ok(None) => return Ok(sections),
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
fn wrong_section(text: &[u8], rest: &[u8], error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
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
        return Err(io::Error::other("is not a regular file"));
    }
    // With room for one byte more than there are, the buffer never grows and leaves no copy behind.
    let size = metadata.len().min(MAX_FILE);
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
            "has no private key; it should have a part that begins with -----BEGIN PRIVATE KEY-----"
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
