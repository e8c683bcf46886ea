//! A run that changes nothing: no packet, no write, no word, no waiting for anybody.

#![cfg(target_os = "linux")]

use std::time::Duration;

use serde_json::json;

use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, config, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{announce, installed, key};

/// BIND as primary and resolver, and the program as most installations have it: everything looked up.
fn registered(sandbox: &Sandbox) -> Option<(Server, Program)> {
    let server = Server::start(Kind::Bind, sandbox, &Setup::new(&[]))?;
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    let keys = json!({"cache": "/run/pydyndns.cache", "tsig": tsig(&key(Algorithm::Sha256))});
    let program = Program::new(sandbox.path()).config(&config(keys));
    program.run().succeeds();
    let expected = [
        "host.example.com. 3600 A 192.0.2.10",
        "host.example.com. 3600 AAAA 2001:db8::10",
    ];
    assert_eq!(server.at("host.example.com."), expected);
    Some((server, program))
}

/// Every file under `/run`, with its times and size; what the server itself writes aside.
fn files(sandbox: &Sandbox) -> String {
    sandbox.shell(
        "find /run -path /run/sandbox/named-53 -prune -o -path /run/work -prune -o -printf '%p %T@ %C@ %s\\n' | sort",
    )
}

/// A hundred runs: silent, successful, without a packet on any interface, and nothing written.
fn hundred(sandbox: &Sandbox, program: &Program, circumstances: &str) {
    sandbox.settle();
    assert!(
        sandbox.packets() > 0,
        "the update that came before was not counted"
    );
    let (packets, before) = (sandbox.packets(), files(sandbox));
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let run = program.run();
            run.succeeds();
            assert!(run.took < Duration::from_secs(1), "took {:?}", run.took);
            run.took
        })
        .collect();
    let sent = sandbox.packets() - packets;
    assert_eq!(files(sandbox), before, "something was written");
    times.sort();
    announce(&format!(
        "| 100 unchanged runs, {circumstances}: {sent} packets, median {:.1} ms, slowest {:.1} ms\n",
        times[50].as_secs_f64() * 1e3,
        times[99].as_secs_f64() * 1e3
    ));
    assert_eq!(sent, 0, "packets were sent");
}

#[test]
fn a_hundred_unchanged_runs_send_no_packet_and_write_nothing() {
    sandbox(|sandbox| {
        let Some((server, program)) = registered(sandbox) else {
            return;
        };
        let serial = server.serial();
        hundred(sandbox, &program, "name server running");
        assert_eq!(server.serial(), serial);
        drop(server);
        sandbox.resolvers(&["192.0.2.253", "2001:db8::253"]);
        hundred(
            sandbox,
            &program,
            "name server stopped, resolv.conf pointing nowhere",
        );
        sandbox.shell("rm /etc/resolv.conf /etc/hosts");
        hundred(sandbox, &program, "no resolv.conf");
    });
}

#[test]
fn an_unchanged_run_makes_no_call_that_writes_or_sends() {
    if !installed("strace") {
        skip!("strace is not installed");
    }
    sandbox(|sandbox| {
        let Some((_server, program)) = registered(sandbox) else {
            return;
        };
        let trace = sandbox.path().join("trace");
        let strace = [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/run/sandbox/trace",
            "-e",
            "trace=%file,%network,%desc",
        ];
        program.under(strace).run().succeeds();
        let trace = std::fs::read_to_string(trace).unwrap();
        assert!(
            trace.contains("/run/pydyndns.cache"),
            "the trace does not show the cache: {trace}"
        );
        let suspicious = |line: &&str| {
            let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            let name = call.split('(').next().unwrap_or_default();
            let flags = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
            match name {
                // The kernel is asked for interfaces over sockets; those are not the network's.
                "socket" => !call.contains("AF_NETLINK") && !call.contains("AF_UNIX"),
                "bind" | "sendto" | "sendmsg" | "connect" => {
                    !["AF_NETLINK", "nl_family", "nlmsg_len="]
                        .iter()
                        .any(|word| call.contains(word))
                }
                "open" | "openat" | "creat" => {
                    flags.iter().any(|flag| call.contains(flag)) && !call.contains("/dev/null")
                }
                _ => [
                    "write", "rename", "unlink", "mkdir", "link", "symlink", "chmod", "chown",
                    "utime", "truncate", "flock", "fsync", "rmdir",
                ]
                .iter()
                .any(|word| name.contains(word) && !name.contains("readlink")),
            }
        };
        let found: Vec<&str> = trace.lines().filter(suspicious).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    });
}
