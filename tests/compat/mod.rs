//! Side by side with the Python program: its cache and its configuration files are ours, and the other way round.
//!
//! It is looked for at `target/original/bin/pydyndns`, where
//! `python3 -m venv target/original && target/original/bin/pip install pydyndns==1.2.1` puts it.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::key;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, Run, logging, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};

/// The cache that both use.
const CACHE: &str = "/run/sandbox/cache";

/// The Python program, if it is there.
fn original() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()?
        .join("original/bin/pydyndns");
    if path.exists() {
        return Some(path);
    }
    crate::harness::skipped(&format!(
        "the Python program is not installed at {}",
        path.display()
    ));
    None
}

/// A server, and a host whose name both programs find alike.
fn set_up(sandbox: &Sandbox, records: &[&str]) -> Option<(PathBuf, Server)> {
    let original = original()?;
    let server = Server::start(Kind::Bind, sandbox, &Setup::new(records))?;
    sandbox.hostname("host");
    sandbox.hosts("127.0.0.1 localhost\n192.0.2.10 host.example.com host\n");
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    Some((original, server))
}

/// A configuration that the Python program reads too.
fn configuration(keys: Value) -> Value {
    let all = json!({
        "cache": CACHE,
        "ipv4": true,
        "ipv6": {"enable": true, "teredo": false},
        "ttl": 300,
        "logging": logging("INFO"),
        "tsig": tsig(&key(Algorithm::Sha256)),
    });
    merged(all, keys)
}

/// Runs the Python program with the configuration and arguments of ours.
#[track_caller]
fn run_original(program: &Program, original: &Path) -> Run {
    let run = program.clone().replaced_by(original).run();
    assert_eq!(run.status, Some(0), "{run:?}");
    run
}

/// Ours, silent.
#[track_caller]
fn run_ours(program: &Program) {
    let run = program.run();
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn a_cache_of_the_python_program_is_honoured_with_no_packet() {
    sandbox(|sandbox| {
        let Some((original, server)) = set_up(sandbox, &[]) else {
            return;
        };
        for keys in [
            json!({}),
            json!({"ipv6": {"enable": false, "teredo": false}}),
            json!({"ipv4": false}),
        ] {
            sandbox.shell(&format!("rm -f {CACHE}"));
            let program = Program::new(sandbox.path()).config(&configuration(keys.clone()));
            run_original(&program, &original);
            let (serial, cache) = (server.serial(), std::fs::read(CACHE).unwrap());
            sandbox.settle();
            let packets = sandbox.packets();
            run_ours(&program);
            assert_eq!(sandbox.packets(), packets, "{keys}");
            assert_eq!(
                (server.serial(), std::fs::read(CACHE).unwrap()),
                (serial, cache),
                "{keys}"
            );
        }
    });
}

#[test]
fn a_cache_of_ours_is_honoured_by_the_python_program() {
    sandbox(|sandbox| {
        let Some((original, server)) = set_up(sandbox, &[]) else {
            return;
        };
        for keys in [
            json!({}),
            json!({"ipv6": {"enable": false, "teredo": false}}),
            json!({"ipv4": false}),
        ] {
            sandbox.shell(&format!("rm -f {CACHE}"));
            let program = Program::new(sandbox.path()).config(&configuration(keys.clone()));
            run_ours(&program);
            let (serial, cache) = (server.serial(), std::fs::read(CACHE).unwrap());
            let run = run_original(&program, &original);
            assert!(
                run.stderr.contains("Eliding DNS record update"),
                "{}",
                run.stderr
            );
            assert_eq!(
                (server.serial(), std::fs::read(CACHE).unwrap()),
                (serial, cache),
                "{keys}"
            );
        }
    });
}

#[test]
fn both_notice_what_the_other_has_not_confirmed() {
    sandbox(|sandbox| {
        let Some((original, server)) = set_up(sandbox, &[]) else {
            return;
        };
        let program = Program::new(sandbox.path()).config(&configuration(json!({})));
        run_original(&program, &original);
        sandbox.address("lan0", "198.51.100.1/24");
        run_ours(&program);
        let (both, v6) = (
            ["192.0.2.10", "198.51.100.1"],
            "host.example.com. 300 AAAA 2001:db8::10",
        );
        let mut expected: Vec<String> = both
            .iter()
            .map(|address| format!("host.example.com. 300 A {address}"))
            .collect();
        expected.push(v6.to_owned());
        assert_eq!(server.at("host.example.com."), expected);
        sandbox.ip("addr del 198.51.100.1/24 dev lan0");
        run_original(&program, &original);
        expected.remove(1);
        assert_eq!(server.at("host.example.com."), expected);
        let serial = server.serial();
        run_ours(&program);
        assert_eq!(server.serial(), serial);
    });
}

#[test]
fn a_configuration_file_of_the_python_program_does_the_same() {
    sandbox(|sandbox| {
        let records = [
            "host 60 A 192.0.2.99",
            "host 60 TXT gone",
            "other 60 A 192.0.2.1",
        ];
        let mut cases = vec![
            json!({"cache": false}),
            json!({"ttl": 59.9}),
            json!({"ttl": 0}),
            json!({"ipv4": false}),
            json!({"ipv6": {"enable": false, "teredo": true}}),
            json!({"logging": {
                "version": 1,
                "disable_existing_loggers": false,
                "formatters": {"brief": {"format": "%(asctime)s %(name)s: %(message)s"}},
                "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "brief", "level": "INFO", "stream": "ext://sys.stdout"}},
                "loggers": {"pydyndns": {"level": "WARNING", "handlers": ["console"], "propagate": false}},
                "root": {"level": "ERROR", "handlers": ["console"]},
            }}),
        ];
        cases.extend(Algorithm::ALL.map(|algorithm| json!({"tsig": tsig(&key(algorithm))})));
        let Some((original, server)) = set_up(sandbox, &records) else {
            return;
        };
        let reset = |server: Server| {
            drop(server);
            sandbox.shell(&format!("rm -rf /run/sandbox/named-53 {CACHE}"));
            Server::start(Kind::Bind, sandbox, &Setup::new(&records))
                .expect("it was installed a moment ago")
        };
        let mut server = server;
        for keys in cases {
            let program = Program::new(sandbox.path()).config(&configuration(keys.clone()));
            run_original(&program, &original);
            let theirs = server.zone("example.com.");
            server = reset(server);
            run_ours(&program);
            assert_eq!(server.zone("example.com."), theirs, "{keys}");
            server = reset(server);
        }
    });
}

#[test]
fn interfaces_and_force_are_given_alike() {
    sandbox(|sandbox| {
        let Some((original, server)) = set_up(sandbox, &[]) else {
            return;
        };
        sandbox.interface("wan0", &["198.51.100.1/24"]);
        let base = Program::new(sandbox.path()).config(&configuration(json!({})));
        for arguments in [
            &["lan0"][..],
            &["wan0"],
            &["lan0", "wan0"],
            &["-f", "lan0"],
            &["lan0", "--force"],
        ] {
            let program = base.clone().args(arguments);
            sandbox.shell(&format!("rm -f {CACHE}"));
            run_original(&program, &original);
            let theirs = server.at("host.example.com.");
            sandbox.shell(&format!("rm -f {CACHE}"));
            run_ours(&program);
            assert_eq!(server.at("host.example.com."), theirs, "{arguments:?}");
        }
    });
}

#[test]
fn capitals_in_the_name_do_not_part_the_caches() {
    sandbox(|sandbox| {
        let Some((original, server)) = set_up(sandbox, &[]) else {
            return;
        };
        sandbox.hostname("Host");
        sandbox.hosts("127.0.0.1 localhost\n192.0.2.10 Host.Example.com Host\n");
        let program = Program::new(sandbox.path()).config(&configuration(json!({})));
        run_original(&program, &original);
        let serial = server.serial();
        run_ours(&program);
        assert_eq!(
            server.serial(),
            serial,
            "a cache of the Python program was not honoured"
        );
        sandbox.shell(&format!("rm {CACHE}"));
        run_ours(&program);
        let serial = server.serial();
        let run = run_original(&program, &original);
        assert!(
            run.stderr.contains("Eliding DNS record update"),
            "{}",
            run.stderr
        );
        assert_eq!(server.serial(), serial, "a cache of ours was not honoured");
    });
}
