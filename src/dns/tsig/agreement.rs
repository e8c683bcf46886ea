//! Signing and verifying agree with an independent implementation, dnspython, in both directions.
//!
//! Python is `python3`, or what the environment variable `PYDYNDNS_TEST_PYTHON` names, or the virtual environment that
//! the tests of compatibility use. Without dnspython in any of them the test is skipped, with a line that says so.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{MessageType, OpCode, Query};
use hickory_proto::rr::{RData, Record, RecordType};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

/// How many messages go each way.
const MESSAGES: usize = 10_000;

/// Random enough for tests, and the same again from the same seed (xorshift).
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A domain name of some labels of letters in either case.
    fn name(&mut self) -> String {
        let labels = 1 + self.below(5);
        let label = |random: &mut Self| -> String {
            let letters = 1 + random.below(20);
            (0..letters)
                .map(|_| char::from(b"abcdXYZ019_"[usize::try_from(random.below(11)).unwrap()]))
                .collect()
        };
        (0..labels)
            .map(|_| label(self))
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// A Python that has dnspython.
fn python() -> Option<String> {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let places = [
        std::env::var("PYDYNDNS_TEST_PYTHON").unwrap_or_default(),
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(target)
            .join("original/bin/python3")
            .to_string_lossy()
            .into_owned(),
        "python3".into(),
    ];
    let has_it = |python: &String| {
        Command::new(python)
            .args([
                "-c",
                "import dns.tsig, dns.version; assert dns.version.MAJOR >= 2",
            ])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    places.into_iter().find(has_it)
}

/// A key, the request that it signed, and when.
struct Case {
    /// The key.
    key: Key,
    /// The request.
    request: Signed,
    /// The time of signing and verifying.
    now: u64,
    /// All this for Python.
    line: Value,
}

/// Any key, and any update signed with it at any time.
fn case(random: &mut Random) -> Case {
    let algorithm = Algorithm::ALL[usize::try_from(random.below(6)).unwrap()];
    let length = 1 + random.below(200);
    let secret: Vec<u8> = (0..length)
        .map(|_| u8::try_from(random.below(256)).unwrap())
        .collect();
    let secret = STANDARD.encode(secret);
    let name = random.name();
    let key = Key::new(
        &crate::name::domain_name(&name).unwrap(),
        algorithm,
        Secret::from_base64(&secret).unwrap(),
    );
    let id = u16::try_from(random.below(1 << 16)).unwrap();
    let mut message = Message::new(id, MessageType::Query, OpCode::Update);
    let zone = crate::name::domain_name(&random.name()).unwrap();
    message.add_query(Query::query(zone.clone(), RecordType::SOA));
    for _ in 0..random.below(6) {
        let address = Ipv4Addr::from(u32::try_from(random.below(1 << 32)).unwrap());
        let ttl = u32::try_from(random.below(1 << 31)).unwrap();
        message.add_authority(Record::from_rdata(
            zone.clone(),
            ttl,
            RData::A(address.into()),
        ));
    }
    // Beyond 2106, when 32 bits no longer do, as well.
    let bits = [31, 32, 40, 47][usize::try_from(random.below(4)).unwrap()];
    let now = 10_000 + random.below(1 << bits);
    let request = key.sign(&mut message, now).unwrap();
    let line = json!({
        "name": name, "algorithm": algorithm.as_str(), "secret": secret, "now": now, "request": STANDARD.encode(&request.octets),
    });
    Case {
        key,
        request,
        now,
        line,
    }
}

/// What an answer is worth, in the words of the Python side.
fn verdict(case: &Case, answer: &[u8]) -> &'static str {
    match case.key.verify(answer, &case.request, case.now) {
        Ok(()) => "good",
        Err(Unverified::Mac) => "Mac",
        Err(Unverified::BadTime { server, .. }) if server == case.now => "BadTime",
        Err(Unverified::OtherTime { .. }) => "OtherTime",
        Err(_) => "another",
    }
}

#[test]
fn agrees_with_dnspython_in_both_directions() {
    let Some(python) = python() else {
        let required = std::env::var("PYDYNDNS_TEST_NO_SKIP")
            .is_ok_and(|value| !value.is_empty() && value != "0");
        assert!(
            !required,
            "no Python has dnspython, and nothing may be skipped"
        );
        // Past the test runner's capture.
        writeln!(std::io::stderr(), "skipped: no Python has dnspython").unwrap();
        return;
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let cases: Vec<Case> = (0..MESSAGES).map(|_| case(&mut random)).collect();
    let mut child = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/hostile/tsig.py"
        ))
        .arg("1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = cases.iter().map(|case| case.line.to_string()).collect();
    // Both pipes fill up, so that writing and reading go on at once.
    let writer = std::thread::spawn(move || stdin.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), MESSAGES);
    let mut good = 0;
    for (case, line) in cases.iter().zip(text.lines()) {
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["verdict"], "good", "dnspython refuses {}", case.line);
        let answer = STANDARD.decode(read["answer"].as_str().unwrap()).unwrap();
        assert_eq!(
            read["expected"],
            verdict(case, &answer),
            "{} answered by {}",
            case.line,
            read["answer"]
        );
        good += usize::from(read["expected"] == "good");
    }
    assert!(
        (MESSAGES / 10..MESSAGES).contains(&good),
        "{good} good answers"
    );
}
