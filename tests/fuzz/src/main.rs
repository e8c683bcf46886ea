//! Fuzz targets over everything that reads what others wrote: one binary, the target named by `PYDYNDNS_FUZZ`.
//!
//! The program's own modules are compiled in as they are. A target asserts more than "no panic" where it can: nothing
//! but the one good answer verifies, no error line breaks in two, no secret is repeated.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    reason = "the program's modules do more than the targets use"
)]
#![allow(clippy::unwrap_used, reason = "a target that cannot begin has failed")]

/// The program's modules, where they look for each other: at the crate's root.
#[path = "../../../src"]
mod program {
    pub(crate) mod addresses;
    pub(crate) mod cache;
    pub(crate) mod config;
    pub(crate) mod dns;
    pub(crate) mod host;
    pub(crate) mod name;
    pub(crate) mod registration;
    pub(crate) mod secret;
}
mod logging;
mod targets;

use program::{addresses, cache, config, dns, host, name, registration, secret};
use std::sync::OnceLock;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<targets::Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("PYDYNDNS_FUZZ").unwrap_or_default();
        targets::named(&name).unwrap_or_else(|| panic!("PYDYNDNS_FUZZ names no target: {name:?}"))
    })(data);
});
