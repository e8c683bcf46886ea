//! Kills and failures at every system call of an update that Kerberos signs: the cache says nothing that no server has
//! confirmed, and the next run makes everything right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

use serde_json::json;

use super::world::{HOST, World};
use crate::harness::program::Program;
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::hostile::system_calls::counted;

/// How often a run makes each system call; none where strace can't be used.
fn system_calls(world: &World, program: &Program) -> Option<BTreeMap<String, u32>> {
    let probe = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        crate::harness::skipped("strace can't be used");
        return None;
    }
    let log = world.cache().with_extension("calls");
    program
        .clone()
        .under([
            OsString::from("strace"),
            "-qq".into(),
            "-o".into(),
            log.clone().into(),
        ])
        .run()
        .succeeds();
    let text = std::fs::read_to_string(&log).unwrap();
    let calls = counted(&text);
    assert!(
        calls.contains_key("connect") && calls.contains_key("renameat"),
        "{calls:?}"
    );
    Some(calls)
}

/// Injects a fault at every system call, one after the other.
fn at_every_call(sandbox: &Sandbox, fault: &str) {
    let Some(world) = World::new(sandbox, &HOST) else {
        skip!("krb5kdc or named is not installed")
    };
    let addresses = [["192.0.2.7", "2001:db8::7"], ["192.0.2.8", "2001:db8::7"]];
    // Two states of the host that take turns, so that each run has something to change.
    let program = |state: usize| {
        let left_out = addresses[1 - state][0];
        world.program(json!({"timeout": 5, "addresses": {"exclude": [left_out]}}))
    };
    sandbox.address("eth0", "192.0.2.8/24");
    let Some(calls) = system_calls(&world, &program(0)) else {
        return;
    };
    let mut state = 0;
    let mut failed = 0;
    for (call, count) in calls {
        // A process that is just being made is not the program yet.
        if call == "execve" {
            continue;
        }
        for when in 1..=count {
            state = 1 - state;
            let inject = format!("inject={call}:{fault}:when={when}");
            let run = program(state)
                .under([
                    "strace",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    &format!("trace={call}"),
                    "-e",
                    &inject,
                ])
                .run();
            failed += u32::from(run.status != Some(0));
            if run.status == Some(0) {
                world.has(&addresses[state]);
            }
            if let Ok(cache) = std::fs::read_to_string(world.cache()) {
                let zone = world.named.at("host.example.com.").join(" ");
                for address in addresses.concat() {
                    assert_eq!(
                        cache.contains(address),
                        zone.contains(address),
                        "{call} {when}: {cache} {zone}"
                    );
                }
            }
            program(state).run().succeeds();
            world.has(&addresses[state]);
        }
    }
    assert!(failed > 50, "{failed} runs failed");
}

#[test]
fn a_kill_at_any_system_call_leaves_a_cache_that_says_only_what_is_so() {
    sandbox(|sandbox| at_every_call(sandbox, "signal=KILL"));
}

#[test]
fn a_system_call_that_fails_leaves_a_cache_that_says_only_what_is_so() {
    sandbox(|sandbox| at_every_call(sandbox, "error=EIO"));
}
