//! The configuration samples and the name servers' policies, with the servers that they are for.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use super::{example, text};
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::program::Program;
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{client, installed, wait_until};

/// Where the servers of these tests listen.
const SERVER: &str = "127.0.0.1:53";

/// A sample of a configuration.
fn sample(name: &str) -> Value {
    serde_json::from_str(&text(name)).expect("the sample is JSON")
}

/// The key in a sample.
fn key(sample: &Value) -> Key {
    let word = |name: &str| sample["tsig"][name].as_str().expect("the sample has a key");
    assert_eq!(word("algorithm"), Algorithm::Sha256.name());
    let secret = base64::engine::general_purpose::STANDARD
        .decode(word("key"))
        .expect("the key is base64");
    Key {
        name: format!("{}.", word("keyname")),
        algorithm: Algorithm::Sha256,
        secret,
    }
}

/// Copies a sample to where the program looks for it by itself, as its first line says.
fn install(sandbox: &Sandbox, name: &str) {
    let from = example(name);
    sandbox.shell(&format!(
        "install -m 600 '{}' /etc/pydyndns.conf",
        from.display()
    ));
}

/// What a server has at host.example.com: addresses and text.
fn records() -> Vec<String> {
    let server: SocketAddr = SERVER.parse().unwrap();
    [RecordType::A, RecordType::AAAA, RecordType::TXT]
        .into_iter()
        .flat_map(|kind| {
            client::ask(server, "host.example.com.", kind)
                .expect("the server answers")
                .answers
        })
        .map(|record| format!("{} {} {}", record.ttl, record.record_type(), record.data))
        .collect()
}

#[test]
fn the_plain_sample_registers_as_it_is() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24", "2001:db8::10/64"]);
        install(sandbox, "pydyndns.conf");
        let setup = Setup {
            keys: vec![key(&sample("pydyndns.conf"))],
            ..Setup::new(&[])
        };
        let Some(bind) = Server::start(Kind::Bind, sandbox, &setup) else {
            return;
        };
        let program = Program::new(sandbox.path());
        program.run().succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            [
                "host.example.com. 3600 A 192.0.2.10",
                "host.example.com. 3600 AAAA 2001:db8::10"
            ]
        );
        assert!(Path::new("/run/pydyndns.cache").is_file());
        drop(bind);
        program.run().succeeds();
    });
}

#[test]
fn the_windows_sample_is_the_plain_one_with_the_event_log() {
    let mut windows = sample("pydyndns-windows.conf");
    let mut plain = sample("pydyndns.conf");
    let handlers = &windows["logging"]["handlers"];
    assert_eq!(
        handlers["eventlog"]["class"],
        "logging.handlers.NTEventLogHandler"
    );
    assert_eq!(windows["logging"]["root"]["level"], "WARNING");
    assert_eq!(windows["cache"], r"C:\ProgramData\PyDynDNS\pydyndns.cache");
    for sample in [&mut windows, &mut plain] {
        let Value::Object(keys) = sample else {
            panic!("a sample is an object")
        };
        keys.retain(|key, _| !key.starts_with('_') && key != "logging" && key != "cache");
    }
    assert_eq!(windows, plain);
}

/// A name server with the policy of `examples/name-servers/`, ended when dropped.
struct PolicyServer(Child);

impl PolicyServer {
    /// Starts it, with the zone and the wrapping that a whole configuration needs.
    fn start(sandbox: &Sandbox, command: &[&str]) -> Self {
        let zone = "$ORIGIN example.com.\n@ 3600 SOA ns hostmaster 1 3600 600 86400 60\n@ 3600 NS ns\n\
                    ns 3600 A 127.0.0.1\nhost 60 A 192.0.2.1\nhost 60 TXT kept\nother 60 A 192.0.2.2\n";
        sandbox.write("example.com.zone", zone);
        let log = std::fs::File::create(sandbox.path().join("log")).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let child = Command::new(command[0])
            .args(&command[1..])
            .env("PATH", path)
            .current_dir(sandbox.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("the server can be started");
        let mut server = Self(child);
        wait_until("the server answers", || {
            let ended = server.0.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{}",
                std::fs::read_to_string(sandbox.path().join("log")).unwrap()
            );
            client::ask(SERVER.parse().unwrap(), "example.com.", RecordType::SOA)
                .is_ok_and(|answer| !answer.answers.is_empty())
        });
        server
    }
}

impl Drop for PolicyServer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs the least-privilege sample with the key that is in the sandbox's folder, against the server that is running.
fn registers_with_least_privilege(sandbox: &Sandbox) {
    sandbox.interface("eth0", &["192.0.2.10/24", "2001:db8::10/64"]);
    sandbox.interface("docker0", &["172.17.0.1/16"]);
    install(sandbox, "pydyndns-least-privilege.conf");
    sandbox.shell("install -m 600 /run/sandbox/host.example.com.key /etc/pydyndns.key");
    let program = Program::new(sandbox.path());
    program.run().succeeds();
    assert_eq!(
        records(),
        ["3600 A 192.0.2.10", "3600 AAAA 2001:db8::10", "60 TXT kept"]
    );
    // The policy is no wider than it says: neither another name nor all records of this one.
    sandbox.hostname("other.example.com");
    program.run().fails(1, "...\npydyndns: ERROR: *");
    sandbox.hostname("host.example.com");
    let all = text("pydyndns-least-privilege.conf")
        .replace(r#""replace": "addresses""#, r#""replace": "all""#);
    sandbox.write("/etc/pydyndns.conf", all);
    program
        .arg("-f")
        .run()
        .fails(1, "pydyndns: ERROR: *\"replace\": \"addresses\"*");
    assert_eq!(
        records(),
        ["3600 A 192.0.2.10", "3600 AAAA 2001:db8::10", "60 TXT kept"]
    );
}

#[test]
fn the_least_privilege_sample_gets_by_with_binds_policy() {
    sandbox(|sandbox| {
        if !installed("named") || !installed("tsig-keygen") {
            skip!("named or tsig-keygen is not installed");
        }
        // As the sample says.
        sandbox.shell(
            "cd /run/sandbox && tsig-keygen -a hmac-sha256 host.example.com > host.example.com.key",
        );
        let wrapping = format!(
            "options {{ directory \"/run/sandbox\"; pid-file none; lock-file none; recursion no; \
             session-keyfile \"/run/sandbox/session.key\"; managed-keys-directory \"/run/sandbox\"; \
             listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; notify no; }};\n\
             controls {{ }};\ninclude \"{}\";\n",
            example("name-servers/named.conf").display()
        );
        sandbox.write("whole.conf", wrapping);
        let _server = PolicyServer::start(sandbox, &["named", "-g", "-c", "whole.conf"]);
        registers_with_least_privilege(sandbox);
    });
}

#[test]
fn the_least_privilege_sample_gets_by_with_knots_policy() {
    sandbox(|sandbox| {
        if !installed("knotd") {
            skip!("knotd is not installed");
        }
        let policy = text("name-servers/knot.conf");
        let secret = policy
            .split("secret: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        let key = format!(
            "key \"host.example.com\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n"
        );
        sandbox.write("host.example.com.key", key);
        let wrapping = format!(
            "server:\n    rundir: /run/sandbox\n    listen: 127.0.0.1@53\n    udp-workers: 1\n    tcp-workers: 1\n\
             \nlog:\n  - target: stderr\n    any: info\n\
             database:\n    storage: /run/sandbox\n    journal-db-max-size: 8M\n    timer-db-max-size: 1M\n    \
             kasp-db-max-size: 5M\n    catalog-db-max-size: 5M\n\
             control:\n    listen: /run/sandbox/knot.sock\n\
             template:\n  - id: default\n    storage: /run/sandbox\n\
             include: {}\n",
            example("name-servers/knot.conf").display()
        );
        sandbox.write("whole.conf", wrapping);
        let _server = PolicyServer::start(sandbox, &["knotd", "-c", "whole.conf"]);
        registers_with_least_privilege(sandbox);
    });
}
