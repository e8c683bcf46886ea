//! Which name is registered. No DNS query takes part, and none of the system's name-service modules.

#![cfg(target_os = "linux")]

mod libc;

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

/// An address to register, and resolvers that answer nothing.
fn set_up(sandbox: &Sandbox) {
    sandbox.interface("lan0", &["192.0.2.10/24"]);
    sandbox.resolvers(&["192.0.2.53"]);
}

/// The four sources, each when those before it say nothing.
#[test]
fn comes_from_configuration_kernel_hosts_file_and_domain_in_this_order() {
    sandbox(|sandbox| {
        set_up(sandbox);
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
            "search search.example.com\nnameserver 192.0.2.53\ndomain domain.example.com\n",
        );
        assert_eq!(registered(sandbox, json!({})), "host.domain.example.com.");
    });
}

#[test]
fn is_the_first_dotted_name_of_the_hosts_line_that_is_no_localhost() {
    sandbox(|sandbox| {
        set_up(sandbox);
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
                "127.0.1.1 host.local host host.example.com\n",
                "host.example.com.",
            ),
            (
                "host host.example.org\nfe80::1%lo host.example.org host\n127.0.1.1 host.example.com host\r\n",
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
    });
}

#[test]
fn that_no_zone_can_have_is_an_error_that_says_what_to_do() {
    sandbox(|sandbox| {
        set_up(sandbox);
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
            ("10.0.0.1", "", "IP address"),
            ("(none)", "127.0.1.1 host.example.com (none)\n", "hostname"),
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
    });
}

#[test]
fn needs_neither_hosts_file_nor_resolv_conf() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.shell("rm /etc/hosts /etc/resolv.conf");
        sandbox.hostname("host.example.com");
        assert_eq!(registered(sandbox, json!({})), "host.example.com.");
    });
}

#[test]
fn below_local_is_taken_if_it_was_asked_for() {
    sandbox(|sandbox| {
        set_up(sandbox);
        let keys = json!({"hostname": "host.corp.local", "zone": "corp.local"});
        assert_eq!(registered(sandbox, keys), "host.corp.local.");
    });
}

#[test]
fn is_taken_from_resolv_conf_as_libc_does() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.hostname("host");
        for (resolv_conf, name) in [
            (
                "domain a.example.com\nsearch b.example.com c.example.com\n",
                "host.b.example.com.",
            ),
            (
                "search b.example.com\ndomain a.example.com\n",
                "host.a.example.com.",
            ),
            (
                "search a.example.com\n search b.example.com\n#search c\nsearch\n",
                "host.a.example.com.",
            ),
            (
                "search\ta.example.com.\r\nnameserver 192.0.2.53\r\n",
                "host.a.example.com.",
            ),
        ] {
            sandbox.resolv_conf(resolv_conf);
            assert_eq!(registered(sandbox, json!({})), name, "{resolv_conf}");
        }
    });
}

/// A guess would register another name, and delete what that one has.
#[test]
fn is_not_guessed_where_the_hosts_file_cannot_be_read() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.hostname("host");
        sandbox.resolv_conf("search example.com\n");
        for (make, words) in [
            ("mkdir /etc/hosts", "not a regular file"),
            ("mkfifo /etc/hosts", "not a regular file"),
            ("ln -s /dev/zero /etc/hosts", "not a regular file"),
            ("ln -s /dev/null /etc/hosts", "not a regular file"),
            ("ln -s hosts /etc/hosts", "symbolic links"),
            ("ln -s /etc/passwd/hosts /etc/hosts", "not a directory"),
        ] {
            sandbox.shell(&format!("rm -rf /etc/hosts; {make}"));
            let run = dry_run(sandbox, json!({}));
            run.fails(1, "*");
            for word in [words, "/etc/hosts", "`hostname`"] {
                assert!(
                    run.stderr.contains(word),
                    "{make}: {word} is missing in {}",
                    run.stderr
                );
            }
            // Nobody needs it where the name is known.
            let known = json!({"hostname": "known.example.com"});
            assert_eq!(registered(sandbox, known), "known.example.com.", "{make}");
        }
        // A link to nowhere is a file that is not there.
        sandbox.shell("rm -rf /etc/hosts; ln -s /nowhere /etc/hosts");
        assert_eq!(registered(sandbox, json!({})), "host.example.com.");
    });
}

#[test]
fn is_not_guessed_where_resolv_conf_cannot_be_read() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.hostname("host");
        for make in [
            "mkdir /etc/resolv.conf",
            "mkfifo /etc/resolv.conf",
            "ln -s /dev/zero /etc/resolv.conf",
            "truncate -s 1T /etc/resolv.conf",
        ] {
            sandbox.shell(&format!("rm -rf /etc/resolv.conf; {make}"));
            let run = dry_run(sandbox, json!({}));
            run.fails(1, "*/etc/resolv.conf*`hostname`*");
        }
        sandbox.shell("rm -rf /etc/resolv.conf; ln -s /nowhere /etc/resolv.conf");
        dry_run(sandbox, json!({})).fails(1, "*\"host\" has no domain*");
    });
}

/// Who may not read the hosts file does not know the name.
#[test]
fn is_not_guessed_where_this_user_may_not_read_the_hosts_file() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.hostname("host");
        sandbox.resolv_conf("search example.com\n");
        let nobody = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        let is_possible = std::process::Command::new(nobody[0])
            .args(&nobody[1..])
            .arg("true")
            .status()
            .is_ok_and(|status| status.success());
        if !is_possible {
            skip!("this user cannot act as another one");
        }
        let program = Program::new(sandbox.path()).config(&config(json!({})));
        sandbox.shell("chmod 644 /run/sandbox/pydyndns.conf; chmod 600 /etc/hosts");
        let run = program.arg("-n").under(nobody).run();
        run.fails(1, "*/etc/hosts: permission denied*`hostname`*");
    });
}

/// An ad blocker's list: any length, and no memory.
#[test]
fn is_found_behind_a_hundred_and_fifty_thousand_lines_and_on_a_long_one() {
    sandbox(|sandbox| {
        set_up(sandbox);
        sandbox.hostname("host");
        let mut hosts: String = (0..150_000)
            .map(|number| format!("0.0.0.0 ads{number}.example.org\n"))
            .collect();
        hosts += "127.0.1.1";
        hosts += &" alias".repeat(100_000);
        hosts += " host host.example.com\n";
        sandbox.hosts(&hosts);
        assert_eq!(registered(sandbox, json!({})), "host.example.com.");
        // 40 MB of address space more than an empty file needs would be far too much.
        let run = Program::new(sandbox.path())
            .config(&config(json!({"zone": "com.", "server": "127.0.0.1"})))
            .arg("-n")
            .under(["prlimit", "--as=40000000"])
            .run();
        assert_eq!(run.status, Some(0), "{run:?}");
    });
}
