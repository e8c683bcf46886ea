//! Addresses that change while runs are under way: zone, cache and machine end up agreeing.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{cached, is_not_confirmed};
use crate::harness::local::Local;
use crate::harness::primary::Answer;
use crate::harness::program::Program;
use crate::harness::sandbox::{Sandbox, sandbox};

/// Runs at once in a round.
const RUNS: usize = 8;

/// Rounds of address changes.
const ROUNDS: u32 = 200;

/// The program with an interface `lan0` to register.
fn program(local: &Local, timeout: f64) -> Program {
    let networks = json!({"include": [], "exclude": ["127.0.0.0/8", "::/0"]});
    local.program(json!({"addresses": networks, "timeout": timeout}))
}

/// Gives `lan0` this one address in place of the one it has.
fn change(sandbox: &Sandbox, from: &str, to: &str) {
    sandbox.ip(&format!("addr add {to}/32 dev lan0"));
    sandbox.ip(&format!("addr del {from}/32 dev lan0"));
}

/// The address that the round has in the end, or in between.
fn address(round: u32, step: u32) -> String {
    format!("192.0.2.{}", 1 + (round * 3 + step) % 250)
}

#[test]
fn an_update_whose_answer_is_lost_does_not_make_the_old_address_seem_confirmed() {
    sandbox(|sandbox| {
        let local = Local::new();
        sandbox.interface("lan0", &["192.0.2.1/32"]);
        let program = program(&local, 0.5);
        program.run().succeeds();
        for lost in [Answer::Close, Answer::Silence, Answer::Raw(vec![0])] {
            let lost = Arc::new(std::sync::Mutex::new(Some(lost)));
            change(sandbox, "192.0.2.1", "192.0.2.2");
            // The primary has applied the update by the time that the script is asked.
            local.primary.lie(Arc::new(move |_| lost.lock().unwrap().take().unwrap_or(Answer::Close)));
            is_not_confirmed(&local, &program.run(), &["could not confirm"]);
            local.primary.repent();
            assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 192.0.2.2"]);
            change(sandbox, "192.0.2.2", "192.0.2.1");
            program.run().succeeds();
            assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 192.0.2.1"]);
        }
    });
}

#[test]
fn an_address_that_changes_while_an_update_is_under_way_is_registered_by_the_same_run() {
    sandbox(|sandbox| {
        let local = Local::new();
        sandbox.interface("lan0", &["192.0.2.1/32"]);
        let program = program(&local, 5.0);
        program.run().succeeds();
        // The run that this change starts ends at once: the cache still says the old address, which is the machine's
        // own again by then. The zone does not.
        change(sandbox, "192.0.2.1", "192.0.2.2");
        let changes = AtomicU64::new(0);
        local.primary.lie(Arc::new(move |request| {
            if changes.fetch_add(1, Ordering::SeqCst) == 0 {
                std::process::Command::new("sh")
                    .args(["-c", "PATH=$PATH:/usr/sbin:/sbin; ip addr add 192.0.2.1/32 dev lan0; ip addr del 192.0.2.2/32 dev lan0"])
                    .status()
                    .expect("ip can be started");
            }
            Answer::Message(request.honest.clone())
        }));
        program.run().succeeds();
        assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 192.0.2.1"]);
        assert_eq!(cached(&local).expect("there is a cache")["addresses"]["ipv4"], json!(["192.0.2.1"]));
    });
}

#[test]
fn zone_cache_and_machine_agree_after_changes_during_eight_runs_at_once() {
    sandbox(|sandbox| {
        let local = Local::new();
        sandbox.interface("lan0", &["192.0.2.250/32"]);
        let program = program(&local, 20.0);
        // Answers that take a moment, not always the same, let the runs overlap in every way.
        let served = AtomicU64::new(0);
        local.primary.lie(Arc::new(move |request| {
            let turn = served.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(turn * 7 % 11));
            Answer::Message(request.honest.clone())
        }));
        let start = || -> Child { program.command().stderr(Stdio::piped()).spawn().expect("the program can be started") };
        let mut last = "192.0.2.250".to_owned();
        for round in 0..ROUNDS {
            let mut runs: Vec<Child> = (0..RUNS / 2).map(|_| start()).collect();
            // Every second round there and back again, so that a stale cache would look right.
            let steps = if round % 2 == 0 { vec![address(round, 0)] } else { vec![address(round, 1), last.clone()] };
            for next in steps {
                thread::sleep(Duration::from_millis(u64::from(round * 5 % 9)));
                change(sandbox, &last, &next);
                last = next;
                // As a hook would.
                runs.push(start());
            }
            while runs.len() < RUNS {
                runs.push(start());
            }
            for run in runs {
                let output = run.wait_with_output().expect("a run can be waited for");
                assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
            }
            assert_eq!(local.primary.zone(), [format!("host.example.com. 3600 A {last}")], "round {round}");
            let entry = cached(&local).expect("there is a cache");
            assert_eq!(entry["addresses"]["ipv4"], json!([last]), "round {round}");
        }
        eprintln!("| {ROUNDS} rounds of {RUNS} runs took {} updates", local.primary.updates());
    });
}
