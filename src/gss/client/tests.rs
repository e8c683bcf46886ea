//! A KDC that answers as a test wants it, over a real socket: what is believed of it, and what is not.

mod acceptor;
mod exchanges;

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
