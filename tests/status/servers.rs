//! On a machine of its own: the four servers, addresses of every kind, networks that do not answer.

use serde_json::{Value, json};

use super::{json_of, problems, status};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{installed, key};

/// A program that finds its zone by DNS, with further keys.
fn program(sandbox: &Sandbox, keys: Value) -> Program {
    let own = json!({
        "hostname": "host.example.com", "server": "127.0.0.1", "zone": "example.com",
        "cache": "/run/sandbox/cache", "tsig": tsig(&key(Algorithm::Sha256)), "timeout": 5,
    });
    Program::new(sandbox.path()).config(&config(merged(own, keys)))
}

/// Registers, looks, changes the zone behind the cache's back, and unregisters, on one server.
fn one_server(sandbox: &Sandbox, kind: Kind) {
    let setup = Setup::new(&["host 60 A 192.0.2.99", "host 60 TXT kept"]);
    let Some(server) = Server::start(kind, sandbox, &setup) else {
        return;
    };
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    let replace = json!({"replace": "addresses"});
    // The zone is wrong.
    let found = json_of(&status(program(sandbox, replace.clone())).run(), 1);
    assert_eq!(found["zone"]["addresses"], json!(["192.0.2.99"]));
    assert_eq!(found["zone"]["ttl"], 60);
    assert_eq!(found["zone"]["primary"], "ns.example.com.");
    assert_eq!(found["cache"]["state"], "none");
    // It is right.
    program(sandbox, replace.clone()).run().succeeds();
    let found = json_of(&status(program(sandbox, replace.clone())).run(), 0);
    assert_eq!(
        found["zone"]["addresses"],
        json!(["192.0.2.10", "2001:db8::10"])
    );
    assert_eq!(found["zone"]["server"], "127.0.0.1:53");
    assert_eq!(found["cache"]["state"], "confirms");
    assert_eq!(problems(&found), [""; 0]);
    // The machine has changed.
    sandbox.address("lan0", "192.0.2.11/24");
    let found = json_of(&status(program(sandbox, replace.clone())).run(), 1);
    assert_eq!(found["cache"]["state"], "differs");
    // It is given away.
    program(sandbox, replace.clone())
        .arg("--unregister")
        .run()
        .succeeds();
    assert_eq!(
        server.at("host.example.com."),
        ["host.example.com. 60 TXT kept"]
    );
    let found = json_of(&status(program(sandbox, replace)).run(), 1);
    assert_eq!(found["zone"]["addresses"], json!([]));
    assert_eq!(found["zone"]["ttl"], Value::Null);
}

#[test]
fn tells_what_bind_has_and_unregisters_there() {
    sandbox(|sandbox| one_server(sandbox, Kind::Bind));
}

#[test]
fn tells_what_knot_has_and_unregisters_there() {
    sandbox(|sandbox| one_server(sandbox, Kind::Knot));
}

#[test]
fn tells_what_powerdns_has_and_unregisters_there() {
    sandbox(|sandbox| one_server(sandbox, Kind::PowerDns));
}

#[test]
fn tells_what_yadifa_has_and_unregisters_there() {
    sandbox(|sandbox| one_server(sandbox, Kind::Yadifa));
}

#[test]
fn every_address_of_the_machine_has_its_reason() {
    sandbox(|sandbox| {
        if !installed("ip") {
            skip!("ip is not installed");
        }
        sandbox.interface(
            "lan0",
            &[
                "192.0.2.10/24",
                "169.254.1.1/16",
                "100.64.0.1/10",
                "192.0.0.4/32",
                "198.51.100.1/24",
                "2001:db8::10/64",
                "2001::1/64",
                "2001:db8::dead/64",
            ],
        );
        sandbox.interface("off0", &["192.0.2.20/24"]);
        sandbox.interface("other0", &["192.0.2.30/24"]);
        sandbox.ip("link set off0 down");
        // The kernel has no temporary address without a prefix to make it of.
        sandbox.shell("echo 2 > /proc/sys/net/ipv6/conf/lan0/use_tempaddr");
        sandbox.ip(
            "addr add 2001:db8:1::1/64 dev lan0 nodad mngtmpaddr valid_lft 3600 preferred_lft 1800",
        );
        sandbox.ip("addr change 2001:db8::dead/64 dev lan0 valid_lft 3600 preferred_lft 0");
        // Duplicate address detection that never ends, since its answers would come from nowhere.
        sandbox.shell("echo 1 > /proc/sys/net/ipv6/conf/lan0/accept_dad; echo 100 > /proc/sys/net/ipv6/conf/lan0/dad_transmits");
        sandbox.ip("addr add 2001:db8::7e57/64 dev lan0");
        let keys = json!({"addresses": {"exclude": ["198.51.100.0/24"]}, "timeout": 1});
        let run = status(program(sandbox, keys))
            .args(["lan0", "off0", "lo"])
            .run();
        let found = json_of(&run, 1);
        let reason = |address: &str, interface: &str| -> String {
            let all = found["addresses"].as_array().unwrap();
            let one = all
                .iter()
                .find(|one| one["address"] == address && one["interface"] == interface)
                .unwrap_or_else(|| panic!("{address} on {interface} is not in {found:#}"));
            assert_eq!(one["wanted"] == true, one["reason"].is_null());
            one["reason"].as_str().unwrap_or("wanted").to_owned()
        };
        for (address, interface, expected) in [
            ("192.0.2.10", "lan0", "wanted"),
            ("2001:db8::10", "lan0", "wanted"),
            ("169.254.1.1", "lan0", "link-local"),
            ("100.64.0.1", "lan0", "shared"),
            ("192.0.0.4", "lan0", "clat"),
            ("198.51.100.1", "lan0", "excluded"),
            ("2001::1", "lan0", "teredo"),
            ("2001:db8::dead", "lan0", "deprecated"),
            ("2001:db8::7e57", "lan0", "tentative"),
            ("192.0.2.20", "off0", "down"),
            ("192.0.2.30", "other0", "interface"),
            ("127.0.0.1", "lo", "loopback"),
            ("::1", "lo", "loopback"),
        ] {
            assert_eq!(reason(address, interface), expected, "{address}");
        }
        let temporary = found["addresses"].as_array().unwrap().iter().any(|one| {
            one["reason"] == "temporary"
                && one["address"].as_str().unwrap().starts_with("2001:db8:1:")
        });
        assert!(temporary, "{found:#}");
        // A family that is not enabled.
        let run = status(program(
            sandbox,
            json!({"ipv6": {"enable": false}, "timeout": 1}),
        ))
        .run();
        let found = json_of(&run, 1);
        let all = found["addresses"].as_array().unwrap();
        assert!(all.iter().all(|one| one["reason"] == "family"
            || !one["address"].as_str().unwrap().contains(':')
            || one["reason"] == "down"));
    });
}

#[test]
fn a_missing_zone_a_dead_resolver_and_a_missing_interface_are_each_told() {
    sandbox(|sandbox| {
        let Some(_server) = Server::start(Kind::Bind, sandbox, &Setup::new(&[])) else {
            return;
        };
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let told = |keys: Value, words: &[&str]| {
            let found = json_of(&status(program(sandbox, keys)).args(words).run(), 1);
            assert_eq!(found["zone"].is_null(), words.is_empty(), "{found:#}");
            problems(&found).join("\n")
        };
        let missing = told(
            json!({"server": null, "zone": null, "hostname": "host.example.net"}),
            &[],
        );
        assert!(missing.contains("host.example.net"), "{missing}");
        sandbox.resolvers(&["127.0.0.2"]);
        let dead = told(json!({"server": null, "zone": null, "timeout": 1}), &[]);
        assert!(dead.contains("127.0.0.2"), "{dead}");
        let interface = told(json!({}), &["eth9"]);
        assert!(interface.contains("eth9"), "{interface}");
        let one_of_two = told(json!({}), &["eth9", "lan0"]);
        assert!(
            one_of_two.contains("no interface eth9 exists"),
            "{one_of_two}"
        );
    });
}

#[test]
fn the_name_is_told_with_where_it_came_from_or_why_there_is_none() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let name = || {
            let run = status(program(sandbox, json!({"hostname": null, "timeout": 1}))).run();
            let found = json_of(&run, 1);
            (
                found["name"].clone(),
                found["name_from"].clone(),
                problems(&found).join("\n"),
            )
        };
        let (found, from, _) = name();
        assert_eq!((found, from), (json!("host.example.com."), json!("kernel")));
        sandbox.hostname("box");
        sandbox.hosts("127.0.1.1 box.example.com box\n");
        let (found, from, _) = name();
        assert_eq!((found, from), (json!("box.example.com."), json!("hosts")));
        sandbox.hosts("127.0.0.1 localhost\n");
        sandbox.resolv_conf("search example.com\n");
        let (found, from, _) = name();
        assert_eq!(
            (found, from),
            (json!("box.example.com."), json!("resolv.conf"))
        );
        sandbox.resolv_conf("");
        let (found, from, problem) = name();
        assert_eq!((found, from), (Value::Null, Value::Null));
        assert!(problem.contains("hostname"), "{problem}");
    });
}
