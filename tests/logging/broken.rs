//! Logging never stands in the way: with each kind of destination broken, the real program registers all the same.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::local::Local;

/// How much longer than with a good destination a run may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the program with this handler alone, and sees that the update is confirmed, the cache written, the exit status 0,
/// and the one line on stderr about this destination.
fn registers_in_spite_of(handler: &Value, destination: &str) {
    let local = Local::new();
    let logging = json!({
        "version": 1,
        "handlers": {"broken": handler},
        "root": {"level": "DEBUG", "handlers": ["broken"]},
    });
    let run = local.program(json!({"logging": logging})).run();
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), ""),
        "{handler}: {run:?}"
    );
    assert_eq!(
        local.primary.zone(),
        ["host.example.com. 3600 A 127.0.0.1"],
        "{handler}"
    );
    assert!(local.cache().exists(), "{handler}: no cache");
    assert_eq!(run.stderr.lines().count(), 1, "{handler}: {}", run.stderr);
    assert!(
        run.stderr.contains(destination),
        "{handler}: {} lacks {destination}",
        run.stderr
    );
    assert!(run.took < PATIENCE, "{handler}: took {:?}", run.took);
}

#[test]
fn the_update_is_confirmed_whatever_is_wrong_with_a_log_file() {
    for class in [
        "logging.FileHandler",
        "logging.handlers.WatchedFileHandler",
        "logging.handlers.RotatingFileHandler",
        "logging.handlers.TimedRotatingFileHandler",
    ] {
        let missing = json!({"class": class, "filename": "/nonexistent-folder/log"});
        // Windows writes it with its own separators.
        registers_in_spite_of(&missing, "nonexistent-folder");
        if cfg!(target_os = "linux") {
            let full = json!({"class": class, "filename": "/dev/full"});
            registers_in_spite_of(&full, "/dev/full");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_update_is_confirmed_though_there_is_no_syslog() {
    let class = "logging.handlers.SysLogHandler";
    let missing = json!({"class": class, "address": "/nonexistent-folder/log"});
    registers_in_spite_of(&missing, "/nonexistent-folder/log");
}

#[test]
fn the_update_is_confirmed_though_nobody_listens_to_the_log() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (host, port) = (address.ip().to_string(), address.port());
    for handler in [
        json!({"class": "logging.handlers.SocketHandler", "host": host, "port": port}),
        json!({"class": "logging.handlers.SysLogHandler", "address": [host, port], "socktype": "ext://socket.SOCK_STREAM"}),
        json!({"class": "logging.handlers.HTTPHandler", "host": format!("{host}:{port}"), "url": "/"}),
        json!({"class": "logging.handlers.SMTPHandler", "mailhost": [host, port], "fromaddr": "a@example.com",
               "toaddrs": ["b@example.com"], "subject": "log"}),
    ] {
        registers_in_spite_of(&handler, &port.to_string());
    }
    // A datagram that nobody takes is no error to its sender, or only later.
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let local = Local::new();
    let datagrams = json!({"version": 1, "root": {"level": "DEBUG", "handlers": ["d"]}, "handlers": {
        "d": {"class": "logging.handlers.DatagramHandler", "host": host, "port": port}}});
    local
        .program(json!({"logging": datagrams}))
        .run()
        .succeeds();
    taken.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(taken.recv(&mut [0; 4096]).unwrap() > 0);
}

#[test]
fn the_update_is_confirmed_though_a_log_server_never_answers() {
    // The kernel takes the connections, and that is all that ever happens.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let (host, port) = (address.ip().to_string(), address.port());
    for handler in [
        json!({"class": "logging.handlers.SMTPHandler", "mailhost": [host, port], "fromaddr": "a@example.com",
               "toaddrs": ["b@example.com"], "subject": "log"}),
        json!({"class": "logging.handlers.HTTPHandler", "host": format!("{host}:{port}"), "url": "/"}),
    ] {
        registers_in_spite_of(&handler, &port.to_string());
    }
}

#[test]
fn an_error_that_a_web_server_does_not_take_goes_to_stderr() {
    use std::io::{Read, Write};
    for (answer, says) in [
        (
            "HTTP/1.1 500 no \u{1b}[2J\r\n\r\n",
            "the server answers 500 no \\u{1b}[2J",
        ),
        (
            "220 mail.example.com\r\n",
            "the server answers no HTTP: \"220 mail.example.com\"",
        ),
    ] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let serve = std::thread::spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            let _ = client.read(&mut [0; 4096]);
            client.write_all(answer.as_bytes()).unwrap();
        });
        let local = Local::new();
        let handlers =
            json!({"h": {"class": "logging.handlers.HTTPHandler", "host": address, "url": "/"}});
        let logging = json!({"version": 1, "handlers": handlers, "root": {"handlers": ["h"]}});
        let run = local
            .program(json!({"logging": logging, "server": "127.0.0.1:1", "timeout": 1}))
            .run();
        serve.join().unwrap();
        run.fails(
            1,
            &format!("pydyndns: logging.handlers.h: http://{address}: {says}\npydyndns: ERROR: host.example.com is not confirmed: *"),
        );
    }
}
