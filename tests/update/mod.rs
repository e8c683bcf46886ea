//! The update itself: what goes over the wire, which answers count, and what the errors say.

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode, UpdateMessage};
use hickory_proto::rr::{DNSClass, RecordType};
use serde_json::json;

use crate::harness::local::Local;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::primary::{Answer, Request, Seen, Transport};
use crate::harness::program::tsig;

/// An answer to the request with another code, signed like the honest one.
fn with_code(request: &Request, key: &Key, code: ResponseCode) -> Answer {
    let mut answer = Message::from_vec(&request.unsigned).unwrap();
    answer.metadata.response_code = code;
    let tsig = request.tsig.expect("the request is signed");
    Answer::Message(key.sign(&answer.to_vec().unwrap(), &tsig.mac, tsig.time, 0, &[]))
}

#[test]
fn is_one_message_over_tcp_that_deletes_and_then_adds() {
    let local = Local::with(&[
        "host 60 A 192.0.2.9",
        "host 60 TXT gone",
        "other 60 A 192.0.2.8",
    ]);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let copy = seen.clone();
    local.primary.lie(Arc::new(move |request| {
        copy.lock().unwrap().push(request.message.clone());
        Answer::Message(request.honest.clone())
    }));
    local.program(json!({})).run().succeeds();
    let expected = Seen {
        transport: Transport::Tcp,
        what: "UPDATE example.com. SOA".to_owned(),
        rcode: ResponseCode::NoError,
    };
    assert_eq!(local.primary.seen(), [expected]);
    assert_eq!(
        local.primary.zone(),
        [
            "host.example.com. 3600 A 127.0.0.1",
            "other.example.com. 60 A 192.0.2.8"
        ]
    );
    let messages = seen.lock().unwrap();
    let updates = messages[0].updates();
    assert_eq!(messages[0].prerequisites().len(), 0);
    assert!(!messages[0].metadata.recursion_desired);
    let shape: Vec<_> = updates
        .iter()
        .map(|record| (record.dns_class, record.record_type(), record.ttl))
        .collect();
    assert_eq!(
        shape,
        [
            (DNSClass::ANY, RecordType::ANY, 0),
            (DNSClass::IN, RecordType::A, 3600)
        ]
    );
}

#[test]
fn replacing_addresses_asks_for_no_cname_and_deletes_both_families() {
    let local = Local::with(&[
        "host 60 A 192.0.2.9",
        "host 60 AAAA 2001:db8::9",
        "host 60 TXT kept",
    ]);
    local.primary.allow_only(&[RecordType::A, RecordType::AAAA]);
    local
        .program(json!({}))
        .run()
        .fails(1, "*REFUSED*\"replace\": \"addresses\"*");
    assert_eq!(local.primary.zone().len(), 3);
    local
        .program(json!({"replace": "addresses"}))
        .run()
        .succeeds();
    assert_eq!(
        local.primary.zone(),
        [
            "host.example.com. 3600 A 127.0.0.1",
            "host.example.com. 60 TXT kept"
        ]
    );
}

#[test]
fn replacing_addresses_where_a_cname_is_fails() {
    let local = Local::with(&["host 60 CNAME other", "other 60 A 192.0.2.8"]);
    let before = local.primary.zone();
    local
        .program(json!({"replace": "addresses"}))
        .run()
        .fails(1, "*CNAME*");
    assert_eq!(local.primary.zone(), before);
    assert!(!local.cache().exists());
    local.program(json!({"replace": "all"})).run().succeeds();
    assert_eq!(
        local.primary.zone(),
        [
            "host.example.com. 3600 A 127.0.0.1",
            "other.example.com. 60 A 192.0.2.8"
        ]
    );
}

#[test]
fn is_signed_and_verified_with_each_algorithm() {
    for algorithm in Algorithm::ALL {
        let local = Local::with_algorithm(algorithm, &[]);
        let weak = matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1);
        let warning = format!("*{}*", algorithm.name());
        local
            .program(json!({}))
            .run()
            .is(0, "", if weak { &warning } else { "" });
        assert_eq!(
            local.primary.zone(),
            ["host.example.com. 3600 A 127.0.0.1"],
            "{algorithm:?}"
        );
        // Only a run that sends warns.
        local.program(json!({})).run().succeeds();
    }
}

#[test]
fn the_key_name_may_be_written_in_any_case_and_without_the_last_dot() {
    let local = Local::new();
    let mut section = tsig(&local.key);
    section["keyname"] = json!(local.key.name.trim_end_matches('.').to_uppercase());
    local.program(json!({"tsig": section})).run().succeeds();
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_clock_that_is_off_is_told_with_both_times() {
    let local = Local::new();
    let now = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    for ahead in [1000, -1000] {
        local.primary.set_clock_ahead(ahead);
        let before = now();
        let run = local.program(json!({})).run();
        let after = now();
        run.fails(1, "*BADTIME*");
        let tells = |shift: i64| {
            (before..=after).any(|time| {
                run.stderr
                    .contains(&time.saturating_add_signed(shift).to_string())
            })
        };
        assert!(
            tells(0) && tells(ahead),
            "both clocks are not in {}",
            run.stderr
        );
    }
    // Within the fudge of 300 s all is well.
    for ahead in [290, -290] {
        local.primary.set_clock_ahead(ahead);
        local.program(json!({"cache": false})).run().succeeds();
    }
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_key_that_the_server_does_not_have_is_named_with_its_algorithm() {
    let local = Local::new();
    let wrong = |key: &str, value: &str| {
        let mut section = tsig(&local.key);
        section[key] = json!(value);
        local.program(json!({"tsig": section})).run()
    };
    wrong("keyname", "other.key").fails(1, "*other.key*hmac-sha256*BADKEY*");
    wrong("algorithm", "hmac-sha512").fails(1, "*hmac-sha256.key*hmac-sha512*BADKEY*");
    wrong("key", "d3Jvbmc=").fails(1, "*BADSIG*hmac-sha256.key*hmac-sha256*");
    assert_eq!(local.primary.zone(), [""; 0]);
}

#[test]
fn an_unsigned_update_that_is_refused_says_so() {
    let local = Local::new();
    local
        .program(json!({"tsig": null}))
        .run()
        .fails(1, "*REFUSED*not signed*`tsig`*");
}

#[test]
fn an_unsigned_refusal_of_a_signed_update_is_called_unauthenticated() {
    let local = Local::new();
    local.primary.lie(Arc::new(|request| {
        let mut answer = Message::from_vec(&request.unsigned).unwrap();
        answer.metadata.response_code = ResponseCode::Refused;
        Answer::Message(answer.to_vec().unwrap())
    }));
    local
        .program(json!({}))
        .run()
        .fails(1, "*REFUSED*unauthenticated*");
}

#[test]
fn an_unsigned_success_is_not_believed() {
    let local = Local::new();
    local.primary.lie(Arc::new(|request| {
        Answer::Message(request.unsigned.clone())
    }));
    local
        .program(json!({}))
        .run()
        .fails(1, "*could not confirm*not signed*");
    assert!(!local.cache().exists());
}

#[test]
fn a_code_that_is_final_is_told_by_its_name() {
    let local = Local::new();
    for (code, name) in [
        (ResponseCode::FormErr, "FORMERR"),
        (ResponseCode::NXDomain, "NXDOMAIN"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::YXDomain, "YXDOMAIN"),
        (ResponseCode::YXRRSet, "YXRRSET"),
        (ResponseCode::NXRRSet, "NXRRSET"),
        (ResponseCode::NotAuth, "NOTAUTH"),
        (ResponseCode::NotZone, "NOTZONE"),
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::NotImp, "NOTIMP"),
    ] {
        let key = local.key.clone();
        local
            .primary
            .lie(Arc::new(move |request| with_code(request, &key, code)));
        let run = local.program(json!({"timeout": 1})).run();
        run.fails(1, &format!("*{name}*"));
        assert!(!local.cache().exists(), "{name}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_a_warning_on_runs_that_send() {
    if cfg!(not(unix)) {
        skip!("file modes are Unix's");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let local = Local::new();
        let program = local.program(json!({}));
        let file = local.path().join("pydyndns.conf");
        let mode =
            |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        program.run().is(0, "", &format!("*{}*", file.display()));
        program.run().succeeds();
        mode(0o640);
        program.clone().arg("-f").run().succeeds();
        // With a key file it is that one that matters.
        let key_file = local.path().join("a.key");
        let secret = crate::harness::secret(&local.key);
        let text = format!(
            "key \"{}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};",
            local.key.name
        );
        std::fs::write(&key_file, text).unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let program = local.program(json!({"tsig": {"keyfile": key_file}, "cache": false}));
        mode(0o644);
        program
            .run()
            .is(0, "", &format!("*{}*", key_file.display()));
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        program.run().succeeds();
        // Without a key there is no secret.
        let open = crate::harness::primary::Primary::start("example.com.", &[], &[], &[]).unwrap();
        let program = local
            .program(json!({"tsig": null, "server": open.address().to_string(), "cache": false}));
        mode(0o644);
        program.run().succeeds();
    }
}

#[cfg(target_os = "linux")]
mod in_a_sandbox {
    use super::*;
    use crate::harness::primary::Primary;
    use crate::harness::program::{Program, config};
    use crate::harness::sandbox::{Sandbox, sandbox};
    use std::fmt::Write;
    use std::net::SocketAddr;

    /// A name with three addresses, at each of which a primary of its own may listen.
    const SERVERS: [&str; 3] = ["127.0.0.2:53", "127.0.0.3:53", "127.0.0.4:53"];

    /// Primaries at these of the addresses, in this order.
    fn primaries(sandbox: &Sandbox, servers: &[&str]) -> Vec<Primary> {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        sandbox.hosts(
            "127.0.0.2 ns.example.com\n127.0.0.3 ns.example.com\n127.0.0.4 ns.example.com\n",
        );
        let key = crate::harness::key(Algorithm::Sha256);
        servers
            .iter()
            .map(|server| {
                let address: SocketAddr = server.parse().unwrap();
                Primary::start("example.com.", std::slice::from_ref(&key), &[], &[address]).unwrap()
            })
            .collect()
    }

    /// The program, sending to all three.
    fn program(sandbox: &Sandbox) -> Program {
        Program::new(sandbox.path()).config(&config(json!({
            "hostname": "host.example.com", "zone": "example.com", "server": "ns.example.com", "timeout": 6,
            "tsig": tsig(&crate::harness::key(Algorithm::Sha256)),
        })))
    }

    #[test]
    fn an_address_that_fails_gives_way_to_the_next_and_a_no_is_final() {
        sandbox(|sandbox| {
            let primaries = primaries(sandbox, &SERVERS);
            let key = crate::harness::key(Algorithm::Sha256);
            let say = |code| {
                let key = key.clone();
                Arc::new(move |request: &Request| with_code(request, &key, code))
            };
            let counts = || primaries.iter().map(Primary::updates).collect::<Vec<_>>();
            let mut expected = vec![0, 0, 0];
            primaries[0].lie(say(ResponseCode::ServFail));
            primaries[1].lie(say(ResponseCode::NotImp));
            program(sandbox).run().succeeds();
            expected = expected.iter().map(|count| count + 1).collect();
            assert_eq!(counts(), expected);
            primaries[0].lie(Arc::new(|_| Answer::Close));
            primaries[1].lie(Arc::new(|_| Answer::Silence));
            program(sandbox).run().succeeds();
            expected = expected.iter().map(|count| count + 1).collect();
            assert_eq!(counts(), expected);
            primaries[0].lie(Arc::new(|request| {
                Answer::Message(request.unsigned.clone())
            }));
            primaries[1].lie(Arc::new(|request| Answer::Raw(request.bytes.to_vec())));
            program(sandbox).run().succeeds();
            expected = expected.iter().map(|count| count + 1).collect();
            assert_eq!(counts(), expected);
            for code in [
                ResponseCode::Refused,
                ResponseCode::NotAuth,
                ResponseCode::NotZone,
                ResponseCode::YXRRSet,
            ] {
                primaries[0].lie(say(code));
                program(sandbox).run().fails(1, "*127.0.0.2:53*");
                expected[0] += 1;
                assert_eq!(counts(), expected, "{code}");
            }
        });
    }

    #[test]
    fn a_connection_that_is_refused_gives_way_to_the_next() {
        sandbox(|sandbox| {
            let primaries = primaries(sandbox, &SERVERS[2..]);
            program(sandbox).run().succeeds();
            assert_eq!(primaries[0].zone(), ["host.example.com. 3600 A 192.0.2.10"]);
        });
    }

    #[test]
    fn when_all_addresses_fail_each_is_listed_with_its_reason() {
        sandbox(|sandbox| {
            let primaries = primaries(sandbox, &SERVERS[1..]);
            let key = crate::harness::key(Algorithm::Sha256);
            primaries[0].lie(Arc::new(move |request| {
                with_code(request, &key, ResponseCode::ServFail)
            }));
            primaries[1].lie(Arc::new(|_| Answer::Close));
            let run = program(sandbox).run();
            run.fails(
                1,
                "*127.0.0.2:53: *refused*127.0.0.3:53: *SERVFAIL*127.0.0.4:53: *could not confirm*",
            );
        });
    }

    #[test]
    fn more_addresses_than_a_message_holds_are_an_error_before_anything_is_sent() {
        sandbox(|sandbox| {
            let address: SocketAddr = "127.0.0.1:53".parse().unwrap();
            let primary = Primary::start("example.com.", &[], &[], &[address]).unwrap();
            sandbox.interface("lan0", &[]);
            let mut batch = String::new();
            for index in 0..700 {
                writeln!(
                    batch,
                    "addr add 10.0.{}.{}/32 dev lan0",
                    index / 250,
                    index % 250 + 1
                )
                .unwrap();
            }
            sandbox.write("batch", batch);
            sandbox.ip("-batch /run/sandbox/batch");
            let long = format!(
                "{0}.{0}.{0}.{1}.example.com",
                "a".repeat(60),
                "b".repeat(50)
            );
            let program = |hostname: &str| {
                Program::new(sandbox.path()).config(&config(json!({
                    "hostname": hostname, "zone": "example.com", "server": "127.0.0.1", "cache": sandbox.path().join("cache"),
                })))
            };
            for arguments in [&[][..], &["-n"]] {
                program(&long)
                    .args(arguments)
                    .run()
                    .fails(1, "*more addresses*");
            }
            assert_eq!(primary.seen(), []);
            program("host.example.com").run().succeeds();
            assert_eq!(primary.zone().len(), 700);
        });
    }
}
