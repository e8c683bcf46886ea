//! From the name to the zone's apex and the primary: on a recursive server, and on the primary itself.

#![cfg(target_os = "linux")]

mod libc;
mod split;
mod table;

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use serde_json::{Value, json};

use crate::harness::key;
use crate::harness::liar::Liar;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::primary::{Answer, Primary};
use crate::harness::program::{Program, Run, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup, Zone};

/// The two resolvers that each case is tried on: Unbound, and the primary itself.
const RESOLVERS: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// BIND on 127.0.0.2 and ::1 as the whole of DNS, the root included, and Unbound on 127.0.0.1.
fn internet(sandbox: &Sandbox) -> Option<(Server, Server)> {
    let zones = [
        Zone::with_mname(
            "example.com.",
            "ns",
            &[
                "ns 60 A 127.0.0.2",
                "there 60 A 192.0.2.1",
                "nodata 60 TXT something",
                "inside 60 CNAME there",
                "outside 60 CNAME there.example.net.",
                "dangling 60 CNAME there.nowhere.",
                "circle 60 CNAME circle2",
                "circle2 60 CNAME circle",
                "child 60 NS ns",
                "*.wild 60 A 192.0.2.2",
            ],
        ),
        Zone::with_mname(
            "child.example.com.",
            "ns.example.com.",
            &[
                "up 60 CNAME there.example.com.",
                "apex 60 CNAME example.com.",
            ],
        ),
        Zone::with_mname(
            "example.net.",
            "ns.example.com.",
            &["there 60 A 192.0.2.1", "back 60 CNAME there.example.com."],
        ),
        Zone::with_mname("noupdates.test.", ".", &[]),
        Zone::with_mname("lost.test.", "nowhere.example.com.", &[]),
        Zone::with_mname("astray.test.", "ns.nowhere.", &[]),
        Zone::with_mname("six.test.", "ns", &["ns 60 AAAA ::1"]),
        Zone::with_mname(
            "dead.test.",
            "ns",
            &["ns 60 A 10.9.9.9", "ns 60 A 127.0.0.2"],
        ),
        Zone::with_mname(
            ".",
            "ns.example.com.",
            &[
                "com 60 NS ns.example.com.",
                "net 60 NS ns.example.com.",
                "test 60 NS ns.example.com.",
            ],
        ),
        Zone::with_mname(
            "com.",
            "ns.example.com.",
            &["example 60 NS ns.example.com.", "ns.example 60 A 127.0.0.2"],
        ),
    ];
    let setup = Setup {
        zones: zones.to_vec(),
        addresses: ["127.0.0.2", "::1"]
            .map(|address| address.parse().unwrap())
            .to_vec(),
        ..Setup::new(&[])
    };
    // BIND listens on addresses that an interface has; that 127.0.0.2 works without is not enough for it.
    sandbox.address("lo", "127.0.0.2/8");
    let bind = Server::start(Kind::Bind, sandbox, &setup)?;
    let unbound = Server::unbound(sandbox, bind.address())?;
    sandbox.interface("lan0", &["192.0.2.10/24"]);
    Some((bind, unbound))
}

/// A run with this name and these keys.
fn run(sandbox: &Sandbox, hostname: &str, keys: Value, arguments: &[&str]) -> Run {
    let all = merged(
        json!({"hostname": hostname, "tsig": tsig(&key(Algorithm::Sha256)), "timeout": 10}),
        keys,
    );
    Program::new(sandbox.path())
        .config(&config(all))
        .args(arguments)
        .run()
}

/// The first server and the zone that a dry run shows.
#[track_caller]
fn target(run: &Run) -> (String, String) {
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let of = |word: &str| {
        let line = run.stdout.lines().find_map(|line| line.strip_prefix(word));
        line.unwrap_or_else(|| panic!("no {word}in {}", run.stdout))
            .to_owned()
    };
    (of("server "), of("zone "))
}

#[test]
fn the_apex_is_found_from_the_name_upwards() {
    sandbox(|sandbox| {
        let Some((_bind, _unbound)) = internet(sandbox) else {
            return;
        };
        for resolver in RESOLVERS {
            sandbox.resolvers(&[resolver]);
            for (hostname, apex) in [
                ("there.example.com", "example.com."),
                ("new.example.com", "example.com."),
                ("THERE.Example.COM", "example.com."),
                ("nodata.example.com", "example.com."),
                ("host.two.example.com", "example.com."),
                ("host.two.three.four.example.com", "example.com."),
                ("example.com", "example.com."),
                ("host.wild.example.com", "example.com."),
                ("new.child.example.com", "child.example.com."),
                ("child.example.com", "child.example.com."),
                ("inside.example.com", "example.com."),
                ("outside.example.com", "example.com."),
                ("dangling.example.com", "example.com."),
                ("below.inside.example.com", "example.com."),
                ("up.child.example.com", "child.example.com."),
                ("apex.child.example.com", "child.example.com."),
                ("back.example.net", "example.net."),
            ] {
                let (server, zone) = target(&run(sandbox, hostname, json!({}), &["-n"]));
                assert_eq!(
                    (server.as_str(), zone.to_lowercase().as_str()),
                    ("127.0.0.2 53", apex),
                    "{hostname} by {resolver}"
                );
            }
        }
    });
}

#[test]
fn a_cname_never_leads_the_update_into_another_zone() {
    sandbox(|sandbox| {
        let Some((bind, _unbound)) = internet(sandbox) else {
            return;
        };
        for (index, resolver) in RESOLVERS.into_iter().enumerate() {
            sandbox.resolvers(&[resolver]);
            let ttl = 100 + index;
            let parent = bind.zone("example.com.");
            run(sandbox, "up.child.example.com", json!({"ttl": ttl}), &[]).succeeds();
            let child = bind.zone("child.example.com.");
            assert!(
                child.contains(&format!("up.child.example.com. {ttl} A 192.0.2.10")),
                "{child:?}"
            );
            assert_eq!(bind.zone("example.com."), parent);
            let net = bind.zone("example.net.");
            run(sandbox, "outside.example.com", json!({"ttl": ttl}), &[]).succeeds();
            let com = bind.zone("example.com.");
            assert!(
                com.contains(&format!("outside.example.com. {ttl} A 192.0.2.10")),
                "{com:?}"
            );
            assert_eq!(bind.zone("example.net."), net);
        }
    });
}

#[test]
fn a_zone_that_cannot_be_updated_is_an_error_that_says_so() {
    sandbox(|sandbox| {
        let Some((_bind, _unbound)) = internet(sandbox) else {
            return;
        };
        for resolver in RESOLVERS {
            sandbox.resolvers(&[resolver]);
            for (hostname, words) in [
                ("host.nowhere", &["host.nowhere", "SOA"][..]),
                (
                    "host.sub.nowhere.invalid",
                    &["host.sub.nowhere.invalid", "SOA"],
                ),
                (
                    "host.noupdates.test",
                    &["noupdates.test", "no updates", "`.`"],
                ),
                (
                    "host.lost.test",
                    &[
                        "nowhere.example.com",
                        "SOA record of lost.test",
                        "no address",
                        "`server`",
                    ],
                ),
                ("host.astray.test", &["ns.nowhere", "astray.test"]),
            ] {
                for arguments in [&[][..], &["-n"]] {
                    let run = run(sandbox, hostname, json!({}), arguments);
                    run.fails(1, "*");
                    for word in words {
                        assert!(
                            run.stderr.contains(word),
                            "{hostname} by {resolver}: {word} is missing in {}",
                            run.stderr
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn a_primary_with_only_an_ipv6_address_is_reached() {
    sandbox(|sandbox| {
        let Some((bind, _unbound)) = internet(sandbox) else {
            return;
        };
        for (index, resolver) in RESOLVERS.into_iter().enumerate() {
            sandbox.resolvers(&[resolver]);
            run(sandbox, "host.six.test", json!({"ttl": 100 + index}), &[]).succeeds();
            assert_eq!(
                bind.zone("six.test.")[0],
                format!("host.six.test. {} A 192.0.2.10", 100 + index)
            );
        }
        sandbox.resolvers(&["::1"]);
        run(sandbox, "host.six.test", json!({"ttl": 102}), &[]).succeeds();
        assert_eq!(bind.zone("six.test.")[0], "host.six.test. 102 A 192.0.2.10");
    });
}

#[test]
fn a_dead_first_address_of_the_primary_does_not_matter() {
    sandbox(|sandbox| {
        let Some((bind, _unbound)) = internet(sandbox) else {
            return;
        };
        sandbox.ip("route add unreachable 10.9.9.9/32");
        for (index, resolver) in RESOLVERS.into_iter().enumerate() {
            sandbox.resolvers(&[resolver]);
            let run = run(
                sandbox,
                "host.dead.test",
                json!({"ttl": 100 + index}),
                &["-v"],
            );
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            assert!(
                run.stderr.contains("10.9.9.9"),
                "the dead address was not tried: {}",
                run.stderr
            );
            assert_eq!(
                bind.zone("dead.test.")[0],
                format!("host.dead.test. {} A 192.0.2.10", 100 + index)
            );
        }
    });
}

#[test]
fn an_address_that_swallows_everything_leaves_time_for_the_next() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        // A neighbour that is believed to be there and never answers.
        sandbox.ip("neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev lan0 nud permanent");
        sandbox.hosts("192.0.2.99 ns.example.com\n127.0.0.1 ns.example.com\n");
        let records = ["ns 60 A 192.0.2.99", "ns 60 A 127.0.0.1"];
        let primary = Primary::start(
            "example.com.",
            &[],
            &records,
            &["127.0.0.1:53".parse().unwrap()],
        )
        .unwrap();
        let keys =
            json!({"server": "ns.example.com", "zone": "example.com", "tsig": null, "timeout": 8});
        let run = run(sandbox, "host.example.com", keys, &[]);
        run.succeeds();
        assert!(
            primary
                .zone()
                .contains(&"host.example.com. 3600 A 192.0.2.10".to_owned())
        );
        assert!(run.took.as_secs_f64() < 8.0, "took {:?}", run.took);
    });
}

/// An embedded primary that is also the resolver, at 127.0.0.3.
fn resolver_and_primary(records: &[&str]) -> Primary {
    let address: SocketAddr = "127.0.0.3:53".parse().unwrap();
    let all: Vec<&str> = ["ns 60 A 127.0.0.3"]
        .into_iter()
        .chain(records.iter().copied())
        .collect();
    Primary::start("example.com.", &[key(Algorithm::Sha256)], &all, &[address]).unwrap()
}

#[test]
fn an_nxdomain_with_an_empty_authority_section_goes_up_a_label() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["127.0.0.3"]);
        let primary = resolver_and_primary(&["there 60 TXT x"]);
        primary.lie(Arc::new(|request| {
            let mut answer = Message::from_vec(&request.honest).unwrap();
            answer.authorities.clear();
            Answer::Message(if request.tsig.is_some() {
                request.honest.clone()
            } else {
                answer.to_vec().unwrap()
            })
        }));
        for hostname in [
            "host.example.com",
            "host.two.three.four.example.com",
            "there.example.com",
        ] {
            run(sandbox, hostname, json!({}), &[]).succeeds();
            assert!(
                primary
                    .zone()
                    .contains(&format!("{hostname}. 3600 A 192.0.2.10")),
                "{:?}",
                primary.zone()
            );
        }
    });
}

#[test]
fn a_resolver_that_fails_is_an_error_and_not_a_guess() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["127.0.0.3"]);
        let primary = resolver_and_primary(&[]);
        for code in [ResponseCode::ServFail, ResponseCode::Refused] {
            primary.lie(Arc::new(move |request| {
                let mut answer = Message::from_vec(&request.honest).unwrap();
                let deep = request
                    .message
                    .queries
                    .iter()
                    .any(|query| query.name().num_labels() > 3);
                if deep {
                    answer.authorities.clear();
                    answer.metadata.response_code = code;
                }
                Answer::Message(answer.to_vec().unwrap())
            }));
            let run = run(
                sandbox,
                "host.child.example.com",
                json!({"timeout": 5}),
                &[],
            );
            run.fails(
                1,
                "*host.child.example.com*delegated to servers that do not answer*127.0.0.3:53*",
            );
        }
        primary.repent();
        drop(primary);
        let run = run(sandbox, "host.example.com", json!({"timeout": 2}), &[]);
        run.fails(
            1,
            "*host.example.com SOA*127.0.0.3:53*connection refused*/etc/resolv.conf*",
        );
        assert!(run.took.as_secs_f64() < 4.0, "took {:?}", run.took);
    });
}

#[test]
fn a_primary_on_this_computer_is_looked_up_once() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["127.0.1.1"]);
        let primary = resolver_and_primary(&[]);
        let resolver = Liar::start("127.0.1.1:53".parse().unwrap(), |asked| {
            asked.pass("127.0.0.3:53".parse().unwrap(), |_| {});
        });
        run(sandbox, "host.example.com", json!({}), &[]).succeeds();
        assert!(!primary.zone().is_empty());
        let mut seen = resolver.seen();
        seen.sort();
        assert_eq!(
            seen,
            [
                "host.example.com. SOA",
                "ns.example.com. A",
                "ns.example.com. AAAA"
            ]
        );
    });
}

#[test]
fn a_configured_zone_is_asked_for_its_primary_only() {
    sandbox(|sandbox| {
        let Some((bind, _unbound)) = internet(sandbox) else {
            return;
        };
        sandbox.resolvers(&["127.0.0.1"]);
        run(
            sandbox,
            "host.child.example.com",
            json!({"zone": "child.example.com"}),
            &[],
        )
        .succeeds();
        assert!(
            bind.zone("child.example.com.")
                .contains(&"host.child.example.com. 3600 A 192.0.2.10".to_owned())
        );
        let run = run(
            sandbox,
            "host.sub.example.com",
            json!({"zone": "sub.example.com"}),
            &[],
        );
        run.fails(1, "*sub.example.com is not the apex*");
        assert!(run.stderr.contains("`zone`"), "{}", run.stderr);
    });
}

#[test]
fn a_configured_server_is_used_in_place_of_the_primary() {
    sandbox(|sandbox| {
        let Some((_bind, _unbound)) = internet(sandbox) else {
            return;
        };
        for resolver in RESOLVERS {
            sandbox.resolvers(&[resolver]);
            for (server, expected) in [
                ("127.0.0.7", "127.0.0.7 53"),
                ("127.0.0.7:5353", "127.0.0.7 5353"),
                ("[2001:db8::1]:5353", "2001:db8::1 5353"),
                ("2001:db8::1", "2001:db8::1 53"),
                ("ns.example.com", "127.0.0.2 53"),
                ("ns.example.com:5353", "127.0.0.2 5353"),
                ("NS.example.com.", "127.0.0.2 53"),
                ("ns.six.test", "::1 53"),
            ] {
                let found = target(&run(
                    sandbox,
                    "host.noupdates.test",
                    json!({"server": server}),
                    &["-n"],
                ));
                assert_eq!(
                    found,
                    (expected.to_owned(), "noupdates.test.".to_owned()),
                    "{server} by {resolver}"
                );
            }
        }
        let run = run(
            sandbox,
            "host.example.com",
            json!({"server": "nowhere.example.com"}),
            &[],
        );
        run.fails(1, "*nowhere.example.com*no address*`server`*");
    });
}

#[test]
fn with_zone_and_a_servers_address_nothing_is_looked_up() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let primary =
            Primary::start("example.com.", &[], &[], &["127.0.0.1:53".parse().unwrap()]).unwrap();
        sandbox.shell("rm /etc/resolv.conf");
        let keys = json!({"zone": "example.com", "server": "127.0.0.1", "tsig": null});
        run(sandbox, "host.example.com", keys, &[]).succeeds();
        assert_eq!(primary.seen().len(), 1);
    });
}

#[test]
fn search_domains_are_never_appended() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let primary = resolver_and_primary(&[]);
        sandbox.resolv_conf("nameserver 127.0.0.3\nsearch example.com\noptions ndots:5\n");
        run(sandbox, "host.elsewhere.test", json!({"timeout": 5}), &[]).fails(1, "*");
        let asked = primary.seen();
        assert!(!asked.is_empty());
        assert!(
            asked
                .iter()
                .all(|seen| !seen.what.contains("test.example.com")),
            "{asked:?}"
        );
    });
}

#[test]
fn with_zone_and_a_servers_name_only_its_addresses_are_looked_up() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.resolvers(&["127.0.0.3"]);
        let primary = resolver_and_primary(&[]);
        let keys = json!({"zone": "example.com", "server": "ns.example.com"});
        run(sandbox, "host.example.com", keys, &[]).succeeds();
        let asked: Vec<String> = primary.seen().into_iter().map(|seen| seen.what).collect();
        assert!(
            !asked
                .iter()
                .any(|what| what.starts_with("QUERY") && what.ends_with("SOA")),
            "{asked:?}"
        );
        // The hosts file is asked first, as libc does, and says enough unless it has loopback alone.
        sandbox.address("lan0", "192.0.2.53/24");
        let there = Primary::start(
            "example.com.",
            &[],
            &[],
            &["192.0.2.53:53".parse().unwrap()],
        )
        .unwrap();
        sandbox.hosts("192.0.2.53 ns.example.com\n");
        let before = primary.seen().len();
        let keys =
            json!({"zone": "example.com", "server": "ns.example.com", "ttl": 60, "tsig": null});
        run(sandbox, "host.example.com", keys, &[]).succeeds();
        assert_eq!((primary.seen().len(), there.updates()), (before, 1));
    });
}
