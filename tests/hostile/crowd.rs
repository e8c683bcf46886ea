//! Many hosts that start at once against one BIND with the limits it comes with.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::program::{Program, config, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{client, key, primary::tsig::Algorithm, wait_until};

/// How many hosts there are.
const HOSTS: usize = 500;

/// How long all of them may take, most of it this machine's own work of running them.
const BOUND: Duration = Duration::from_mins(1);

/// A host's name.
fn name(host: usize) -> String {
    format!("host{host:03}.example.com")
}

/// The run of a host, with a name and files of its own.
fn host(sandbox: &Sandbox, host: usize) -> Program {
    let folder = sandbox.path().join(format!("host{host}"));
    std::fs::create_dir_all(&folder).expect("a host's folder can be made");
    let keys = json!({
        "hostname": name(host), "zone": "example.com", "server": "127.0.0.1",
        "tsig": tsig(&key(Algorithm::Sha256)), "cache": folder.join("cache"),
    });
    Program::new(&folder).config(&config(keys))
}

/// Starts all hosts.
fn start(hosts: &[Program]) -> Vec<Child> {
    let start = |host: &Program| {
        host.command()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started")
    };
    hosts.iter().map(start).collect()
}

/// Waits for all hosts, each of which must succeed and be in the zone.
fn all_registered(sandbox: &Sandbox, runs: Vec<Child>) {
    for (host, run) in runs.into_iter().enumerate() {
        let output = run.wait_with_output().expect("a run can be waited for");
        assert!(
            output.status.success(),
            "{}: {}",
            name(host),
            String::from_utf8_lossy(&output.stderr)
        );
        let cache = sandbox.path().join(format!("host{host}")).join("cache");
        assert!(cache.is_file(), "{} has no cache", name(host));
    }
    let mut zone = client::zone("127.0.0.1:53".parse().unwrap(), "example.com.");
    zone.retain(|record| record.starts_with("host"));
    let expected: Vec<_> = (0..HOSTS)
        .map(|host| format!("{}. 3600 A 192.0.2.10", name(host)))
        .collect();
    assert!(zone == expected, "{zone:?}");
}

/// The sandbox with an interface and the hosts' folders.
fn hosts(sandbox: &Sandbox) -> Vec<Program> {
    sandbox.interface("lan0", &["192.0.2.10/24"]);
    (0..HOSTS).map(|number| host(sandbox, number)).collect()
}

#[test]
fn five_hundred_hosts_that_start_at_once_are_all_registered() {
    sandbox(|sandbox| {
        let Some(_bind) = Server::start(Kind::Bind, sandbox, &Setup::new(&[])) else {
            return;
        };
        let hosts = hosts(sandbox);
        let begin = Instant::now();
        all_registered(sandbox, start(&hosts));
        let took = begin.elapsed();
        eprintln!(
            "| {HOSTS} hosts at once: all registered in {:.1} s, of {} s allowed",
            took.as_secs_f64(),
            BOUND.as_secs()
        );
        assert!(took < BOUND);
    });
}

/// Starts BIND again where it was.
fn restarted(folder: &Path) -> Child {
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("named")
        .args(["-g", "-c"])
        .arg(folder.join("named.conf"))
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("BIND can be started again")
}

#[test]
fn five_hundred_hosts_are_all_registered_though_the_server_is_restarted_meanwhile() {
    sandbox(|sandbox| {
        let Some(bind) = Server::start(Kind::Bind, sandbox, &Setup::new(&[])) else {
            return;
        };
        let hosts = hosts(sandbox);
        let begin = Instant::now();
        let mut runs = start(&hosts[..HOSTS / 2]);
        let confirmed = |count: usize| {
            (0..HOSTS)
                .filter(|host| {
                    sandbox
                        .path()
                        .join(format!("host{host}"))
                        .join("cache")
                        .is_file()
                })
                .count()
                >= count
        };
        wait_until("some hosts are registered", || confirmed(20));
        // Killed, which is the worst that a restart can do.
        drop(bind);
        runs.extend(start(&hosts[HOSTS / 2..]));
        let before = (0..HOSTS)
            .filter(|host| {
                sandbox
                    .path()
                    .join(format!("host{host}"))
                    .join("cache")
                    .is_file()
            })
            .count();
        let mut bind = restarted(&sandbox.path().join("named-53"));
        all_registered(sandbox, runs);
        let took = begin.elapsed();
        eprintln!(
            "| {HOSTS} hosts with BIND killed and started again after {before}: all registered in {:.1} s, of {} s allowed",
            took.as_secs_f64(),
            BOUND.as_secs()
        );
        bind.kill().expect("BIND can be ended");
        bind.wait().expect("BIND can be waited for");
        assert!(took < BOUND);
    });
}
