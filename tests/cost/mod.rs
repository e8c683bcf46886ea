//! What a run that changes nothing costs, by count: unlike times, counts do not depend on what else the machine does. It is
//! the run that every host of a fleet makes every minute, so what creeps in here is paid for everywhere.

use std::fs;

use crate::harness::installed;
use crate::harness::local::Local;

/// The system calls from the opening of the configuration to the end, without those whose number depends on the machine's
/// interfaces. What starts a program, and how it is linked, comes before.
const MAX_CALLS: usize = 21;

/// The instructions of the whole run, as the tests build the program; a release needs a tenth of them.
const MAX_INSTRUCTIONS: u64 = 2_000_000;

#[test]
fn an_unchanged_run_makes_few_system_calls() {
    if !installed("strace") {
        skip!("strace is not installed");
    }
    let local = Local::new();
    let program = local.program(serde_json::json!({}));
    program.run().succeeds();
    let log = local.path().join("calls");
    let under = ["strace", "-qq", "-o"].map(std::ffi::OsString::from);
    program
        .clone()
        .under(under.into_iter().chain([log.clone().into()]))
        .run()
        .succeeds();
    let log = fs::read_to_string(log).expect("strace writes a log");
    let configuration = local.path().join("pydyndns.conf").display().to_string();
    let calls: Vec<&str> = log
        .lines()
        .skip_while(|line| line.starts_with("execve(") || !line.contains(&configuration))
        .filter(|line| !line.starts_with("ioctl(") && !line.starts_with("recvfrom("))
        .collect();
    assert!(!calls.is_empty(), "the configuration is not opened: {log}");
    assert!(
        calls.len() <= MAX_CALLS,
        "{} calls:\n{}",
        calls.len(),
        calls.join("\n")
    );
}

#[test]
fn an_unchanged_run_executes_few_instructions() {
    if !installed("valgrind") {
        skip!("valgrind is not installed");
    }
    let local = Local::new();
    let program = local.program(serde_json::json!({}));
    program.run().succeeds();
    let under = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ];
    let run = program.clone().under(under).run();
    let count = run.stderr.split_once("Collected :").and_then(|(_, rest)| {
        let number = rest.split_whitespace().next()?;
        number.parse::<u64>().ok()
    });
    let count = count.unwrap_or_else(|| panic!("no count: {}", run.stderr));
    assert!(count <= MAX_INSTRUCTIONS, "{count} instructions");
}
