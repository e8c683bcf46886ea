//! The AP exchange (RFC 4120, section 3.2) as RFC 4121 wraps it, and the context that it leaves behind: MICs
//! (RFC 4121, section 4.2.6.1) with sequence numbers.
//!
//! Mutual authentication is asked for and insisted on: only an AP-REP that repeats our time, encrypted with the session's
//! key, makes a context. A sequence number counts once, and only the next one counts.

use crate::client::{Environment, ServiceTicket, bits, corrected, octets, random_u32};
use crate::crypto::{BLOCK, Enctype, Key};
use crate::error::Error;
use crate::messages::{
    self, ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncryptedData, EncryptionKey,
    Instant, KrbError, PVNO, kind, usage,
};
use crate::spnego::{self, Response};
use der::asn1::OctetStringRef;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The checksum type that carries channel bindings and flags (RFC 4121, section 4.1.1).
const GSS_CHECKSUM: i32 = 0x8003;

/// Mutual authentication, replay detection and integrity; sequence detection is not asked for, which Windows dislikes.
const GSS_FLAGS: u32 = 0x02 | 0x04 | 0x20;

/// Mutual authentication as an option of the AP-REQ, its third bit.
const MUTUAL_REQUIRED: [u8; 4] = [0x20, 0, 0, 0];

/// The octets of a MIC before its checksum.
const HEADER: usize = 16;

/// How a MIC begins.
const MIC: [u8; 2] = [4, 4];

/// The flag of a MIC that the acceptor made.
const SENT_BY_ACCEPTOR: u8 = 1;

/// The flag of a MIC that is made with the acceptor's subkey.
const ACCEPTOR_SUBKEY: u8 = 4;

/// A context to be, which waits for the server's token.
#[derive(Debug)]
pub struct Negotiation {
    /// Whom the token is for.
    service: String,
    /// The ticket's key.
    session: Key,
    /// Ours.
    subkey: Key,
    /// The time that the server has to repeat.
    time: Instant,
    /// Our first sequence number.
    sequence: u32,
}

/// A context: what signatures are made and checked with.
#[derive(Debug)]
pub struct Context {
    /// The key of both sides.
    key: Key,
    /// What both sides' flags have in common.
    flags: u8,
    /// The sequence number of our next signature.
    own: u64,
    /// The sequence number of the server's next signature.
    expected: u64,
}

/// Why a MIC does not count. Its text completes "a signature that ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMic {
    /// It is none, or not one of this context's server.
    #[error("is not one of this context")]
    Form,
    /// It was made over something else, or with another key.
    #[error("does not verify")]
    Checksum,
    /// It is good, but not the next one: an answer was replayed or left out.
    #[error("is out of order: {found} in place of {expected}")]
    Sequence {
        /// The number that it should have.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
}

impl ServiceTicket {
    /// Begins a context with the service; the token is for TKEY. Each context needs one of its own.
    ///
    /// # Errors
    /// The message can't be made.
    pub fn initiate(&self, environment: &dyn Environment) -> Result<(Negotiation, Vec<u8>), Error> {
        let time = corrected(environment.now(), self.clock_offset)?;
        let subkey = Key::random(self.key.enctype(), |octets| environment.fill_random(octets))?;
        // Some servers read it as a signed number, and add to it.
        let sequence = random_u32(environment)? >> 2;
        let mut bindings = 16_u32.to_le_bytes().to_vec();
        bindings.extend([0; 16]);
        bindings.extend(GSS_FLAGS.to_le_bytes());
        let authenticator = Authenticator {
            authenticator_vno: PVNO,
            crealm: self.client.realm.clone(),
            cname: self.client.name.clone(),
            cksum: Checksum {
                cksumtype: GSS_CHECKSUM,
                checksum: octets(bindings)?,
            },
            cusec: time.microseconds,
            ctime: time.time,
            subkey: Some(EncryptionKey {
                keytype: subkey.enctype().number(),
                keyvalue: OctetStringRef::new(subkey.octets()).map_err(Error::Encoding)?,
            }),
            seq_number: Some(sequence),
        };
        let plain = Zeroizing::new(
            messages::encode(kind::AUTHENTICATOR, &authenticator).map_err(Error::Encoding)?,
        );
        let mut confounder = [0; BLOCK];
        environment.fill_random(&mut confounder)?;
        let request = ApReq {
            pvno: PVNO,
            msg_type: kind::AP_REQ,
            ap_options: bits(&MUTUAL_REQUIRED)?,
            ticket: self.ticket.clone(),
            authenticator: EncryptedData::seal(
                &self.key,
                usage::AP_REQ_AUTHENTICATOR,
                &plain,
                confounder,
            )
            .map_err(Error::Encoding)?,
        };
        let request = messages::encode(kind::AP_REQ, &request).map_err(Error::Encoding)?;
        let token = spnego::initial_token(&request).map_err(Error::Encoding)?;
        let negotiation = Negotiation {
            service: self.service.clone(),
            session: self.key.clone(),
            subkey,
            time,
            sequence,
        };
        Ok((negotiation, token))
    }
}

impl Negotiation {
    /// Ends the negotiation with the server's token.
    ///
    /// # Errors
    /// The server said no, or did not prove who it is.
    pub fn accept(self, token: &[u8]) -> Result<Context, Error> {
        let completed = spnego::completed(token)?;
        let reply = match completed.response {
            Response::Reply(reply) => reply,
            Response::Error(error) => {
                let error: KrbError = messages::decode(&[kind::KRB_ERROR], &error)
                    .map_err(|_| Error::Token("has a malformed error in it"))?;
                return Err(Error::NotAccepted {
                    service: self.service,
                    code: error.error_code,
                });
            }
        };
        let not_mutual = |what| Error::NotMutual {
            service: self.service.clone(),
            what,
        };
        let malformed = |_| not_mutual("its AP-REP is malformed");
        let reply: ApRep = messages::decode(&[kind::AP_REP], &reply).map_err(malformed)?;
        if reply.pvno != PVNO
            || reply.msg_type != kind::AP_REP
            || reply.enc_part.etype != self.session.enctype().number()
        {
            return Err(not_mutual("its AP-REP is not one to our ticket"));
        }
        let plain = self
            .session
            .decrypt(usage::AP_REP, reply.enc_part.cipher.as_bytes())
            .ok_or_else(|| not_mutual("its AP-REP is not made with the ticket's key"))?;
        let part: EncApRepPart<'_> =
            messages::decode(&[kind::ENC_AP_REP_PART], &plain).map_err(malformed)?;
        if part.ctime != self.time.time || part.cusec != self.time.microseconds {
            return Err(not_mutual("its AP-REP answers another request"));
        }
        let (key, flags) = match part.subkey {
            None => (self.subkey.clone(), 0),
            Some(subkey) => {
                let key = Enctype::from_number(subkey.keytype)
                    .and_then(|enctype| Key::new(enctype, subkey.keyvalue.as_bytes()))
                    .ok_or_else(|| not_mutual("its subkey is of a kind that was not offered"))?;
                (key, ACCEPTOR_SUBKEY)
            }
        };
        // Unsigned, 32 bits, however it is written.
        let sequence = part.seq_number.unwrap_or_default() & i64::from(u32::MAX);
        let mut context = Context {
            key,
            flags,
            own: self.sequence.into(),
            expected: sequence.unsigned_abs(),
        };
        if let Some(mic) = completed.mech_list_mic {
            let offer = spnego::offer().map_err(Error::Encoding)?;
            context
                .verify(&mic, &[&offer])
                .map_err(|_| not_mutual("its signature over the negotiation does not verify"))?;
        }
        Ok(context)
    }
}

impl Context {
    /// Signs parts that follow each other. No two signatures are alike.
    #[must_use]
    pub fn sign(&mut self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mic = header(self.flags, self.own).to_vec();
        let checksum = self.checksum(usage::INITIATOR_SIGN, parts, &mic);
        mic.extend(checksum);
        self.own = self.own.wrapping_add(1);
        mic
    }

    /// Verifies the server's signature over parts that follow each other, which must be its next one. One that does not
    /// count changes nothing, so that another form of the parts can be tried.
    ///
    /// # Errors
    /// It does not count.
    pub fn verify(&mut self, mic: &[u8], parts: &[&[u8]]) -> Result<(), BadMic> {
        let (head, checksum) = mic.split_at_checked(HEADER).ok_or(BadMic::Form)?;
        let number = head
            .last_chunk()
            .copied()
            .map(u64::from_be_bytes)
            .ok_or(BadMic::Form)?;
        if head != header(self.flags | SENT_BY_ACCEPTOR, number) {
            return Err(BadMic::Form);
        }
        let expected = self.checksum(usage::ACCEPTOR_SIGN, parts, head);
        if !bool::from(expected.ct_eq(checksum)) {
            return Err(BadMic::Checksum);
        }
        if number != self.expected {
            return Err(BadMic::Sequence {
                expected: self.expected,
                found: number,
            });
        }
        self.expected = self.expected.wrapping_add(1);
        Ok(())
    }

    /// The checksum of a MIC: over the parts, and then its own header.
    fn checksum(&self, usage: u32, parts: &[&[u8]], header: &[u8]) -> Vec<u8> {
        self.key.checksum(usage, &[parts, &[header]].concat())
    }
}

/// The head of a MIC.
fn header(flags: u8, sequence: u64) -> [u8; HEADER] {
    let mut header = [0xFF; HEADER];
    header[..2].copy_from_slice(&MIC);
    header[2] = flags;
    header[8..].copy_from_slice(&sequence.to_be_bytes());
    header
}
