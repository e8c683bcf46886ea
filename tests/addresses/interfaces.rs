//! Which interfaces an argument means: names, IPv4 labels, alternative names; and what is left out with the interface.

use serde_json::json;

use super::{added, dry_run, registered};
use crate::harness::program::Program;
use crate::harness::program::config;
use crate::harness::sandbox::sandbox;

#[test]
fn are_those_of_a_label_where_it_is_named_and_of_the_interface_without_it_otherwise() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.1/24", "2001:db8::1/64"]);
        sandbox.ip("addr add 192.0.2.2/24 dev eth0 label eth0:1");
        sandbox.ip("addr add 192.0.2.3/24 dev eth0 label eth0:web");
        for (arguments, expected) in [
            (&["eth0"][..], &["192.0.2.1", "2001:db8::1"][..]),
            (&["eth0:1"], &["192.0.2.2"]),
            (&["eth0:web"], &["192.0.2.3"]),
            (&["eth0:*"], &["192.0.2.2", "192.0.2.3"]),
            (
                &["eth0", "eth0:1"],
                &["192.0.2.1", "192.0.2.2", "2001:db8::1"],
            ),
            (
                &["eth0*"],
                &["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"],
            ),
            (&["!eth0:1"], &["192.0.2.1", "192.0.2.3", "2001:db8::1"]),
            (&["eth0*", "!eth0:*"], &["192.0.2.1", "2001:db8::1"]),
            (&[], &["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"]),
        ] {
            assert_eq!(
                registered(sandbox, json!({}), arguments),
                expected,
                "{arguments:?}"
            );
        }
        dry_run(sandbox, json!({}), &["eth0:2"]).fails(1, "*eth0:2*");
    });
}

/// A label may be anything: keepalived takes what it is told.
#[test]
fn are_found_under_a_label_that_is_not_the_interfaces_name() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.1/24"]);
        sandbox.ip("addr add 192.0.2.2/24 dev eth0 label eth0:1");
        sandbox.ip("link set eth0 down");
        // The kernel renames labels too, and gives one to each further address.
        sandbox.ip("link set eth0 name lan0");
        sandbox.ip("link set lan0 up");
        assert_eq!(registered(sandbox, json!({}), &["lan0"]), ["192.0.2.1"]);
        assert_eq!(registered(sandbox, json!({}), &["lan0:1"]), ["192.0.2.2"]);
    });
}

#[test]
fn are_those_of_the_interface_that_has_an_alternative_name() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.1/24", "2001:db8::1/64"]);
        sandbox.interface("eth1", &["198.51.100.1/24"]);
        sandbox.interface("idle0", &[]);
        sandbox.ip(
            "link property add dev eth0 altname enp0s31f6 altname a-long-name-for-the-first-card",
        );
        sandbox.ip("link property add dev idle0 altname enp9s0");
        for (arguments, expected) in [
            (&["enp0s31f6"][..], &["192.0.2.1", "2001:db8::1"][..]),
            (
                &["a-long-name-for-the-first-card"],
                &["192.0.2.1", "2001:db8::1"],
            ),
            (&["enp*"], &["192.0.2.1", "2001:db8::1"]),
            (
                &["eth1", "enp0s31f6"],
                &["192.0.2.1", "198.51.100.1", "2001:db8::1"],
            ),
            (&["!enp0s31f6"], &["198.51.100.1"]),
            (&["eth*", "!a-long*"], &["198.51.100.1"]),
            (&["!wlan0"], &["192.0.2.1", "198.51.100.1", "2001:db8::1"]),
        ] {
            assert_eq!(
                registered(sandbox, json!({}), arguments),
                expected,
                "{arguments:?}"
            );
        }
        // It exists, and has nothing to register.
        let run = dry_run(sandbox, json!({}), &["enp9s0"]);
        assert_eq!(added(&run), [""; 0]);
    });
}

#[test]
fn of_an_interface_that_is_switched_off_are_left_out_but_not_for_a_missing_carrier() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        sandbox.interface("off0", &["10.77.0.1/24"]);
        sandbox.ip("link set off0 down");
        sandbox.ip("-6 addr add 2001:db8:77::1/64 dev off0 nodad");
        sandbox.interface("dark0", &["10.78.0.1/24"]);
        sandbox.ip("link set dark0-peer down");
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["10.78.0.1", "192.0.2.10", "2001:db8::10"]
        );
        // `include` is about ranges; a switch is not overruled by it.
        let included = json!({"addresses": {"include": ["10.77.0.0/16", "2001:db8:77::/48"]}});
        assert_eq!(
            registered(sandbox, included, &["off0", "lan0"]),
            ["192.0.2.10", "2001:db8::10"]
        );
        sandbox.ip("link set off0 up");
        assert_eq!(
            registered(sandbox, json!({}), &["off0"]),
            ["10.77.0.1", "2001:db8:77::1"]
        );
    });
}

#[test]
fn by_the_thousand_are_found_under_whatever_names_the_interface() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &[]);
        sandbox.ip("link property add dev lan0 altname enp0s31f6");
        let all: String = (0..1000)
            .map(|number| format!("addr add 2001:db8::{number:x}/128 dev lan0 nodad\n"))
            .collect();
        let batch = sandbox.write("addresses", all);
        sandbox.ip(&format!("-batch {}", batch.display()));
        for arguments in [&[][..], &["lan0"], &["enp0s31f6"], &["lan*"], &["!lo"]] {
            let found = registered(sandbox, json!({}), arguments);
            assert_eq!(found.len(), 1000, "{arguments:?}");
        }
    });
}

#[test]
fn of_a_translator_on_this_host_are_left_out_unless_included() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["2001:db8::10/64"]);
        sandbox.interface("clat", &["192.0.0.4/32", "192.0.0.8/32"]);
        assert_eq!(
            registered(sandbox, json!({}), &[]),
            ["192.0.0.8", "2001:db8::10"]
        );
        let included = json!({"addresses": {"include": ["192.0.0.0/29"]}});
        assert_eq!(
            registered(sandbox, included, &[]),
            ["192.0.0.4", "192.0.0.8", "2001:db8::10"]
        );
    });
}

#[test]
fn are_told_with_the_reason_if_they_are_left_out() {
    sandbox(|sandbox| {
        sandbox.interface(
            "lan0",
            &[
                "192.0.2.10/24",
                "169.254.7.7/16",
                "100.64.0.1/10",
                "2001:db8::10/64",
            ],
        );
        sandbox.interface("off0", &["10.77.0.1/24"]);
        sandbox.ip("link set off0 down");
        sandbox.interface("other0", &["10.78.0.1/24"]);
        let keys = json!({
            "addresses": {"exclude": ["2001:db8::/32"]}, "logging": null,
            "hostname": "host.example.com", "zone": "example.com", "server": "127.0.0.1",
        });
        let run = Program::new(sandbox.path())
            .config(&config(keys))
            .args(["-n", "-v", "lan0", "off0"])
            .run();
        assert_eq!(run.status, Some(0), "{run:?}");
        for words in [
            "host.example.com",
            "from configuration",
            "169.254.7.7 on lan0 is left out: link-local",
            "100.64.0.1 on lan0 is left out: shared",
            "2001:db8::10 on lan0 is left out: excluded",
            "10.77.0.1 on off0 is left out: down",
            "10.78.0.1 on other0 is left out: interface",
            "127.0.0.1 on lo is left out: interface",
        ] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
    });
}

#[test]
fn of_interfaces_that_come_and_go_meanwhile_do_no_harm() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
        let churn = std::process::Command::new("sh")
            .args([
                "-c",
                "PATH=$PATH:/usr/sbin:/sbin; while :; do ip link add v0 type veth peer name v1 && ip addr add 10.1.1.1/24 dev v0 && ip link set v0 up && ip link del v0; done",
            ])
            .stderr(std::process::Stdio::null())
            .spawn();
        let mut churn = churn.unwrap();
        for round in 0..100 {
            let arguments = [&[][..], &["lan0"], &["lan*"], &["!v0"]][round % 4];
            let run = dry_run(sandbox, json!({}), arguments);
            assert_eq!(run.status, Some(0), "{run:?}");
            assert!(
                ["192.0.2.10", "2001:db8::10"]
                    .iter()
                    .all(|address| added(&run).contains(&(*address).to_owned())),
                "{run:?}"
            );
        }
        churn.kill().unwrap();
        churn.wait().unwrap();
    });
}
