//! What a run that sends warns of, beside what it does. Runs that change nothing are silent, so that cron is.

use crate::cache::{Cache, CacheLock, Reading};
use crate::config::Config;
use crate::desired::Desired;
use crate::escape;
use crate::host;
use hickory_proto::rr::Name;
use std::fs::{self, File};

/// One line each: what is wrong, and what to do.
pub(crate) fn of(desired: &Desired, config: &Config) -> Vec<String> {
    let mut warnings: Vec<String> = desired
        .missing
        .iter()
        .map(|interface| format!("no interface {interface} exists"))
        .collect();
    if desired.registration.addresses.is_empty() {
        warnings.push(format!(
            "the interfaces have no address to register, so the update removes the records of {}",
            escape::domain(&desired.registration.name)
        ));
    }
    warnings.extend(about_secrets(config));
    warnings
}

/// What is to be said of the key, and of the file that holds its secret.
pub(crate) fn about_secrets(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for file in config.secret_files() {
        // To open anything else than a file, a FIFO say, may have no end.
        if !fs::metadata(file).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let exposure = File::open(file).and_then(|open| host::exposure(&open));
        if let Ok(Some(exposure)) = exposure {
            warnings.push(format!(
                "{} has a secret in it and {exposure}; {}",
                file.display(),
                host::how_to_hide(file)
            ));
        }
    }
    if let Some(key) = config.key.as_ref().filter(|key| key.algorithm().is_weak()) {
        warnings.push(format!(
            "the key {} uses {}, which is weak; make one for hmac-sha256",
            escape::domain(key.name()),
            key.algorithm().as_str()
        ));
    }
    warnings
}

/// What is to be said of the cache and its lock.
pub(crate) fn about_cache(
    cache: Option<&Cache>,
    lock: Option<&CacheLock>,
    name: &Name,
) -> Vec<String> {
    let Some(cache) = cache else {
        return Vec::new();
    };
    let path = cache.path().display();
    let mut warnings = Vec::new();
    if let Some(flaw) = lock.and_then(CacheLock::flaw) {
        warnings.push(format!(
            "cannot lock the cache {path}, so another run may interfere: {flaw}"
        ));
    }
    if let Reading::Confirmed(entry) = cache.read()
        && !entry.is_for(name)
    {
        warnings.push(format!(
            "the cache {path} is about {}, not {}: if another configuration uses it too, give each its own `cache`",
            escape::one_line(entry.hostname()),
            escape::domain(name)
        ));
    }
    warnings
}
