//! The AS exchange (RFC 4120, section 3.1) with an encrypted timestamp.
//!
//! The timestamp is sent at once, which saves a round trip. A KDC that has no key of that enctype leads to the next one;
//! one that finds the key wrong ends the attempt, since every further one counts against the account. A clock that is
//! off is corrected by what the KDC says, for this ticket and whatever is signed with it.

use super::{
    Answer, Client, Session, as_long_as_possible, bits, octets, refused, session, ticket_granting,
    unbelievable,
};
use crate::crypto::{Enctype, Key};
use crate::error::{Error, Purpose};
use crate::keytab::Credentials;
use crate::messages::{
    self, EncKdcRepPart, KdcRep, KdcReq, KdcReqBody, PVNO, PaData, PaEncTsEnc, kind, usage,
};
use der::Encode;
use der::asn1::GeneralizedTime;
use std::time::Duration;

/// The code of a KDC that has no such key.
pub(super) const ETYPE_NOSUPP: i32 = 14;

/// The code of a KDC that can't read the timestamp; MIT's says so too if it has no such key.
pub(super) const PREAUTH_FAILED: i32 = 24;

/// The code of a KDC that finds our clock off.
pub(super) const SKEW: i32 = 37;

/// How far the clock may be from the KDC's without a correction, in seconds; others allow 300.
const MAX_DRIFT: u64 = 60;

impl Client<'_> {
    /// The AS exchange.
    pub(super) fn log_in(&mut self, credentials: &Credentials) -> Result<Session, Error> {
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
        let nonce = self.nonce()?;
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
    pub(super) fn read_as_reply(
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
}

/// How far the KDC's clock is ahead of ours, in seconds.
fn offset(there: GeneralizedTime, here: Duration) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    seconds(there.to_unix_duration()).saturating_sub(seconds(here))
}
