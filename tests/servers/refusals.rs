//! What real servers say when they say no, and what the operator is told; and what is no refusal though it looks like one.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use serde_json::{Value, json};

use crate::harness::liar::Liar;
use crate::harness::primary::Primary;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::program::{Program, Run, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{announce, installed, key, secret, wait_until};

/// A run that registers host.example.com at 127.0.0.1 with the first key, but for these keys.
fn run(sandbox: &Sandbox, keys: Value) -> Run {
    let all = merged(
        json!({
            "hostname": "host.example.com", "zone": "example.com", "server": "127.0.0.1",
            "tsig": tsig(&key(Algorithm::Sha256)), "timeout": 5,
            "addresses": {"include": ["192.0.2.10/32"], "exclude": ["0.0.0.0/0", "::/0"]},
        }),
        keys,
    );
    Program::new(sandbox.path()).config(&config(all)).run()
}

/// Expects a failure in one line with these words, in this order, and none that nobody should read.
#[track_caller]
fn says(run: &Run, words: &[&str]) {
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    let mut rest = run.stderr.as_str();
    for word in words {
        let at = rest.find(word);
        let at = at.unwrap_or_else(|| panic!("{word:?} is not said, or too early: {}", run.stderr));
        rest = &rest[at + word.len()..];
    }
    for ugly in ["?;", ".;", ". ", ".,", "com. ", "os error"] {
        assert!(
            !run.stderr.contains(ugly),
            "{ugly:?} is said: {}",
            run.stderr
        );
    }
    announce(&format!("| {}", run.stderr));
}

/// The statement for a key of BIND.
fn statement(key: &Key) -> String {
    let (name, algorithm) = (&key.name, key.algorithm.name());
    format!(
        "key \"{name}\" {{ algorithm {algorithm}; secret \"{}\"; }};\n",
        secret(key)
    )
}

/// The file of example.com, whose primary is ns1.
const ZONE: &str = "$ORIGIN example.com.\n@ 3600 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 3600 NS ns1\nns1 60 A 127.0.0.1\n";

/// A key with another secret.
fn other_secret(key: &Key) -> Key {
    Key {
        secret: vec![7; 32],
        ..key.clone()
    }
}

/// A key with another name.
fn other_name(key: &Key) -> Key {
    Key {
        name: "other.key.".into(),
        ..key.clone()
    }
}

#[test]
fn bind_says_badkey_and_badsig_unsigned_and_each_has_its_remedy() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let Some(_bind) = Server::start(Kind::Bind, sandbox, &Setup::new(&[])) else {
            return;
        };
        let key = key(Algorithm::Sha256);
        let badkey = run(sandbox, json!({"tsig": tsig(&other_name(&key))}));
        says(
            &badkey,
            &[
                "the key other.key (hmac-sha256)",
                "BADKEY, unauthenticated",
                "name and algorithm are the same there",
            ],
        );
        let keys = json!({"tsig": tsig(&other_name(&key)), "replace": "addresses"});
        let narrow = run(sandbox, keys);
        says(&narrow, &["BADKEY, unauthenticated"]);
        assert!(!narrow.stderr.contains("\"replace\""), "{}", narrow.stderr);
        let badsig = run(sandbox, json!({"tsig": tsig(&other_secret(&key))}));
        says(
            &badsig,
            &[
                "BADSIG, unauthenticated",
                "the key hmac-sha256.key (hmac-sha256)",
                "the same secret",
            ],
        );
        let keys = json!({"hostname": "host.example.net", "zone": "example.net"});
        says(
            &run(sandbox, keys),
            &[
                "not authoritative for example.net",
                "NOTAUTH",
                "`zone`, `server`",
                "secondary",
            ],
        );
        says(
            &run(sandbox, json!({"tsig": null})),
            &["REFUSED", "the update is not signed", "`tsig`"],
        );
    });
}

#[test]
fn powerdns_says_refused_to_a_wrong_key_and_that_is_the_first_cause_told() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let Some(_power_dns) = Server::start(Kind::PowerDns, sandbox, &Setup::new(&[])) else {
            return;
        };
        let key = key(Algorithm::Sha256);
        for wrong in [other_secret(&key), other_name(&key)] {
            says(
                &run(sandbox, json!({"tsig": tsig(&wrong)})),
                &[
                    "REFUSED, not signed, so unauthenticated",
                    "name, algorithm or secret",
                    "PowerDNS",
                    "policy",
                    "\"replace\": \"addresses\"",
                    "secondary",
                ],
            );
        }
    });
}

#[test]
fn knot_says_badkey_where_the_key_may_not_and_the_hint_helps() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let setup = Setup {
            policy: crate::harness::servers::Policy::Addresses,
            ..Setup::new(&[])
        };
        let Some(_knot) = Server::start(Kind::Knot, sandbox, &setup) else {
            return;
        };
        says(
            &run(sandbox, json!({})),
            &[
                "BADKEY, unauthenticated",
                "with Knot",
                "\"replace\": \"addresses\"",
            ],
        );
        run(sandbox, json!({"replace": "addresses"})).succeeds();
    });
}

#[test]
fn an_underscore_against_binds_check_names_is_a_cause_told() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let key = key(Algorithm::Sha256);
        let zone = format!(
            "{}zone \"example.com\" {{ type primary; file \"example.com\"; check-names fail; allow-update {{ key \"{}\"; }}; }};",
            statement(&key),
            key.name
        );
        let Some(bind) = Server::bind(
            sandbox,
            "bind",
            "127.0.0.1",
            &zone,
            &[("example.com", ZONE)],
        ) else {
            return;
        };
        says(
            &run(sandbox, json!({"hostname": "my_host.example.com"})),
            &[
                "REFUSED",
                "policy",
                "my_host.example.com has an underscore",
                "check-names",
            ],
        );
        run(sandbox, json!({})).succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            ["host.example.com. 3600 A 192.0.2.10"]
        );
    });
}

#[test]
fn a_secondary_is_told_with_the_primarys_name_and_one_that_forwards_is_none() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.address("lo", "127.0.0.2/8");
        sandbox.address("lo", "127.0.0.3/8");
        let key = key(Algorithm::Sha256);
        let primary = format!(
            "{}zone \"example.com\" {{ type primary; file \"example.com\"; allow-update {{ key \"{}\"; }}; }};",
            statement(&key),
            key.name
        );
        let Some(bind) = Server::bind(
            sandbox,
            "primary",
            "127.0.0.1",
            &primary,
            &[("example.com", ZONE)],
        ) else {
            return;
        };
        let secondary = |more: &str| {
            format!(
                "{}zone \"example.com\" {{ type secondary; primaries {{ 127.0.0.1; }}; file \"copy\"; {more} }};",
                statement(&key)
            )
        };
        let _plain = Server::bind(sandbox, "plain", "127.0.0.2", &secondary(""), &[]);
        let forwards = secondary("allow-update-forwarding { any; };");
        let _forwards = Server::bind(sandbox, "forwards", "127.0.0.3", &forwards, &[]);
        for keys in [
            json!({"server": "127.0.0.2"}),
            json!({"server": "127.0.0.2", "replace": "addresses"}),
        ] {
            says(
                &run(sandbox, keys),
                &[
                    "127.0.0.2:53: ",
                    "it may be a secondary",
                    "ns1.example.com",
                    "`server`",
                ],
            );
        }
        assert_eq!(bind.at("host.example.com."), [""; 0]);
        run(sandbox, json!({"server": "127.0.0.3"})).succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            ["host.example.com. 3600 A 192.0.2.10"]
        );
    });
}

#[test]
fn an_update_goes_into_the_view_of_its_key() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let key = key(Algorithm::Sha256);
        let name = &key.name;
        let views = format!(
            "{}view inside {{ match-clients {{ key \"{name}\"; }}; zone \"example.com\" {{ type primary; file \"inside\"; allow-update {{ key \"{name}\"; }}; }}; }};\n\
             view outside {{ match-clients {{ any; }}; zone \"example.com\" {{ type primary; file \"outside\"; }}; }};",
            statement(&key)
        );
        let files = [("inside", ZONE), ("outside", ZONE)];
        let Some(bind) = Server::bind(sandbox, "views", "127.0.0.1", &views, &files) else {
            return;
        };
        sandbox.resolvers(&["127.0.0.1"]);
        run(sandbox, json!({"zone": null, "server": null})).succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            [""; 0],
            "the world sees the other view"
        );
        let inside = sandbox.shell(&format!(
            "dig +short -y {}:{name}:{} @127.0.0.1 host.example.com A",
            key.algorithm.name(),
            secret(&key)
        ));
        assert_eq!(inside, "192.0.2.10\n");
        // The other way round the zone that is seen takes nothing, and that is no success.
        let wrong = run(sandbox, json!({"tsig": null}));
        says(&wrong, &["REFUSED", "not signed"]);
    });
}

#[test]
fn a_primary_that_restarts_between_look_up_and_update_is_waited_for() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["127.0.0.2"]);
        let address = "127.0.0.1:53".parse().unwrap();
        let key = key(Algorithm::Sha256);
        let before = Primary::start(
            "example.com.",
            std::slice::from_ref(&key),
            &["ns 60 A 127.0.0.1"],
            &[address],
        )
        .unwrap();
        let is_asked = Arc::new(AtomicBool::new(false));
        let asked_for_address = is_asked.clone();
        let _resolver = Liar::start("127.0.0.2:53".parse().unwrap(), move |asked| {
            if asked_for_address.load(Ordering::SeqCst) {
                return asked.code(ResponseCode::ServFail);
            }
            asked.pass(address, |_| {});
            if asked.what().ends_with(" AAAA") {
                asked_for_address.store(true, Ordering::SeqCst);
            }
        });
        let restart = thread::spawn(move || {
            let mut before = Some(before);
            while !is_asked.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(before.take());
            thread::sleep(Duration::from_millis(900));
            Primary::start("example.com.", &[key], &["ns 60 A 127.0.0.1"], &[address]).unwrap()
        });
        let run = run(
            sandbox,
            json!({"zone": null, "server": null, "timeout": 10}),
        );
        let after = restart.join().unwrap();
        run.succeeds();
        // The run may have been faster than the restart.
        let zone = after.zone();
        let is_new = zone.contains(&"host.example.com. 3600 A 192.0.2.10".to_owned());
        assert!(
            is_new || run.took < Duration::from_millis(500),
            "{zone:?} after {:?}",
            run.took
        );
    });
}

#[test]
fn each_pause_is_told_for_people() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let keys = json!({"timeout": 1, "logging": null});
        let all = merged(
            json!({"hostname": "host.example.com", "zone": "example.com", "server": "127.0.0.9"}),
            keys,
        );
        let run = Program::new(sandbox.path())
            .config(&config(all))
            .arg("-v")
            .run();
        assert_eq!(run.status, Some(1));
        let told = run
            .stderr
            .lines()
            .find_map(|line| line.split_once("trying again in "))
            .map(|(_, time)| time);
        let told = told.unwrap_or_else(|| panic!("no pause is told: {}", run.stderr));
        assert!(told.len() == 5 && told.ends_with(" s"), "{told:?}");
    });
}

#[test]
fn a_log_servers_host_that_is_not_found_is_told_as_that() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let _primary =
            Primary::start("example.com.", &[], &[], &["127.0.0.1:53".parse().unwrap()]).unwrap();
        let logging = json!({
            "version": 1,
            "handlers": {"far": {"class": "logging.handlers.SysLogHandler", "address": ["logs.example.com", 514]}},
            "root": {"level": "INFO", "handlers": ["far"]},
        });
        for (resolver, words) in [
            (
                "127.0.0.1",
                "the host logs.example.com is not found: it has no address",
            ),
            (
                "127.0.0.9",
                "127.0.0.9:53 cannot be asked (connection refused)",
            ),
        ] {
            sandbox.resolvers(&[resolver]);
            let run = run(sandbox, json!({"tsig": null, "logging": logging.clone()}));
            assert_eq!(run.status, Some(0), "{run:?}");
            assert!(run.stderr.contains(words), "{}", run.stderr);
            assert!(
                !run.stderr.contains("`zone`") && !run.stderr.contains("`server`"),
                "{}",
                run.stderr
            );
        }
    });
}

#[test]
fn dnsmasq_as_the_resolver_forgets_the_authority_section_and_nothing_is_lost() {
    if !installed("dnsmasq") {
        skip!("dnsmasq is not installed");
    }
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.address("lo", "127.0.0.2/8");
        let setup = Setup::new(&["*.wild 60 CNAME ns"]);
        let Some(bind) = Server::start(Kind::Bind, sandbox, &setup) else {
            return;
        };
        sandbox.shell(
            // In the foreground, as who starts it.
            "dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --listen-address=127.0.0.2 --bind-interfaces \
             --server=127.0.0.1 --cache-size=1000 > /run/sandbox/dnsmasq.log 2>&1 &",
        );
        wait_until("dnsmasq has started", || {
            fs::read_to_string("/run/sandbox/dnsmasq.log").is_ok_and(|log| log.contains("started"))
        });
        sandbox.resolvers(&["127.0.0.2"]);
        for name in [
            "host.example.com",
            "host.wild.example.com",
            "host.a.b.example.com",
        ] {
            // The second time its cache answers.
            for ttl in [60, 61] {
                let keys = json!({"hostname": name, "zone": null, "server": null, "ttl": ttl});
                run(sandbox, keys).succeeds();
                let records = bind.at(&format!("{name}."));
                assert_eq!(records, [format!("{name}. {ttl} A 192.0.2.10")]);
            }
        }
    });
}
