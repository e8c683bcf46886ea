//! Kills and failures at every system call of an update over TLS, the reading of certificates and keys included: the cache
//! never confirms what the zone has not, and the next run makes both right.

use serde_json::{Value, json};

use super::authority::{Authority, proxy, server};
use crate::harness::local::Local;
use crate::harness::program::Run;
use crate::hostile::system_calls::{at_every_call, is_no_failure, is_no_false_success};

/// Injects a fault at every system call of an update through a proxy that asks for a certificate.
fn at_every_call_of_an_update_over_tls(fault: &str, judge: fn(&Run, bool)) {
    let local = Local::new();
    let authority = Authority::new(local.path(), "authority");
    let pair = authority.pair(&["127.0.0.1"]);
    let own = authority.pair(&["host.example.com"]);
    let config = server(&pair, &["dot"], Some(&authority));
    let at = proxy("127.0.0.1:0", config, local.primary.address());
    let keys: Value = json!({
        "server": at.to_string(),
        "tls": {"ca": authority.file, "certificate": own.certificate, "key": own.key},
    });
    at_every_call(&local, &keys, &[fault], judge);
}

#[test]
fn a_run_that_is_killed_at_any_system_call_is_made_good_by_the_next() {
    at_every_call_of_an_update_over_tls("signal=KILL", is_no_failure);
}

#[test]
fn a_system_call_that_fails_is_no_false_success_and_is_made_good_by_the_next_run() {
    at_every_call_of_an_update_over_tls("error=EIO", is_no_false_success);
}
