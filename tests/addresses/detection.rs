//! Duplicate address detection: a run that is about to send waits for it, and nothing else does.

use std::time::Duration;

use serde_json::{Value, json};

use super::{added, dry_run, wait_for};
use crate::harness::primary::Primary;
use crate::harness::program::{Program, config};
use crate::harness::sandbox::{Sandbox, sandbox};

/// How long a run may take that waits for nothing.
const AT_ONCE: Duration = Duration::from_millis(900);

/// An interface that looks for duplicates as any host does: this many questions, a second apart.
fn detecting(sandbox: &Sandbox, interface: &str, questions: u32) {
    sandbox.interface(interface, &[]);
    sandbox.shell(&format!(
        "cd /proc/sys/net/ipv6/conf/{interface}; echo 1 > accept_dad; echo {questions} > dad_transmits"
    ));
}

/// A configuration for a primary.
fn keys(sandbox: &Sandbox, primary: &Primary) -> Value {
    config(json!({
        "hostname": "host.example.com", "zone": "example.com", "server": primary.address().to_string(),
        "cache": sandbox.path().join("cache"),
    }))
}

#[test]
fn is_waited_for_by_a_run_that_sends() {
    sandbox(|sandbox| {
        let primary = Primary::start("example.com.", &[], &[], &[]).unwrap();
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        detecting(sandbox, "lan1", 1);
        let program = Program::new(sandbox.path()).config(&keys(sandbox, &primary));
        sandbox.ip("addr add 2001:db8:1::10/64 dev lan1");
        wait_for(sandbox, "lan1", &["tentative"]);
        let run = program.run();
        run.succeeds();
        assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
        assert_eq!(
            primary.zone(),
            [
                "host.example.com. 3600 A 192.0.2.10",
                "host.example.com. 3600 AAAA 2001:db8:1::10"
            ]
        );
        assert_eq!(primary.updates(), 1);
    });
}

#[test]
fn is_waited_for_by_a_forced_run_and_by_one_without_a_cache_and_by_a_dry_one() {
    sandbox(|sandbox| {
        let primary = Primary::start("example.com.", &[], &[], &[]).unwrap();
        detecting(sandbox, "lan1", 1);
        let mut without_cache = keys(sandbox, &primary);
        without_cache["cache"] = json!(false);
        for (number, (keys, argument)) in [
            (keys(sandbox, &primary), "--force"),
            (without_cache.clone(), "lan1"),
            (without_cache, "--dry-run"),
        ]
        .into_iter()
        .enumerate()
        {
            let address = format!("2001:db8:1::{}", number + 1);
            sandbox.ip(&format!("addr add {address}/64 dev lan1"));
            wait_for(sandbox, "lan1", &["tentative"]);
            let run = Program::new(sandbox.path())
                .config(&keys)
                .arg(argument)
                .run();
            assert_eq!((run.status, &*run.stderr), (Some(0), ""), "{run:?}");
            let shown = [primary.zone().join("\n"), run.stdout].join("\n");
            assert!(shown.contains(&address), "{argument}: {shown}");
        }
    });
}

#[test]
fn is_not_waited_for_by_a_run_that_has_nothing_to_send() {
    sandbox(|sandbox| {
        let primary = Primary::start("example.com.", &[], &[], &[]).unwrap();
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        detecting(sandbox, "lan1", 3600);
        let program = Program::new(sandbox.path()).config(&keys(sandbox, &primary));
        program.run().succeeds();
        sandbox.ip("addr add 2001:db8:1::10/64 dev lan1");
        wait_for(sandbox, "lan1", &["tentative"]);
        let run = program.run();
        run.succeeds();
        assert!(run.took < AT_ONCE, "{:?}", run.took);
        assert_eq!(primary.updates(), 1);
    });
}

#[test]
fn is_given_up_after_three_seconds() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        detecting(sandbox, "lan1", 3600);
        sandbox.ip("addr add 2001:db8:1::10/64 dev lan1");
        wait_for(sandbox, "lan1", &["tentative"]);
        let run = dry_run(sandbox, json!({}), &[]);
        assert_eq!(added(&run), ["192.0.2.10"]);
        assert!(
            run.took > Duration::from_millis(2800) && run.took < Duration::from_secs(4),
            "{:?}",
            run.took
        );
    });
}

#[test]
fn is_waited_for_only_where_it_can_give_an_address_to_register() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        // Without a carrier it never ends.
        detecting(sandbox, "dark0", 3600);
        sandbox.ip("link set dark0-peer down");
        sandbox.ip("addr add 2001:db8:2::10/64 dev dark0");
        // Another host has the address.
        detecting(sandbox, "twin0", 1);
        sandbox.ip("addr add 2001:db8:3::10/64 dev twin0-peer nodad");
        sandbox.ip("addr add 2001:db8:3::10/64 dev twin0");
        wait_for(sandbox, "twin0", &["dadfailed"]);
        detecting(sandbox, "slow0", 3600);
        sandbox.ip("addr add fe80::10/64 dev slow0");
        sandbox.ip("addr add 2001:db8:4::10/64 dev slow0");
        wait_for(sandbox, "slow0", &["2001:db8:4::10", "tentative"]);
        for (keys, arguments) in [
            (json!({}), &["lan0", "dark0", "twin0"][..]),
            (json!({"ipv6": {"enable": false, "teredo": false}}), &[]),
            (
                json!({"addresses": {"exclude": ["2001:db8:4::/48"]}}),
                &["lan0", "slow0"],
            ),
            (json!({}), &["!slow0", "!*-peer"]),
        ] {
            let run = dry_run(sandbox, keys, arguments);
            assert_eq!(added(&run), ["192.0.2.10"], "{arguments:?}");
            assert!(run.took < AT_ONCE, "{arguments:?}: {:?}", run.took);
        }
    });
}
