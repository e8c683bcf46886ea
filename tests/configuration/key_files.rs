//! Key files: every form that a name server's own tools write signs an update.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::secret;

/// Writes a file that is its owner's alone.
fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(name);
    fs::write(&file, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Expects that the key file signs an update.
#[track_caller]
fn signs(local: &Local, tsig: Value) {
    let before = local.primary.updates();
    local
        .program(json!({"tsig": tsig, "cache": false}))
        .run()
        .succeeds();
    assert_eq!(local.primary.updates(), before + 1);
}

#[test]
fn binds_syntax_is_read_as_bind_reads_it() {
    let local = Local::new();
    let (secret, name) = (secret(&local.key), &local.key.name);
    let (half, rest) = secret.split_at(20);
    for text in [
        format!("key \"{name}\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{secret}\";\n}};\n"),
        format!(
            "# by hand\nkey {name} {{ secret {secret}; /* so */ algorithm HMAC-SHA256; }}; // end\n"
        ),
        format!("KEY \"{name}\" {{ Algorithm hmac-sha256.; SECRET \"{half}\n\t\t{rest}\"; }};"),
        format!(
            "\u{feff}key \"{name}\" {{\r\n\talgorithm hmac-sha256;\r\n\tsecret \"{secret}\";\r\n}};\r\n"
        ),
    ] {
        write(local.path(), "a.key", text);
        signs(&local, json!({"keyfile": local.path().join("a.key")}));
    }
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn the_yaml_of_keymgr_and_the_private_files_of_dnssec_keygen_are_read() {
    let local = Local::new();
    let (secret, name) = (secret(&local.key), &local.key.name);
    let yaml = format!(
        "# hmac-sha256:{name}:{secret}\nkey:\n  - id: {name}\n    algorithm: hmac-sha256\n    secret: {secret}\n"
    );
    write(local.path(), "k.yaml", yaml);
    signs(&local, json!({"keyfile": "k.yaml"}));
    let private = format!(
        "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: {secret}\nBits: AAA=\nCreated: 20261126000000\n"
    );
    let own = format!("K{name}+163+04711.private");
    write(local.path(), &own, &private);
    signs(&local, json!({"keyfile": own}));
    write(local.path(), "renamed", &private);
    signs(&local, json!({"keyfile": "renamed", "keyname": name}));
    // A name that the file has too may be given, if it is the same.
    signs(
        &local,
        json!({"keyfile": own, "keyname": name.trim_end_matches('.')}),
    );
    let other = local.program(json!({"tsig": {"keyfile": own, "keyname": "other"}}));
    other
        .run()
        .fails(2, "pydyndns: *: tsig.keyfile: *another name*`keyname`*");
}

#[test]
fn what_the_installed_tools_print_is_read() {
    let local = Local::new();
    for (tool, arguments) in [
        ("tsig-keygen", &["-a", "hmac-sha512", "k.example.com"][..]),
        ("keymgr", &["-t", "k.example.com", "hmac-sha384"]),
        ("ddns-confgen", &["-q", "-k", "k.example.com"]),
    ] {
        let Ok(output) = Command::new(tool).args(arguments).output() else {
            crate::harness::skipped(&format!("{tool} is not installed"));
            continue;
        };
        write(local.path(), "k", &output.stdout);
        let run = local
            .program(json!({"tsig": {"keyfile": "k"}}))
            .arg("-n")
            .run();
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{tool}");
    }
    // PowerDNS's tool prints a line that is told which forms are taken, and repeated no more than any other.
    let line = "Create new TSIG key k hmac-sha256 VG9wU2VjcmV0VG9wU2VjcmV0\n";
    write(local.path(), "k", line);
    let run = local.program(json!({"tsig": {"keyfile": "k"}})).run();
    run.fails(2, "pydyndns: *: tsig.keyfile: *: line 1: *key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };*keymgr -t*");
    assert!(!run.stderr.contains("VG9w"), "{}", run.stderr);
}
