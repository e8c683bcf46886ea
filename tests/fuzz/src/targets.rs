//! The targets.

use crate::{kerberos, logging};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::RecordType;
use pydyndns::cache::Entry;
use pydyndns::config::{Config, KeyFile};
use pydyndns::dns::message::code_of;
use pydyndns::dns::query::{Question, Reply, canonical};
use pydyndns::dns::tls::certificate::refusal;
use pydyndns::dns::tls::pem::{certificates_in, key_in};
use pydyndns::dns::tsig::{self, Algorithm, Key, Signed};
use pydyndns::registration::{Addresses, Registration, Replace};
use pydyndns::secret::Secret;
use pydyndns::{hosts, name, resolv_conf};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// A target: it takes any bytes, and panics if something is wrong.
pub(crate) type Target = fn(&[u8]);

/// The target of this name.
pub(crate) fn named(name: &str) -> Option<Target> {
    Some(match name {
        "answer" => answer,
        "message" => message,
        "reply" => reply,
        "configuration" => configuration,
        "keyfile" => keyfile,
        "pem" => pem,
        "certificate" => certificate,
        "cache" => cache,
        "hosts" => hosts_file,
        "resolv_conf" => resolv_conf_file,
        "format" => logging::format,
        "logging" => logging::section,
        "keytab" => kerberos::keytab,
        "krb5_conf" => kerberos::krb5_conf,
        "kdc" => kerberos::kdc,
        "kdc_inside" => kerberos::kdc_inside,
        "token" => kerberos::token,
        "token_inside" => kerberos::token_inside,
        "tkey" => kerberos::tkey,
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
    let _ = code_of(answer, 0x1234);
}

/// An answer to an unsigned update.
fn message(data: &[u8]) {
    if let (Ok(code), Ok(())) = (code_of(data, 0x1234), tsig::check_form(data)) {
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
        Ok(read) => assert!(!format!("{read:?}").contains("secret: \"")),
        Err(error) => assert!(!error.contains(char::is_control), "{error:?}"),
    }
}

/// A file of certificates or with a key. What is wrong is said in plain words, which repeat nothing of the key; and what is
/// right can be handed on to be taken apart.
fn pem(data: &[u8]) {
    let said = [
        certificates_in(data).map(|found| {
            for certificate in found {
                let _ = RootCertStore::empty().add(certificate);
            }
        }),
        key_in(data, Path::new("key.pem")).map(|key| {
            let _ = any_supported_type(&key);
        }),
    ];
    for error in said.into_iter().filter_map(Result::err) {
        assert!(
            error.len() < 300 && !error.contains(char::is_control),
            "{error:?}"
        );
        let words = error.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(
            words
                .max_by_key(|word| word.len())
                .unwrap_or_default()
                .len()
                < 40,
            "{error:?}"
        );
    }
}

/// A server's certificate that is not accepted, and one that it sends along.
fn certificate(data: &[u8]) {
    let name = ServerName::try_from("ns.example").unwrap();
    let chain = [data, data].map(|one| CertificateDer::from(one.to_vec()));
    let time = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    for wrong in [
        CertificateError::UnknownIssuer,
        CertificateError::BadSignature,
        CertificateError::UnhandledCriticalExtension,
        CertificateError::ExpiredContext {
            time,
            not_after: time,
        },
        CertificateError::NotValidForNameContext {
            expected: name.clone(),
            presented: vec![String::from_utf8_lossy(data).into_owned()],
        },
    ] {
        let said = refusal(&wrong, &chain, &name, "ca.pem");
        assert!(said.starts_with("the "), "{said}");
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
    if let Ok(entry) = Entry::parse(data, SystemTime::UNIX_EPOCH)
        && entry.confirms(wanted)
    {
        let text = String::from_utf8_lossy(data).to_ascii_lowercase();
        assert!(
            text.contains("example") || text.contains("\\u"),
            "an entry without the name confirms it"
        );
    }
}

/// An answer of a name server to a query.
fn reply(data: &[u8]) {
    static QUESTION: OnceLock<Question> = OnceLock::new();
    let question = QUESTION.get_or_init(|| {
        let name = name::domain_name("host.example.com").unwrap();
        Question::new(&name, RecordType::SOA)
    });
    match question.read(data, 0x1234) {
        Ok(Reply::Answer(answer)) => {
            assert_eq!(data[..2], [0x12, 0x34]);
            assert!(
                data[2] & 0xfa == 0x80,
                "QR is set, the opcode is QUERY, TC is not"
            );
            let _ = canonical(&answer, &question.name);
        }
        Ok(Reply::Truncated | Reply::Stray) => {}
        Err(failure) => assert!(!failure.to_string().contains(char::is_control), "{failure}"),
    }
}

/// A hosts file behind a line with the hostname.
fn hosts_file(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == b'\n');
    let (hostname, file) = at.map_or((&b"box"[..], data), |at| (&data[..at], &data[at + 1..]));
    let hostname = String::from_utf8_lossy(hostname);
    if let Some(name) = hosts::full_name(file, &hostname).unwrap() {
        assert!(name.contains('.') && !name.contains(|c: char| c.is_ascii_whitespace()));
        full(&name);
    }
    let _ = hosts::addresses(file, &hostname).unwrap();
}

/// A resolv.conf, as the name needs it and as the resolver reads it.
fn resolv_conf_file(data: &[u8]) {
    let is_word = |text: &str| !text.contains([' ', '\t', '\n', '\r', '\0']);
    if let Some(domain) = resolv_conf::domain(data) {
        assert!(!domain.is_empty() && is_word(domain));
        full(&format!("box.{domain}"));
    }
    let servers = resolv_conf::name_servers(data);
    for (index, server) in servers.iter().enumerate() {
        assert!(server.scope.is_none_or(is_word));
        assert!(
            !servers[..index].contains(server),
            "a server is there twice"
        );
    }
}

/// What is taken for a full name is one.
fn full(name: &str) {
    if let Ok(read) = name::host_name(name) {
        assert!(read.is_fqdn() && read.num_labels() >= 2);
        assert!(read.to_ascii().is_ascii());
    }
}
