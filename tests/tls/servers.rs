//! BIND with TLS of its own, and proxies in front of Knot and PowerDNS, on a machine of its own; and that nothing of an update
//! is ever on the wire in the clear.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use super::authority::{Authority, Pair, proxy, server};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{client, installed, key, secret, wait_until};

/// A child that is ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// BIND as primary of example.com on 853 with TLS and on 53 for lookups; with `clients`, it demands a certificate of theirs.
/// None, with a line that says so, if it is not installed.
fn bind(sandbox: &Sandbox, pair: &Pair, clients: Option<&Authority>) -> Option<Running> {
    if !installed("named") {
        crate::harness::skipped("named is not installed");
        return None;
    }
    let folder = sandbox.path().join("bind");
    std::fs::create_dir(&folder).unwrap();
    let zone = "$ORIGIN example.com.\n@ 3600 SOA ns hostmaster 1 3600 600 86400 60\n@ 3600 NS ns\nns 3600 A 127.0.0.1\n\
                ns 3600 AAAA ::1\nhost 60 A 192.0.2.99\nhost 60 TXT kept\n";
    std::fs::write(folder.join("zone"), zone).unwrap();
    let key = key(Algorithm::Sha256);
    let ca = clients.map_or(String::new(), |clients| {
        format!("ca-file \"{}\";", clients.file.display())
    });
    let text = format!(
        "options {{ directory \"{folder}\"; pid-file none; lock-file none; session-keyfile \"{folder}/session\"; recursion no;
           listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ ::1; }};
           listen-on port 853 tls t {{ 127.0.0.1; }}; listen-on-v6 port 853 tls t {{ ::1; }}; }};
         controls {{ }};
         tls t {{ cert-file \"{certificate}\"; key-file \"{pair_key}\"; {ca} }};
         key \"{name}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};
         zone example.com {{ type primary; file \"zone\";
           update-policy {{ grant {name} name host.example.com. A AAAA; }}; }};",
        folder = folder.display(),
        certificate = pair.certificate.display(),
        pair_key = pair.key.display(),
        name = key.name,
        secret = secret(&key),
    );
    std::fs::write(folder.join("named.conf"), text).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let child = Command::new("named")
        .args(["-g", "-c"])
        .arg(folder.join("named.conf"))
        .env(
            "PATH",
            format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
        )
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("named can be started");
    let mut running = Running(child);
    wait_until("BIND answers", || {
        let ended = running.0.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "{}",
            std::fs::read_to_string(folder.join("log")).unwrap()
        );
        client::ask(
            "127.0.0.1:53".parse().unwrap(),
            "example.com.",
            RecordType::SOA,
        )
        .is_ok_and(|answer| !answer.answers.is_empty())
    });
    Some(running)
}

/// The program on this machine, over TLS.
fn program(sandbox: &Sandbox, keys: Value) -> Program {
    let own = json!({
        "hostname": "host.example.com", "replace": "addresses", "cache": "/run/sandbox/cache",
        "tsig": tsig(&key(Algorithm::Sha256)), "timeout": 5,
    });
    Program::new(sandbox.path()).config(&config(merged(own, keys)))
}

/// Registers, changes, forces, shows and unregisters.
fn whole_life(sandbox: &Sandbox, keys: &Value, records: &dyn Fn() -> Vec<String>) {
    sandbox.shell("rm -f /run/sandbox/cache; ip addr flush dev lan0");
    sandbox.address("lan0", "192.0.2.10/24");
    sandbox.address("lan0", "2001:db8::10/64");
    let host = |line: &str| format!("host.example.com. {line}");
    let both = [
        host("3600 A 192.0.2.10"),
        host("3600 AAAA 2001:db8::10"),
        host("60 TXT kept"),
    ];
    program(sandbox, keys.clone()).run().succeeds();
    assert_eq!(records(), both, "{keys}");
    sandbox.ip("addr del 192.0.2.10/24 dev lan0");
    program(sandbox, keys.clone()).run().succeeds();
    assert_eq!(records(), both[1..], "{keys}");
    program(sandbox, keys.clone()).arg("-f").run().succeeds();
    let run = program(sandbox, keys.clone())
        .args(["--status", "--json"])
        .run();
    assert_eq!(run.status, Some(0), "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["zone"]["tls"]["version"], "TLS 1.3", "{found:#}");
    program(sandbox, keys.clone())
        .arg("--unregister")
        .run()
        .succeeds();
    assert_eq!(records(), both[2..], "{keys}");
}

/// The records of the name, by whoever listens on port 53.
fn records() -> Vec<String> {
    let mut records = client::zone("127.0.0.1:53".parse().unwrap(), "example.com.");
    records.retain(|line| line.starts_with("host.example.com. "));
    records
}

#[test]
fn bind_takes_updates_over_tls_by_either_family_and_by_the_primarys_name() {
    sandbox(|sandbox| {
        let authority = Authority::new(sandbox.path(), "authority");
        let pair = authority.pair(&["ns.example.com", "127.0.0.1", "::1"]);
        let Some(_bind) = bind(sandbox, &pair, None) else {
            return;
        };
        sandbox.interface("lan0", &[]);
        let ca = &authority.file;
        for keys in [
            // The SOA's primary, by the name that the SOA has.
            json!({"tls": {"ca": ca}}),
            json!({"tls": {"ca": ca}, "zone": "example.com", "server": "127.0.0.1"}),
            json!({"tls": {"ca": ca}, "zone": "example.com", "server": "::1"}),
            json!({"tls": {"ca": ca}, "zone": "example.com", "server": ["127.0.0.2", "ns.example.com:853"]}),
        ] {
            whole_life(sandbox, &keys, &records);
        }
    });
}

#[test]
fn bind_admits_known_machines_only() {
    sandbox(|sandbox| {
        let authority = Authority::new(sandbox.path(), "authority");
        let clients = Authority::new(sandbox.path(), "clients");
        let pair = authority.pair(&["ns.example.com"]);
        let Some(_bind) = bind(sandbox, &pair, Some(&clients)) else {
            return;
        };
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let before = records();
        let ca = &authority.file;
        let run = program(sandbox, json!({"tls": {"ca": ca}})).run();
        run.fails(1, "ERROR: *certificate*`tls.certificate`*");
        let stranger = authority.pair(&["host.example.com"]);
        let with =
            |own: &Pair| json!({"tls": {"ca": ca, "certificate": own.certificate, "key": own.key}});
        let run = program(sandbox, with(&stranger)).run();
        run.fails(1, "ERROR: *this computer's certificate*`tls.certificate`*");
        assert_eq!(records(), before);
        whole_life(
            sandbox,
            &with(&clients.pair(&["host.example.com"])),
            &records,
        );
    });
}

/// A proxy as administrators put in front of servers without TLS; `start` starts it on port 853.
fn through_a_proxy(sandbox: &Sandbox, kind: Kind, start: impl FnOnce(&Pair) -> Option<Running>) {
    let setup = Setup::new(&["host 60 A 192.0.2.99", "host 60 TXT kept"]);
    let Some(name_server) = Server::start(kind, sandbox, &setup) else {
        return;
    };
    sandbox.interface("lan0", &[]);
    let authority = Authority::new(sandbox.path(), "authority");
    let _running = start(&authority.pair(&["ns.example.com"]));
    let keys = json!({"tls": {"ca": authority.file}});
    whole_life(sandbox, &keys, &|| name_server.at("host.example.com."));
}

/// The tests' own, which lasts as long as the sandbox.
fn own_proxy(pair: &Pair) -> Option<Running> {
    for at in ["127.0.0.1:853", "[::1]:853"] {
        let backend: SocketAddr = "127.0.0.1:53".parse().unwrap();
        assert_eq!(proxy(at, server(pair, &["dot"], None), backend).port(), 853);
    }
    None
}

/// HAProxy as `docs/tls.md` has it.
fn haproxy(sandbox: &Sandbox, pair: &Pair) -> Running {
    let page = include_str!("../../docs/tls.md");
    let block = page.split("```haproxy\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let both = [&pair.certificate, &pair.key].map(|file| std::fs::read_to_string(file).unwrap());
    let pem = sandbox.write("ns1.pem", both.concat());
    let block = block.replace("/etc/haproxy/ns1.pem", &pem.display().to_string());
    let file = sandbox.write("haproxy.cfg", block);
    let child = Command::new("haproxy")
        .arg("-db")
        .arg("-f")
        .arg(file)
        .env(
            "PATH",
            format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("haproxy can be started");
    let running = Running(child);
    wait_until("HAProxy listens", || {
        std::net::TcpStream::connect("127.0.0.1:853").is_ok()
    });
    running
}

#[test]
fn knot_takes_updates_through_a_proxy() {
    sandbox(|sandbox| through_a_proxy(sandbox, Kind::Knot, own_proxy));
}

#[test]
fn knot_takes_updates_through_haproxy_as_the_page_has_it() {
    sandbox(|sandbox| {
        if !installed("haproxy") {
            skip!("haproxy is not installed");
        }
        through_a_proxy(sandbox, Kind::Knot, |pair| Some(haproxy(sandbox, pair)));
    });
}

#[test]
fn powerdns_takes_updates_through_a_proxy() {
    sandbox(|sandbox| through_a_proxy(sandbox, Kind::PowerDns, own_proxy));
}

#[test]
fn nothing_of_an_update_is_in_the_clear_whether_it_succeeds_or_not() {
    sandbox(|sandbox| {
        if !installed("tcpdump") {
            skip!("tcpdump is not installed");
        }
        let authority = Authority::new(sandbox.path(), "authority");
        let pair = authority.pair(&["127.0.0.1"]);
        let Some(bind) = bind(sandbox, &pair, None) else {
            return;
        };
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let capture = sandbox.path().join("capture");
        let dump = Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-s", "0", "-w"])
            .arg(&capture)
            .args(["tcp"])
            .env(
                "PATH",
                format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
            )
            .stderr(Stdio::null())
            .spawn()
            .expect("tcpdump can be started");
        let dump = Running(dump);
        wait_until("tcpdump listens", || {
            capture.metadata().is_ok_and(|found| found.len() > 0)
        });
        let size = |path: &Path| path.metadata().map_or(0, |found| found.len());
        let fixed = |tls: Value| json!({"zone": "example.com", "server": "127.0.0.1", "tls": tls, "timeout": 2});
        program(sandbox, fixed(json!({"ca": authority.file})))
            .run()
            .succeeds();
        program(
            sandbox,
            fixed(json!({"ca": authority.file, "name": "wrong.example.com"})),
        )
        .arg("-f")
        .run()
        .fails(1, "*");
        program(sandbox, fixed(json!(true)))
            .arg("-f")
            .run()
            .fails(1, "*");
        let before = size(&capture);
        drop(bind);
        program(sandbox, fixed(json!({"ca": authority.file})))
            .arg("-f")
            .run()
            .fails(1, "*");
        wait_until("the last packets are written", || size(&capture) > before);
        drop(dump);
        let octets = std::fs::read(&capture).unwrap();
        assert!(octets.len() > 2000, "something was captured");
        let name = b"\x04host\x07example\x03com";
        assert!(!octets.windows(name.len()).any(|found| found == name));
    });
}
