//! What the program talks to in tests: a primary name server within the process, and a realm of Kerberos.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "a test that cannot go on has failed"
)]

pub mod kerberos;
pub mod primary;
