//! Which addresses are registered, against what the kernel says of them.

#![cfg(target_os = "linux")]

mod detection;
mod interfaces;

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::harness::primary::Primary;
use crate::harness::program::{Program, Run, config, merged};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::wait_until;

/// A dry run with these keys and arguments.
fn dry_run(sandbox: &Sandbox, keys: Value, arguments: &[&str]) -> Run {
    let all = merged(
        json!({"hostname": "host.example.com", "zone": "example.com", "server": "127.0.0.1"}),
        keys,
    );
    Program::new(sandbox.path())
        .config(&config(all))
        .arg("-n")
        .args(arguments)
        .run()
}

/// The addresses in a dry run's output.
#[track_caller]
fn added(run: &Run) -> Vec<String> {
    assert_eq!(run.status, Some(0), "{run:?}");
    run.stdout
        .lines()
        .filter_map(|line| {
            line.strip_prefix("update add host.example.com. 3600 ")?
                .split(' ')
                .nth(1)
        })
        .map(str::to_owned)
        .collect()
}

/// The addresses that a run with these keys and arguments would register, without a word.
#[track_caller]
fn registered(sandbox: &Sandbox, keys: Value, arguments: &[&str]) -> Vec<String> {
    let run = dry_run(sandbox, keys, arguments);
    assert_eq!(run.stderr, "");
    added(&run)
}

/// The addresses with the kernel's flags, by `ip`: `2001:db8::1 dynamic mngtmpaddr`.
fn by_the_kernel(sandbox: &Sandbox) -> Vec<(IpAddr, String)> {
    sandbox
        .ip("-o addr show")
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let address = words[3].split('/').next().unwrap().parse().unwrap();
            (address, words[4..].join(" "))
        })
        .collect()
}

/// Waits until the kernel shows an address on the interface with all of these flags.
fn wait_for(sandbox: &Sandbox, interface: &str, flags: &[&str]) {
    wait_until(
        &format!("{interface} has an address that is {flags:?}"),
        || {
            let lines = sandbox.ip(&format!("-o -6 addr show dev {interface}"));
            lines
                .lines()
                .any(|line| flags.iter().all(|flag| line.contains(flag)))
        },
    );
}

#[test]
fn are_those_of_all_interfaces_that_others_can_reach() {
    sandbox(|sandbox| {
        sandbox.interface(
            "lan0",
            &[
                "192.0.2.10/24",
                "10.1.2.3/8",
                "169.254.7.7/16",
                "2001:db8::10/64",
                "fd00::10/64",
                "fe80::10/64",
            ],
        );
        sandbox.interface(
            "wan0",
            &[
                "100.64.3.4/10",
                "100.63.255.1/24",
                "100.128.0.1/24",
                "198.51.100.4/32",
                "2001::10/32",
            ],
        );
        sandbox.address("lo", "127.0.0.5/8");
        let expected = [
            "10.1.2.3",
            "100.63.255.1",
            "100.128.0.1",
            "192.0.2.10",
            "198.51.100.4",
            "2001:db8::10",
            "fd00::10",
        ];
        assert_eq!(registered(sandbox, json!({}), &[]), expected);
        let left_out = [
            "127.0.0.1",
            "127.0.0.5",
            "169.254.7.7",
            "100.64.3.4",
            "::1",
            "fe80::10",
            "2001::10",
        ];
        let all: BTreeSet<IpAddr> = expected
            .iter()
            .chain(&left_out)
            .map(|address| address.parse().unwrap())
            .collect();
        assert_eq!(
            by_the_kernel(sandbox)
                .into_iter()
                .map(|(address, _)| address)
                .collect::<BTreeSet<_>>(),
            all
        );
    });
}

#[test]
fn teredo_ones_are_registered_only_if_wanted() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["2001:0:1234::1/32", "2001:1::1/64"]);
        let teredo = |wanted: bool| json!({"ipv6": {"enable": true, "teredo": wanted}});
        assert_eq!(registered(sandbox, teredo(false), &[]), ["2001:1::1"]);
        assert_eq!(
            registered(sandbox, teredo(true), &[]),
            ["2001:0:1234::1", "2001:1::1"]
        );
        let included = json!({"addresses": {"include": ["2001::/32"]}});
        assert_eq!(
            registered(sandbox, included, &[]),
            ["2001:0:1234::1", "2001:1::1"]
        );
    });
}

#[test]
fn temporary_ones_that_the_kernel_made_are_left_out() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.shell("echo 2 > /proc/sys/net/ipv6/conf/lan0/use_tempaddr");
        sandbox.ip(
            "addr add 2001:db8:1::5/64 dev lan0 nodad mngtmpaddr valid_lft 7200 preferred_lft 3600",
        );
        wait_for(sandbox, "lan0", &["temporary"]);
        let kernel = by_the_kernel(sandbox);
        let temporary: Vec<_> = kernel
            .iter()
            .filter(|(_, flags)| flags.contains("temporary"))
            .collect();
        assert_eq!(temporary.len(), 1, "{kernel:?}");
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["192.0.2.10", "2001:db8:1::5"]
        );
        // Not even `include` lets a temporary address in: it is left out for what it is, not by its range.
        let included = json!({"addresses": {"include": ["2001:db8:1::/64"]}});
        assert_eq!(
            registered(sandbox, included, &[]),
            ["192.0.2.10", "2001:db8:1::5"]
        );
    });
}

#[test]
fn deprecated_ones_are_left_out() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["2001:db8::10/64"]);
        sandbox.ip("addr add 2001:db8::11/64 dev lan0 valid_lft 7200 preferred_lft 0");
        wait_for(sandbox, "lan0", &["2001:db8::11/", "deprecated"]);
        assert_eq!(registered(sandbox, json!({}), &[]), ["2001:db8::10"]);
    });
}

#[test]
fn tentative_and_failed_ones_are_left_out() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["2001:db8::10/64"]);
        // An interface that looks for duplicates for an hour, and one that finds one at once.
        sandbox.interface("slow0", &[]);
        sandbox.shell(
            "cd /proc/sys/net/ipv6/conf/slow0; echo 1 > accept_dad; echo 3600 > dad_transmits",
        );
        sandbox.ip("addr add 2001:db8:2::10/64 dev slow0");
        sandbox.interface("twin0", &[]);
        sandbox.shell(
            "cd /proc/sys/net/ipv6/conf; echo 1 > twin0/accept_dad; echo 0 > twin0-peer/accept_dad",
        );
        sandbox.ip("addr add 2001:db8:3::10/64 dev twin0-peer nodad");
        sandbox.ip("addr add 2001:db8:3::10/64 dev twin0");
        wait_for(sandbox, "twin0", &["dadfailed"]);
        wait_for(sandbox, "slow0", &["tentative"]);
        let ours = &["lan0", "slow0", "twin0"];
        assert_eq!(registered(sandbox, json!({}), ours), ["2001:db8::10"]);
        // The other side's address is a good one.
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["2001:db8::10", "2001:db8:3::10"]
        );
    });
}

#[test]
fn shared_and_other_ranges_are_let_in_by_include() {
    sandbox(|sandbox| {
        sandbox.interface(
            "lan0",
            &[
                "100.64.3.4/10",
                "169.254.7.7/16",
                "192.0.2.10/24",
                "fe80::10/64",
            ],
        );
        assert_eq!(registered(sandbox, json!({}), &[]), ["192.0.2.10"]);
        let rules = json!({"addresses": {"include": ["100.64.0.0/10"]}});
        assert_eq!(
            registered(sandbox, rules, &[]),
            ["100.64.3.4", "192.0.2.10"]
        );
        let rules = json!({"addresses": {"include": ["100.64.3.4", "127.0.0.0/8", "169.254.0.0/16", "fe80::/10"]}});
        assert_eq!(
            registered(sandbox, rules, &[]),
            [
                "100.64.3.4",
                "127.0.0.1",
                "169.254.7.7",
                "192.0.2.10",
                "fe80::10"
            ]
        );
    });
}

#[test]
fn bridges_of_containers_are_left_out_by_pattern_or_by_network() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        for (bridge, address) in [("docker0", "172.17.0.1/16"), ("br-0a1b2c", "172.18.0.1/16")] {
            sandbox.ip(&format!("link add {bridge} type bridge"));
            sandbox.ip(&format!("link set {bridge} up"));
            sandbox.ip(&format!("addr add {address} dev {bridge}"));
        }
        sandbox.interface("veth12ab", &["172.19.0.1/16"]);
        let all = ["172.17.0.1", "172.18.0.1", "172.19.0.1", "192.0.2.10"];
        assert_eq!(registered(sandbox, json!({}), &[]), all);
        for arguments in [
            &["!docker*", "!br-*", "!veth*"][..],
            &["lan0"],
            &["lan?"],
            &["l*"],
            &["[a-l]an[0-9]", "!lo"],
            &["*", "!docker0", "!br-*", "!veth????"],
        ] {
            assert_eq!(
                registered(sandbox, json!({}), arguments),
                ["192.0.2.10"],
                "{arguments:?}"
            );
        }
        assert_eq!(
            registered(sandbox, json!({}), &["docker0", "lan0"]),
            ["172.17.0.1", "192.0.2.10"]
        );
        let rules = json!({"addresses": {"exclude": ["172.16.0.0/12"]}});
        assert_eq!(registered(sandbox, rules, &[]), ["192.0.2.10"]);
        let rules =
            json!({"addresses": {"exclude": ["172.16.0.0/12"], "include": ["172.18.0.0/16"]}});
        assert_eq!(
            registered(sandbox, rules, &[]),
            ["172.18.0.1", "192.0.2.10"]
        );
    });
}

#[test]
fn with_a_peer_are_registered() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.ip("addr add 198.51.100.1 peer 198.51.100.2/32 dev lan0");
        assert_eq!(
            registered(sandbox, json!({}), &["lan0"]),
            ["192.0.2.10", "198.51.100.1"]
        );
    });
}

#[test]
fn of_an_interface_whose_name_is_no_text_are_registered() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.shell(
            r#"name=$(printf 'lan\377'); ip link add "$name" type bridge; ip link set "$name" up
            ip addr add 192.0.2.11/24 dev "$name"; ip addr add 192.0.2.12/24 dev "$name""#,
        );
        for (arguments, expected) in [
            (&[][..], &["192.0.2.10", "192.0.2.11", "192.0.2.12"][..]),
            (&["lan?"], &["192.0.2.10", "192.0.2.11", "192.0.2.12"]),
            (&["!lan0"], &["192.0.2.11", "192.0.2.12"]),
        ] {
            assert_eq!(registered(sandbox, json!({}), arguments), expected);
        }
    });
}

#[test]
fn on_two_interfaces_at_once_are_registered_once() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        sandbox.interface("wan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["192.0.2.10", "2001:db8::10"]
        );
    });
}

#[test]
fn stay_as_they_are_when_no_named_interface_exists() {
    sandbox(|sandbox| {
        let primary = Primary::start("example.com.", &[], &["host 60 A 192.0.2.1"], &[]).unwrap();
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let keys = config(json!({
            "hostname": "host.example.com", "zone": "example.com", "server": primary.address().to_string(),
        }));
        let program = Program::new(sandbox.path()).config(&keys);
        for arguments in [&["lna0"][..], &["lna0", "wna0"], &["wlan*"]] {
            let run = program.clone().args(arguments).run();
            run.fails(1, "*");
            assert!(run.stderr.contains(arguments[0]), "{}", run.stderr);
        }
        assert_eq!(primary.zone(), ["host.example.com. 60 A 192.0.2.1"]);
        assert_eq!(primary.seen(), []);
        // One that exists is enough, but the other is not passed over in silence.
        let run = program.args(["lna0", "lan0"]).run();
        run.is(0, "", "*lna0*");
        assert_eq!(primary.zone(), ["host.example.com. 3600 A 192.0.2.10"]);
    });
}

#[test]
fn are_removed_with_a_warning_when_the_interfaces_have_none() {
    sandbox(|sandbox| {
        let records = [
            "host 60 A 192.0.2.1",
            "host 60 AAAA 2001:db8::1",
            "other 60 A 192.0.2.2",
        ];
        let primary = Primary::start("example.com.", &[], &records, &[]).unwrap();
        sandbox.interface("lan0", &[]);
        let keys = config(json!({
            "hostname": "host.example.com", "zone": "example.com", "server": primary.address().to_string(),
            "cache": sandbox.path().join("cache"),
        }));
        let program = Program::new(sandbox.path()).config(&keys);
        program.run().is(0, "", "*host.example.com*");
        assert_eq!(primary.zone(), ["other.example.com. 60 A 192.0.2.2"]);
        // That is confirmed as well, and quiet from then on.
        program.run().succeeds();
        assert_eq!(primary.updates(), 1);
        sandbox.address("lan0", "2001:db8::10/64");
        program.run().succeeds();
        assert_eq!(
            primary.zone(),
            [
                "host.example.com. 3600 AAAA 2001:db8::10",
                "other.example.com. 60 A 192.0.2.2"
            ]
        );
    });
}

#[test]
fn that_change_are_sent_and_stay_otherwise() {
    sandbox(|sandbox| {
        let primary = Primary::start("example.com.", &[], &[], &[]).unwrap();
        sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        let keys = config(json!({
            "hostname": "host.example.com", "zone": "example.com", "server": primary.address().to_string(),
            "cache": sandbox.path().join("cache"),
        }));
        let program = Program::new(sandbox.path()).config(&keys);
        program.run().succeeds();
        sandbox.address("lan0", "198.51.100.11/24");
        program.run().succeeds();
        assert_eq!(
            primary.zone(),
            [
                "host.example.com. 3600 A 192.0.2.10",
                "host.example.com. 3600 A 198.51.100.11",
                "host.example.com. 3600 AAAA 2001:db8::10"
            ]
        );
        sandbox.ip("addr del 192.0.2.10/24 dev lan0");
        sandbox.ip("addr del 2001:db8::10/64 dev lan0");
        program.run().succeeds();
        assert_eq!(primary.zone(), ["host.example.com. 3600 A 198.51.100.11"]);
        assert_eq!(primary.updates(), 3);
        program.run().succeeds();
        assert_eq!(primary.updates(), 3);
    });
}

#[test]
fn a_host_without_ipv6_registers_its_ipv4_addresses() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.shell("for d in /proc/sys/net/ipv6/conf/*; do echo 1 > $d/disable_ipv6; done");
        assert_eq!(registered(sandbox, json!({}), &[]), ["192.0.2.10"]);
    });
}

#[test]
fn that_are_ipv4_ones_in_ipv6s_clothes_are_left_out() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        sandbox.address("lan0", "::ffff:192.0.2.77/128");
        let kernel: Vec<IpAddr> = by_the_kernel(sandbox)
            .into_iter()
            .map(|(address, _)| address)
            .collect();
        assert!(
            kernel.contains(&"::ffff:192.0.2.77".parse().unwrap()),
            "{kernel:?}"
        );
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["192.0.2.10", "2001:db8::10"]
        );
    });
}
