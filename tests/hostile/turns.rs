//! Addresses that change while runs are under way: zone, cache and machine end up agreeing.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
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
            let lost = Arc::new(Mutex::new(Some(lost)));
            change(sandbox, "192.0.2.1", "192.0.2.2");
            // The primary has applied the update by the time that the script is asked.
            local.primary.lie(Arc::new(move |_| {
                lost.lock().unwrap().take().unwrap_or(Answer::Close)
            }));
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
        let pending = Pending::default();
        *pending.0.lock().unwrap() = Some(("192.0.2.2".into(), "192.0.2.1".into()));
        local.primary.lie(Arc::new(move |request| {
            pending.make();
            Answer::Message(request.honest.clone())
        }));
        program.run().succeeds();
        assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 192.0.2.1"]);
        assert_eq!(
            cached(&local).expect("there is a cache")["addresses"]["ipv4"],
            json!(["192.0.2.1"])
        );
    });
}

/// A change of `lan0` that is made when the next update arrives, before it is answered.
#[derive(Clone, Default)]
struct Pending(Arc<Mutex<Option<(String, String)>>>);

impl Pending {
    /// Makes it.
    fn make(&self) {
        let pending = self.0.lock().expect("no thread has failed").take();
        if let Some((from, to)) = pending {
            let script = format!(
                "PATH=$PATH:/usr/sbin:/sbin; ip addr add {to}/32 dev lan0 && ip addr del {from}/32 dev lan0"
            );
            assert!(
                Command::new("sh")
                    .args(["-c", &script])
                    .status()
                    .is_ok_and(|status| status.success())
            );
        }
    }
}

#[test]
fn zone_cache_and_machine_agree_after_changes_during_eight_runs_at_once() {
    sandbox(|sandbox| {
        let local = Local::new();
        let mut last = "192.0.2.250".to_owned();
        sandbox.interface("lan0", &[&format!("{last}/32")]);
        let program = program(&local, 20.0);
        let (pending, served) = (Pending::default(), AtomicU64::new(0));
        let change_meanwhile = pending.clone();
        // Answers that take a moment, not always the same, let the runs overlap in every way.
        local.primary.lie(Arc::new(move |request| {
            change_meanwhile.make();
            thread::sleep(Duration::from_millis(
                served.fetch_add(1, Ordering::SeqCst) * 7 % 11,
            ));
            Answer::Message(request.honest.clone())
        }));
        let start = || -> Child {
            program
                .command()
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program can be started")
        };
        for round in 0..ROUNDS {
            let (first, second) = (address(round, 0), address(round, 1));
            let mut runs = Vec::new();
            match round % 4 {
                // While half of the runs are under way, as a hook would see it.
                0 => {
                    change(sandbox, &last, &first);
                    runs.extend((0..RUNS / 2).map(|_| start()));
                    thread::sleep(Duration::from_millis(u64::from(round * 5 % 9)));
                    change(sandbox, &first, &second);
                    last = second;
                }
                // There and back again, so that a stale cache would look right.
                1 => {
                    change(sandbox, &last, &first);
                    runs.extend((0..RUNS / 2).map(|_| start()));
                    thread::sleep(Duration::from_millis(u64::from(round * 5 % 9)));
                    change(sandbox, &first, &last);
                }
                // In the midst of an update, without a run that would start later.
                2 => {
                    change(sandbox, &last, &first);
                    *pending.0.lock().expect("no thread has failed") =
                        Some((first, second.clone()));
                    last = second;
                }
                // The same, and back again.
                _ => {
                    change(sandbox, &last, &first);
                    *pending.0.lock().expect("no thread has failed") = Some((first, last.clone()));
                }
            }
            while runs.len() < RUNS {
                runs.push(start());
            }
            for run in runs {
                let output = run.wait_with_output().expect("a run can be waited for");
                assert!(
                    output.status.success(),
                    "round {round}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            assert_eq!(
                local.primary.zone(),
                [format!("host.example.com. 3600 A {last}")],
                "round {round}"
            );
            let entry = cached(&local).expect("there is a cache");
            assert_eq!(entry["addresses"]["ipv4"], json!([last]), "round {round}");
        }
        eprintln!(
            "| {ROUNDS} rounds of {RUNS} runs took {} updates",
            local.primary.updates()
        );
    });
}
