//! A KDC that answers as a test wants it, over a real socket: what is believed of it, and what is not.

use super::login::{ETYPE_NOSUPP, PREAUTH_FAILED, SKEW};
use super::*;
use crate::context::BadMic;
use crate::messages::{
    ApRep, EncApRepPart, EncryptionKey, EtypeInfo2Entry, KdcReq, PaData, encode, usage,
};
use crate::spnego;
use der::Encode;
use der::asn1::OctetStringRef;
use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use zeroize::Zeroizing;

/// The time of all tests.
const NOW: u64 = 1_800_000_000;

/// The service that is asked for.
const SERVICE: &str = "DNS/ns.example.com";

/// What comes from outside: a clock that stands, no chance, and one KDC.
struct Outside {
    /// The KDC of EXAMPLE.COM.
    kdc: SocketAddr,
    /// How far the clock is off.
    off: u64,
    /// The next random octet.
    random: Cell<u8>,
}

impl Environment for Outside {
    fn now(&self) -> Duration {
        Duration::from_secs(NOW + self.off)
    }

    fn fill_random(&self, octets: &mut [u8]) -> io::Result<()> {
        self.random.set(self.random.get().wrapping_add(1));
        octets.fill(self.random.get());
        Ok(())
    }

    fn kdcs(&self, _: &str) -> Result<Kdcs, String> {
        Ok(Kdcs {
            udp: vec![self.kdc],
            tcp: Vec::new(),
            source: "the test".into(),
        })
    }
}

/// A key of one octet, repeated.
fn key_of(enctype: Enctype, octet: u8) -> Key {
    Key::new(enctype, &vec![octet; enctype.key_length()]).unwrap()
}

/// The client's key of an enctype.
fn own_key(enctype: Enctype) -> Key {
    key_of(enctype, enctype.number().to_le_bytes()[0])
}

/// The key of the session with the KDC, or with the service.
fn session_key(of: u8) -> Key {
    key_of(Enctype::Aes128Sha256, of)
}

/// A ticket's lines, which only the KDC and the service understand.
fn ticket() -> Any {
    Any::new(
        Tag::Application {
            constructed: true,
            number: TagNumber(kind::TICKET.into()),
        },
        [0x30, 0],
    )
    .unwrap()
}

/// What a KDC sends, each part of which a test may change.
#[derive(Clone)]
struct Reply {
    kind: u8,
    cname: &'static str,
    crealm: &'static str,
    sname: &'static str,
    srealm: &'static str,
    ticket: Any,
    key: Key,
    usage: u32,
    kvno: Option<i64>,
    session: Key,
    nonce: i64,
    authtime: u64,
    part: u8,
}

impl Reply {
    /// A good answer to a request.
    fn to(request: &Request) -> Self {
        let is_as = request.kind == kind::AS_REQ;
        Self {
            kind: if is_as { kind::AS_REP } else { kind::TGS_REP },
            cname: "HOST$",
            crealm: "EXAMPLE.COM",
            sname: if is_as { "krbtgt/EXAMPLE.COM" } else { SERVICE },
            srealm: "EXAMPLE.COM",
            ticket: ticket(),
            key: if is_as {
                own_key(Enctype::from_number(request.etypes[0]).unwrap())
            } else {
                session_key(1)
            },
            usage: if is_as { usage::AS_REP } else { usage::TGS_REP },
            kvno: Some(3),
            session: session_key(if is_as { 1 } else { 2 }),
            nonce: request.nonce.into(),
            authtime: NOW,
            part: if is_as {
                kind::ENC_AS_REP_PART
            } else {
                kind::ENC_TGS_REP_PART
            },
        }
    }

    /// As it goes over the wire.
    fn octets(&self) -> Vec<u8> {
        let time =
            |seconds| GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap();
        let part = EncKdcRepPart {
            key: EncryptionKey {
                keytype: self.session.enctype().number(),
                keyvalue: OctetStringRef::new(self.session.octets()).unwrap(),
            },
            last_req: Any::from_der_of(&Vec::<i32>::new()),
            nonce: self.nonce,
            key_expiration: None,
            flags: Any::from_der_of(&bits(&[0; 4]).unwrap()),
            authtime: time(self.authtime),
            starttime: None,
            endtime: time(NOW + 3600),
            renew_till: None,
            srealm: self.srealm.into(),
            sname: name(self.sname),
            caddr: None,
            encrypted_pa_data: None,
        };
        let plain = encode(self.part, &part).unwrap();
        let mut enc_part = EncryptedData::seal(&self.key, self.usage, &plain, [9; BLOCK]).unwrap();
        enc_part.kvno = self.kvno;
        let reply = KdcRep {
            pvno: PVNO,
            msg_type: self.kind,
            padata: None,
            crealm: self.crealm.into(),
            cname: name(self.cname),
            ticket: self.ticket.clone(),
            enc_part,
        };
        encode(self.kind, &reply).unwrap()
    }
}

/// Anything as `ANY`.
trait FromDerOf {
    /// Encodes and decodes it.
    fn from_der_of(value: &impl Encode) -> Self;
}

impl FromDerOf for Any {
    fn from_der_of(value: &impl Encode) -> Self {
        der::Decode::from_der(&value.to_der().unwrap()).unwrap()
    }
}

/// A name from its text.
fn name(text: &str) -> PrincipalName {
    PrincipalName {
        name_type: name_type::PRINCIPAL,
        name_string: text.split('/').map(Text::from).collect(),
    }
}

/// What matters of a request.
struct Request {
    kind: u8,
    nonce: u32,
    etypes: Vec<i32>,
    realm: String,
    sname: String,
}

impl Request {
    /// Takes one apart.
    fn read(octets: &[u8]) -> Self {
        let request: KdcReq<'_> = messages::decode(&[kind::AS_REQ, kind::TGS_REQ], octets).unwrap();
        Self {
            kind: request.msg_type,
            nonce: request.req_body.nonce,
            etypes: request.req_body.etype,
            realm: request.req_body.realm.to_string(),
            sname: request.req_body.sname.to_string(),
        }
    }
}

/// A KDC's no.
fn no(code: i32, stime: u64, e_data: Option<Vec<u8>>) -> Vec<u8> {
    let error = KrbError {
        pvno: PVNO,
        msg_type: kind::KRB_ERROR,
        ctime: None,
        cusec: None,
        stime: GeneralizedTime::from_unix_duration(Duration::from_secs(stime)).unwrap(),
        susec: 0,
        error_code: code,
        crealm: None,
        cname: None,
        realm: "EXAMPLE.COM".into(),
        sname: name("krbtgt/EXAMPLE.COM"),
        e_text: Some("its \u{1b}[31mown words".into()),
        e_data: e_data.map(|octets| OctetString::new(octets).unwrap()),
    };
    encode(kind::KRB_ERROR, &error).unwrap()
}

/// Asks a KDC that answers so; what came of it, and what it was asked.
fn ask(
    off: u64,
    mut answer: impl FnMut(usize, &Request) -> Vec<u8> + Send + 'static,
) -> (Result<ServiceTicket, Error>, Vec<Request>, Outside) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let outside = Outside {
        kdc: socket.local_addr().unwrap(),
        off,
        random: Cell::new(0),
    };
    let (asked, requests) = mpsc::channel();
    thread::spawn(move || {
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut buffer = [0; 4096];
        let mut count = 0;
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = Request::read(&buffer[..length]);
            let answer = answer(count, &request);
            count += 1;
            // Before the answer, so that whoever has that can count.
            if asked.send(request).is_err() {
                break;
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
    let credentials = Credentials {
        principal: Principal {
            name: name("HOST$"),
            realm: "EXAMPLE.COM".into(),
        },
        kvno: 2,
        keys: Enctype::ALL.map(own_key).into(),
    };
    let deadline = time::Instant::now() + Duration::from_secs(10);
    let ticket = credentials.ticket_for(SERVICE, deadline, &outside);
    (ticket, requests.try_iter().collect(), outside)
}

/// What is said of a KDC one of whose answers is changed.
fn said(changed: usize, change: impl Fn(&mut Reply) + Send + 'static) -> String {
    let (ticket, _, _) = ask(0, move |count, request| {
        let mut reply = Reply::to(request);
        if count == changed {
            change(&mut reply);
        }
        reply.octets()
    });
    ticket.expect_err("the answer is not believed").to_string()
}

#[test]
fn a_good_kdc_gives_a_ticket_in_two_exchanges() {
    let (ticket, requests, _) = ask(0, |_, request| Reply::to(request).octets());
    let ticket = ticket.unwrap();
    assert_eq!(
        (ticket.clock_offset(), ticket.service.as_str()),
        (0, SERVICE)
    );
    assert_eq!(ticket.key.octets(), session_key(2).octets());
    let asked: Vec<_> = requests
        .iter()
        .map(|request| (request.kind, request.sname.as_str()))
        .collect();
    assert_eq!(
        asked,
        [
            (kind::AS_REQ, "krbtgt/EXAMPLE.COM"),
            (kind::TGS_REQ, SERVICE)
        ]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.realm == "EXAMPLE.COM")
    );
}

#[test]
fn an_answer_to_something_else_is_not_believed() {
    let is_said = |changed, change: fn(&mut Reply), what: &str| {
        let said = said(changed, change);
        let who = if changed == 0 {
            "cannot log in as HOST$@EXAMPLE.COM"
        } else {
            "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM"
        };
        assert_eq!(
            said,
            format!(
                "{who}: the KDC's answer {what}: something between here and the KDC of EXAMPLE.COM answers in its place, or it is broken"
            )
        );
    };
    for exchange in [0, 1] {
        is_said(
            exchange,
            |reply| reply.nonce += 1,
            "is one to another request",
        );
        is_said(
            exchange,
            |reply| reply.nonce = -1,
            "is one to another request",
        );
        is_said(
            exchange,
            |reply| reply.cname = "OTHER$",
            "is for another principal",
        );
        is_said(
            exchange,
            |reply| reply.crealm = "OTHER",
            "is for another principal",
        );
        is_said(
            exchange,
            |reply| reply.part = kind::ENC_AP_REP_PART,
            "is malformed inside",
        );
        is_said(
            exchange,
            |reply| reply.ticket = Any::new(Tag::Sequence, []).unwrap(),
            "is malformed",
        );
    }
    is_said(
        0,
        |reply| reply.sname = "krbtgt/OTHER",
        "has a ticket for something else",
    );
    is_said(
        0,
        |reply| reply.srealm = "OTHER",
        "has a ticket for something else",
    );
    is_said(
        1,
        |reply| reply.key = own_key(Enctype::Aes256Sha1),
        "is encrypted in a way that was not asked for",
    );
}

#[test]
fn an_answer_with_another_key_tells_both_versions() {
    let other = || key_of(Enctype::Aes256Sha384, 99);
    assert_eq!(
        said(0, move |reply| reply.key = other()),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab is stale: its key has kvno 2, the KDC's has kvno 3; export it anew"
    );
    assert_eq!(
        said(0, |reply| reply.usage = usage::TGS_REP),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab is stale: its key has kvno 2, the KDC's has kvno 3; export it anew"
    );
    assert_eq!(
        said(0, |reply| {
            reply.usage = usage::TGS_REP;
            reply.kvno = None;
        }),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab's key (kvno 2) is not the KDC's; export it anew"
    );
    assert_eq!(
        said(1, |reply| reply.key = session_key(3)),
        "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM: the KDC's answer is not encrypted with the session's key: something else answered"
    );
}

#[test]
fn the_tag_of_the_other_reply_is_taken_where_rfc_4120_allows_it() {
    let (ticket, _, _) = ask(0, |_, request| {
        let mut reply = Reply::to(request);
        reply.part = kind::ENC_TGS_REP_PART;
        reply.octets()
    });
    ticket.unwrap();
}

#[test]
fn the_next_enctype_is_tried_for_lack_of_one_and_never_for_a_wrong_key() {
    let (ticket, requests, _) = ask(0, |count, request| match count {
        0 | 1 => no(ETYPE_NOSUPP, NOW, None),
        _ => Reply::to(request).octets(),
    });
    ticket.unwrap();
    let first: Vec<_> = requests
        .iter()
        .take(3)
        .map(|request| request.etypes[0])
        .collect();
    assert_eq!(first, [20, 18, 19]);

    let info = |etypes: &[i32]| {
        let entries: Vec<_> = etypes
            .iter()
            .map(|&etype| EtypeInfo2Entry {
                etype,
                salt: None,
                s2kparams: None,
            })
            .collect();
        let hint = PaData {
            padata_type: PaData::ETYPE_INFO2,
            padata_value: OctetString::new(entries.to_der().unwrap()).unwrap(),
        };
        vec![hint].to_der().unwrap()
    };
    for (e_data, count) in [
        (None, 1),
        (Some(info(&[20, 17])), 1),
        (Some(info(&[17, 23])), 2),
        (Some(info(&[23])), 1),
        (Some(vec![1]), 1),
    ] {
        let (ticket, requests, _) = ask(0, move |_, _| no(PREAUTH_FAILED, NOW, e_data.clone()));
        let error = ticket.unwrap_err().to_string();
        assert!(error.contains("(24): the keytab is stale"), "{error}");
        assert_eq!(requests.len(), count);
    }
    let (ticket, requests, _) = ask(0, |_, _| no(ETYPE_NOSUPP, NOW, None));
    let error = ticket.unwrap_err().to_string();
    assert!(
        error.contains("has none of the keytab's enctypes"),
        "{error}"
    );
    assert_eq!(requests.len(), 4);
}

#[test]
fn a_clock_that_is_off_is_corrected_once() {
    let (ticket, requests, _) = ask(5000, |count, request| match count {
        0 => no(SKEW, NOW, None),
        _ => Reply::to(request).octets(),
    });
    assert_eq!((ticket.unwrap().clock_offset(), requests.len()), (-5000, 3));
    let (ticket, requests, _) = ask(5000, |_, _| no(SKEW, NOW, None));
    let error = ticket.unwrap_err().to_string();
    assert!(
        error.contains("the clocks of this computer and of EXAMPLE.COM differ by too much (37)"),
        "{error}"
    );
    assert_eq!(requests.len(), 2);
    // Only what was encrypted with our key says the time for good.
    let (ticket, _, _) = ask(0, |count, request| match count {
        0 => no(SKEW, 0, None),
        _ => Reply::to(request).octets(),
    });
    assert_eq!(ticket.unwrap().clock_offset(), 0);
}

#[test]
fn referrals_end() {
    let (ticket, requests, _) = ask(0, |count, request| {
        let mut reply = Reply::to(request);
        if count > 0 {
            reply.sname = ["krbtgt/A", "krbtgt/B", "krbtgt/A"][count - 1];
        }
        reply.session = session_key(1);
        reply.octets()
    });
    assert_eq!(
        ticket.unwrap_err().to_string(),
        "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM: the referrals from realm to realm do not end: EXAMPLE.COM, A, B, A"
    );
    let realms: Vec<_> = requests
        .iter()
        .map(|request| request.realm.as_str())
        .collect();
    assert_eq!(realms, ["EXAMPLE.COM", "EXAMPLE.COM", "A", "B"]);
}

#[test]
fn what_a_kdc_says_is_shown_without_its_escapes() {
    let (ticket, _, _) = ask(0, |_, _| no(12, NOW, None));
    assert_eq!(
        ticket.unwrap_err().to_string(),
        "cannot log in as HOST$@EXAMPLE.COM: the policy of EXAMPLE.COM does not allow it (12); see the KDC's log; it says: its \\u{1b}[31mown words"
    );
}

#[test]
fn every_code_of_a_kdc_ends_in_one_line() {
    for code in (-2..100).chain([i32::MAX]) {
        let (ticket, requests, _) = ask(0, move |_, _| no(code, NOW, None));
        let error = ticket.unwrap_err().to_string();
        assert!(
            !error.contains('\n') && error.starts_with("cannot log in as HOST$@EXAMPLE.COM: "),
            "{error}"
        );
        assert!(requests.len() <= 4, "{code}");
    }
}

#[test]
fn an_answer_cut_or_changed_anywhere_is_never_believed() {
    let (_, requests, outside) = ask(0, |_, request| Reply::to(request).octets());
    let credentials = Credentials {
        principal: Principal {
            name: name("HOST$"),
            realm: "EXAMPLE.COM".into(),
        },
        kvno: 2,
        keys: Enctype::ALL.map(own_key).into(),
    };
    let mut client = Client {
        environment: &outside,
        deadline: time::Instant::now(),
        offset: 0,
    };
    let good = Reply::to(&requests[0]);
    let octets = good.octets();
    let purpose = || Purpose::LogIn {
        principal: "HOST$".into(),
        kvno: 2,
    };
    let mut believes = |octets: &[u8]| {
        let Ok(Answer::Reply(reply)) = read_answer(octets, kind::AS_REP) else {
            return None;
        };
        client
            .read_as_reply(&credentials, &reply, requests[0].nonce, purpose())
            .ok()
    };
    assert!(believes(&octets).is_some());
    for at in 0..octets.len() {
        assert!(believes(&octets[..at]).is_none(), "cut to {at}");
        let mut changed = octets.clone();
        changed[at] ^= 1;
        // What is outside the encrypted part, and not compared, can't harm: a ticket that the service does not read, the
        // case of a name, its kind, the key's version.
        if let Some(session) = believes(&changed) {
            assert_eq!(session.key.octets(), good.session.octets());
            assert!(session.client.name.is(&name("HOST$")));
        }
    }
}

/// A ticket for the service, as a KDC gives it.
fn service_ticket() -> (ServiceTicket, Outside) {
    let (ticket, _, outside) = ask(0, |_, request| Reply::to(request).octets());
    (ticket.unwrap(), outside)
}

/// What a server makes of the token, each part of which a test may change.
struct Acceptor {
    time: Duration,
    key: Key,
    subkey: Option<Key>,
    sequence: Option<i64>,
    state: u8,
    mechanism: &'static str,
    message: u8,
}

impl Acceptor {
    /// A good one.
    fn new() -> Self {
        Self {
            time: Duration::from_secs(NOW),
            key: session_key(2),
            subkey: Some(own_key(Enctype::Aes256Sha1)),
            sequence: Some(77),
            state: 0,
            mechanism: "1.2.840.113554.1.2.2",
            message: 2,
        }
    }

    /// Its token.
    fn token(&self) -> Vec<u8> {
        let time = Instant::new(self.time).unwrap();
        let part = EncApRepPart {
            ctime: time.time,
            cusec: time.microseconds,
            subkey: self.subkey.as_ref().map(|key| EncryptionKey {
                keytype: key.enctype().number(),
                keyvalue: OctetStringRef::new(key.octets()).unwrap(),
            }),
            seq_number: self.sequence,
        };
        let plain = Zeroizing::new(encode(kind::ENC_AP_REP_PART, &part).unwrap());
        let message = if self.message == 2 {
            let reply = ApRep {
                pvno: PVNO,
                msg_type: kind::AP_REP,
                enc_part: EncryptedData::seal(&self.key, usage::AP_REP, &plain, [4; BLOCK])
                    .unwrap(),
            };
            encode(kind::AP_REP, &reply).unwrap()
        } else {
            no(41, NOW, None)
        };
        spnego::tests::response(self.state, self.mechanism, self.message, &message)
    }
}

/// A context with a server like that, or what is said of it.
fn context(acceptor: &Acceptor) -> Result<crate::Context, String> {
    let (ticket, outside) = service_ticket();
    let (negotiation, _) = ticket.initiate(&outside).unwrap();
    negotiation
        .accept(&acceptor.token())
        .map_err(|error| error.to_string())
}

#[test]
fn a_server_that_proves_itself_gives_a_context() {
    context(&Acceptor::new()).unwrap();
    context(&Acceptor {
        subkey: None,
        sequence: None,
        ..Acceptor::new()
    })
    .unwrap();
    context(&Acceptor {
        mechanism: "1.2.840.48018.1.2.2",
        ..Acceptor::new()
    })
    .unwrap();
    context(&Acceptor {
        sequence: Some(-1),
        ..Acceptor::new()
    })
    .unwrap();
}

#[test]
fn a_server_that_does_not_prove_itself_gives_none() {
    let not_proven = |what: &str| {
        format!(
            "the server did not prove that it is DNS/ns.example.com ({what}), and without that nothing is sent to it"
        )
    };
    for (acceptor, said) in [
        (Acceptor { time: Duration::from_secs(NOW + 1), ..Acceptor::new() }, not_proven("its AP-REP answers another request")),
        (Acceptor { time: Duration::from_micros(NOW * 1_000_000 + 1), ..Acceptor::new() }, not_proven("its AP-REP answers another request")),
        (Acceptor { key: session_key(3), ..Acceptor::new() }, not_proven("its AP-REP is not made with the ticket's key")),
        (Acceptor { key: own_key(Enctype::Aes256Sha1), ..Acceptor::new() }, not_proven("its AP-REP is not one to our ticket")),
        (Acceptor { mechanism: "1.2.3", ..Acceptor::new() }, "the server chose another mechanism than Kerberos (1.2.3)".into()),
        (Acceptor { state: 1, ..Acceptor::new() }, "the server wants to go on negotiating, for which one TKEY exchange leaves no room: it may not take Kerberos".into()),
        (Acceptor { state: 2, ..Acceptor::new() }, "the server refuses to negotiate Kerberos (SPNEGO says reject): has it a keytab, and does `tkey-gssapi-keytab` or the like name it?".into()),
        (Acceptor { message: 3, ..Acceptor::new() }, "the server does not take the ticket for DNS/ns.example.com: its keytab has another key for this service than the KDC (41); export it anew on the server".into()),
    ] {
        assert_eq!(context(&acceptor).unwrap_err(), said);
    }
}

#[test]
fn a_token_cut_or_changed_anywhere_gives_no_context() {
    let (ticket, outside) = service_ticket();
    let token = Acceptor::new().token();
    let accepts = |token: &[u8]| ticket.initiate(&outside).unwrap().0.accept(token).is_ok();
    assert!(accepts(&token));
    for at in 0..token.len() {
        assert!(!accepts(&token[..at]), "cut to {at}");
        let mut changed = token.clone();
        changed[at] ^= 0x55;
        assert!(!accepts(&changed), "octet {at} changed");
    }
}

#[test]
fn a_signature_counts_once_and_in_order() {
    let acceptor = Acceptor::new();
    let mut context = context(&acceptor).unwrap();
    let key = acceptor.subkey.as_ref().unwrap();
    let mic = |flags, sequence: u64, usage, parts: &[u8]| {
        let mut mic = vec![4, 4, flags, 255, 255, 255, 255, 255];
        mic.extend(sequence.to_be_bytes());
        let checksum = key.checksum(usage, &[parts, &mic]);
        mic.extend(checksum);
        mic
    };
    let good = |sequence| mic(5, sequence, usage::ACCEPTOR_SIGN, b"answer");
    let order = |expected, found| Err(BadMic::Sequence { expected, found });
    assert_eq!(context.verify(&good(78), &[b"answer"]), order(77, 78));
    assert_eq!(context.verify(&good(76), &[b"answer"]), order(77, 76));
    assert_eq!(
        context.verify(&mic(4, 77, usage::ACCEPTOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Form)
    );
    assert_eq!(
        context.verify(&mic(1, 77, usage::ACCEPTOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Form)
    );
    assert_eq!(
        context.verify(&mic(5, 77, usage::INITIATOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Checksum)
    );
    assert_eq!(
        context.verify(&good(77), &[b"another"]),
        Err(BadMic::Checksum)
    );
    for length in 0..good(77).len() {
        assert!(
            context.verify(&good(77)[..length], &[b"answer"]).is_err(),
            "cut to {length}"
        );
    }
    assert_eq!(context.verify(&good(77), &[b"ans", b"wer"]), Ok(()));
    assert_eq!(context.verify(&good(77), &[b"answer"]), order(78, 77));
    assert_eq!(context.verify(&good(78), &[b"answer"]), Ok(()));

    // Ours, with the acceptor's subkey, and never twice the same.
    let (first, second) = (context.sign(&[b"request"]), context.sign(&[b"request"]));
    assert_eq!(first[..8], [4, 4, 4, 255, 255, 255, 255, 255]);
    assert_eq!(first.len(), 28);
    assert_ne!(first, second);
    assert_eq!(
        first[16..],
        key.checksum(usage::INITIATOR_SIGN, &[b"request", &first[..16]])
    );
}
