//! Which name is registered. No DNS query takes part, and none of the system's name-service modules.

#![cfg(target_os = "linux")]

use serde_json::{Value, json};

use crate::harness::program::{Program, Run, config, merged};
use crate::harness::sandbox::{Sandbox, sandbox};

/// A dry run with nothing to look up; no packet may go anywhere.
fn dry_run(sandbox: &Sandbox, keys: Value) -> Run {
    let all = merged(json!({"zone": "com.", "server": "127.0.0.1"}), keys);
    let before = sandbox.packets();
    let run = Program::new(sandbox.path())
        .config(&config(all))
        .arg("-n")
        .run();
    assert_eq!(sandbox.packets(), before, "finding the name sent a packet");
    assert!(
        run.took.as_secs_f64() < 1.0,
        "finding the name took {:?}",
        run.took
    );
    run
}

/// The name that a run would register.
#[track_caller]
fn registered(sandbox: &Sandbox, keys: Value) -> String {
    let run = dry_run(sandbox, keys);
    let line = run
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("update delete "));
    line.unwrap_or_else(|| panic!("no update: {run:?}"))
        .to_owned()
}

/// A sandbox with an address, whose resolvers answer nothing.
fn with_address(test: impl FnOnce(&Sandbox)) -> impl FnOnce(&Sandbox) {
    |sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["192.0.2.53"]);
        test(sandbox);
    }
}

/// The four sources, each when those before it say nothing.
#[test]
fn comes_from_configuration_kernel_hosts_file_and_domain_in_this_order() {
    sandbox(|sandbox| {
        with_address(|sandbox| {
            sandbox.hostname("kernel.example.com");
            sandbox.hosts("127.0.1.1 hosts.example.com kernel.example.com host\n");
            sandbox.resolv_conf("nameserver 192.0.2.53\nsearch search.example.com\n");
            assert_eq!(
                registered(sandbox, json!({"hostname": "own.example.com"})),
                "own.example.com."
            );
            assert_eq!(registered(sandbox, json!({})), "kernel.example.com.");
            sandbox.hostname("host");
            assert_eq!(registered(sandbox, json!({})), "hosts.example.com.");
            sandbox.hosts("127.0.0.1 localhost\n");
            assert_eq!(registered(sandbox, json!({})), "host.search.example.com.");
            sandbox.resolv_conf(
                "domain domain.example.com\nnameserver 192.0.2.53\nsearch search.example.com\n",
            );
            assert_eq!(registered(sandbox, json!({})), "host.domain.example.com.");
        })(sandbox);
    });
}

#[test]
fn is_the_first_dotted_name_of_the_hosts_line_that_is_no_localhost() {
    sandbox(|sandbox| {
        with_address(|sandbox| {
            sandbox.hostname("host");
            for (hosts, name) in [
                ("127.0.1.1 host.example.com host\n", "host.example.com."),
                ("127.0.1.1 host host.example.com\n", "host.example.com."),
                (
                    "127.0.0.1 localhost localhost.localdomain host host.example.com\n",
                    "host.example.com.",
                ),
                (
                    "::1 localhost6.localdomain6 host alias.example.com other.example.com\n",
                    "alias.example.com.",
                ),
                (
                    "# 127.0.1.1 wrong.example.com host\n192.0.2.10\thost.example.com\thost # x\n",
                    "host.example.com.",
                ),
                (
                    "192.0.2.11 other.example.com other\n192.0.2.10 host.example.com host\n",
                    "host.example.com.",
                ),
                (
                    "192.0.2.11 hostess.example.com hostess\n192.0.2.10 HOST.example.com HOST\n",
                    "HOST.example.com.",
                ),
            ] {
                sandbox.hosts(hosts);
                assert_eq!(registered(sandbox, json!({})), name, "{hosts}");
            }
        })(sandbox);
    });
}

#[test]
fn that_no_zone_can_have_is_an_error_that_says_what_to_do() {
    sandbox(|sandbox| {
        with_address(|sandbox| {
            sandbox.resolvers(&["192.0.2.53"]);
            for (hostname, hosts, word) in [
                ("host", "127.0.0.1 localhost\n", "\"host\""),
                (
                    "localhost",
                    "127.0.0.1 localhost localhost.localdomain\n",
                    "localhost",
                ),
                ("localhost.localdomain", "", "localhost"),
                ("localhost.example.com", "", "localhost"),
                ("host.local", "", "local"),
                ("host", "127.0.1.1 host.local host\n", "local"),
            ] {
                sandbox.hostname(hostname);
                sandbox.hosts(hosts);
                let run = dry_run(sandbox, json!({}));
                run.fails(1, "*");
                for word in [word, "`hostname`"] {
                    assert!(
                        run.stderr.contains(word),
                        "{hostname}: {word} is missing in {}",
                        run.stderr
                    );
                }
            }
        })(sandbox);
    });
}

#[test]
fn needs_neither_hosts_file_nor_resolv_conf() {
    sandbox(|sandbox| {
        with_address(|sandbox| {
            sandbox.shell("rm /etc/hosts /etc/resolv.conf");
            sandbox.hostname("host.example.com");
            assert_eq!(registered(sandbox, json!({})), "host.example.com.");
        })(sandbox);
    });
}
