//! A primary that lies: nothing but the one honest answer is believed, every run ends in time, and says what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::is_not_confirmed;
use crate::harness::local::Local;
use crate::harness::primary::tsig::{Algorithm, Key, Tsig, split};
use crate::harness::primary::{Answer, Request};

/// What a run here has for all its work, in seconds.
const TIMEOUT: f64 = 0.6;

/// What starting a process may take on a busy machine, in seconds.
const START: f64 = 2.0;

/// A lie about an honest answer, told with the right key at hand.
type Lie = fn(&Request, &Key) -> Answer;

/// The time by which answers are signed.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970")
        .as_secs()
}

/// Signs an answer as it should be signed.
fn signed(request: &Request, key: &Key, body: &[u8]) -> Vec<u8> {
    key.sign(body, mac(request), now(), 0, &[])
}

/// The request's MAC.
fn mac<'a>(request: &'a Request) -> &'a [u8] {
    &request.tsig.expect("the update is signed").mac
}

/// The answer before it was signed, changed in one byte.
fn changed(request: &Request, at: usize, change: fn(u8) -> u8) -> Vec<u8> {
    let mut body = request.unsigned.clone();
    body[at] = change(body[at]);
    body
}

/// The honest answer with another TSIG record.
fn with_tsig(request: &Request, change: impl FnOnce(&mut Tsig)) -> Answer {
    let (body, tsig) = split(&request.honest).expect("the honest answer is a message");
    let mut tsig = tsig.expect("the honest answer is signed");
    change(&mut tsig);
    Answer::Message(tsig.attach(&body))
}

/// A message with one more record in its additional section.
fn with_record(mut message: Vec<u8>, record: &[u8]) -> Vec<u8> {
    message[11] += 1;
    message.extend(record);
    message
}

/// A message with its length before it, which is off by some octets.
fn framed(message: &[u8], off: isize) -> Vec<u8> {
    let length = message.len().checked_add_signed(off).expect("a length");
    let mut bytes = u16::try_from(length)
        .expect("a short message")
        .to_be_bytes()
        .to_vec();
    bytes.extend(message);
    bytes
}

/// The first so many octets that honesty would send, and no more.
fn only(request: &Request, octets: usize) -> Answer {
    Answer::Raw(framed(&request.honest, 0)[..octets].to_vec())
}

/// Lies, and what the operator is told.
const LIES: &[(&str, Lie, &str)] = &[
    (
        "success without a signature",
        |r, _| Answer::Message(r.unsigned.clone()),
        "the answer is not signed",
    ),
    (
        "success signed with another key",
        |r, key| {
            let other = Key {
                name: "other.key.".into(),
                ..key.clone()
            };
            Answer::Message(signed(r, &other, &r.unsigned))
        },
        "is signed with another key, other.key",
    ),
    (
        "success signed with another secret",
        |r, key| {
            let other = Key {
                secret: vec![7; 32],
                ..key.clone()
            };
            Answer::Message(signed(r, &other, &r.unsigned))
        },
        "has a signature that does not verify",
    ),
    (
        "success signed with the right key and another algorithm",
        |r, key| {
            let other = Key {
                algorithm: Algorithm::Sha512,
                ..key.clone()
            };
            Answer::Message(signed(r, &other, &r.unsigned))
        },
        "is signed with another algorithm, hmac-sha512",
    ),
    (
        "another id",
        |r, key| Answer::Message(signed(r, key, &changed(r, 1, |b| b ^ 1))),
        "another id",
    ),
    (
        "a request",
        |r, key| Answer::Message(signed(r, key, &changed(r, 2, |b| b & 0x7f))),
        "is a request itself",
    ),
    (
        "an answer to a query",
        |r, key| Answer::Message(signed(r, key, &changed(r, 2, |b| b & 0x87))),
        "not one to an update",
    ),
    (
        "an answer to a notification",
        |r, key| Answer::Message(signed(r, key, &changed(r, 2, |b| b & 0x87 | 0x20))),
        "not one to an update",
    ),
    (
        "a MAC over another request",
        |r, key| {
            let mut other = mac(r).to_vec();
            other[0] ^= 1;
            Answer::Message(key.sign(&r.unsigned, &other, now(), 0, &[]))
        },
        "has a signature that does not verify",
    ),
    (
        "a MAC over no request",
        |r, key| Answer::Message(key.sign(&r.unsigned, &[], now(), 0, &[])),
        "has a signature that does not verify",
    ),
    (
        "half a MAC",
        |r, _| with_tsig(r, |tsig| tsig.mac.truncate(16)),
        "has a signature of 16 octets in place of 32",
    ),
    (
        "four octets of a MAC",
        |r, _| with_tsig(r, |tsig| tsig.mac.truncate(4)),
        "has a signature of 4 octets in place of 32",
    ),
    (
        "no MAC at all",
        |r, _| with_tsig(r, |tsig| tsig.mac.clear()),
        "has a signature of 0 octets in place of 32",
    ),
    (
        "more than a MAC",
        |r, _| with_tsig(r, |tsig| tsig.mac.push(0)),
        "has a signature of 33 octets in place of 32",
    ),
    (
        "a signature of two hours ago",
        |r, key| Answer::Message(key.sign(&r.unsigned, mac(r), now() - 7200, 0, &[])),
        "set the clock that is off by",
    ),
    (
        "a signature of two hours ahead",
        |r, key| Answer::Message(key.sign(&r.unsigned, mac(r), now() + 7200, 0, &[])),
        "set the clock that is off by",
    ),
    (
        "a TSIG record that is not the last",
        |r, _| {
            Answer::Message(with_record(
                r.honest.clone(),
                b"\0\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01",
            ))
        },
        "could not confirm",
    ),
    (
        "two TSIG records",
        |r, key| Answer::Message(signed(r, key, &signed(r, key, &r.unsigned))),
        "could not confirm",
    ),
    (
        "octets behind the message",
        |r, _| Answer::Message([&r.honest[..], b"x"].concat()),
        "1 octets behind the last record",
    ),
    (
        "octets behind an unsigned message",
        |r, _| Answer::Message([&r.unsigned[..], b"xyz"].concat()),
        "could not confirm",
    ),
    (
        "a length that is larger",
        |r, _| Answer::Raw(framed(&r.honest, 9)),
        "closed the connection after",
    ),
    (
        "a length that is smaller",
        |r, _| Answer::Raw(framed(&r.honest, -9)),
        "could not confirm",
    ),
    (
        "a length of zero",
        |_, _| Answer::Raw(vec![0, 0, 1, 2, 3]),
        "could not confirm",
    ),
    (
        "the largest length",
        |r, _| Answer::Raw([&[0xff, 0xff], &r.honest[..]].concat()),
        "closed the connection after",
    ),
    (
        "a question whose name is itself",
        |r, key| {
            let mut body = r.unsigned[..12].to_vec();
            body.extend([0xc0, 12, 0, 6, 0, 1]);
            Answer::Message(key.sign(&body, mac(r), now(), 0, &[]))
        },
        "could not confirm",
    ),
    (
        "names that point at each other",
        |r, key| {
            let mut body = r.unsigned[..12].to_vec();
            body.extend([0xc0, 14, 0xc0, 12, 0, 6, 0, 1]);
            Answer::Message(key.sign(&body, mac(r), now(), 0, &[]))
        },
        "could not confirm",
    ),
    (
        "a TSIG record whose name is itself",
        |r, _| {
            let mut message = r.unsigned.clone();
            let at = u8::try_from(message.len()).expect("a short message");
            message[11] += 1;
            message.extend([0xc0, at, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0]);
            Answer::Message(message)
        },
        "could not confirm",
    ),
    (
        "a TSIG record that is a question",
        |r, _| with_tsig(r, |tsig| tsig.algorithm = vec![0xc0, 0x0c]),
        "could not confirm",
    ),
    (
        "a code whose upper bits say no, in an OPT record",
        |r, key| {
            let body = with_record(r.unsigned.clone(), b"\0\0\x29\x04\0\x01\0\0\0\0\0");
            Answer::Message(key.sign(&body, mac(r), now(), 0, &[]))
        },
        "the server answers with",
    ),
    (
        "more records than there are",
        |r, key| Answer::Message(signed(r, key, &changed(r, 7, |_| 200))),
        "could not confirm",
    ),
    (
        "nothing but zeros",
        |_, _| Answer::Message(vec![0; 512]),
        "could not confirm",
    ),
    (
        "a page of the web",
        |_, _| Answer::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        "could not confirm",
    ),
    (
        "closed at once",
        |_, _| Answer::Close,
        "the server closed the connection after 0 octets of the answer",
    ),
    (
        "closed after an octet",
        |r, _| only(r, 1),
        "the server closed the connection after 1 octets of the answer",
    ),
    (
        "closed after the length",
        |r, _| only(r, 2),
        "the server closed the connection after 2 octets of the answer",
    ),
    (
        "closed after the id",
        |r, _| only(r, 4),
        "the server closed the connection after 4 octets of the answer",
    ),
    (
        "closed before the last octet",
        |r, _| only(r, r.honest.len() + 1),
        "the server closed the connection after",
    ),
    (
        "an octet every five seconds",
        |r, _| Answer::Dribble(framed(&r.honest, 0), Duration::from_secs(5)),
        "timed out after 1 octets of the answer",
    ),
    (
        "nothing at all",
        |_, _| Answer::Silence,
        "timed out after 0 octets of the answer",
    ),
];

#[test]
fn no_lie_is_believed_and_each_run_ends_in_time_and_says_what_happened() {
    // Most of the time goes by in waiting for the timeout.
    std::thread::scope(|scope| {
        for chunk in LIES.chunks(LIES.len().div_ceil(4)) {
            scope.spawn(move || {
                let local = Local::new();
                let program = local.program(json!({"timeout": TIMEOUT}));
                for (what, lie, says) in chunk {
                    let key = local.key.clone();
                    local
                        .primary
                        .lie(Arc::new(move |request| lie(request, &key)));
                    let run = program.run();
                    println!("{what}: {:?} {}", run.took, run.stderr.trim_end());
                    is_not_confirmed(&local, &run, &[says]);
                    assert!(
                        run.took.as_secs_f64() < TIMEOUT + START,
                        "{what} took {:?}",
                        run.took
                    );
                }
                local.primary.repent();
                program.run().succeeds();
            });
        }
    });
}

#[test]
fn a_flipped_bit_anywhere_in_a_good_answer_makes_it_worthless() {
    // For each of two primaries, the bits whose number is even or odd.
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || flip_each_bit(half));
        }
    });
}

/// Flips one bit after the other of good answers, every second one.
fn flip_each_bit(half: usize) {
    let local = Local::new();
    let (bits, at) = (
        Arc::new(AtomicUsize::new(usize::MAX)),
        Arc::new(AtomicUsize::new(half)),
    );
    let (all, flipped) = (bits.clone(), at.clone());
    // Names are signed in lower case (RFC 8945, 4.3.3), so that the case of the TSIG record's says nothing.
    let is_case = |request: &Request, bit: usize| {
        let names = request.unsigned.len()..request.honest.len();
        let byte = bit / 8;
        names.contains(&byte) && bit % 8 == 5 && request.honest[byte].is_ascii_alphabetic() && {
            let (body, tsig) = split(&request.honest).expect("a message");
            let mut changed = request.honest.clone();
            changed[byte] ^= 0x20;
            split(&changed).is_some_and(|(other, changed)| {
                other == body
                    && changed.is_some_and(|other| {
                        tsig.is_some_and(|tsig| {
                            tsig.key == other.key
                                && tsig.algorithm == other.algorithm
                                && tsig.mac == other.mac
                                && tsig.time == other.time
                        })
                    })
            })
        }
    };
    local.primary.lie(Arc::new(move |request| {
        all.store(request.honest.len() * 8, Ordering::SeqCst);
        let mut bit = flipped.load(Ordering::SeqCst);
        if is_case(request, bit) {
            bit += 1;
        }
        let mut answer = request.honest.clone();
        answer[bit / 8] ^= 1 << (bit % 8);
        Answer::Message(answer)
    }));
    let program = local.program(json!({}));
    while at.load(Ordering::SeqCst) < bits.load(Ordering::SeqCst) {
        let run = program.run();
        is_not_confirmed(&local, &run, &["host.example.com is not confirmed"]);
        // Where starting a program takes long, one bit of each byte does.
        at.fetch_add(if cfg!(windows) { 18 } else { 2 }, Ordering::SeqCst);
    }
    assert!(
        at.load(Ordering::SeqCst) > 900,
        "only {} bits",
        at.load(Ordering::SeqCst)
    );
}

#[test]
fn a_flipped_bit_in_the_length_makes_an_answer_worthless() {
    let local = Local::new();
    let program = local.program(json!({"timeout": 0.2}));
    for bit in 0..16 {
        local.primary.lie(Arc::new(move |request| {
            let mut bytes = framed(&request.honest, 0);
            bytes[bit / 8] ^= 1 << (bit % 8);
            Answer::Raw(bytes)
        }));
        is_not_confirmed(&local, &program.run(), &["could not confirm"]);
    }
}

#[test]
fn each_response_code_has_a_message_of_its_own_with_what_to_do() {
    let local = Local::new();
    let program = local.program(json!({"timeout": TIMEOUT}));
    let mut messages = BTreeMap::new();
    for (code, name, advice) in [
        (
            1,
            "FORMERR",
            "check that it is a name server that takes updates",
        ),
        (2, "SERVFAIL", "see its log"),
        (3, "NXDOMAIN", "see the server's log"),
        (4, "NOTIMP", "point `server` at the primary"),
        (
            5,
            "REFUSED",
            "its policy for example.com does not let the key hmac-sha256.key (hmac-sha256) change host.example.com",
        ),
        (6, "YXDOMAIN", "see the server's log"),
        (
            7,
            "YXRRSET",
            "remove it from example.com, or set \"replace\": \"all\"",
        ),
        (8, "NXRRSET", "see the server's log"),
        (9, "NOTAUTH", "check `zone`, `server` and its policy"),
        (10, "NOTZONE", "check `hostname` and `zone`"),
        (11, "11", "see its log"),
        (15, "15", "see its log"),
    ] {
        for is_signed in [true, false] {
            let key = local.key.clone();
            local.primary.lie(Arc::new(move |request| {
                let mut body = request.unsigned.clone();
                body[3] = code;
                Answer::Message(if is_signed {
                    signed(request, &key, &body)
                } else {
                    body
                })
            }));
            let run = program.run();
            is_not_confirmed(&local, &run, &[name, advice]);
            assert_eq!(
                run.stderr.contains("unauthenticated"),
                !is_signed,
                "{}",
                run.stderr
            );
            let message = run
                .stderr
                .split_once("is not confirmed")
                .expect("it says so")
                .1
                .to_owned();
            assert_eq!(messages.insert(message, code), None, "{}", run.stderr);
        }
    }
}

#[test]
fn each_error_of_the_signature_has_a_message_of_its_own_with_what_to_do() {
    let local = Local::new();
    let program = local.program(json!({"timeout": TIMEOUT}));
    for (error, says) in [
        (
            16,
            [
                "BADSIG",
                "give the key hmac-sha256.key (hmac-sha256) the same secret here and there",
            ],
        ),
        (
            17,
            [
                "BADKEY",
                "check that its name and algorithm are the same there",
            ],
        ),
        (18, ["BADTIME", "set the clocks of both"]),
        (22, ["BADTRUNC", "let it take whole signatures"]),
        (23, ["error 23", "see its log"]),
    ] {
        local.primary.lie(Arc::new(move |request| {
            let mut body = request.unsigned.clone();
            body[3] = 9;
            let tsig = Tsig {
                mac: Vec::new(),
                error,
                ..request.tsig.expect("a signed update").clone()
            };
            Answer::Message(tsig.attach(&body))
        }));
        is_not_confirmed(&local, &program.run(), &says);
    }
    let key = local.key.clone();
    local.primary.lie(Arc::new(move |request| {
        let mut body = request.unsigned.clone();
        body[3] = 9;
        let time = request.tsig.expect("a signed update").time;
        Answer::Message(key.sign(&body, mac(request), time, 18, &[0, 0, 0x70, 0, 0, 0]))
    }));
    is_not_confirmed(
        &local,
        &program.run(),
        &[
            "BADTIME",
            "1879048192 there, in seconds since 1970",
            "set the one that is off by",
        ],
    );
}

#[test]
fn text_of_a_server_can_neither_break_the_line_nor_command_the_terminal() {
    let local = Local::new();
    let program = local.program(json!({"timeout": TIMEOUT}));
    local.primary.lie(Arc::new(|request| {
        with_tsig(request, |tsig| {
            tsig.key = b"\x0da\nb\x1b[2Jc\x07\xffxyz\0".to_vec();
            tsig.algorithm = b"\x03\n\x1b\x07\0".to_vec();
        })
    }));
    let run = program.run();
    is_not_confirmed(&local, &run, &[]);
    assert!(
        run.stderr
            .trim_end()
            .chars()
            .all(|character| !character.is_control()),
        "{:?}",
        run.stderr
    );
}

#[test]
fn a_connection_that_is_cut_is_tried_again() {
    let local = Local::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let cut = calls.clone();
    local.primary.lie(Arc::new(move |request| {
        match cut.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Answer::Close,
            _ => Answer::Message(request.honest.clone()),
        }
    }));
    local.program(json!({})).run().succeeds();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_refused_connection_is_tried_until_time_is_up_and_each_address_is_told_once() {
    let local = Local::new();
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = local
        .program(json!({"timeout": 1, "server": free.to_string()}))
        .run();
    is_not_confirmed(&local, &run, &["cannot connect", "; tried "]);
    assert_eq!(
        run.stderr.matches("cannot connect").count(),
        1,
        "{}",
        run.stderr
    );
    assert!(
        (0.3..1.0 + START).contains(&run.took.as_secs_f64()),
        "took {:?}",
        run.took
    );
}

#[test]
fn a_server_that_is_gone_after_it_had_the_update_may_have_applied_it() {
    use std::io::Read;
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serve = std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
        // Gone with the connection.
        drop(server);
    });
    let local = Local::new();
    let run = local
        .program(json!({"timeout": 1, "server": address.to_string()}))
        .run();
    serve.join().unwrap();
    let says = [
        "cannot connect: connection refused; tried ",
        "; before that, ",
        ": could not confirm: ",
    ];
    is_not_confirmed(&local, &run, &says);
}
