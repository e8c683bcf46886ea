//! What a run that sends warns of, beside what it does. Runs that change nothing are silent, so that cron is.

use crate::config::Config;
use crate::desired::Desired;
use crate::escape;
use crate::host;
use std::fs::File;

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
    if let Some(file) = &config.secret_file
        && File::open(file)
            .and_then(|open| host::readable_by_others(&open, file))
            .unwrap_or(false)
    {
        warnings.push(format!(
            "{} has a secret in it and is readable by others; {}",
            file.display(),
            host::HOW_TO_HIDE
        ));
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
