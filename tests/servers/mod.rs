//! The four primaries: every algorithm, both transports' families, and policies of least privilege.

#![cfg(target_os = "linux")]

mod refusals;

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::harness::primary::Primary;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::program::{Program, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Policy, Server, Setup};
use crate::harness::{announce, installed, key, secret};

/// The records of the name that a test expects, sorted.
fn records(ttl: u32, addresses: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = addresses
        .iter()
        .map(|address| {
            let kind = if address.parse::<IpAddr>().unwrap().is_ipv4() {
                "A"
            } else {
                "AAAA"
            };
            format!("host.example.com. {ttl} {kind} {address}")
        })
        .collect();
    lines.sort();
    lines
}

/// A configuration with nothing to look up, signed with this key.
fn at(server: &str, key: &Key, keys: Value) -> Value {
    let all = merged(
        json!({
            "hostname": "host.example.com", "zone": "example.com", "server": server, "tsig": tsig(key),
            "cache": "/run/sandbox/cache",
        }),
        keys,
    );
    config(all)
}

/// Registers, changes and forces with every algorithm, over IPv4 and IPv6; a line of the table for each.
fn every_algorithm(sandbox: &Sandbox, kind: Kind) {
    let Some(server) = Server::start(
        kind,
        sandbox,
        &Setup::new(&[
            "host 60 A 192.0.2.99",
            "host 60 AAAA 2001:db8::99",
            "other 60 A 192.0.2.1",
        ]),
    ) else {
        return;
    };
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    let rest = |server: &Server| {
        let mut zone = server.zone("example.com.");
        zone.retain(|line| !line.starts_with("host.example.com. "));
        zone
    };
    let others = rest(&server);
    announce("| server   | algorithm   | address   | zone and answer's TSIG right after |\n");
    for algorithm in Algorithm::ALL {
        for transport in ["127.0.0.1", "::1"] {
            sandbox.shell("rm -f /run/sandbox/cache");
            let quiet = if matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1) {
                "*hmac-*"
            } else {
                ""
            };
            let program = |ttl: u32| {
                Program::new(sandbox.path()).config(&at(
                    transport,
                    &key(algorithm),
                    json!({"ttl": ttl}),
                ))
            };
            let mut row = format!(
                "| {:<8} | {:<11} | {:<9} |",
                kind.name(),
                algorithm.name(),
                transport
            );
            program(300).run().is(0, "", quiet);
            assert_eq!(
                server.at("host.example.com."),
                records(300, &["192.0.2.10", "2001:db8::10"]),
                "{row}"
            );
            row += " registered |";
            sandbox.address("lan0", "192.0.2.11/24");
            sandbox.ip("addr del 2001:db8::10/64 dev lan0");
            program(300).run().is(0, "", quiet);
            assert_eq!(
                server.at("host.example.com."),
                records(300, &["192.0.2.10", "192.0.2.11"]),
                "{row}"
            );
            row += " changed |";
            // What another system has done to the records meanwhile, -f undoes.
            let key = key(algorithm);
            sandbox.write(
                "foreign",
                "server 127.0.0.1\nzone example.com\nupdate delete host.example.com A 192.0.2.10\nupdate add host.example.com 60 AAAA 2001:db8::bad\nsend\n",
            );
            sandbox.shell(&format!(
                "nsupdate -v -y {}:{}:{} /run/sandbox/foreign",
                key.algorithm.name(),
                key.name,
                secret(&key)
            ));
            assert_ne!(
                server.at("host.example.com."),
                records(300, &["192.0.2.10", "192.0.2.11"]),
                "{row}"
            );
            program(300).run().succeeds();
            assert_ne!(
                server.at("host.example.com."),
                records(300, &["192.0.2.10", "192.0.2.11"]),
                "{row}"
            );
            program(300).arg("-f").run().is(0, "", quiet);
            assert_eq!(
                server.at("host.example.com."),
                records(300, &["192.0.2.10", "192.0.2.11"]),
                "{row}"
            );
            row += " forced |";
            assert_eq!(rest(&server), others, "{row}");
            sandbox.ip("addr del 192.0.2.11/24 dev lan0");
            sandbox.address("lan0", "2001:db8::10/64");
            announce(&format!("{row}\n"));
        }
    }
}

#[test]
fn bind_takes_every_algorithm_over_ipv4_and_ipv6() {
    sandbox(|sandbox| every_algorithm(sandbox, Kind::Bind));
}

#[test]
fn knot_takes_every_algorithm_over_ipv4_and_ipv6() {
    sandbox(|sandbox| every_algorithm(sandbox, Kind::Knot));
}

#[test]
fn powerdns_takes_every_algorithm_over_ipv4_and_ipv6() {
    sandbox(|sandbox| every_algorithm(sandbox, Kind::PowerDns));
}

#[test]
fn yadifa_takes_every_algorithm_over_ipv4_and_ipv6() {
    sandbox(|sandbox| every_algorithm(sandbox, Kind::Yadifa));
}

/// Unsigned updates, where the server lets anybody in.
fn unsigned(sandbox: &Sandbox, kind: Kind) {
    let setup = Setup {
        keys: Vec::new(),
        policy: Policy::Anybody,
        ..Setup::new(&["host 60 A 192.0.2.99"])
    };
    let Some(server) = Server::start(kind, sandbox, &setup) else {
        return;
    };
    sandbox.interface("lan0", &["192.0.2.10/24"]);
    let mut config = at("127.0.0.1", &key(Algorithm::Sha256), json!({}));
    config.as_object_mut().unwrap().remove("tsig");
    Program::new(sandbox.path())
        .config(&config)
        .run()
        .succeeds();
    assert_eq!(
        server.at("host.example.com."),
        records(3600, &["192.0.2.10"]),
        "{}",
        kind.name()
    );
}

#[test]
fn each_server_takes_unsigned_updates_if_it_is_set_up_so() {
    sandbox(|sandbox| {
        unsigned(sandbox, Kind::Bind);
        sandbox.ip("link del lan0");
        sandbox.shell("rm -rf /run/sandbox/cache");
        unsigned(sandbox, Kind::Knot);
        sandbox.ip("link del lan0");
        sandbox.shell("rm -rf /run/sandbox/cache");
        unsigned(sandbox, Kind::PowerDns);
        sandbox.ip("link del lan0");
        sandbox.shell("rm -rf /run/sandbox/cache");
        unsigned(sandbox, Kind::Yadifa);
    });
}

/// A TXT record stays under a policy that allows address records only, and `"all"` is refused with a hint.
fn least_privilege(sandbox: &Sandbox, kind: Kind) {
    let records_before = [
        "host 60 A 192.0.2.99",
        "host 60 AAAA 2001:db8::99",
        "host 60 TXT kept",
    ];
    let setup = Setup {
        policy: Policy::Addresses,
        ..Setup::new(&records_before)
    };
    let Some(server) = Server::start(kind, sandbox, &setup) else {
        return;
    };
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    let key = key(Algorithm::Sha256);
    let serial = server.serial();
    let run = Program::new(sandbox.path())
        .config(&at("127.0.0.1", &key, json!({})))
        .run();
    run.fails(1, "*");
    assert!(
        run.stderr.contains("\"addresses\""),
        "no hint at \"replace\": \"addresses\": {}",
        run.stderr
    );
    assert_eq!(server.serial(), serial);
    let program = Program::new(sandbox.path()).config(&at(
        "127.0.0.1",
        &key,
        json!({"replace": "addresses"}),
    ));
    program.run().succeeds();
    let expected = |addresses| {
        [
            records(3600, addresses),
            vec!["host.example.com. 60 TXT kept".to_owned()],
        ]
        .concat()
    };
    assert_eq!(
        server.at("host.example.com."),
        expected(&["192.0.2.10", "2001:db8::10"])
    );
    sandbox.ip("addr del 2001:db8::10/64 dev lan0");
    program.run().succeeds();
    assert_eq!(server.at("host.example.com."), expected(&["192.0.2.10"]));
}

#[test]
fn replacing_addresses_suffices_under_binds_update_policy_and_keeps_a_txt() {
    sandbox(|sandbox| least_privilege(sandbox, Kind::Bind));
}

#[test]
fn replacing_addresses_suffices_under_knots_update_type_and_keeps_a_txt() {
    sandbox(|sandbox| least_privilege(sandbox, Kind::Knot));
}

#[test]
fn replacing_addresses_keeps_a_txt_on_all_servers() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        for kind in Kind::ALL {
            let Some(server) = Server::start(
                kind,
                sandbox,
                &Setup::new(&["host 60 A 192.0.2.99", "host 60 TXT kept"]),
            ) else {
                continue;
            };
            let keys = json!({"replace": "addresses", "cache": false});
            Program::new(sandbox.path())
                .config(&at("127.0.0.1", &key(Algorithm::Sha256), keys))
                .run()
                .succeeds();
            let expected = [
                records(3600, &["192.0.2.10"]),
                vec!["host.example.com. 60 TXT kept".to_owned()],
            ]
            .concat();
            assert_eq!(server.at("host.example.com."), expected, "{}", kind.name());
        }
    });
}

#[test]
fn a_cname_is_an_error_when_addresses_are_replaced_and_gives_way_otherwise() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        for kind in Kind::ALL {
            let Some(server) = Server::start(
                kind,
                sandbox,
                &Setup::new(&["host 60 CNAME other", "other 60 A 192.0.2.1"]),
            ) else {
                continue;
            };
            let program = |keys| {
                Program::new(sandbox.path()).config(&at("127.0.0.1", &key(Algorithm::Sha256), keys))
            };
            let serial = server.serial();
            let run = program(json!({"replace": "addresses"})).run();
            run.fails(1, "*CNAME*");
            assert_eq!(
                server.at("host.example.com."),
                ["host.example.com. 60 CNAME other.example.com."],
                "{}",
                kind.name()
            );
            assert_eq!(server.serial(), serial, "{}", kind.name());
            assert!(!sandbox.path().join("cache").exists());
            program(json!({"cache": false})).run().succeeds();
            assert_eq!(
                server.at("host.example.com."),
                records(3600, &["192.0.2.10"]),
                "{}",
                kind.name()
            );
        }
    });
}

#[test]
fn a_dry_runs_script_does_the_same_as_the_run() {
    sandbox(|sandbox| {
        sandbox.interface(
            "lan0",
            &["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"],
        );
        let key = key(Algorithm::Sha256);
        let nsupdate = format!(
            "nsupdate -y {}:{}:{} /run/sandbox/script",
            key.algorithm.name(),
            key.name,
            secret(&key)
        );
        let before = [
            "host 60 A 192.0.2.99",
            "host 60 TXT kept",
            "other 60 A 192.0.2.1",
        ];
        for kind in Kind::ALL {
            for replace in ["all", "addresses"] {
                let program = || {
                    let keys = json!({"replace": replace, "cache": false, "ttl": 77});
                    Program::new(sandbox.path()).config(&at("127.0.0.1", &key, keys))
                };
                let Some(server) = Server::start(kind, sandbox, &Setup::new(&before)) else {
                    continue;
                };
                let (serial, zone) = (server.serial(), server.zone("example.com."));
                let list = "cd /run; find . -path ./sandbox/*-53 -prune -o -type f -printf '%p %T@ %s\\n' | grep -v /script";
                let _ = program();
                let files = sandbox.shell(list);
                let mut dry = Program::new(sandbox.path())
                    .arg("-c")
                    .arg("/run/sandbox/pydyndns.conf")
                    .arg("-n");
                dry = dry.env("LC_ALL", "C");
                let run = dry.run();
                assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
                assert_eq!(sandbox.shell(list), files, "the dry run wrote something");
                assert_eq!(
                    (server.serial(), server.zone("example.com.")),
                    (serial, zone),
                    "the dry run sent an update"
                );
                sandbox.write("script", &run.stdout);
                sandbox.shell(&nsupdate);
                let by_script = server.zone("example.com.");
                assert_ne!(server.serial(), serial);
                drop(server);
                sandbox.shell("rm -rf /run/sandbox/*-53");
                let Some(server) = Server::start(kind, sandbox, &Setup::new(&before)) else {
                    continue;
                };
                program().run().succeeds();
                assert_eq!(
                    server.zone("example.com."),
                    by_script,
                    "{} {replace}",
                    kind.name()
                );
                drop(server);
                sandbox.shell("rm -rf /run/sandbox/*-53");
            }
        }
    });
}

#[test]
fn a_key_name_in_capitals_is_the_same_key_for_all_servers() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let mut key = key(Algorithm::Sha256);
        key.name = key.name.to_uppercase();
        for kind in Kind::ALL {
            let Some(server) = Server::start(kind, sandbox, &Setup::new(&[])) else {
                continue;
            };
            let program = Program::new(sandbox.path()).config(&at(
                "127.0.0.1",
                &key,
                json!({"cache": false}),
            ));
            program.run().succeeds();
            assert_eq!(
                server.at("host.example.com."),
                records(3600, &["192.0.2.10"]),
                "{}",
                kind.name()
            );
        }
    });
}

#[test]
fn the_embedded_primary_understands_nsupdate_with_every_algorithm() {
    if !installed("nsupdate") {
        skip!("nsupdate is not installed");
    }
    sandbox(|sandbox| {
        let keys = Algorithm::ALL.map(key);
        let address = "127.0.0.1:53".parse().unwrap();
        let primary =
            Primary::start("example.com.", &keys, &["gone 60 A 192.0.2.1"], &[address]).unwrap();
        let mut expected = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let ttl = 60 + index;
            sandbox.write(
                "script",
                format!(
                    "server 127.0.0.1\nzone example.com\nprereq nxdomain h{index}.example.com\n\
                     update delete gone.example.com\nupdate add h{index}.example.com {ttl} AAAA 2001:db8::1\nsend\n"
                ),
            );
            let how = if index % 2 == 0 { "" } else { "-v" };
            let (algorithm, name) = (key.algorithm.name(), &key.name);
            sandbox.shell(&format!(
                "nsupdate {how} -y {algorithm}:{name}:{} /run/sandbox/script",
                secret(key)
            ));
            expected.push(format!("h{index}.example.com. {ttl} AAAA 2001:db8::1"));
            assert_eq!(primary.zone(), expected, "{algorithm}");
        }
    });
}
