//! An end in every case: whatever blocks a run, it ends soon after `timeout` and frees the lock.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::local::Local;
use crate::harness::program::PROGRAM;

/// What the alarm says.
const ALARM: &str = "pydyndns: cannot end in time: ";

/// A run that ends by its alarm takes this much at least and at most, with a timeout of a second.
const ALARM_TIME: std::ops::Range<Duration> = Duration::from_secs(2)..Duration::from_secs(10);

/// A pipe that takes no more, and its other end.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
    writer
        .write_all(&vec![b'x'; 64 << 10])
        .expect("a pipe takes 64 KiB");
    (reader, writer)
}

#[test]
fn a_full_pipe_on_stderr_does_not_keep_the_lock() {
    let local = Local::new();
    // A warning is due while the lock is held: the configuration is readable by others.
    let program = local.program(json!({"timeout": 1, "logging": null}));
    let mode = Permissions::from_mode(0o604);
    std::fs::set_permissions(local.path().join("pydyndns.conf"), mode).unwrap();
    let (_reader, writer) = full_pipe();
    let started = Instant::now();
    let status = program.command().stderr(writer).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert!(started.elapsed() < ALARM_TIME.end);
    local
        .program(json!({"timeout": 1}))
        .arg("-f")
        .run()
        .succeeds();
}

#[test]
fn a_full_pipe_on_stdout_ends_a_dry_run_and_is_told_of() {
    let local = Local::new();
    let program = local.program(json!({"timeout": 1})).arg("-n");
    let (_reader, writer) = full_pipe();
    let started = Instant::now();
    let run = program
        .command()
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = run.wait_with_output().unwrap();
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with(ALARM) && said.lines().count() == 1,
        "{said}"
    );
    assert!(ALARM_TIME.contains(&took), "took {took:?}");
}

#[test]
fn the_journal_is_told_that_the_alarms_line_is_an_error() {
    let local = Local::new();
    // As systemd does it: a stream socket for stderr, and its device and inode in the environment.
    let (mut journal, stderr) = UnixStream::pair().unwrap();
    let stderr = File::from(OwnedFd::from(stderr));
    let socket = stderr.metadata().unwrap();
    let (_reader, writer) = full_pipe();
    let mut command = local
        .program(json!({"timeout": 1}))
        .arg("-n")
        .env(
            "JOURNAL_STREAM",
            format!("{}:{}", socket.dev(), socket.ino()),
        )
        .command();
    let status = command.stdout(writer).stderr(stderr).status().unwrap();
    drop(command);
    let mut said = String::new();
    journal.read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.starts_with(&format!("<3>{ALARM}")), "{said}");
}

#[test]
fn a_pipe_that_nobody_reads_as_log_file_or_stderr_of_the_section_ends_too() {
    let local = Local::new();
    let fifo = local.path().join("log");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let handlers = [
        json!({"class": "logging.FileHandler", "filename": fifo}),
        json!({"class": "logging.StreamHandler"}),
    ];
    // A pipe without a reader, and one that is full.
    for is_full in [false, true] {
        for handler in &handlers {
            let pipe = is_full.then(|| {
                let both = File::options().read(true).write(true).open(&fifo);
                let mut both = both.unwrap();
                both.write_all(&vec![b'x'; 64 << 10]).unwrap();
                both
            });
            let logging = json!({
                "version": 1, "handlers": {"one": handler}, "root": {"level": "DEBUG", "handlers": ["one"]},
            });
            let program = local.program(json!({"timeout": 1, "logging": logging}));
            let (_reader, writer) = full_pipe();
            let started = Instant::now();
            let status = program.arg("-f").command().stderr(writer).status();
            let took = started.elapsed();
            assert!(matches!(status.unwrap().code(), Some(0 | 1)), "{handler}");
            assert!(took < ALARM_TIME.end, "{handler}: took {took:?}");
            drop(pipe);
        }
    }
    local
        .program(json!({"timeout": 1}))
        .arg("-f")
        .run()
        .succeeds();
}

#[test]
fn a_parent_that_blocks_or_ignores_the_alarm_does_not_keep_it_from_ringing() {
    if !crate::harness::installed("python3") {
        return crate::harness::skipped("python3 is not installed");
    }
    for change in [
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])",
        "signal.signal(signal.SIGALRM, signal.SIG_IGN)",
    ] {
        let local = Local::new();
        let script =
            format!("import os, signal, sys; {change}; os.execv(sys.argv[1], sys.argv[1:])");
        let program = local.program(json!({"timeout": 1})).arg("-n");
        let (_reader, writer) = full_pipe();
        let mut command = program.under(["python3", "-c", &script]).command();
        let started = Instant::now();
        let status = command.stdout(writer).stderr(Stdio::null()).status();
        assert_eq!(status.unwrap().code(), Some(1), "{change}");
        let took = started.elapsed();
        assert!(ALARM_TIME.contains(&took), "took {took:?}");
    }
}

#[test]
fn a_run_that_was_stopped_for_too_long_ends_when_it_goes_on() {
    let local = Local::new();
    local.primary.lie(std::sync::Arc::new(|_| {
        crate::harness::primary::Answer::Silence
    }));
    let mut run = local
        .program(json!({"timeout": 1}))
        .command()
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    crate::harness::wait_until("the update has arrived", || local.primary.updates() == 1);
    let signal = |signal: &str| {
        let process = run.id().to_string();
        Command::new("kill")
            .args([signal, &process])
            .status()
            .unwrap();
    };
    signal("-STOP");
    std::thread::sleep(Duration::from_secs(7));
    signal("-CONT");
    let started = Instant::now();
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn an_unchanged_run_opens_no_file_of_its_own_for_all_this() {
    let local = Local::new();
    let program = local.program(json!({}));
    program.run().succeeds();
    let log = local.path().join("calls");
    let strace = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg(PROGRAM)
        .arg("-c")
        .arg(local.path().join("pydyndns.conf"))
        .status();
    if !strace.is_ok_and(|status| status.success()) {
        return crate::harness::skipped("strace can't be used");
    }
    let calls = std::fs::read_to_string(&log).unwrap();
    let opened: Vec<_> = calls.lines().filter(|line| line.contains("\"/")).collect();
    assert!(
        !calls.contains("cache.lock") && !calls.contains("cache.new"),
        "{opened:#?}"
    );
    let count = |call: &str| calls.lines().filter(|line| line.contains(call)).count();
    assert_eq!(count("/cache\""), 1, "{opened:#?}");
    assert_eq!((count("alarm("), count("timer_create(")), (1, 1));
}
