//! Updates over TLS: from BIND itself and through proxies in front of other servers, and in some thirty ways wrong. In each
//! of these the zone stays as it was, and one line says what to fix.

pub(crate) mod authority;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod servers;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use authority::{Authority, Pair, listen, proxy, self_signed, server, write};
use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::program::{Program, Run};

/// A primary on loopback, an authority, and a proxy's certificate.
struct Place {
    /// The primary and the program's folder.
    local: Local,
    /// Who signed the proxy's certificate.
    authority: Authority,
    /// That certificate.
    pair: Pair,
}

impl Place {
    /// A zone with the name at another address.
    fn new() -> Self {
        let local = Local::with(&["host 60 A 192.0.2.99"]);
        let authority = Authority::new(local.path(), "authority");
        let pair = authority.pair(&["ns.example.com", "127.0.0.1"]);
        Self {
            local,
            authority,
            pair,
        }
    }

    /// A proxy with this certificate.
    fn proxy_with(&self, pair: &Pair) -> SocketAddr {
        let config = server(pair, &["dot"], None);
        proxy("127.0.0.1:0", config, self.local.primary.address())
    }

    /// The program, which sends to a server under these settings.
    fn program(&self, server: SocketAddr, tls: Value) -> Program {
        self.local.program(json!({
            "server": server.to_string(), "tls": tls, "timeout": 3, "replace": "addresses",
        }))
    }

    /// Settings that trust the authority.
    fn trusting(&self) -> Value {
        json!({"ca": self.authority.file})
    }

    /// Expects that the update was not made, soon, with one line that has these words.
    #[track_caller]
    fn fails(&self, what: &str, run: &Run, words: &[&str]) {
        assert!(
            matches!(run.status, Some(1 | 2)) && run.stdout.is_empty(),
            "{what}: {run:?}"
        );
        assert_eq!(run.stderr.lines().count(), 1, "{what}: {run:?}");
        for word in words {
            assert!(
                run.stderr.contains(word),
                "{what}: {word:?} is not in {}",
                run.stderr
            );
        }
        assert!(run.took < Duration::from_secs(8), "{what}: {run:?}");
        assert_eq!(
            self.local.primary.zone(),
            ["host.example.com. 60 A 192.0.2.99"],
            "{what}"
        );
        assert_eq!(self.local.primary.updates(), 0, "{what}");
    }
}

/// What the zone has after a registration.
const REGISTERED: [&str; 1] = ["host.example.com. 3600 A 127.0.0.1"];

#[test]
fn registers_changes_forces_shows_and_unregisters_through_a_proxy() {
    let place = Place::new();
    let proxy = place.proxy_with(&place.pair);
    place.program(proxy, place.trusting()).run().succeeds();
    assert_eq!(place.local.primary.zone(), REGISTERED);
    // Unchanged: not even a handshake, so that it succeeds where nobody listens and no file can be read.
    let nowhere = json!({"ca": "/nonexistent/ca.pem"});
    place.program(proxy, nowhere).run().succeeds();
    place
        .program(proxy, place.trusting())
        .arg("-f")
        .run()
        .succeeds();
    assert_eq!(place.local.primary.updates(), 2);
    let run = place
        .program(proxy, place.trusting())
        .args(["--status", "--json"])
        .run();
    assert_eq!(run.status, Some(0), "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        found["zone"]["tls"],
        json!({"version": "TLS 1.3", "name": "127.0.0.1", "not_after": "2090-01-01T00:00:00Z"})
    );
    place
        .program(proxy, place.trusting())
        .arg("--unregister")
        .run()
        .succeeds();
    assert_eq!(place.local.primary.zone(), [""; 0]);
}

#[test]
fn the_name_may_be_given_and_a_certificate_may_be_trusted_by_itself() {
    let place = Place::new();
    let named = place.authority.pair(&["ns.example.com"]);
    let proxy = place.proxy_with(&named);
    let name = json!({"ca": place.authority.file, "name": "ns.example.com"});
    place.program(proxy, name).run().succeeds();
    let own = self_signed(place.local.path(), &["127.0.0.1"]);
    let proxy = place.proxy_with(&own);
    let trusting = json!({"ca": own.certificate});
    place.program(proxy, trusting).arg("-f").run().succeeds();
    assert_eq!(place.local.primary.updates(), 2);
}

#[test]
fn tls_1_2_is_used_where_the_server_has_no_other() {
    let place = Place::new();
    let provider = rustls::crypto::ring::default_provider();
    let mut config = server(&place.pair, &["dot"], None);
    config = {
        let mut older = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(config.cert_resolver.clone());
        older.alpn_protocols = config.alpn_protocols;
        older
    };
    let proxy = proxy("127.0.0.1:0", config, place.local.primary.address());
    place.program(proxy, place.trusting()).run().succeeds();
    let run = place
        .program(proxy, place.trusting())
        .args(["--status", "--json"])
        .run();
    assert!(run.stdout.contains("TLS 1.2"), "{run:?}");
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let place = Place::new();
    let clients = Authority::new(place.local.path(), "clients");
    let config = server(&place.pair, &["dot"], Some(&clients));
    let proxy = proxy("127.0.0.1:0", config, place.local.primary.address());
    let with = |pair: &Pair| {
        let tls = json!({
            "ca": place.authority.file, "certificate": pair.certificate, "key": pair.key,
        });
        place.program(proxy, tls).run()
    };
    let run = place.program(proxy, place.trusting()).run();
    place.fails(
        "no client certificate",
        &run,
        &[
            "asks for a certificate of this computer",
            "`tls.certificate`",
        ],
    );
    let stranger = Authority::new(place.local.path(), "strangers").pair(&["host.example.com"]);
    place.fails(
        "a stranger's certificate",
        &with(&stranger),
        &["refuses this computer's certificate"],
    );
    let expired = clients.pair_between(&["host.example.com"], 2000, 2001);
    place.fails(
        "an expired client certificate",
        &with(&expired),
        &["refuses this computer's certificate"],
    );
    with(&clients.pair(&["host.example.com"])).succeeds();
    assert_eq!(place.local.primary.zone(), REGISTERED);
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_told_with_its_name_and_the_way_out() {
    let place = Place::new();
    let run = |pair: &Pair, tls: Value| place.program(place.proxy_with(pair), tls).run();
    let wrong_name = place.authority.pair(&["other.example.com"]);
    place.fails(
        "wrong name",
        &run(&wrong_name, place.trusting()),
        &["other.example.com", "not for 127.0.0.1", "`tls.name`"],
    );
    let wrong_address = place.authority.pair(&["127.0.0.9"]);
    place.fails(
        "wrong address",
        &run(&wrong_address, place.trusting()),
        &["not for 127.0.0.1"],
    );
    let named = json!({"ca": place.authority.file, "name": "wanted.example.com"});
    place.fails(
        "not the name of the configuration",
        &run(&place.pair, named),
        &["ns.example.com", "not for wanted.example.com"],
    );
    let other = Authority::new(place.local.path(), "other authority");
    place.fails(
        "another authority",
        &run(&other.pair(&["127.0.0.1"]), place.trusting()),
        &["CN=other authority", "authority.pem", "`tls.ca`"],
    );
    place.fails(
        "not the system's authority",
        &run(&place.pair, json!(true)),
        &["`tls.ca`"],
    );
    let own = self_signed(place.local.path(), &["127.0.0.1"]);
    place.fails(
        "signed by itself",
        &run(&own, place.trusting()),
        &["signed by itself", "`tls.ca`"],
    );
    let expired = place.authority.pair_between(&["127.0.0.1"], 2000, 2001);
    place.fails(
        "expired",
        &run(&expired, place.trusting()),
        &[
            "expired at 2001-01-01T00:00:00Z",
            "this machine's clock says 20",
        ],
    );
    let early = place.authority.pair_between(&["127.0.0.1"], 2080, 2081);
    place.fails(
        "not yet valid",
        &run(&early, place.trusting()),
        &["begins at 2080-01-01T00:00:00Z", "set the clock"],
    );
}

#[test]
fn the_status_says_of_a_certificate_what_is_wrong_and_nothing_of_firewalls() {
    let place = Place::new();
    let wrong = place.authority.pair(&["other.example.com"]);
    let run = place
        .program(place.proxy_with(&wrong), place.trusting())
        .args(["--status", "--json"])
        .run();
    assert_eq!(run.status, Some(1), "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["zone"], Value::Null);
    let problems = found["problems"].to_string();
    assert!(
        problems.contains("other.example.com, not for 127.0.0.1") && !problems.contains("firewall"),
        "{problems}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_clock_of_1970_is_told() {
    if !crate::harness::installed("faketime") {
        skip!("faketime is not installed");
    }
    let place = Place::new();
    let run = place
        .program(place.proxy_with(&place.pair), place.trusting())
        .under(["faketime", "-f", "@1970-01-01 00:10:00"])
        .run();
    place.fails(
        "clock of 1970",
        &run,
        &[
            "begins at 2020-01-01T00:00:00Z",
            "this machine's clock says 1970",
        ],
    );
}

#[test]
fn a_server_that_speaks_something_else_is_told() {
    let place = Place::new();
    let at = |answer: &'static [u8], pause: Duration| {
        listen("127.0.0.1:0", move |mut stream| {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            for octet in answer {
                if stream.write_all(&[*octet]).is_err() {
                    return;
                }
                thread::sleep(pause);
            }
            if pause.is_zero() {
                return;
            }
            thread::sleep(Duration::from_secs(10));
        })
    };
    let at_once = Duration::ZERO;
    let http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    // A plain name server answers the hello, taken for a message, with FORMERR.
    let dns = b"\x00\x0c\x16\x03\x84\x01\x00\x00\x00\x00\x00\x00\x00\x00";
    for (what, answer, pause, words) in [
        (
            "an HTTP server",
            &http[..],
            at_once,
            &["does not speak TLS", "853"][..],
        ),
        ("plain DNS", dns, at_once, &["does not speak TLS", "853"]),
        ("garbage", &[0xff; 64], at_once, &["does not speak TLS"]),
        (
            "closed at once",
            b"",
            at_once,
            &["closed the connection", "853"],
        ),
        // handshake_failure, protocol_version and the like, as a server says that has TLS 1.1 only.
        (
            "TLS 1.1 only",
            b"\x15\x03\x02\x00\x02\x02\x46",
            at_once,
            &["no TLS version in common"],
        ),
        (
            "handshake failure",
            b"\x15\x03\x03\x00\x02\x02\x28",
            at_once,
            &["refuses the handshake", "`tls.certificate`"],
        ),
        (
            "unknown name",
            b"\x15\x03\x03\x00\x02\x02\x70",
            at_once,
            &["no certificate for that name", "`tls.name`"],
        ),
        (
            "a record that is too large",
            b"\x16\x03\x03\xff\xff",
            at_once,
            &["does not speak TLS"],
        ),
        (
            "a chain of certificates without end",
            b"\x16\x03\x03\x00\x06\x02\x02\x00\x00\x00\x00",
            at_once,
            &["longer than 64 KiB", "certificate"],
        ),
        (
            "not admitted",
            b"\x15\x03\x03\x00\x02\x02\x31",
            at_once,
            &[
                "does not admit this computer without a certificate",
                "`tls.certificate`",
            ],
        ),
        // Half a server's hello.
        (
            "closed in mid-handshake",
            b"\x16\x03\x03\x00\x7a\x02\x00\x00",
            at_once,
            &["closed the connection"],
        ),
        (
            "silence in mid-handshake",
            b"\x16\x03\x03\x00\x7a\x02",
            Duration::from_millis(1),
            &["the TLS handshake came to no end", "timed out"],
        ),
        (
            "drop by drop",
            b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03\x01\x02\x03\x04\x05",
            Duration::from_millis(400),
            &["the TLS handshake came to no end"],
        ),
    ] {
        let run = place.program(at(answer, pause), place.trusting()).run();
        place.fails(what, &run, words);
    }
}

#[test]
fn a_server_that_does_not_confirm_dns_over_tls_is_told() {
    let place = Place::new();
    for (what, protocols, words) in [
        ("no ALPN", &[][..], &["`dot`", "ALPN"][..]),
        ("another protocol", &["h2"], &["`dot`"]),
    ] {
        let config = server(&place.pair, protocols, None);
        let proxy = proxy("127.0.0.1:0", config, place.local.primary.address());
        place.fails(what, &place.program(proxy, place.trusting()).run(), words);
    }
}

#[test]
fn a_refused_port_is_an_error_and_no_reason_to_send_in_the_clear() {
    let place = Place::new();
    // A port that nobody listens on any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = place.program(closed, place.trusting()).run();
    place.fails("refused", &run, &["TCP port", "firewall"]);
    assert_eq!(place.local.primary.seen().len(), 0);
}

#[test]
fn a_file_that_is_wrong_is_named_with_its_line_and_nothing_is_touched() {
    let place = Place::new();
    let folder = place.local.path().to_owned();
    let proxy = place.proxy_with(&place.pair);
    let client = place.authority.pair(&["host.example.com"]);
    let other = place.authority.pair(&["other.example.com"]);
    let key = std::fs::read_to_string(&client.key).unwrap();
    let cut = write(folder.join("cut.key"), &key[..key.len() - 30]);
    let broken = write(
        folder.join("broken.key"),
        key.replace(key.lines().nth(1).unwrap(), "&&&"),
    );
    let encrypted = write(
        folder.join("encrypted.key"),
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = write(folder.join("empty.pem"), "");
    let missing = folder.join("missing.pem");
    let ca = |file: &Path| json!({"ca": file});
    let pair = |certificate: &Path, key: &Path| json!({"ca": place.authority.file, "certificate": certificate, "key": key});
    for (what, tls, words) in [
        ("missing authority", ca(&missing), &["missing.pem"][..]),
        ("empty authority", ca(&empty), &["empty.pem", "is empty"]),
        (
            "an authority without a certificate",
            ca(&client.key),
            &["has no certificate"],
        ),
        ("a folder", ca(&folder), &["is a folder"]),
        (
            "missing key",
            pair(&client.certificate, &missing),
            &["missing.pem"],
        ),
        (
            "missing certificate",
            pair(&missing, &client.key),
            &["missing.pem"],
        ),
        (
            "a key that is cut",
            pair(&client.certificate, &cut),
            &["cut.key", "line 1", "-----END"],
        ),
        (
            "a key that is no base64",
            pair(&client.certificate, &broken),
            &["broken.key", "line 1", "base64"],
        ),
        (
            "an encrypted key",
            pair(&client.certificate, &encrypted),
            &["encrypted", "openssl pkey"],
        ),
        (
            "a certificate as key",
            pair(&client.certificate, &client.certificate),
            &["no private key"],
        ),
        (
            "a key that does not fit",
            pair(&client.certificate, &other.key),
            &["does not fit"],
        ),
    ] {
        for force in [&[][..], &["-f"]] {
            std::fs::write(place.local.cache(), "{}").unwrap();
            let run = place.program(proxy, tls.clone()).args(force).run();
            place.fails(what, &run, words);
            assert_eq!(run.status, Some(2), "{what}: {run:?}");
            assert!(run.stderr.contains(": tls: "), "{what}: {run:?}");
            assert!(place.local.cache().exists(), "{what}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let clients = Authority::new(place.local.path(), "clients");
    let pair = clients.pair(&["host.example.com"]);
    std::fs::set_permissions(&pair.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let config = server(&place.pair, &["dot"], Some(&clients));
    let proxy = proxy("127.0.0.1:0", config, place.local.primary.address());
    let tls = json!({"ca": place.authority.file, "certificate": pair.certificate, "key": pair.key});
    place.program(proxy, tls).run().is(
        0,
        "",
        "WARNING: *.key has a secret in it and is readable by others*",
    );
}

#[test]
fn what_the_tls_library_tells_of_itself_is_not_logged() {
    let place = Place::new();
    let proxy = place.proxy_with(&place.pair);
    let run = place
        .program(proxy, place.trusting())
        .env("RUST_LOG", "trace")
        .run();
    assert_eq!(run.status, Some(0), "{run:?}");
    let ours = [
        "the configuration is",
        " is left out: ",
        "updating ",
        "sending the update",
        " confirmed ",
    ];
    for line in run.stderr.lines() {
        assert!(ours.iter().any(|words| line.contains(words)), "{line}");
    }
}

#[test]
fn a_dry_run_prints_nsupdates_own_options() {
    let place = Place::new();
    let proxy = place.proxy_with(&place.pair);
    let tls = json!({"ca": place.authority.file, "name": "ns.example.com"});
    let run = place.program(proxy, tls).arg("-n").run();
    let first = format!(
        "; over TLS: nsupdate -S -A {} -H ns.example.com\n...",
        place.authority.file.display()
    );
    run.is(0, &first, "");
}

#[test]
fn the_port_is_853_unless_one_is_given() {
    let place = Place::new();
    let run = place
        .local
        .program(json!({"server": "127.0.0.1", "tls": true}))
        .arg("-n")
        .run();
    run.is(0, "; over TLS: nsupdate -S\nserver 127.0.0.1 853\n...", "");
}
