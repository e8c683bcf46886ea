//! The targets.

use crate::config::Config;
use crate::dns::tsig::{self, Algorithm, Key, Signed};
use crate::dns::update;
use crate::logging;
use crate::name;
use crate::registration::{Addresses, Registration, Replace};
use crate::secret::{KeyFile, Secret};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::RecordType;
use std::path::Path;
use std::sync::OnceLock;

/// A target: it takes any bytes, and panics if something is wrong.
pub(crate) type Target = fn(&[u8]);

/// The target of this name.
pub(crate) fn named(name: &str) -> Option<Target> {
    Some(match name {
        "answer" => answer,
        "message" => message,
        "configuration" => configuration,
        "keyfile" => keyfile,
        "cache" => cache,
        "hosts" => hosts,
        "resolv_conf" => resolv_conf,
        "format" => logging::format,
        "logging" => logging::section,
        _ => return None,
    })
}

/// The time at which requests are signed and answers verified.
const NOW: u64 = 1_750_000_000;

/// The header of the signed refusal among the seeds, from the flags to the count of authority records.
const REFUSED: [u8; 8] = [0xa8, 5, 0, 1, 0, 0, 0, 0];

/// A key, a request that it signed, and its good answer without the TSIG record.
struct Exchange {
    /// The key.
    key: Key,
    /// The request.
    request: Signed,
    /// The answer's message.
    body: Vec<u8>,
}

/// One exchange for each algorithm.
fn exchanges() -> &'static [Exchange] {
    static EXCHANGES: OnceLock<Vec<Exchange>> = OnceLock::new();
    EXCHANGES.get_or_init(|| {
        let exchange = |algorithm| {
            let name = name::domain_name("key.example").unwrap();
            let secret = Secret::from_base64("c2VjcmV0c2VjcmV0c2VjcmV0").unwrap();
            let key = Key::new(&name, algorithm, secret);
            let zone = Query::query(name::domain_name("example.com").unwrap(), RecordType::SOA);
            let mut message = Message::new(0x1234, MessageType::Query, OpCode::Update);
            message.add_query(zone.clone());
            let request = key.sign(&mut message, NOW).unwrap();
            let mut answer = Message::new(0x1234, MessageType::Response, OpCode::Update);
            answer.add_query(zone);
            Exchange {
                key,
                request,
                body: answer.to_vec().unwrap(),
            }
        };
        Algorithm::ALL.map(exchange).into()
    })
}

/// An answer to a signed update; the first byte chooses the algorithm.
fn answer(data: &[u8]) {
    let Some((&choice, answer)) = data.split_first() else {
        return;
    };
    let exchanges = exchanges();
    let Exchange { key, request, body } = &exchanges[usize::from(choice) % exchanges.len()];
    let verified = key.verify(answer, request, NOW);
    if verified.is_ok() {
        // The id may be another: the exchange compares it. ARCOUNT counts the TSIG record.
        assert!(
            answer[2..10] == body[2..10] || answer[2..10] == REFUSED,
            "another header verifies"
        );
        assert_eq!(
            answer[12..body.len()],
            body[12..],
            "another message verifies"
        );
    }
    if let Err(error) = verified {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    drop(update::code_of(answer, 0x1234));
}

/// An answer to an unsigned update.
fn message(data: &[u8]) {
    if let (Ok(code), Ok(())) = (update::code_of(data, 0x1234), tsig::check_form(data)) {
        assert_eq!(data[..2], [0x12, 0x34]);
        assert_eq!(data[2] & 0xf8, 0xa8, "QR is set and the opcode is UPDATE");
        assert!(
            code != ResponseCode::NoError || data[3] & 0x0f == 0,
            "NOERROR is what the header says"
        );
    }
}

/// A configuration file.
fn configuration(data: &[u8]) {
    if let Err(fault) = Config::from_json(data, Path::new("/nonexistent/pydyndns.conf")) {
        assert!(!fault.to_string().is_empty());
    }
}

/// A key file.
fn keyfile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match KeyFile::parse(text) {
        Ok(read) => {
            assert!(!read.secret.bytes().is_empty() && !format!("{read:?}").contains("secret: \""))
        }
        Err(error) => assert!(!error.contains(char::is_control), "{error:?}"),
    }
}

/// A cache file.
fn cache(data: &[u8]) {
    static WANTED: OnceLock<Registration> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| Registration {
        name: name::host_name("host.example.com").unwrap(),
        addresses: Addresses {
            ipv4: Some(["192.0.2.1".parse().unwrap()].into()),
            ipv6: Some(["2001:db8::1".parse().unwrap()].into()),
        },
        ttl: 3600,
        zone: None,
        server: None,
        replace: Replace::All,
    });
    if let Ok(entry) = crate::cache::Entry::parse(data)
        && entry.confirms(wanted)
    {
        let text = String::from_utf8_lossy(data).to_ascii_lowercase();
        assert!(
            text.contains("example") || text.contains("\\u"),
            "an entry without the name confirms it"
        );
    }
}

/// A hosts file behind a line with the hostname.
fn hosts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (hostname, hosts) = text.split_once('\n').unwrap_or(("box", &text));
    if let Some(name) = name::in_hosts(hostname, hosts) {
        assert!(name.contains('.') && !name.contains(|c: char| c.is_ascii_whitespace()));
        full(&name);
    }
}

/// A resolv.conf, as the name needs it and as the resolver reads it.
fn resolv_conf(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(name) = name::in_domain("box", &text) {
        assert!(name.starts_with("box.") && !name.contains(|c: char| c.is_ascii_whitespace()));
        full(&name);
    }
    drop(hickory_resolver::system_conf::parse_resolv_conf(data));
}

/// What is taken for a full name is one.
fn full(name: &str) {
    if let Ok(read) = name::host_name(name) {
        assert!(read.is_fqdn() && read.num_labels() >= 2);
        assert!(read.to_ascii().is_ascii());
    }
}
