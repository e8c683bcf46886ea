//! The error that ends a run always reaches somebody, nothing is said twice on stderr, and all that the program says there
//! begins alike and is harmless.

use crate::harness::Folder;
use crate::harness::local::Local;
use crate::harness::program::{Run, logging};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

/// An address that nobody listens at, or not any more.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// What the error of `fails` begins with.
const ERROR: &str = "host.example.com";

/// A run that fails, since nobody listens where it sends to, with this logging section; `null` is none.
fn fails(local: &Local, section: &Value, arguments: &[&str]) -> Run {
    let run = local
        .program(json!({"server": closed().to_string(), "timeout": 0.5, "logging": section}))
        .args(arguments)
        .run();
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    run
}

/// A section with this one handler.
fn only(handler: Value) -> Value {
    json!({"version": 1, "handlers": {"h": handler}, "root": {"level": "INFO", "handlers": ["h"]}})
}

/// How many lines of stderr have this word.
fn lines_with(run: &Run, word: &str) -> usize {
    run.stderr
        .lines()
        .filter(|line| line.contains(word))
        .count()
}

#[test]
fn an_error_that_no_destination_takes_goes_to_stderr() {
    let closed = closed();
    let (host, port) = (closed.ip().to_string(), closed.port());
    let folder = Folder::new();
    let file = json!({"class": "logging.FileHandler", "filename": folder.path().join("log")});
    let with = |key: &str, value: Value| {
        let mut handler = file.clone();
        handler[key] = value;
        handler
    };
    let mail = json!({"class": "logging.handlers.SMTPHandler", "mailhost": [host, port], "fromaddr": "a@example.com",
        "toaddrs": ["b@example.com"], "subject": "log"});
    let sections = [
        (json!({"version": 1, "root": {"level": "CRITICAL"}}), 1),
        (
            json!({"version": 1, "root": {"level": 41, "handlers": []}}),
            1,
        ),
        (only(json!({"class": "logging.NullHandler"})), 1),
        (only(with("level", json!("CRITICAL"))), 1),
        (
            json!({"version": 1, "filters": {"other": {"name": "other"}}, "handlers": {"h": with("filters", json!(["other"]))},
                "root": {"handlers": ["h"]}}),
            1,
        ),
        (
            json!({"version": 1, "handlers": {"h": file}, "loggers": {"pydyndns": {"propagate": false, "handlers": []}},
                "root": {"level": "CRITICAL", "handlers": ["h"]}}),
            1,
        ),
        (
            only(json!({"class": "logging.handlers.MemoryHandler", "capacity": 9})),
            1,
        ),
        // The destination is complained of as well.
        (only(with("filename", json!("no/such/folder"))), 2),
        (only(mail), 2),
        (
            only(json!({"class": "logging.handlers.SocketHandler", "host": host, "port": port})),
            2,
        ),
    ];
    for (section, lines) in sections {
        let local = Local::new();
        let run = fails(&local, &section, &[]);
        assert_eq!(lines_with(&run, ERROR), 1, "{section}: {run:?}");
        assert_eq!(run.stderr.lines().count(), lines, "{section}: {run:?}");
        assert!(
            run.stderr
                .lines()
                .all(|line| line.starts_with("pydyndns: ")),
            "{run:?}"
        );
    }
}

#[test]
fn an_error_that_a_destination_has_taken_is_not_repeated() {
    let local = Local::new();
    let file = local.path().join("log");
    let run = fails(
        &local,
        &only(json!({"class": "logging.FileHandler", "filename": file})),
        &[],
    );
    assert_eq!(run.stderr, "");
    assert!(std::fs::read_to_string(file).unwrap().contains(ERROR));
    let run = fails(&local, &logging("ERROR"), &[]);
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
}

#[test]
fn nothing_is_said_twice_on_stderr() {
    let stream = json!({"class": "logging.StreamHandler"});
    let memory = json!({"version": 1, "handlers": {
        "m": {"class": "logging.handlers.MemoryHandler", "capacity": 99, "flushLevel": 50, "target": "s"}, "s": stream},
        "root": {"level": "INFO", "handlers": ["m"]}});
    let mut sections = vec![
        json!(null),
        only(stream),
        memory,
        json!({"version": 1}),
        json!({"version": 1, "root": {"level": "CRITICAL"}}),
    ];
    if cfg!(target_os = "linux") {
        sections.push(only(
            json!({"class": "logging.FileHandler", "filename": "/dev/stderr"}),
        ));
    }
    for section in sections {
        for arguments in [&["-v"][..], &[]] {
            let run = fails(&Local::new(), &section, arguments);
            assert_eq!(
                lines_with(&run, "is not confirmed"),
                1,
                "{section}: {run:?}"
            );
            let updating = lines_with(&run, "updating");
            let told = !arguments.is_empty() || section["handlers"].is_object();
            assert_eq!(updating, usize::from(told), "{section}: {run:?}");
        }
    }
}

#[test]
fn all_lines_on_stderr_begin_alike() {
    let run = fails(&Local::new(), &json!(null), &["-v"]);
    for line in run.stderr.lines() {
        let rest = line.strip_prefix("pydyndns: ").unwrap_or_default();
        let (level, text) = rest.split_once(": ").unwrap_or_default();
        assert!(
            ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level) && !text.is_empty(),
            "{line}"
        );
    }
}

#[test]
fn a_filter_that_is_none_is_told_and_the_run_goes_on() {
    let local = Local::new();
    let run = local
        .program(json!({}))
        .env("RUST_LOG", "pydyndns=loud\u{1b}[2J")
        .run();
    run.is(0, "", "pydyndns: RUST_LOG: *loud\\u{1b}[2J*");
    assert_eq!(local.primary.updates(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_journal_is_told_the_priority() {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    let local = Local::new();
    // As systemd does it: a stream socket for stderr, and its device and inode in the environment.
    let run = |is_ours: bool, arguments: &[&str]| {
        let (mut journal, stderr) = UnixStream::pair().unwrap();
        let stderr = OwnedFd::from(stderr);
        let socket = std::fs::File::from(stderr.try_clone().unwrap())
            .metadata()
            .unwrap();
        let inode = socket.ino() + u64::from(!is_ours);
        let mut command = local
            .program(json!({"logging": null, "server": "127.0.0.1:1", "timeout": 0.3}))
            .args(arguments)
            .env("JOURNAL_STREAM", format!("{}:{inode}", socket.dev()))
            .command();
        let status = command.stderr(stderr).status().unwrap();
        drop(command);
        let mut text = String::new();
        journal.read_to_string(&mut text).unwrap();
        (status.code(), text)
    };
    let (status, text) = run(true, &[]);
    assert_eq!(status, Some(1));
    assert!(
        text.starts_with("<3>pydyndns: ") && text.lines().count() == 1,
        "{text}"
    );
    let (_, text) = run(true, &["-v"]);
    assert!(text.contains("<6>pydyndns: INFO: updating"), "{text}");
    assert!(text.lines().all(|line| line.starts_with('<')), "{text}");
    let (_, text) = run(false, &[]);
    assert!(text.starts_with("pydyndns: "), "{text}");
    // A wrong command line is an error as well.
    let (status, text) = run(true, &["--nonsense"]);
    assert_eq!(status, Some(2));
    assert!(text.starts_with("<3>pydyndns: "), "{text}");
}

#[test]
fn what_a_mail_server_answers_cannot_command_the_terminal() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let answers = thread::spawn(move || {
        let (mut connection, _) = server.accept().unwrap();
        connection
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut lines = BufReader::new(connection.try_clone().unwrap());
        connection.write_all(b"220 ready\r\n").unwrap();
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
            let answer: &[u8] = if line.starts_with("EHLO") {
                b"250 hello\r\n"
            } else {
                b"550 go \x1b[2J\x1b]0;away\x07 \xc2\x9b1m\xe2\x80\xae\r\n"
            };
            if connection.write_all(answer).is_err() {
                break;
            }
            line.clear();
        }
    });
    let local = Local::new();
    let run = local
        .program(json!({"logging": only(json!({
            "class": "logging.handlers.SMTPHandler", "mailhost": [address.ip(), address.port()],
            "fromaddr": "a@example.com", "toaddrs": ["b@example.com"], "subject": "log"}))}))
        .run();
    run.is(0, "", "pydyndns: logging.handlers.h: *550*");
    assert!(
        run.stderr.contains("go \\u{1b}[2J\\u{1b}]0;away\\u{7}"),
        "{run:?}"
    );
    assert!(
        !run.stderr
            .trim_end()
            .contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{run:?}"
    );
    answers.join().unwrap();
}

#[test]
fn names_in_complaints_are_harmless() {
    let local = Local::new();
    let section = json!({"version": 1, "handlers": {"a\u{1b}[1m": {
        "class": "logging.FileHandler", "filename": "no/such/folder"}}});
    let run = local.program(json!({"logging": section})).run();
    run.is(0, "", "pydyndns: logging.handlers.a\\u{1b}[1m: *");
    let section = json!({"version": 1, "handlers": {"a\u{1b}[1m": {"class": "\u{1b}[2J"}}});
    let run = local.program(json!({"logging": section})).run();
    assert_eq!(run.status, Some(2));
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}

#[test]
fn a_reference_to_what_it_is_a_part_of_is_an_error() {
    let stream = |reference: &str| {
        json!({"version": 1, "root": {"handlers": ["h"]}, "handlers": {"h": {
            "class": "logging.StreamHandler", "stream": reference}}})
    };
    for reference in [
        "cfg://handlers",
        "cfg://handlers.h",
        "cfg://handlers.h.stream",
        "cfg://handlers[h][stream]",
    ] {
        let local = Local::new();
        let run = local.program(json!({"logging": stream(reference)})).run();
        run.fails(
            2,
            &format!("pydyndns: *: logging.handlers.h.stream: \"{reference}\" *"),
        );
    }
}

#[cfg(unix)]
#[test]
fn a_full_pipe_on_stderr_does_not_keep_the_address_from_being_registered() {
    for section in [json!(null), logging("DEBUG")] {
        let local = Local::new();
        let (reader, writer) = std::io::pipe().unwrap();
        // As much as a pipe holds by default.
        std::process::Command::new("head")
            .args(["-c", "65536", "/dev/zero"])
            .stdout(writer.try_clone().unwrap())
            .status()
            .unwrap();
        let start = std::time::Instant::now();
        let mut command = local
            .program(json!({"logging": section}))
            .arg("-v")
            .command();
        let status = command.stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{section}");
        assert!(start.elapsed() < Duration::from_secs(3), "{section}");
        assert_eq!(local.primary.updates(), 1, "{section}");
        drop(reader);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_server_that_is_not_found_is_told_as_such() {
    crate::harness::sandbox::sandbox(|sandbox| {
        // Nobody listens there.
        sandbox.resolvers(&["127.0.0.1"]);
        for (handler, port) in [
            (
                json!({"class": "logging.handlers.SysLogHandler", "address": ["log.example.com", 514]}),
                " port 514",
            ),
            (
                json!({"class": "logging.handlers.SocketHandler", "host": "log.example.com", "port": 9020}),
                " port 9020",
            ),
            (
                json!({"class": "logging.handlers.HTTPHandler", "host": "log.example.com", "url": "/"}),
                "",
            ),
            (
                json!({"class": "logging.handlers.SMTPHandler", "mailhost": "log.example.com", "fromaddr": "a@example.com",
                    "toaddrs": ["b@example.com"], "subject": "log"}),
                " port 25",
            ),
        ] {
            let local = Local::new();
            let run = local.program(json!({"logging": only(handler)})).run();
            run.is(
                0,
                "",
                &format!(
                    "pydyndns: logging.handlers.h: *log.example.com{port}: the host log.example.com is not found: *127.0.0.1*"
                ),
            );
            assert!(
                !run.stderr.contains("zone") && !run.stderr.contains("`server`"),
                "{run:?}"
            );
        }
    });
}
