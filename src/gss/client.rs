//! From keys to a ticket for the service: the AS exchange (RFC 4120, section 3.1) with an encrypted timestamp, then TGS
//! exchanges (section 3.3), as many as realms refer to each other (RFC 6806, section 8).
//!
//! The timestamp is sent at once, which saves a round trip. A KDC that has no key of that enctype leads to the next one;
//! one that finds the key wrong ends the attempt, since every further one counts against the account. A clock that is
//! off is corrected by what the KDC says, for this ticket and whatever is signed with it.

use crate::crypto::{BLOCK, Enctype, Key};
use crate::error::{Error, Purpose};
use crate::kdc::{self, Kdcs};
use crate::keytab::{Credentials, Principal};
use crate::messages::{
    self, ApReq, Authenticator, Checksum, EncKdcRepPart, EncryptedData, Instant, KdcRep, KdcReq,
    KdcReqBody, KrbError, PVNO, PaData, PaEncTsEnc, PrincipalName, Text, kind, name_type, usage,
};
use der::asn1::{Any, BitStringRef, GeneralizedTime, OctetString};
use der::{Encode, Tag, TagNumber, Tagged};
use std::time::{self, Duration};

/// The code of a KDC that has no such key.
const ETYPE_NOSUPP: i32 = 14;

/// The code of a KDC that can't read the timestamp; MIT's says so too if it has no such key.
const PREAUTH_FAILED: i32 = 24;

/// The code of a KDC that finds our clock off.
const SKEW: i32 = 37;

/// How many realms a way to the service may cross.
const MAX_REALMS: usize = 10;

/// How far the clock may be from the KDC's without a correction, in seconds; others allow 300.
const MAX_DRIFT: u64 = 60;

/// What is needed from outside.
pub trait Environment {
    /// The time since 1970 by this computer's clock.
    fn now(&self) -> Duration;

    /// Fills a buffer with random octets that nobody can guess.
    fn fill_random(&mut self, octets: &mut [u8]);

    /// Where the KDCs of a realm are.
    ///
    /// # Errors
    /// Why nobody knows, and what to do, in words that follow "cannot find a KDC of the realm X: ".
    fn kdcs(&mut self, realm: &str) -> Result<Kdcs, String>;
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
        environment: &mut dyn Environment,
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
    environment: &'a mut dyn Environment,
    /// When to give up.
    deadline: time::Instant,
    /// What to add to the clock, in seconds.
    offset: i64,
}

impl Client<'_> {
    /// The AS exchange.
    fn log_in(&mut self, credentials: &Credentials) -> Result<Session, Error> {
        let purpose = Purpose::LogIn {
            principal: credentials.principal(),
            kvno: credentials.kvno,
        };
        let realm = &credentials.principal.realm;
        let mut keys = credentials.keys.iter();
        let mut key = keys.next();
        let mut is_corrected = false;
        loop {
            let (nonce, request) = self.as_request(credentials, key)?;
            let error = match self.ask(realm, &request, kind::AS_REP, &purpose)? {
                Answer::Reply(reply) => {
                    return self.read_as_reply(credentials, &reply, nonce, purpose);
                }
                Answer::No(error) => error,
            };
            let offered = error.etypes();
            let has = |key: &&Key| {
                offered
                    .as_ref()
                    .is_none_or(|etypes| etypes.contains(&key.enctype().number()))
            };
            let next = match error.error_code {
                ETYPE_NOSUPP => keys.find(has),
                PREAUTH_FAILED if key.is_some_and(|key| !has(&key)) => keys.find(has),
                SKEW if !is_corrected => {
                    self.offset = offset(error.stime, self.environment.now());
                    is_corrected = true;
                    key
                }
                _ => None,
            };
            key = Some(next.ok_or_else(|| refused(purpose.clone(), realm, &error))?);
        }
    }

    /// An AS-REQ with the timestamp encrypted with a key, and its nonce. That key's enctype is offered first, then the
    /// keytab's others, by which the KDC says what it has; those without a key here are good for the session's.
    fn as_request(
        &mut self,
        credentials: &Credentials,
        key: Option<&Key>,
    ) -> Result<(u32, Vec<u8>), Error> {
        let principal = &credentials.principal;
        let now = self.now()?;
        let timestamp = PaEncTsEnc {
            patimestamp: now.time,
            pausec: now.microseconds,
        };
        let mut padata = Vec::new();
        if let Some(key) = key {
            let plain = timestamp.to_der().map_err(Error::Encoding)?;
            let sealed = self.seal(key, usage::AS_REQ_TIMESTAMP, &plain)?;
            padata.push(PaData {
                padata_type: PaData::ENC_TIMESTAMP,
                padata_value: octets(sealed.to_der().map_err(Error::Encoding)?)?,
            });
        }
        let mut etype: Vec<i32> = Vec::new();
        let all = key.into_iter().chain(&credentials.keys).map(Key::enctype);
        for enctype in all.chain(Enctype::ALL) {
            if !etype.contains(&enctype.number()) {
                etype.push(enctype.number());
            }
        }
        let nonce = self.nonce();
        let request = KdcReq {
            pvno: PVNO,
            msg_type: kind::AS_REQ,
            padata,
            req_body: KdcReqBody {
                kdc_options: bits(&[0; 4])?,
                cname: Some(principal.name.clone()),
                realm: principal.realm.clone(),
                sname: ticket_granting(principal.realm.as_str()),
                till: as_long_as_possible()?,
                nonce,
                etype,
            },
        };
        let request = messages::encode(kind::AS_REQ, &request).map_err(Error::Encoding)?;
        Ok((nonce, request))
    }

    /// Believes an AS-REP only if it is one to this request, encrypted with a key of ours.
    fn read_as_reply(
        &mut self,
        credentials: &Credentials,
        reply: &KdcRep,
        nonce: u32,
        purpose: Purpose,
    ) -> Result<Session, Error> {
        let asked = &credentials.principal;
        let no = |what| unbelievable(&purpose, &asked.realm, what);
        if !reply.cname.is(&asked.name) || reply.crealm != asked.realm {
            return Err(no("is for another principal"));
        }
        let Some(key) = credentials
            .keys
            .iter()
            .find(|key| key.enctype().number() == reply.enc_part.etype)
        else {
            return Err(no("is encrypted in a way that was not offered"));
        };
        let Some(plain) = key.decrypt(usage::AS_REP, reply.enc_part.cipher.as_bytes()) else {
            return Err(Error::NotDecrypted {
                there: reply.enc_part.kvno,
                purpose,
            });
        };
        // There are KDCs that take the other tag here (RFC 4120, section 5.4.2).
        let part: EncKdcRepPart<'_> =
            messages::decode(&[kind::ENC_AS_REP_PART, kind::ENC_TGS_REP_PART], &plain)
                .map_err(|_| no("is malformed inside"))?;
        let (_, session) = session(reply, &part, nonce).map_err(no)?;
        if !part.sname.is(&ticket_granting(asked.realm.as_str())) || part.srealm != asked.realm {
            return Err(no("has a ticket for something else"));
        }
        // The KDC's own clock, as nobody else can say it.
        let now = self.environment.now();
        let drift = offset(part.authtime, now);
        if drift.abs_diff(self.offset) > MAX_DRIFT {
            self.offset = drift;
        }
        Ok(session)
    }

    /// One TGS exchange; the name that the ticket is for, which may be another realm's TGS, and the ticket.
    fn ask_tgs(
        &mut self,
        session: &Session,
        service: &PrincipalName,
        purpose: &Purpose,
    ) -> Result<(PrincipalName, Session), Error> {
        let no = |what| unbelievable(purpose, &session.realm, what);
        let nonce = self.nonce();
        let body = || -> Result<KdcReqBody<'_>, Error> {
            Ok(KdcReqBody {
                // The 16th is `canonicalize`: without it no KDC refers to another realm.
                kdc_options: bits(&[0, 1, 0, 0])?,
                cname: None,
                realm: session.realm.clone(),
                sname: service.clone(),
                till: as_long_as_possible()?,
                nonce,
                etype: Enctype::ALL.map(Enctype::number).to_vec(),
            })
        };
        let octets_of_body = body()?.to_der().map_err(Error::Encoding)?;
        let request = self.ap_request(session, &octets_of_body)?;
        let request = KdcReq {
            pvno: PVNO,
            msg_type: kind::TGS_REQ,
            padata: vec![PaData {
                padata_type: PaData::TGS_REQ,
                padata_value: octets(request)?,
            }],
            req_body: body()?,
        };
        let request = messages::encode(kind::TGS_REQ, &request).map_err(Error::Encoding)?;
        let reply = match self.ask(&session.realm, &request, kind::TGS_REP, purpose)? {
            Answer::Reply(reply) => reply,
            Answer::No(error) => return Err(refused(purpose.clone(), &session.realm, &error)),
        };
        if reply.enc_part.etype != session.key.enctype().number() {
            return Err(no("is encrypted in a way that was not asked for"));
        }
        let sealed = reply.enc_part.cipher.as_bytes();
        let Some(plain) = session.key.decrypt(usage::TGS_REP, sealed) else {
            return Err(Error::NotDecrypted {
                purpose: purpose.clone(),
                there: None,
            });
        };
        let part: EncKdcRepPart<'_> = messages::decode(&[kind::ENC_TGS_REP_PART], &plain)
            .map_err(|_| no("is malformed inside"))?;
        if !reply.cname.is(&session.client.name) || reply.crealm != session.client.realm {
            return Err(no("is for another principal"));
        }
        self::session(&reply, &part, nonce).map_err(no)
    }

    /// The AP-REQ that a TGS-REQ carries (RFC 4120, section 7.2.2).
    fn ap_request(&mut self, session: &Session, body: &[u8]) -> Result<Vec<u8>, Error> {
        let now = self.now()?;
        let authenticator = Authenticator {
            authenticator_vno: PVNO,
            crealm: session.client.realm.clone(),
            cname: session.client.name.clone(),
            cksum: Checksum {
                cksumtype: session.key.enctype().checksum_number(),
                checksum: octets(session.key.checksum(usage::TGS_REQ_CHECKSUM, &[body]))?,
            },
            cusec: now.microseconds,
            ctime: now.time,
            subkey: None,
            seq_number: None,
        };
        let plain =
            messages::encode(kind::AUTHENTICATOR, &authenticator).map_err(Error::Encoding)?;
        let request = ApReq {
            pvno: PVNO,
            msg_type: kind::AP_REQ,
            ap_options: bits(&[0; 4])?,
            ticket: session.ticket.clone(),
            authenticator: self.seal(&session.key, usage::TGS_REQ_AUTHENTICATOR, &plain)?,
        };
        messages::encode(kind::AP_REQ, &request).map_err(Error::Encoding)
    }

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
        let answer =
            kdc::exchange(&kdcs, request, expected, self.deadline).map_err(|attempts| {
                Error::Unreachable {
                    purpose: purpose.clone(),
                    realm: realm.to_string(),
                    source_name: kdcs.source,
                    attempts,
                }
            })?;
        read_answer(&answer, expected).map_err(|what| unbelievable(purpose, realm, what))
    }

    /// The time by the KDC's clock.
    fn now(&self) -> Result<Instant, Error> {
        corrected(self.environment.now(), self.offset)
    }

    /// A number that ties an answer to its request. Some KDCs read it as a signed one.
    fn nonce(&mut self) -> u32 {
        random_u32(self.environment) >> 1
    }

    /// Encrypts a part of a message.
    fn seal(&mut self, key: &Key, usage: u32, plain: &[u8]) -> Result<EncryptedData, Error> {
        let mut confounder = [0; BLOCK];
        self.environment.fill_random(&mut confounder);
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

/// How far the KDC's clock is ahead of ours, in seconds.
fn offset(there: GeneralizedTime, here: Duration) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    seconds(there.to_unix_duration()).saturating_sub(seconds(here))
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
pub(crate) fn random_u32(environment: &mut dyn Environment) -> u32 {
    let mut octets = [0; 4];
    environment.fill_random(&mut octets);
    u32::from_be_bytes(octets)
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
