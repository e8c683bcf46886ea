//! The `tsig` key: the key that signs updates, written in the configuration itself or in a key file.
//!
//! Nothing that stands there is repeated in an error: it may be the secret in the wrong place.

use super::keyfile::{KeyFile, name_in_file_name};
use super::path::path;
use super::section::{At, Fault, Section, fault, string};
use super::text::{decode, read};
use crate::dns::tsig::{Algorithm, Key};
use crate::escape;
use crate::name;
use crate::secret::Secret;
use hickory_proto::rr::Name;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No key file needs more bytes than this; 64 KiB.
const MAX_KEY_FILE: u64 = 64 << 10;

/// The keys of the object.
pub(super) const KEYS: [&str; 4] = ["algorithm", "key", "keyname", "keyfile"];

/// The key, and the file that its secret is in.
pub(super) fn key(
    mut tsig: Section,
    config: &Path,
    folder: &Path,
) -> Result<(Key, PathBuf), Fault> {
    if let Some(keyfile) = tsig.optional("keyfile") {
        if let Some(other) = ["algorithm", "key"].into_iter().find(|key| tsig.has(key)) {
            return Err(fault(
                format!("tsig.{other}"),
                "is in the key file already; give either `keyfile` or the other three",
            ));
        }
        let at = keyfile.0.clone();
        let file = path(keyfile, folder)?;
        let name = tsig.optional("keyname").map(key_name).transpose()?;
        let key = key_from_file(&file, name)
            .map_err(|what| fault(at, format!("{}: {what}", file.display())))?;
        return Ok((key, file));
    }
    let (path, text) = tsig
        .required(
            "algorithm",
            "the algorithm, or a `keyfile` in place of all three",
        )
        .and_then(string)?;
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.as_str() == text);
    let algorithm = algorithm.ok_or_else(|| fault(path, unknown_algorithm()))?;
    let (path, text) = tsig
        .required("key", "the secret in base64")
        .and_then(string)?;
    let text = Zeroizing::new(text);
    let secret = Secret::from_base64(&text).map_err(|wrong| {
        fault(
            path,
            format!("the secret {wrong}; give it in base64, as tsig-keygen prints it"),
        )
    })?;
    let name = tsig
        .required("keyname", "the key's name as the server knows it")
        .and_then(key_name)?;
    Ok((Key::new(&name, algorithm, secret), config.to_owned()))
}

/// The `keyname` key.
fn key_name(value: At) -> Result<Name, Fault> {
    let (path, text) = string(value)?;
    name::domain_name(&text).map_err(|wrong| fault(path, format!("the key's name {wrong}")))
}

/// Reads a key file; `given` is what the configuration calls the key.
#[inline(never)]
fn key_from_file(file: &Path, given: Option<Name>) -> Result<Key, String> {
    let bytes = read(file, MAX_KEY_FILE).map_err(|error| escape::system(&error))?;
    let text = decode(&bytes).map_err(|fault| fault.to_string())?;
    let read = KeyFile::parse(text)?;
    let plain = read.algorithm.to_ascii_lowercase();
    let plain = plain.trim_end_matches('.');
    let plain = plain.strip_suffix(".sig-alg.reg.int").unwrap_or(plain);
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.as_str() == plain);
    let algorithm = algorithm.ok_or_else(unknown_algorithm)?;
    let own = read.name.or_else(|| name_in_file_name(file));
    let own = own
        .map(|own| name::domain_name(&own).map_err(|wrong| format!("the key's name {wrong}")))
        .transpose()?;
    let name = match (own, given) {
        (Some(own), Some(given)) if own != given => {
            return Err("the key has another name than `keyname` says; leave `keyname` out".into());
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => {
            return Err("the name of the key is neither in the file nor in its name; give it as `keyname` beside `keyfile`".into());
        }
    };
    Ok(Key::new(&name, algorithm, read.secret))
}

/// That an algorithm is none of those there are. None is proposed: the nearest one may be a weaker one.
#[cold]
fn unknown_algorithm() -> String {
    format!(
        "no such algorithm; there are {}",
        Algorithm::ALL.map(Algorithm::as_str).join(", ")
    )
}
