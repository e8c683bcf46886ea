//! Fuzz targets over everything that reads what others wrote: one binary, the target named by `PYDYNDNS_FUZZ`.
//!
//! They use what the libraries offer everybody. A target asserts more than "no panic" where it can: nothing but the one
//! good answer verifies, no error line breaks in two, no secret is repeated.
#![no_main]
#![allow(clippy::unwrap_used, reason = "a target that cannot begin has failed")]

mod kerberos;
mod logging;
mod targets;

use std::sync::OnceLock;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<targets::Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("PYDYNDNS_FUZZ").unwrap_or_default();
        targets::named(&name).unwrap_or_else(|| panic!("PYDYNDNS_FUZZ names no target: {name:?}"))
    })(data);
});
