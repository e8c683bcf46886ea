//! The integration tests: the real program against real name servers, over real sockets.
//!
//! Each test either talks to the embedded primary on loopback, which works everywhere, or gets network, mount,
//! host name and process namespaces of its own (`harness::sandbox`), where it may change what it likes.
//! What a test needs and does not find it skips, with a line that says so; with `PYDYNDNS_TEST_NO_SKIP=1`
//! that is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    clippy::format_collect,
    reason = "a test is read once from top to bottom: plain words before short ones, and JSON handed over as it stands"
)]

#[macro_use]
mod harness;

mod addresses;
mod cache;
mod cli;
mod compat;
mod configuration;
#[cfg(target_os = "linux")]
mod cost;
mod docs;
mod examples;
#[cfg(target_os = "linux")]
mod gss;
mod hostile;
mod logging;
mod manual;
mod name;
mod sandbox;
mod servers;
mod silence;
mod status;
mod tls;
mod update;
#[cfg(target_os = "linux")]
mod windows;
mod zone;
