//! A table of the networks that hosts live in: what is there, and what a run makes of it.
//!
//! BIND on 127.0.0.2 and ::1 is the whole of DNS, the root included; Unbound on 127.0.0.1 resolves. Liars at 127.0.1.x do
//! what no real server does on demand. Each row registers a name of its own, or fails with the words that must be said, and
//! nothing is changed then.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use serde_json::{Value, json};

use crate::harness::announce;
use crate::harness::key;
use crate::harness::liar::{Asked, Liar};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, Run, config, merged, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup, Zone};

/// One network, and what a run makes of it.
struct Row {
    /// What is so.
    what: &'static str,
    /// The name servers, as words of `nameserver` lines; or, if it has a line's end, all of resolv.conf; or, behind `!`, a
    /// command that makes it.
    resolv_conf: &'static str,
    /// The hosts file.
    hosts: &'static str,
    /// The name; `#` stands for a label of this row's own.
    name: &'static str,
    /// Further keys of the configuration.
    keys: &'static str,
    /// What comes of it.
    expected: Expected,
}

/// What comes of a run.
enum Expected {
    /// The address is registered in this zone.
    In(&'static str),
    /// The run fails, and these words are said.
    Says(&'static [&'static str]),
    /// The address is registered in example.com, or the run fails with these words: but it ends in time.
    Either(&'static [&'static str]),
}

use Expected::{Either, In, Says};

/// The row that others are made of.
const ROW: Row = Row {
    what: "",
    resolv_conf: "127.0.0.1",
    hosts: "",
    name: "#.example.com",
    keys: "{}",
    expected: In("example.com."),
};

/// BIND, which every liar that tells the truth asks.
const BIND: &str = "127.0.0.2:53";

/// The zones of BIND.
fn zones() -> Vec<Zone> {
    let delegations = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("{name} 60 NS ns.example.com."))
            .collect()
    };
    let zone = |apex: &str, mname: &str, records: &[&str]| Zone::with_mname(apex, mname, records);
    let with = |apex: &str, names: &[&str]| Zone {
        records: delegations(names),
        ..Zone::with_mname(apex, "ns.example.com.", &[])
    };
    vec![
        zone(
            "example.com.",
            "ns",
            &[
                "ns 60 A 127.0.0.2",
                "inside 60 CNAME ns",
                "outside 60 CNAME there.example.net.",
                "dangling 60 CNAME there.nowhere.",
                "circle 60 CNAME circle2",
                "circle2 60 CNAME circle",
                "child 60 NS ns",
                "sub 60 NS ns.sub",
                "ns.sub 60 A 10.9.9.9",
                "old 60 DNAME elsewhere.test.",
                "*.wild 60 A 192.0.2.2",
                "*.alias 60 CNAME ns",
                "*.away 60 CNAME there.example.net.",
                "txt 60 TXT something",
            ],
        ),
        zone(
            "child.example.com.",
            "ns.example.com.",
            &["up 60 CNAME ns.example.com."],
        ),
        zone("example.net.", "ns.example.com.", &["there 60 A 192.0.2.1"]),
        zone(
            "alias.test.",
            "ns.alias.test.",
            &["ns 60 CNAME ns.example.com."],
        ),
        zone(
            "chain.test.",
            "a.chain.test.",
            &["a 60 CNAME b", "b 60 CNAME c", "c 60 A 127.0.0.2"],
        ),
        zone(
            "circle.test.",
            "a.circle.test.",
            &["a 60 CNAME b", "b 60 CNAME a"],
        ),
        zone("hidden.test.", "ns.hidden.test.", &[]),
        zone("lost.test.", "nowhere.example.com.", &[]),
        zone("astray.test.", "ns.nowhere.", &[]),
        zone("localhost.test.", "localhost.", &[]),
        zone("none.test.", ".", &[]),
        zone("six.test.", "ns", &["ns 60 AAAA ::1"]),
        zone(
            "deadfour.test.",
            "ns",
            &["ns 60 A 10.9.9.9", "ns 60 AAAA ::1"],
        ),
        zone(
            "deadsix.test.",
            "ns",
            &["ns 60 AAAA 2001:db8:9::9", "ns 60 A 127.0.0.2"],
        ),
        zone(
            "silent.test.",
            "ns",
            &["ns 60 A 192.0.2.99", "ns 60 A 127.0.0.2"],
        ),
        zone(
            "unspecified.test.",
            "ns",
            &["ns 60 A 10.9.9.9", "ns 60 A 10.9.9.10"],
        ),
        zone("udp.test.", "ns", &["ns 60 A 127.0.1.60"]),
        zone("self.test.", "ns1", &["ns1 60 A 127.0.0.2"]),
        zone(
            "many.test.",
            "ns",
            &[
                "ns 60 A 10.9.9.9",
                "ns 60 A 10.9.9.8",
                "ns 60 A 10.9.9.7",
                "ns 60 A 127.0.0.2",
            ],
        ),
        zone("deep.a.b.c.d.test.", "ns.example.com.", &[]),
        zone("elsewhere.test.", "ns.example.com.", &[]),
        zone(
            "redirected.test.",
            "ns.example.com.",
            &["@ 60 DNAME elsewhere.test."],
        ),
        with("com.", &["example"]),
        with(".", &["com", "net", "test"]),
        with(
            "test.",
            &[
                "alias",
                "chain",
                "circle",
                "hidden",
                "lost",
                "astray",
                "localhost",
                "none",
                "six",
                "deadfour",
                "deadsix",
                "silent",
                "unspecified",
                "udp",
                "self",
                "many",
                "deep.a.b.c.d",
                "elsewhere",
                "redirected",
            ],
        ),
    ]
}

/// Asks BIND and passes on what it says.
fn truth(asked: &Asked) {
    asked.pass(BIND.parse().unwrap(), |_| {});
}

/// Asks Unbound and passes on what it says, changed.
fn resolved(asked: &Asked, change: impl FnOnce(&mut Message)) {
    asked.pass("127.0.0.1:53".parse().unwrap(), change);
}

/// The link-local address of lan0.
fn link_local(sandbox: &Sandbox) -> SocketAddr {
    let line = sandbox.ip("-o link show lan0");
    let index = line.split(':').next().unwrap().parse().unwrap();
    std::net::SocketAddrV6::new("fe80::53".parse().unwrap(), 53, 0, index).into()
}

/// Whether records of this type are asked for.
fn is_for(asked: &Asked, record_type: RecordType) -> bool {
    asked.message.queries[0].query_type() == record_type
}

/// Starts the liars; the row's comments say what each does.
fn liars(sandbox: &Sandbox) -> Vec<Liar> {
    let at = |last: u8, script: fn(&Asked)| {
        let ip: IpAddr = [127, 0, 1, last].into();
        Liar::start((ip, 53).into(), script)
    };
    let bind: SocketAddr = BIND.parse().unwrap();
    let first_tries: Mutex<Vec<String>> = Mutex::default();
    let second_tries: Mutex<Vec<String>> = Mutex::default();
    let address = |last: u8| SocketAddr::from(([127, 0, 1, last], 53));
    vec![
        at(1, |_| {}),
        at(2, |asked| asked.code(ResponseCode::ServFail)),
        at(3, |asked| asked.code(ResponseCode::Refused)),
        at(4, |asked| asked.code(ResponseCode::FormErr)),
        at(5, |asked| asked.code(ResponseCode::NotImp)),
        at(6, |asked| asked.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        at(7, |asked| asked.send(&asked.bytes)),
        at(8, |asked| asked.send(b"x")),
        // Knows only the world, in which nothing of this exists.
        at(9, |asked| {
            let root = Message::from_vec(&asked.bytes)
                .map(|_| Name::root())
                .unwrap();
            asked.answer(|answer| {
                answer.metadata.response_code = ResponseCode::NXDomain;
                let soa =
                    hickory_proto::rr::rdata::SOA::new(root.clone(), root.clone(), 1, 1, 1, 1, 1);
                answer
                    .authorities
                    .push(hickory_proto::rr::Record::from_rdata(
                        root,
                        60,
                        hickory_proto::rr::RData::SOA(soa),
                    ));
            });
        }),
        at(10, |asked| asked.code(ResponseCode::NXDomain)),
        // Fails for one type.
        at(11, |asked| {
            if is_for(asked, RecordType::AAAA) {
                asked.code(ResponseCode::ServFail);
            } else {
                resolved(asked, |_| {});
            }
        }),
        at(12, |asked| {
            if is_for(asked, RecordType::SOA) {
                asked.code(ResponseCode::ServFail);
            } else {
                resolved(asked, |_| {});
            }
        }),
        at(13, |asked| {
            if !is_for(asked, RecordType::AAAA) {
                resolved(asked, |_| {});
            }
        }),
        // Truncates all that goes over UDP.
        at(14, |asked| {
            if asked.is_tcp() {
                resolved(asked, |_| {});
            } else {
                asked.answer(|answer| answer.metadata.truncation = true);
            }
        }),
        Liar::over_udp(
            address(15),
            std::sync::Arc::new(|asked: &Asked| {
                asked.answer(|answer| answer.metadata.truncation = true);
            }),
        ),
        at(16, |asked| {
            thread::sleep(Duration::from_millis(700));
            resolved(asked, |_| {});
        }),
        at(17, |asked| {
            thread::sleep(Duration::from_millis(1500));
            resolved(asked, |_| {});
        }),
        // Shows less than it knows.
        at(18, |asked| {
            resolved(asked, |answer| answer.authorities.clear());
        }),
        at(19, |asked| {
            let is_for_it = is_for(asked, RecordType::DNAME);
            resolved(asked, |answer| {
                answer
                    .answers
                    .retain(|record| is_for_it || record.record_type() != RecordType::DNAME);
            });
        }),
        at(20, |asked| {
            if asked.message.edns.is_some() {
                asked.code(ResponseCode::FormErr);
            } else {
                resolved(asked, |_| {});
            }
        }),
        // Somebody guesses before the true answer comes.
        at(21, |asked| {
            let mut forged = Message::from_vec(&asked.bytes).unwrap();
            forged.metadata.message_type = hickory_proto::op::MessageType::Response;
            forged.metadata.response_code = ResponseCode::NXDomain;
            forged.metadata.id ^= 1;
            asked.send(&forged.to_vec().unwrap());
            thread::sleep(Duration::from_millis(20));
            resolved(asked, |_| {});
        }),
        at(22, |asked| {
            if !asked.is_tcp() {
                let elsewhere = std::net::UdpSocket::bind("127.0.1.22:0").unwrap();
                let mut forged = Message::from_vec(&asked.bytes).unwrap();
                forged.metadata.message_type = hickory_proto::op::MessageType::Response;
                forged.metadata.response_code = ResponseCode::NXDomain;
                drop(elsewhere.send_to(&forged.to_vec().unwrap(), asked.peer));
                thread::sleep(Duration::from_millis(20));
            }
            resolved(asked, |_| {});
        }),
        at(23, |asked| {
            asked.answer(|answer| {
                answer.queries[0].set_name(Name::from_ascii("other.example.").unwrap());
            });
        }),
        // Answers in its own case, with EDNS that nobody asked for.
        at(24, |asked| {
            resolved(asked, |answer| {
                let upper = answer.queries[0].name().to_ascii().to_uppercase();
                answer.queries[0].set_name(Name::from_ascii(upper).unwrap());
                answer.edns = Some(Edns::new());
            });
        }),
        // Loses the first packet of each question, or is only starting.
        Liar::start(address(25), move |asked| {
            let mut tries = first_tries.lock().unwrap();
            let is_first = !tries.contains(&asked.what());
            tries.push(asked.what());
            drop(tries);
            if !is_first {
                asked.pass(bind, |_| {});
            }
        }),
        Liar::start(address(26), move |asked| {
            let mut tries = second_tries.lock().unwrap();
            tries.push(asked.what());
            let count = tries.iter().filter(|what| **what == asked.what()).count();
            drop(tries);
            if count < 3 {
                asked.code(ResponseCode::ServFail);
            } else {
                asked.pass(bind, |_| {});
            }
        }),
        // Refers everybody to the root.
        at(27, |asked| {
            asked.answer(|answer| {
                let root = hickory_proto::rr::rdata::NS(Name::from_ascii("a.root.").unwrap());
                answer
                    .authorities
                    .push(hickory_proto::rr::Record::from_rdata(
                        Name::root(),
                        60,
                        hickory_proto::rr::RData::NS(root),
                    ));
            });
        }),
        // Answers with a zone that has nothing to do with the name.
        at(28, |asked| {
            asked.pass(BIND.parse().unwrap(), |answer| {
                if is_for(asked, RecordType::SOA) && asked.what().starts_with("row") {
                    answer.answers.clear();
                    answer.authorities.clear();
                    let other = Name::from_ascii("example.net.").unwrap();
                    let soa = hickory_proto::rr::rdata::SOA::new(
                        other.clone(),
                        other.clone(),
                        1,
                        1,
                        1,
                        1,
                        1,
                    );
                    answer.answers.push(hickory_proto::rr::Record::from_rdata(
                        other,
                        60,
                        hickory_proto::rr::RData::SOA(soa),
                    ));
                }
            });
        }),
        // Answers with a record more than one packet holds, cut in the middle.
        at(29, |asked| {
            if asked.is_tcp() {
                return truth(asked);
            }
            let mut answer = asked.by(BIND.parse().unwrap());
            answer.metadata.truncation = true;
            let mut bytes = answer.to_vec().unwrap();
            bytes.truncate(bytes.len() - 5);
            asked.send(&bytes);
        }),
        at(30, |asked| {
            if is_for(asked, RecordType::DNAME) {
                asked.code(ResponseCode::NotImp);
            } else {
                truth(asked);
            }
        }),
        // Keeps silent where the servers that it would have to ask do.
        at(31, |asked| {
            if !asked.what().contains("sub.example.com.") {
                truth(asked);
            }
        }),
        // Nonsense, and an answer to another question, come before the true one.
        at(32, |asked| {
            asked.send(b"nonsense that is longer than a header");
            asked.send(b"");
            let mut other = Message::from_vec(&asked.bytes).unwrap();
            other.metadata.message_type = hickory_proto::op::MessageType::Response;
            other.queries[0].set_name(Name::from_ascii("other.example.").unwrap());
            asked.send(&other.to_vec().unwrap());
            thread::sleep(Duration::from_millis(20));
            truth(asked);
        }),
        // Truncates, and is slow, or silent, over TCP.
        at(33, |asked| {
            if asked.is_tcp() {
                thread::sleep(Duration::from_millis(2500));
                truth(asked);
            } else {
                asked.answer(|answer| answer.metadata.truncation = true);
            }
        }),
        at(34, |asked| {
            if !asked.is_tcp() {
                asked.answer(|answer| answer.metadata.truncation = true);
            }
        }),
        // Keeps to itself what it knows, and refuses to speak of the domain at the top.
        at(35, |asked| {
            if asked.what().starts_with("com.") {
                asked.code(ResponseCode::Refused);
            } else {
                asked.code(ResponseCode::NXDomain);
            }
        }),
        // BIND, at a link-local address.
        Liar::start(link_local(sandbox), |asked| {
            asked.send(&asked.raw(BIND.parse().unwrap()));
        }),
        // A primary that answers over UDP alone.
        Liar::over_udp(address(60), std::sync::Arc::new(truth)),
    ]
}

/// The table.
const TABLE: &[Row] = &[
    // In order.
    Row {
        what: "one name server",
        ..ROW
    },
    Row {
        what: "the primary itself",
        resolv_conf: "127.0.0.2",
        ..ROW
    },
    Row {
        what: "the first is silent",
        resolv_conf: "127.0.1.1 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first says SERVFAIL",
        resolv_conf: "127.0.1.2 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first says REFUSED",
        resolv_conf: "127.0.1.3 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first says FORMERR",
        resolv_conf: "127.0.1.4 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first says NOTIMP",
        resolv_conf: "127.0.1.5 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first speaks HTTP",
        resolv_conf: "127.0.1.6 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first sends the question back",
        resolv_conf: "127.0.1.7 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first sends one octet",
        resolv_conf: "127.0.1.8 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first answers another question",
        resolv_conf: "127.0.1.23 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first refers to the root",
        resolv_conf: "127.0.1.27 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first has a closed port",
        resolv_conf: "127.0.1.200 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first is unreachable",
        resolv_conf: "10.9.9.9 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the first has a family that is not there",
        resolv_conf: "2001:db8:9::9 127.0.0.1",
        ..ROW
    },
    Row {
        what: "SERVFAIL, REFUSED, good",
        resolv_conf: "127.0.1.2 127.0.1.3 127.0.0.1",
        ..ROW
    },
    Row {
        what: "REFUSED, SERVFAIL, good",
        resolv_conf: "127.0.1.3 127.0.1.2 127.0.0.1",
        ..ROW
    },
    Row {
        what: "SERVFAIL, good, REFUSED",
        resolv_conf: "127.0.1.2 127.0.0.1 127.0.1.3",
        ..ROW
    },
    Row {
        what: "good, SERVFAIL, REFUSED",
        resolv_conf: "127.0.0.1 127.0.1.2 127.0.1.3",
        ..ROW
    },
    Row {
        what: "silent, closed, SERVFAIL, good",
        resolv_conf: "127.0.1.1 127.0.1.200 127.0.1.2 127.0.0.1",
        ..ROW
    },
    Row {
        what: "silent twice, good",
        resolv_conf: "127.0.1.1 127.0.1.1 192.0.2.99 127.0.0.1",
        ..ROW
    },
    Row {
        what: "the inside first, then the world",
        resolv_conf: "127.0.0.1 127.0.1.9",
        ..ROW
    },
    Row {
        what: "the inside first, then the world without authority",
        resolv_conf: "127.0.0.1 127.0.1.10",
        ..ROW
    },
    Row {
        what: "a slow inside first, then the world",
        resolv_conf: "127.0.1.17 127.0.1.9",
        ..ROW
    },
    Row {
        what: "the world first: what it says counts",
        resolv_conf: "127.0.1.9 127.0.0.1",
        expected: Says(&["no zone has", "SOA"]),
        ..ROW
    },
    Row {
        what: "0.7 s for each answer, `timeout` 3",
        resolv_conf: "127.0.1.16",
        keys: r#"{"timeout": 3}"#,
        ..ROW
    },
    Row {
        what: "silent, then 0.7 s for each answer, `timeout` 4",
        resolv_conf: "127.0.1.1 127.0.1.16",
        keys: r#"{"timeout": 4}"#,
        ..ROW
    },
    Row {
        what: "silent, then good, `timeout` 2",
        resolv_conf: "127.0.1.1 127.0.0.1",
        keys: r#"{"timeout": 2}"#,
        ..ROW
    },
    Row {
        what: "the first packet of each question is lost",
        resolv_conf: "127.0.1.25",
        ..ROW
    },
    Row {
        what: "SERVFAIL while it starts",
        resolv_conf: "127.0.1.26",
        ..ROW
    },
    // What nobody can resolve with.
    Row {
        what: "silence alone",
        resolv_conf: "127.0.1.1",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&[
            "127.0.1.1:53 does not answer",
            "/etc/resolv.conf",
            "`zone` and `server`",
        ]),
        ..ROW
    },
    Row {
        what: "SERVFAIL alone",
        resolv_conf: "127.0.1.2",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&["127.0.1.2:53 answers SERVFAIL", "/etc/resolv.conf"]),
        ..ROW
    },
    Row {
        what: "REFUSED alone",
        resolv_conf: "127.0.1.3",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "127.0.1.3:53 answers REFUSED",
            "does not resolve for this computer",
            "/etc/resolv.conf",
        ]),
        ..ROW
    },
    Row {
        what: "a closed port alone",
        resolv_conf: "127.0.1.200",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "127.0.1.200:53 cannot be asked (connection refused)",
            "/etc/resolv.conf",
        ]),
        ..ROW
    },
    Row {
        what: "each in its own way",
        resolv_conf: "127.0.1.3 127.0.1.4 127.0.1.6",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "127.0.1.3:53 answers REFUSED",
            "127.0.1.4:53 answers FORMERR",
            "127.0.1.6:53 sends nonsense",
        ]),
        ..ROW
    },
    // One type, truncation, forgery.
    Row {
        what: "SERVFAIL for AAAA",
        resolv_conf: "127.0.1.11",
        ..ROW
    },
    Row {
        what: "SERVFAIL for SOA, then good",
        resolv_conf: "127.0.1.12 127.0.0.1",
        ..ROW
    },
    Row {
        what: "SERVFAIL for SOA alone",
        resolv_conf: "127.0.1.12",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&["SOA: 127.0.1.12:53 answers SERVFAIL"]),
        ..ROW
    },
    Row {
        what: "silence for AAAA",
        resolv_conf: "127.0.1.13",
        ..ROW
    },
    Row {
        what: "all is truncated over UDP",
        resolv_conf: "127.0.1.14",
        ..ROW
    },
    Row {
        what: "truncated in the middle of a record",
        resolv_conf: "127.0.1.29",
        ..ROW
    },
    Row {
        what: "truncated without TCP, then good",
        resolv_conf: "127.0.1.15 127.0.0.1",
        ..ROW
    },
    Row {
        what: "truncated without TCP alone",
        resolv_conf: "127.0.1.15",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "127.0.1.15:53 has an answer too long for UDP",
            "TCP",
            "connection refused",
        ]),
        ..ROW
    },
    Row {
        what: "truncated, and slow over TCP",
        resolv_conf: "127.0.1.33",
        ..ROW
    },
    Row {
        what: "truncated and silent over TCP, then good",
        resolv_conf: "127.0.1.34 127.0.0.1",
        keys: r#"{"timeout": 4}"#,
        ..ROW
    },
    Row {
        what: "truncated and silent over TCP alone",
        resolv_conf: "127.0.1.34",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "127.0.1.34:53 has an answer too long for UDP",
            "TCP",
            "timed out after 0 octets",
        ]),
        ..ROW
    },
    Row {
        what: "FORMERR for EDNS",
        resolv_conf: "127.0.1.20",
        ..ROW
    },
    Row {
        what: "nonsense comes first",
        resolv_conf: "127.0.1.32",
        ..ROW
    },
    Row {
        what: "a forged answer with another id comes first",
        resolv_conf: "127.0.1.21",
        ..ROW
    },
    Row {
        what: "a forged answer from another port comes first",
        resolv_conf: "127.0.1.22",
        ..ROW
    },
    Row {
        what: "the answer in upper case, with EDNS",
        resolv_conf: "127.0.1.24",
        ..ROW
    },
    // resolv.conf.
    Row {
        what: "a search list of nonsense",
        resolv_conf: "search -- example..test *.x \u{e9}.test {{ domain }}\nnameserver 127.0.0.1\n",
        ..ROW
    },
    Row {
        what: "a search list with long labels",
        resolv_conf: "search aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test\nnameserver 127.0.0.1\n",
        ..ROW
    },
    Row {
        what: "an empty file",
        resolv_conf: "\n",
        ..ROW
    },
    Row {
        what: "only comments",
        resolv_conf: "# nameserver 127.0.1.2\n; nameserver 127.0.1.2\n",
        ..ROW
    },
    Row {
        what: "0.0.0.0",
        resolv_conf: "0.0.0.0",
        ..ROW
    },
    Row {
        what: "::",
        resolv_conf: "::",
        ..ROW
    },
    Row {
        what: "127.1",
        resolv_conf: "127.1",
        ..ROW
    },
    Row {
        what: "an IPv4-mapped address",
        resolv_conf: "::ffff:127.0.0.2",
        ..ROW
    },
    Row {
        what: "a link-local address without its interface",
        resolv_conf: "fe80::53 fe80::53%nowhere0",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&["[fe80::53]:53", "link-local", "%eth0", "/etc/resolv.conf"]),
        ..ROW
    },
    Row {
        what: "a link-local address",
        resolv_conf: "fe80::53%lan0",
        ..ROW
    },
    Row {
        what: "carriage returns",
        resolv_conf: "search example.com\r\nnameserver 127.0.0.2\r\n",
        ..ROW
    },
    Row {
        what: "trailing comments",
        resolv_conf: "nameserver 127.0.0.2 # the primary\nnameserver 127.0.1.9\t; the world\n",
        ..ROW
    },
    Row {
        what: "an indented line does not count",
        resolv_conf: " nameserver 127.0.1.9\nnameserver 127.0.0.2\n",
        ..ROW
    },
    Row {
        what: "options of nonsense",
        resolv_conf: "options timeout:0 attempts:0 ndots:999 rotate edns0 use-vc inet6\nsortlist 1.2.3.4/99\nnameserver 127.0.0.2\n",
        ..ROW
    },
    Row {
        what: "lines that make no sense",
        resolv_conf: "nameserver dns.example.com\nnameserver\nnameserver 300.1.1.1\nfoo\nnameserver 127.0.0.2\n",
        ..ROW
    },
    Row {
        what: "no file",
        resolv_conf: "!true",
        ..ROW
    },
    Row {
        what: "a dangling link",
        resolv_conf: "!ln -s /run/nowhere FILE",
        ..ROW
    },
    Row {
        what: "a link, as systemd-resolved has it",
        resolv_conf: "!echo nameserver 127.0.0.2 > /run/stub; ln -s /run/stub FILE",
        ..ROW
    },
    Row {
        what: "three hundred servers with closed ports, then a good one",
        resolv_conf: "!for i in $(seq 300); do echo nameserver 127.2.$((i / 200)).$((i % 200 + 1)); done > FILE; echo nameserver 127.0.0.2 >> FILE",
        ..ROW
    },
    Row {
        what: "a good server, then hundreds of silent ones",
        resolv_conf: "!echo nameserver 127.0.0.2 > FILE; for i in $(seq 500); do echo nameserver 127.0.1.1; done >> FILE",
        ..ROW
    },
    Row {
        what: "a million lines that make no sense",
        resolv_conf: "!yes nonsense | head -1000000 > FILE; echo nameserver 127.0.0.2 >> FILE",
        keys: r#"{"timeout": 4}"#,
        expected: Either(&["/etc/resolv.conf"]),
        ..ROW
    },
    Row {
        what: "a line of 64 million letters",
        resolv_conf: "!head -c 64000000 /dev/zero | tr '\\0' x > FILE; echo >> FILE; echo nameserver 127.0.0.2 >> FILE",
        keys: r#"{"timeout": 4}"#,
        expected: Either(&["/etc/resolv.conf"]),
        ..ROW
    },
    Row {
        what: "an endless file",
        resolv_conf: "!ln -s /dev/zero FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/resolv.conf", "not a regular file"]),
        ..ROW
    },
    Row {
        what: "a FIFO",
        resolv_conf: "!mkfifo FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/resolv.conf", "not a regular file"]),
        ..ROW
    },
    Row {
        what: "a folder",
        resolv_conf: "!mkdir FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/resolv.conf"]),
        ..ROW
    },
    // The hosts file.
    Row {
        what: "no hosts file",
        hosts: "!true",
        ..ROW
    },
    Row {
        what: "a FIFO as the hosts file",
        hosts: "!mkfifo FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/hosts", "not a regular file"]),
        ..ROW
    },
    Row {
        what: "an endless hosts file",
        hosts: "!ln -s /dev/zero FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/hosts", "not a regular file"]),
        ..ROW
    },
    Row {
        what: "a hosts file of one endless line",
        hosts: "!truncate -s 1T FILE",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["/etc/hosts", "larger than 1 GiB"]),
        ..ROW
    },
    Row {
        what: "an ad blocker's hosts file",
        hosts: "!seq -f '0.0.0.0 ads%.0f.example.net' 150000 > FILE; echo 192.0.2.53 ns.hidden.test >> FILE",
        name: "#.hidden.test",
        keys: r#"{"timeout": 4}"#,
        expected: In("hidden.test."),
        ..ROW
    },
    Row {
        what: "hosts files have addresses that are none",
        hosts: "127.1 ns.hidden.test\nbox 127.0.0.9 ns.hidden.test\n192.0.2.53 x NS.Hidden.Test # y\n",
        name: "#.hidden.test",
        expected: In("hidden.test."),
        ..ROW
    },
    // Zones.
    Row {
        what: "a wildcard above the name",
        name: "#.wild.example.com",
        ..ROW
    },
    Row {
        what: "a wildcard CNAME in the zone",
        name: "#.alias.example.com",
        ..ROW
    },
    Row {
        what: "a wildcard CNAME out of the zone",
        name: "#.away.example.com",
        ..ROW
    },
    Row {
        what: "the same by the primary",
        name: "#.away.example.com",
        resolv_conf: "127.0.0.2",
        ..ROW
    },
    Row {
        what: "the same by who does not know DNAME",
        name: "#.away.example.com",
        resolv_conf: "127.0.1.30",
        ..ROW
    },
    Row {
        what: "a CNAME at the name",
        name: "outside.example.com",
        ..ROW
    },
    Row {
        what: "a CNAME to nowhere",
        name: "dangling.example.com",
        ..ROW
    },
    Row {
        what: "a name below an alias",
        name: "#.inside.example.com",
        ..ROW
    },
    Row {
        what: "many labels that are not there",
        name: "#.a.b.c.d.e.example.com",
        ..ROW
    },
    Row {
        what: "a child zone",
        name: "#.child.example.com",
        expected: In("child.example.com."),
        ..ROW
    },
    Row {
        what: "a zone far below its parent",
        name: "#.deep.a.b.c.d.test",
        expected: In("deep.a.b.c.d.test."),
        ..ROW
    },
    Row {
        what: "no authority section",
        resolv_conf: "127.0.1.18",
        ..ROW
    },
    Row {
        what: "no authority section, below a wildcard",
        resolv_conf: "127.0.1.18",
        name: "#.away.example.com",
        ..ROW
    },
    Row {
        what: "the SOA of something else in the answer",
        resolv_conf: "127.0.1.28",
        ..ROW
    },
    Row {
        what: "a child zone with dead servers, by the primary of its parent",
        resolv_conf: "127.0.0.2",
        name: "#.sub.example.com",
        expected: Says(&["sub.example.com", "delegated to servers that do not answer"]),
        ..ROW
    },
    Row {
        what: "a child zone with dead servers, by a resolver",
        name: "#.sub.example.com",
        keys: r#"{"timeout": 4}"#,
        expected: Says(&[
            "sub.example.com",
            "delegated to servers that do not answer",
            "127.0.0.1:53",
        ]),
        ..ROW
    },
    Row {
        what: "a child zone with dead servers, by a resolver that keeps silent then",
        resolv_conf: "127.0.1.31",
        name: "#.sub.example.com",
        keys: r#"{"timeout": 3}"#,
        expected: Says(&[
            "sub.example.com",
            "delegated to servers that do not answer",
            "127.0.1.31:53 does not answer",
        ]),
        ..ROW
    },
    Row {
        what: "the apex of a child zone with dead servers",
        resolv_conf: "127.0.0.2",
        name: "sub.example.com",
        expected: Says(&["sub.example.com", "delegated to servers that do not answer"]),
        ..ROW
    },
    Row {
        what: "a DNAME above, by the primary",
        resolv_conf: "127.0.0.2",
        name: "#.old.example.com",
        expected: Says(&["DNAME", "old.example.com", "elsewhere.test"]),
        ..ROW
    },
    Row {
        what: "a DNAME above, by a resolver",
        name: "#.old.example.com",
        expected: Says(&["DNAME", "old.example.com", "elsewhere.test"]),
        ..ROW
    },
    Row {
        what: "a DNAME above that is not shown",
        resolv_conf: "127.0.1.19",
        name: "#.x.old.example.com",
        expected: Says(&["DNAME", "old.example.com"]),
        ..ROW
    },
    Row {
        what: "a DNAME at the apex",
        name: "#.redirected.test",
        expected: Says(&["DNAME", "redirected.test"]),
        ..ROW
    },
    Row {
        what: "the name of a DNAME itself",
        resolv_conf: "127.0.0.2",
        name: "old.example.com",
        ..ROW
    },
    Row {
        what: "the root",
        name: "#.nowhere",
        expected: Says(&[
            "no zone has",
            "nowhere",
            "says 127.0.0.1:53",
            "`zone` and `server`",
        ]),
        ..ROW
    },
    Row {
        what: "the search for the zone fails at the top",
        resolv_conf: "127.0.1.35",
        keys: r#"{"timeout": 1}"#,
        expected: Says(&[
            "cannot find the zone of row",
            "cannot look up com SOA",
            "127.0.1.35:53 answers REFUSED",
        ]),
        ..ROW
    },
    // The primary.
    Row {
        what: "an alias as MNAME",
        name: "#.alias.test",
        expected: In("alias.test."),
        ..ROW
    },
    Row {
        what: "an alias as MNAME, by the primary",
        resolv_conf: "127.0.0.2",
        name: "#.alias.test",
        expected: In("alias.test."),
        ..ROW
    },
    Row {
        what: "a chain of aliases as MNAME",
        name: "#.chain.test",
        expected: In("chain.test."),
        ..ROW
    },
    Row {
        what: "a circle of aliases as MNAME",
        resolv_conf: "127.0.0.2",
        name: "#.circle.test",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&["a.circle.test", "circle.test", "`server`"]),
        ..ROW
    },
    Row {
        what: "a hidden primary",
        name: "#.hidden.test",
        expected: Says(&[
            "ns.hidden.test",
            "SOA record of hidden.test",
            "no address",
            "`server`",
        ]),
        ..ROW
    },
    Row {
        what: "MNAME does not exist",
        name: "#.lost.test",
        expected: Says(&[
            "nowhere.example.com",
            "SOA record of lost.test",
            "no address",
        ]),
        ..ROW
    },
    Row {
        what: "MNAME in no zone",
        name: "#.astray.test",
        expected: Says(&["ns.nowhere", "SOA record of astray.test"]),
        ..ROW
    },
    Row {
        what: "MNAME is localhost",
        name: "#.localhost.test",
        keys: r#"{"timeout": 2, "tsig": null}"#,
        expected: Says(&[
            "NOTIMP",
            "localhost, the primary by the zone's SOA record",
            "`server`",
        ]),
        ..ROW
    },
    Row {
        what: "MNAME is the root",
        name: "#.none.test",
        expected: Says(&["none.test", "takes no updates", "`.`", "`server`"]),
        ..ROW
    },
    Row {
        what: "the primary has IPv6 alone",
        name: "#.six.test",
        expected: In("six.test."),
        ..ROW
    },
    Row {
        what: "its IPv4 address is dead",
        name: "#.deadfour.test",
        expected: In("deadfour.test."),
        ..ROW
    },
    Row {
        what: "its IPv6 address is dead",
        name: "#.deadsix.test",
        expected: In("deadsix.test."),
        ..ROW
    },
    Row {
        what: "one of its addresses swallows everything",
        name: "#.silent.test",
        keys: r#"{"timeout": 8}"#,
        expected: In("silent.test."),
        ..ROW
    },
    Row {
        what: "three of its four addresses are dead",
        name: "#.many.test",
        expected: In("many.test."),
        ..ROW
    },
    Row {
        what: "all of its addresses are dead",
        name: "#.unspecified.test",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&[
            "10.9.9.9:53: cannot connect",
            "10.9.9.10:53: cannot connect",
            "ns.unspecified.test",
            "TCP port 53",
            "firewall",
        ]),
        ..ROW
    },
    Row {
        what: "it answers over UDP and refuses TCP",
        name: "#.udp.test",
        keys: r#"{"timeout": 2}"#,
        expected: Says(&[
            "127.0.1.60:53: cannot connect: connection refused",
            "ns.udp.test",
            "TCP port 53",
            "firewall",
        ]),
        ..ROW
    },
    Row {
        what: "it registers itself, and hosts has 127.0.1.1 for it",
        hosts: "127.0.1.1 ns1.self.test ns1\n",
        name: "#.self.test",
        expected: In("self.test."),
        ..ROW
    },
    Row {
        what: "hosts has a loopback address that takes updates, and DNS has none",
        hosts: "127.0.0.2 ns.hidden.test\n",
        name: "#.hidden.test",
        expected: In("hidden.test."),
        ..ROW
    },
    Row {
        what: "hosts has another address for it",
        hosts: "192.0.2.53 ns.hidden.test\n",
        name: "#.hidden.test",
        expected: In("hidden.test."),
        ..ROW
    },
    // `zone` and `server`.
    Row {
        what: "`zone` and the server's address: nobody is asked",
        resolv_conf: "127.0.1.1",
        keys: r#"{"zone": "example.com", "server": "127.0.0.2", "timeout": 1}"#,
        ..ROW
    },
    Row {
        what: "`zone`, and the server in the hosts file: nobody is asked",
        resolv_conf: "\n",
        hosts: "192.0.2.53 ns.example.com\n",
        keys: r#"{"zone": "example.com", "server": "ns.example.com", "timeout": 1}"#,
        ..ROW
    },
    Row {
        what: "a list of servers, the first of which is not there",
        keys: r#"{"server": ["127.0.1.200", "127.0.0.2"], "zone": "example.com"}"#,
        ..ROW
    },
    Row {
        what: "a list of servers, the first of which swallows everything",
        keys: r#"{"server": ["192.0.2.99", "127.0.0.2"], "zone": "example.com", "timeout": 8}"#,
        ..ROW
    },
    Row {
        what: "a list of servers: the second is not looked up while the first takes the update",
        resolv_conf: "127.0.1.1",
        keys: r#"{"server": ["127.0.0.2", "ns.example.com"], "zone": "example.com", "timeout": 1}"#,
        ..ROW
    },
    Row {
        what: "a list of servers: the second is looked up once the first has failed",
        keys: r#"{"server": ["127.0.1.200", "ns.example.com"], "zone": "example.com"}"#,
        ..ROW
    },
    Row {
        what: "a list of servers, the first of which has no address",
        keys: r#"{"server": ["nowhere.example.com", "127.0.0.2"], "zone": "example.com"}"#,
        ..ROW
    },
    Row {
        what: "a list of servers, the first of which nobody can look up",
        resolv_conf: "127.0.1.1",
        keys: r#"{"server": ["ns.example.com", "127.0.0.2"], "zone": "example.com", "timeout": 4}"#,
        ..ROW
    },
    Row {
        what: "a list of servers, none of which is there",
        keys: r#"{"server": ["127.0.1.200", "127.0.1.201:5353", "nowhere.example.com"], "timeout": 1}"#,
        expected: Says(&[
            "127.0.1.200:53: cannot connect: connection refused",
            "127.0.1.201:5353: cannot connect: connection refused",
            "nowhere.example.com, which `server` names: it has no address, says 127.0.0.1:53",
            "correct `server`",
        ]),
        ..ROW
    },
    Row {
        what: "a list of servers, the first of which does not implement updates",
        keys: r#"{"server": ["127.0.0.1", "127.0.0.2"], "zone": "example.com"}"#,
        ..ROW
    },
    Row {
        what: "a server with a link-local address",
        keys: r#"{"server": "fe80::53%lan0"}"#,
        ..ROW
    },
    Row {
        what: "a server on an interface that is not there",
        keys: r#"{"server": "fe80::53%lan9", "zone": "example.com"}"#,
        expected: Says(&["fe80::53%lan9", "`server`", "no interface", "lan9"]),
        ..ROW
    },
    Row {
        what: "a server without an address",
        keys: r#"{"server": "nowhere.example.com"}"#,
        expected: Says(&[
            "nowhere.example.com, which `server` names",
            "no address",
            "correct `server`",
        ]),
        ..ROW
    },
    Row {
        what: "a server that nobody can look up",
        resolv_conf: "127.0.1.3",
        keys: r#"{"server": "ns.example.com", "zone": "example.com", "timeout": 1}"#,
        expected: Says(&[
            "ns.example.com, which `server` names",
            "127.0.1.3:53 answers REFUSED",
            "/etc/resolv.conf",
            "correct `server`",
        ]),
        ..ROW
    },
    Row {
        what: "a server that is not there",
        keys: r#"{"server": "127.0.1.200", "timeout": 1}"#,
        expected: Says(&[
            "127.0.1.200:53: cannot connect: connection refused",
            "`server` says to send there",
            "TCP port 53",
            "correct `server`",
        ]),
        ..ROW
    },
    Row {
        what: "`zone` is no apex",
        keys: r#"{"zone": "txt.example.com"}"#,
        name: "#.txt.example.com",
        expected: Says(&[
            "txt.example.com is not the apex",
            "says 127.0.0.1:53",
            "`zone`",
        ]),
        ..ROW
    },
];

#[test]
fn each_network_has_its_outcome() {
    sandbox(|sandbox| {
        sandbox.address("lo", "127.0.0.2/8");
        sandbox.interface(
            "lan0",
            &["192.0.2.10/24", "192.0.2.53/24", "2001:db8::10/64"],
        );
        sandbox.address("lan0", "fe80::53/64");
        sandbox.ip("neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev lan0 nud permanent");
        sandbox.ip("route add unreachable 10.9.9.0/24");
        let setup = Setup {
            zones: zones(),
            addresses: ["127.0.0.2", "::1", "192.0.2.53"]
                .map(|address| address.parse().unwrap())
                .to_vec(),
            ..Setup::new(&[])
        };
        let Some(bind) = Server::start(Kind::Bind, sandbox, &setup) else {
            return;
        };
        let Some(_unbound) = Server::unbound(sandbox, bind.address()) else {
            return;
        };
        let _liars = liars(sandbox);
        let failures: Vec<String> = TABLE
            .iter()
            .enumerate()
            .filter_map(|(number, row)| try_row(sandbox, &bind, number, row).err())
            .collect();
        announce(&format!(
            "| {} of {} networks have their outcome\n",
            TABLE.len() - failures.len(),
            TABLE.len()
        ));
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    });
}

/// Tries one row; an error says what is wrong.
fn try_row(sandbox: &Sandbox, bind: &Server, number: usize, row: &Row) -> Result<(), String> {
    let resolv_conf = if row.resolv_conf.contains('\n') || row.resolv_conf.starts_with('!') {
        row.resolv_conf.to_owned()
    } else {
        row.resolv_conf
            .split(' ')
            .map(|server| format!("nameserver {server}\n"))
            .collect()
    };
    put(sandbox, "/etc/resolv.conf", "", &resolv_conf);
    put(sandbox, "/etc/hosts", "127.0.0.1 localhost\n", row.hosts);
    let name = row.name.replace('#', &format!("row{number}"));
    let apexes = setup_apexes();
    let before: Vec<_> = apexes.iter().map(|apex| bind.zone(apex)).collect();
    let keys: Value = serde_json::from_str(row.keys).unwrap();
    let base = json!({
        "hostname": name,
        "timeout": 10,
        "tsig": tsig(&key(Algorithm::Sha256)),
        "ipv6": {"enable": false, "teredo": false},
        "addresses": {"exclude": ["192.0.2.53"]},
        "ttl": 100 + number,
    });
    let run = Program::new(sandbox.path())
        .config(&config(merged(base, keys)))
        .run();
    let wrong = |what: &str| Err(format!("{}: {what}: {}", row.what, show(&run)));
    let after: Vec<_> = apexes.iter().map(|apex| bind.zone(apex)).collect();
    let expected = match row.expected {
        Either(_) if run.status == Some(0) => &In("example.com."),
        Either(words) => &Says(words),
        _ => &row.expected,
    };
    match *expected {
        Either(_) => unreachable!("one of the two was chosen"),
        In(apex) => {
            if run.status != Some(0) || !run.stderr.is_empty() {
                return wrong("fails");
            }
            let record = format!("{name}. {} A 192.0.2.10", 100 + number);
            for (index, other) in apexes.iter().enumerate() {
                if other == apex && !after[index].contains(&record) {
                    return wrong(&format!("{record} is not in {apex}"));
                }
                if other != apex && before[index] != after[index] {
                    return wrong(&format!("changes {other}"));
                }
            }
        }
        Says(words) => {
            if run.status != Some(1) || run.stderr.lines().count() != 1 {
                return wrong("does not fail with one line");
            }
            if before != after {
                return wrong("changes a zone");
            }
            if let Some(missing) = words.iter().find(|word| !run.stderr.contains(**word)) {
                return wrong(&format!("{missing:?} is not said"));
            }
            if let Some(ugly) = ["?;", ".;", ". ", ".,", "os error"]
                .iter()
                .find(|ugly| run.stderr.contains(**ugly))
            {
                return wrong(&format!("{ugly:?} is said"));
            }
        }
    }
    let limit = keys_timeout(row) + 2.0;
    if run.took.as_secs_f64() > limit {
        return wrong("takes too long");
    }
    Ok(())
}

/// Puts a file of the system's in its place: a text, or what a command behind `!` makes of it.
fn put(sandbox: &Sandbox, path: &str, before: &str, text: &str) {
    sandbox.shell(&format!("rm -rf {path}"));
    match text.strip_prefix('!') {
        Some(command) => drop(sandbox.shell(&command.replace("FILE", path))),
        None => drop(sandbox.write(path, format!("{before}{text}"))),
    }
}

/// The apexes of all zones but the root's and the one below it, which nobody changes.
fn setup_apexes() -> Vec<String> {
    zones().into_iter().map(|zone| zone.apex).collect()
}

/// The row's `timeout`.
fn keys_timeout(row: &Row) -> f64 {
    let keys: Value = serde_json::from_str(row.keys).unwrap();
    keys["timeout"].as_f64().unwrap_or(10.0)
}

/// A run in one line.
fn show(run: &Run) -> String {
    format!(
        "status {:?} after {:.1} s, {}",
        run.status,
        run.took.as_secs_f64(),
        run.stderr.trim_end()
    )
}
