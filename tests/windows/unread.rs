//! Where nobody can read stderr, the error that ends a run is in the event log, and once.

use std::sync::Arc;

use serde_json::json;

use super::{HOME, Windows, and, embedded, event_log, events};
use crate::harness::primary::Answer;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, logging};
use crate::harness::sandbox::sandbox;

/// The program with these arguments where nobody reads its stderr: without a console, which a helper sees to, and with
/// `NUL` in its place. None, with a line that says why, without a compiler.
pub(super) fn unread(windows: &Windows, arguments: &str) -> Option<[Program; 2]> {
    let helper = windows.helper("detached")?;
    let line = format!(r#""{HOME}\pydyndns.exe" {arguments}"#);
    let words = arguments.split_whitespace();
    Some([
        windows.under_wine().arg(helper).arg(line),
        windows.batch("unread", "", "2>NUL").args(words),
    ])
}

/// Expects one error in the event log, from a run that ends with this status.
#[track_caller]
pub(super) fn is_reported(windows: &Windows, program: &Program, status: i32, expected: &str) {
    let events = events(windows, program, status);
    let [event] = &events[..] else {
        panic!("expected one event, got {events:?}");
    };
    let expected = format!("error PyDynDNS 1: {expected}");
    assert!(event.starts_with(&expected), "{event}");
}

#[test]
fn a_wrong_configuration_and_a_wrong_command_line_reach_the_event_log() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        windows.with(json!({"cache": true, "ttll": 1}));
        let Some(programs) = unread(&windows, "") else {
            return;
        };
        for program in programs {
            let expected = format!(r"{HOME}\pydyndns.conf: ttll: ");
            is_reported(&windows, &program, 2, &expected);
        }
        for program in unread(&windows, "--nonsense").unwrap() {
            let events = events(&windows, &program, 2);
            assert!(
                matches!(&events[..], [event] if event.starts_with("error PyDynDNS 1: ") && event.contains("--nonsense")),
                "{events:?}"
            );
        }
        for program in unread(&windows, r"-c Z:\nowhere\pydyndns.conf").unwrap() {
            is_reported(&windows, &program, 2, r"Z:\nowhere\pydyndns.conf: ");
        }
    });
}

#[test]
fn an_error_that_only_stderr_has_taken_reaches_the_event_log_once() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        primary.lie(Arc::new(|request| {
            Answer::Message(request.unsigned.clone())
        }));
        let Some(programs) = unread(&windows, "") else {
            return;
        };
        let handler = json!({"appname": "PyDynDNS"});
        for (section, what) in [
            (json!({"logging": null}), "no section"),
            (
                json!({"logging": event_log("ERROR", handler)}),
                "the event log",
            ),
            (
                json!({"logging": {"version": 1, "root": {"handlers": []}}}),
                "no handler",
            ),
        ] {
            windows.with(and(&keys, section));
            for program in &programs {
                println!("{what}");
                is_reported(&windows, program, 1, "host.example.com is not confirmed: ");
            }
        }
        // A handler for stderr complains where there is none at all; the error itself is told all the same.
        windows.with(and(&keys, json!({"logging": logging("WARNING")})));
        for program in &programs {
            let events = events(&windows, program, 1);
            let of_the_run = |event: &&String| event.contains("is not confirmed");
            assert_eq!(events.iter().filter(of_the_run).count(), 1, "{events:?}");
        }
    });
}

#[test]
fn where_stderr_is_read_nothing_else_is_told() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        let program = windows.with(json!({"cache": true, "ttll": 1}));
        assert_eq!(events(&windows, &program, 2), [""; 0]);
    });
}
