//! What fuzzing needs and nobody else: the readers of what KDCs and servers send, before decryption and behind it, where
//! only who has the key gets to.

use crate::client::{Environment, ServiceTicket};
use crate::context::Context;
use crate::crypto::{BLOCK, Enctype, Key};
use crate::kdc::Kdcs;
use crate::keytab::{Credentials, Principal};
use crate::messages::{self, ApRep, EncryptedData, KdcRep, PVNO, PrincipalName, kind, usage};
use crate::{client, spnego};
use der::asn1::Any;
use der::{Tag, TagNumber};
use std::io;
use std::time::Duration;

/// The nonce of all requests.
const NONCE: u32 = 0x0101_0101 >> 1;

/// A clock that stands, and no chance.
struct Outside;

impl Environment for Outside {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn fill_random(&self, octets: &mut [u8]) -> io::Result<()> {
        octets.fill(1);
        Ok(())
    }

    fn kdcs(&self, _: &str) -> Result<Kdcs, String> {
        Ok(Kdcs::default())
    }
}

/// A key of an enctype.
fn key(enctype: Enctype) -> Option<Key> {
    Key::new(enctype, &vec![7; enctype.key_length()])
}

/// Who logs in.
fn credentials() -> Credentials {
    Credentials {
        principal: Principal {
            name: name(&["HOST$"]),
            realm: "EXAMPLE.COM".into(),
        },
        kvno: 1,
        keys: Enctype::ALL.into_iter().filter_map(key).collect(),
    }
}

/// A name.
fn name(parts: &[&str]) -> PrincipalName {
    PrincipalName {
        name_type: messages::name_type::PRINCIPAL,
        name_string: parts.iter().map(|&part| part.into()).collect(),
    }
}

/// An answer of a KDC, as it comes.
pub fn kdc_answer(octets: &[u8]) {
    client::fuzz_answer(&credentials(), octets, NONCE, &Outside);
}

/// What an answer of a KDC has inside its encryption; the first octet chooses the enctype.
pub fn kdc_answer_inside(octets: &[u8]) {
    let Some((sealed, _)) = seal(octets, usage::AS_REP) else {
        return;
    };
    let Ok(ticket) = Any::new(
        Tag::Application {
            constructed: true,
            number: TagNumber(kind::TICKET.into()),
        },
        [0x30, 0],
    ) else {
        return;
    };
    let reply = KdcRep {
        pvno: PVNO,
        msg_type: kind::AS_REP,
        padata: None,
        crealm: "EXAMPLE.COM".into(),
        cname: name(&["HOST$"]),
        ticket,
        enc_part: sealed,
    };
    if let Ok(answer) = messages::encode(kind::AS_REP, &reply) {
        kdc_answer(&answer);
    }
}

/// Encrypts what follows the first octet with the key that it chooses.
fn seal(octets: &[u8], usage: u32) -> Option<(EncryptedData, Enctype)> {
    let (&choice, plain) = octets.split_first()?;
    let enctype = Enctype::ALL[usize::from(choice) % Enctype::ALL.len()];
    let sealed = EncryptedData::seal(&key(enctype)?, usage, plain, [3; BLOCK]).ok()?;
    Some((sealed, enctype))
}

/// A context to be, with a service whose ticket has a key of this enctype.
fn accept(enctype: Enctype, token: &[u8]) -> Option<Context> {
    let ticket = ServiceTicket {
        client: credentials().principal,
        service: "DNS/ns.example.com".into(),
        ticket: Any::new(Tag::Sequence, []).ok()?,
        key: key(enctype)?,
        clock_offset: 0,
    };
    ticket.initiate(&Outside).ok()?.0.accept(token).ok()
}

/// A server's token, as it comes: without the ticket's key nobody makes one that counts.
pub fn token(octets: &[u8]) {
    for enctype in Enctype::ALL {
        assert!(accept(enctype, octets).is_none(), "a token from nowhere");
    }
}

/// What a server's token has inside its encryption; the first octet chooses the enctype.
pub fn token_inside(octets: &[u8]) {
    let Some((sealed, enctype)) = seal(octets, usage::AP_REP) else {
        return;
    };
    let reply = ApRep {
        pvno: PVNO,
        msg_type: kind::AP_REP,
        enc_part: sealed,
    };
    let Ok(token) =
        messages::encode(kind::AP_REP, &reply).and_then(|reply| spnego::completed_token(&reply))
    else {
        return;
    };
    if let Some(mut context) = accept(enctype, &token) {
        let mic = context.sign(&[octets]);
        assert!(context.verify(&mic, &[octets]).is_err(), "our own MIC");
    }
}
