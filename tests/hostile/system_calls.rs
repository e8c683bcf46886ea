//! Kills and failures at every system call of an update, by strace's fault injection: the next normal run always ends
//! with zone and cache right, and nothing is left lying about.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::cached;
use crate::harness::local::Local;
use crate::harness::program::{Program, Run, merged};

/// These keys of a configuration, and a registration that differs from every other number's.
fn numbered(keys: &Value, number: u32) -> Value {
    merged(json!({"ttl": number, "timeout": 2}), keys.clone())
}

/// How often each system call is made by a run that sends an update; none where strace can't be used.
fn system_calls(local: &Local, keys: &Value) -> Option<BTreeMap<String, u32>> {
    match Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .output()
    {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            crate::harness::skipped(&format!("strace may not trace: {}", why.trim()));
            return None;
        }
        Err(error) => {
            crate::harness::skipped(&format!("strace can't be used: {error}"));
            return None;
        }
    }
    let log = local.path().join("calls");
    let under = [
        std::ffi::OsString::from("strace"),
        "-qq".into(),
        "-o".into(),
        log.clone().into(),
    ];
    local
        .program(numbered(keys, 1))
        .under(under)
        .run()
        .succeeds();
    let text = fs::read_to_string(&log).expect("strace writes a log");
    fs::remove_file(&log).expect("the log can be removed");
    let calls = counted(&text);
    assert!(
        calls.contains_key("connect") && calls.contains_key("renameat"),
        "{calls:?}"
    );
    Some(calls)
}

/// How often each system call is in strace's log.
pub(crate) fn counted(log: &str) -> BTreeMap<String, u32> {
    let mut calls = BTreeMap::new();
    for line in log.lines() {
        if let Some((name, _)) = line.split_once('(') {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    calls
}

/// The program with something injected at one system call; and whether it came to that, which differs a little from
/// run to run: where memory happens to lie decides about the calls that ask for more.
fn with_injection(
    local: &Local,
    program: &Program,
    call: &str,
    fault: &str,
    when: u32,
) -> (Run, bool) {
    let log = local.path().join("log");
    let (trace, inject) = (
        format!("trace={call}"),
        format!("inject={call}:{fault}:when={when}"),
    );
    let under = ["strace", "-qq", "-e", &trace, "-e", &inject, "-o"].map(std::ffi::OsString::from);
    let run = program
        .clone()
        .under(under.into_iter().chain([log.clone().into()]))
        .run();
    let text = fs::read_to_string(&log).unwrap_or_default();
    fs::remove_file(&log).ok();
    let is_killed = fault.starts_with("signal") && run.status.is_none();
    (run, is_killed || text.contains("(INJECTED)"))
}

/// Whether the program panicked. Libraries do where they can't set up a stack before `main`, or get no random numbers,
/// which no kernel refuses.
fn panics(stderr: &str) -> bool {
    let is_a_librarys = |line: &str| {
        [
            "std/src/sys/pal/unix/stack_overflow.rs",
            "std/src/sys/random/",
            "rngs/thread.rs",
        ]
        .iter()
        .any(|place| line.contains(place))
    };
    stderr
        .lines()
        .any(|line| line.contains("panicked at") && !is_a_librarys(line))
}

/// Injects faults at every system call of an update with these keys, one after the other; each is followed by a normal run,
/// after which everything must be right and nothing more lies about.
pub(crate) fn at_every_call(local: &Local, keys: &Value, faults: &[&str], judge: fn(&Run, bool)) {
    let Some(calls) = system_calls(local, keys) else {
        return;
    };
    let names = || -> Vec<_> { local.files().into_iter().map(|(name, _)| name).collect() };
    let whole = names();
    let mut number = 1;
    let mut injected = 0;
    for fault in faults {
        for (call, &count) in &calls {
            for when in 1..=count {
                number += 1;
                let program = local.program(numbered(keys, number));
                let right = format!("host.example.com. {number} A 127.0.0.1");
                let (run, was_injected) = with_injection(local, &program, call, fault, when);
                injected += u32::from(was_injected);
                let at = format!("{fault} at {call} number {when}");
                // What the cache says is what the zone has, at any instant.
                if let Some(entry) = cached(local) {
                    let said = format!("host.example.com. {} A 127.0.0.1", entry["ttl"]);
                    assert_eq!(
                        local.primary.zone(),
                        [said],
                        "zone and cache disagree after {at}"
                    );
                }
                assert!(!panics(&run.stderr), "{at}: {}", run.stderr);
                judge(&run, local.primary.zone() == [right.clone()]);
                let next = program.run();
                assert_eq!(
                    (next.status, next.stderr.as_str()),
                    (Some(0), ""),
                    "after {at}"
                );
                assert_eq!(local.primary.zone(), [right], "after {at}");
                assert_eq!(
                    cached(local).expect("there is a cache")["ttl"],
                    number,
                    "after {at}"
                );
                assert_eq!(names(), whole, "left after {at}");
            }
        }
    }
    // All but the few that another run need not have.
    println!("{injected} faults of {}", number - 1);
    assert!(
        injected > (number - 1) * 9 / 10,
        "only {injected} of {} faults took place",
        number - 1
    );
}

/// A run that is killed has no say.
pub(crate) fn is_no_failure(run: &Run, _is_right: bool) {
    assert_ne!(run.status, Some(1), "it failed: {run:?}");
}

/// A run that did not make the zone right does not claim to have.
pub(crate) fn is_no_false_success(run: &Run, is_right: bool) {
    assert!(run.status != Some(0) || is_right, "false success: {run:?}");
}

#[test]
fn a_run_that_is_killed_at_any_system_call_is_made_good_by_the_next() {
    at_every_call(&Local::new(), &json!({}), &["signal=KILL"], is_no_failure);
}

#[test]
fn a_system_call_that_fails_is_no_false_success_and_is_made_good_by_the_next_run() {
    let faults = ["error=EIO", "error=ENOSPC", "error=EACCES"];
    at_every_call(&Local::new(), &json!({}), &faults, is_no_false_success);
}

#[test]
fn a_system_call_that_is_interrupted_is_no_false_success_and_is_made_good_by_the_next_run() {
    at_every_call(
        &Local::new(),
        &json!({}),
        &["error=EINTR"],
        is_no_false_success,
    );
}
