//! The configurations: each registers at a primary on loopback.

use std::path::Path;

use serde_json::{Value, json};

use super::pages;
use crate::harness::local::Local;
use crate::harness::program::{Program, merged, tsig};
use crate::harness::secret;
use crate::tls::authority;

/// What an example can't know put into it: where this test's primary and files are.
fn placed(given: &Value, local: &Local) -> Value {
    let mut keys = json!({
        "cache": local.cache(),
        "hostname": "host.example.com",
        "zone": "example.com",
        "server": local.primary.address().to_string(),
    });
    if given.get("gss").is_some() {
        return keys;
    }
    if let Some(file) = given["tsig"].get("keyfile") {
        let path = local.path().join(file.as_str().expect("a file's name"));
        let text = format!(
            "key \"{}\" {{ algorithm {}; secret \"{}\"; }};",
            local.key.name,
            local.key.algorithm.name(),
            secret(&local.key)
        );
        std::fs::write(path, text).expect("the key file can be written");
    } else {
        keys["tsig"] = tsig(&local.key);
    }
    if given.get("tls").is_some() {
        keys["server"] = json!(proxy(&given["tls"], local));
    }
    keys
}

/// A proxy for TLS in front of the primary, with a certificate by the authority and for the name that the example gives.
fn proxy(tls: &Value, local: &Local) -> String {
    let file = Path::new(tls["ca"].as_str().expect("the example names its authority"));
    let authority =
        authority::Authority::new(local.path(), file.file_stem().unwrap().to_str().unwrap());
    assert_eq!(authority.file, local.path().join(file));
    let pair = authority.pair(&[tls["name"].as_str().expect("the example names the server")]);
    let config = authority::server(&pair, &["dot"], None);
    authority::proxy("127.0.0.1:0", config, local.primary.address()).to_string()
}

#[test]
fn every_configuration_registers() {
    for block in pages::in_language("json") {
        let given: Value =
            serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{block}: {error}"));
        let local = Local::new();
        // A section by itself is for a configuration that one has already.
        let is_whole = given.get("ipv4").is_some();
        assert!(
            is_whole || block.page == "docs/logging.md",
            "{block}: not a whole configuration"
        );
        let keys = merged(given.clone(), placed(&given, &local));
        let configuration = if is_whole { keys } else { local.config(keys) };
        let program = Program::new(local.path()).config(&configuration);
        let only_windows = block.text.contains("NTEventLogHandler");
        let only_unix = block.text.contains("/dev/log");
        let is_refused = if cfg!(windows) {
            only_unix
        } else {
            only_windows
        };
        let expected = if is_refused { 2 } else { 0 };
        if given.get("gss").is_some() {
            // tests/gss registers so, in a realm.
            let outcome = program.arg("--dry-run").run();
            assert_eq!(outcome.status, Some(expected), "{block}: {outcome:?}");
            continue;
        }
        let outcome = program.run();
        assert_eq!(outcome.status, Some(expected), "{block}: {outcome:?}");
        assert_eq!(local.primary.updates(), usize::from(!is_refused), "{block}");
    }
}
