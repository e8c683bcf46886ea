//! From keys to a ticket for the service: log in, then ask for the ticket, in as many realms as refer to each other
//! (RFC 6806, section 8).

mod grant;
mod login;

use crate::crypto::{BLOCK, Enctype, Key};
use crate::error::{Error, Purpose};
use crate::kdc::{self, Kdcs, Way};
use crate::keytab::{Credentials, Principal};
use crate::messages::{
    self, EncKdcRepPart, EncryptedData, Instant, KdcRep, KrbError, PVNO, PrincipalName, Text, kind,
    name_type,
};
use der::asn1::{Any, BitStringRef, GeneralizedTime, OctetString};
use der::{Tag, TagNumber, Tagged};
use std::io;
use std::time::{self, Duration};

/// How many realms a way to the service may cross.
const MAX_REALMS: usize = 10;

/// What is needed from outside.
pub trait Environment {
    /// The time since 1970 by this computer's clock.
    fn now(&self) -> Duration;

    /// Fills a buffer with random octets that nobody can guess.
    ///
    /// # Errors
    /// The system has none.
    fn fill_random(&self, octets: &mut [u8]) -> io::Result<()>;

    /// Where the KDCs of a realm are.
    ///
    /// # Errors
    /// Why nobody knows, and what to do, in words that follow "cannot find a KDC of the realm X: ".
    fn kdcs(&self, realm: &str) -> Result<Kdcs, String>;
}

/// A ticket for the service, good for any number of contexts.
#[derive(Debug)]
pub struct ServiceTicket {
    /// Who has it.
    pub(crate) client: Principal,
    /// The service's name.
    pub(crate) service: String,
    /// The ticket itself, which only the service can read.
    pub(crate) ticket: Any,
    /// The key that both share by it.
    pub(crate) key: Key,
    /// What to add to this computer's clock, in seconds.
    pub(crate) clock_offset: i64,
}

impl ServiceTicket {
    /// What to add to this computer's clock to get the KDC's, in seconds; zero if both agree. Signatures carry a time
    /// too, for which the same holds.
    #[must_use]
    pub fn clock_offset(&self) -> i64 {
        self.clock_offset
    }

    /// Who has it, as `name@REALM`.
    #[must_use]
    pub fn client(&self) -> String {
        self.client.to_string()
    }

    /// The service that it is for.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl Credentials {
    /// Logs in and gets a ticket for a service, `DNS/ns1.example.com`, in whatever realm it is.
    ///
    /// # Errors
    /// There is no ticket, or not before `deadline`.
    pub fn ticket_for(
        &self,
        service: &str,
        deadline: time::Instant,
        environment: &dyn Environment,
    ) -> Result<ServiceTicket, Error> {
        let service = PrincipalName {
            name_type: name_type::SERVICE_INSTANCE,
            name_string: service.split('/').map(Text::from).collect(),
        };
        let purpose = Purpose::Ticket {
            service: service.to_string(),
            principal: self.principal(),
        };
        let mut client = Client {
            environment,
            deadline,
            offset: 0,
            proven: None,
        };
        let mut session = client.log_in(self)?;
        let mut realms = vec![session.realm.clone()];
        loop {
            let (given, found) = client.ask_tgs(&session, &service, &purpose)?;
            let Some(next) = referral(&given) else {
                return Ok(ServiceTicket {
                    client: found.client,
                    service: service.to_string(),
                    ticket: found.ticket,
                    key: found.key,
                    clock_offset: client.offset,
                });
            };
            let ends = !realms.contains(&next) && realms.len() < MAX_REALMS;
            realms.push(next.clone());
            if !ends {
                return Err(Error::Referrals {
                    purpose,
                    realms: realms.iter().map(ToString::to_string).collect(),
                });
            }
            session = Session {
                realm: next,
                ..found
            };
        }
    }
}

/// A ticket and what comes with it.
struct Session {
    /// The realm whose KDC takes the ticket.
    realm: Text,
    /// Who has it.
    client: Principal,
    /// The ticket.
    ticket: Any,
    /// The key that goes with it.
    key: Key,
}

/// What a KDC answers.
enum Answer {
    /// A ticket.
    Reply(KdcRep),
    /// An error, which may be one to go on from.
    No(KrbError),
}

/// One way from keys to a ticket.
struct Client<'a> {
    /// What is needed from outside.
    environment: &'a dyn Environment,
    /// When to give up.
    deadline: time::Instant,
    /// What to add to the clock, in seconds.
    offset: i64,
    /// How a KDC has answered: others before it in the list may not be there.
    proven: Option<Way>,
}

impl Client<'_> {
    /// Sends a request to a realm's KDCs.
    fn ask(
        &mut self,
        realm: &Text,
        request: &[u8],
        expected: u8,
        purpose: &Purpose,
    ) -> Result<Answer, Error> {
        let kdcs = self
            .environment
            .kdcs(realm.as_str())
            .map_err(|reason| Error::NoKdc {
                purpose: purpose.clone(),
                realm: realm.to_string(),
                reason,
            })?;
        let (answer, way) = kdc::exchange(&kdcs, request, expected, self.proven, self.deadline)
            .map_err(|attempts| Error::Unreachable {
                purpose: purpose.clone(),
                realm: realm.to_string(),
                source_name: kdcs.source,
                attempts,
            })?;
        self.proven = Some(way);
        read_answer(&answer, expected).map_err(|what| unbelievable(purpose, realm, what))
    }

    /// The time by the KDC's clock.
    fn now(&self) -> Result<Instant, Error> {
        corrected(self.environment.now(), self.offset)
    }

    /// A number that ties an answer to its request. Some KDCs read it as a signed one.
    fn nonce(&self) -> Result<u32, Error> {
        Ok(random_u32(self.environment)? >> 1)
    }

    /// Encrypts a part of a message.
    fn seal(&mut self, key: &Key, usage: u32, plain: &[u8]) -> Result<EncryptedData, Error> {
        let mut confounder = [0; BLOCK];
        self.environment.fill_random(&mut confounder)?;
        EncryptedData::seal(key, usage, plain, confounder).map_err(Error::Encoding)
    }
}

/// Takes apart what a KDC answers.
fn read_answer(answer: &[u8], expected: u8) -> Result<Answer, &'static str> {
    if messages::kind_of(answer) == Some(kind::KRB_ERROR) {
        return messages::decode::<KrbError>(&[kind::KRB_ERROR], answer)
            .map(Answer::No)
            .map_err(|_| "is malformed");
    }
    let reply: KdcRep = messages::decode(&[expected], answer).map_err(|_| "is malformed")?;
    let ticket = Tag::Application {
        constructed: true,
        number: TagNumber(kind::TICKET.into()),
    };
    if reply.pvno != PVNO || reply.msg_type != expected || reply.ticket.tag() != ticket {
        return Err("is malformed");
    }
    Ok(Answer::Reply(reply))
}

/// What a decrypted reply gives: the name that the ticket is for, and the ticket with its key.
fn session(
    reply: &KdcRep,
    part: &EncKdcRepPart<'_>,
    nonce: u32,
) -> Result<(PrincipalName, Session), &'static str> {
    if part.nonce != i64::from(nonce) {
        return Err("is one to another request");
    }
    let key = Enctype::from_number(part.key.keytype)
        .and_then(|enctype| Key::new(enctype, part.key.keyvalue.as_bytes()))
        .ok_or("has a session key of a kind that was not offered")?;
    let session = Session {
        realm: part.srealm.clone(),
        client: Principal {
            name: reply.cname.clone(),
            realm: reply.crealm.clone(),
        },
        ticket: reply.ticket.clone(),
        key,
    };
    Ok((part.sname.clone(), session))
}

/// The realm that a ticket refers to, if it is one for another realm's TGS.
fn referral(name: &PrincipalName) -> Option<Text> {
    match name.name_string.as_slice() {
        [service, realm] if service.as_str() == "krbtgt" => Some(realm.clone()),
        _ => None,
    }
}

/// The name of a realm's ticket granting service.
fn ticket_granting(realm: &str) -> PrincipalName {
    PrincipalName {
        name_type: name_type::SERVICE_INSTANCE,
        name_string: vec!["krbtgt".into(), realm.into()],
    }
}

/// The time by a clock that is off.
pub(crate) fn corrected(now: Duration, offset: i64) -> Result<Instant, Error> {
    let by = Duration::from_secs(offset.unsigned_abs());
    let time = if offset < 0 {
        now.checked_sub(by)
    } else {
        now.checked_add(by)
    };
    time.and_then(|time| Instant::new(time).ok())
        .ok_or(Error::Clock)
}

/// A random number.
pub(crate) fn random_u32(environment: &dyn Environment) -> Result<u32, Error> {
    let mut octets = [0; 4];
    environment.fill_random(&mut octets)?;
    Ok(u32::from_be_bytes(octets))
}

/// An OCTET STRING.
pub(crate) fn octets(octets: Vec<u8>) -> Result<OctetString, Error> {
    OctetString::new(octets).map_err(Error::Encoding)
}

/// A BIT STRING of flags.
pub(crate) fn bits(octets: &[u8; 4]) -> Result<BitStringRef<'_>, Error> {
    BitStringRef::from_bytes(octets).map_err(Error::Encoding)
}

/// The time that stands for "as long as you allow" (RFC 4120, section 3.1.1), whatever the clock says.
fn as_long_as_possible() -> Result<GeneralizedTime, Error> {
    GeneralizedTime::from_unix_duration(Duration::ZERO).map_err(Error::Encoding)
}

/// An answer that is none to what was asked.
fn unbelievable(purpose: &Purpose, realm: &Text, what: &'static str) -> Error {
    Error::Unbelievable {
        purpose: purpose.clone(),
        realm: realm.to_string(),
        what,
    }
}

/// A KDC's no.
fn refused(purpose: Purpose, realm: &Text, error: &KrbError) -> Error {
    Error::Refused {
        purpose,
        realm: realm.to_string(),
        code: error.error_code,
        text: error.e_text.as_ref().map(|text| text.as_str().to_owned()),
    }
}

/// Reads an answer as it comes from a KDC, and then what is inside.
#[cfg(fuzzing)]
pub(crate) fn fuzz_answer(
    credentials: &Credentials,
    octets: &[u8],
    nonce: u32,
    environment: &dyn Environment,
) {
    let mut client = Client {
        environment,
        deadline: time::Instant::now(),
        offset: 0,
        proven: None,
    };
    let purpose = Purpose::LogIn {
        principal: credentials.principal(),
        kvno: credentials.kvno,
    };
    match read_answer(octets, messages::kind::AS_REP) {
        Ok(Answer::Reply(reply)) => {
            drop(client.read_as_reply(credentials, &reply, nonce, purpose));
        }
        Ok(Answer::No(error)) => {
            error.etypes();
            let text = refused(purpose, &credentials.principal.realm, &error).to_string();
            assert!(!text.contains(['\n', '\r', '\u{1b}']), "{text:?}");
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests;
