//! Updates that Kerberos signs and TLS keeps private: TKEY and the update both go over TLS, and to nobody whose certificate is
//! wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{HOST, World};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::tls::authority::Authority;

/// A name server with a certificate for its name, and the file of the authority that signed it.
fn world(sandbox: &Sandbox) -> Option<(World, Authority)> {
    let authority = Authority::new(sandbox.path(), "authority");
    let pair = authority.pair(&["ns.example.com", "::1"]);
    let world = World::with_tls(sandbox, &HOST, &pair)?;
    Some((world, authority))
}

#[test]
fn registers_changes_shows_and_unregisters_with_a_keytab_over_tls() {
    sandbox(|sandbox| {
        let Some((world, authority)) = world(sandbox) else {
            skip!("krb5kdc or named is not installed")
        };
        for keys in [
            json!({"tls": {"ca": authority.file}}),
            json!({"tls": {"ca": authority.file}, "zone": "example.com", "server": "::1"}),
            json!({"tls": {"ca": authority.file, "name": "ns.example.com"}, "server": ["127.0.0.9", "127.0.0.1:853"]}),
        ] {
            let program = world.program(keys.clone());
            program.run().succeeds();
            world.has(&["192.0.2.7", "2001:db8::7"]);
            sandbox.address("eth0", "192.0.2.8/24");
            program.run().succeeds();
            world.has(&["192.0.2.7", "192.0.2.8", "2001:db8::7"]);
            sandbox.ip("addr del 192.0.2.8/24 dev eth0");
            program.clone().arg("-f").run().succeeds();
            world.has(&["192.0.2.7", "2001:db8::7"]);
            let run = program.clone().args(["--status", "--json"]).run();
            assert_eq!(run.status, Some(0), "{keys}: {run:?}");
            let status: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(status["zone"]["tls"]["version"], "TLS 1.3", "{status:#}");
            assert_eq!(
                status["gss"]["principal"],
                "host/host.example.com@EXAMPLE.COM"
            );
            program.clone().arg("--unregister").run().succeeds();
            world.has(&[]);
            assert!(!world.cache().exists());
        }
    });
}

#[test]
fn nothing_is_sent_to_a_server_with_a_wrong_certificate_and_one_line_says_what_to_fix() {
    sandbox(|sandbox| {
        let Some((world, authority)) = world(sandbox) else {
            skip!("krb5kdc or named is not installed")
        };
        let other = Authority::new(sandbox.path(), "other");
        for (keys, words) in [
            (
                json!({"tls": {"ca": other.file}}),
                "no Kerberos context: the server's certificate (CN=server) is signed by CN=authority, which is not in *other.pem; set `tls.ca`*",
            ),
            (
                json!({"tls": {"ca": authority.file, "name": "other.example.com"}}),
                "no Kerberos context: the server's certificate (CN=server) is for ns.example.com, ::1, not for other.example.com; *`tls.name`",
            ),
            (
                json!({"tls": {"ca": authority.file}, "server": "127.0.0.1"}),
                "no Kerberos context: *, not for 127.0.0.1; *`tls.name`",
            ),
            // Without `zone`, the primary's name comes from the SOA; with it, the server itself is to tell it, over TLS too.
            (
                json!({"tls": {"ca": other.file}, "zone": "example.com", "server": "::1"}),
                "cannot find out the primary's name*signed by CN=authority, which is not in *other.pem; set `tls.ca`*",
            ),
            (
                json!({"tls": {"ca": authority.file}, "server": "[::1]:53"}),
                "no Kerberos context: *853*",
            ),
            (
                json!({"tls": {"ca": authority.file}, "server": "[::1]:854"}),
                "*cannot connect: connection refused*",
            ),
        ] {
            let mut keys = keys;
            keys["timeout"] = json!(4);
            let run = world.program(keys.clone()).run();
            run.fails(1, &format!("ERROR: *{words}"));
            assert!(run.took < Duration::from_secs(6), "{keys}: {run:?}");
            world.is_unchanged();
        }
    });
}
