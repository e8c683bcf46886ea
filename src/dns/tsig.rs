//! Transaction signatures, RFC 8945: sign a request, verify its answer.
//!
//! A request's MAC covers the message without the TSIG record, then the "TSIG variables" (section 4.3.3). An answer's
//! covers the request's MAC before that, which is what ties it to the one request (section 5.3). All six algorithms take
//! one path. Time is an argument. hickory-proto's own signer knows three of them and can't verify here, so records and
//! encoders are hickory's, and what to do with them is ours.
//!
//! Not here: retries, and what an answer means once it is believed.

mod record;

use crate::escape;
use crate::secret::Secret;
use hickory_proto::ProtoError;
use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

pub use record::check_form;
pub(super) use record::{Signature, sign};

/// A shared key: what both sides must have in common.
#[derive(Debug)]
pub struct Key {
    /// In canonical form: lower case, fully qualified.
    name: Name,
    /// Which hash.
    algorithm: Algorithm,
    /// The HMAC's key.
    secret: Secret,
}

/// The HMAC algorithms of section 6, with MD5 for old keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    missing_docs,
    clippy::missing_docs_in_private_items,
    reason = "the names say it"
)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// As configuration files write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5",
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    /// Whether new keys should not use it any more.
    pub(crate) fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }

    /// Its name on the wire.
    fn on_the_wire(self) -> TsigAlgorithm {
        match self {
            Self::Md5 => TsigAlgorithm::HmacMd5,
            Self::Sha1 => TsigAlgorithm::HmacSha1,
            Self::Sha224 => TsigAlgorithm::HmacSha224,
            Self::Sha256 => TsigAlgorithm::HmacSha256,
            Self::Sha384 => TsigAlgorithm::HmacSha384,
            Self::Sha512 => TsigAlgorithm::HmacSha512,
        }
    }
}

/// A signed request: its octets, and what is needed to verify the answer.
#[derive(Debug)]
pub struct Signed {
    /// The message as it goes over the wire.
    pub(crate) octets: Vec<u8>,
    /// Its MAC.
    mac: Vec<u8>,
}

impl Signed {
    /// A request that needs no signature.
    pub(crate) fn plain(octets: Vec<u8>) -> Self {
        Self {
            octets,
            mac: Vec::new(),
        }
    }

    /// What an answer's MAC covers first: the length of this one's, and this one's itself (section 5.3.1).
    pub(super) fn mac(&self) -> ([u8; 2], &[u8]) {
        // No MAC has more octets than a message.
        let length = u16::try_from(self.mac.len()).unwrap_or(u16::MAX);
        (length.to_be_bytes(), &self.mac)
    }
}

/// Why an answer to a signed request is not to be believed. Its text completes "the answer ...".
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unverified {
    /// It has no TSIG record.
    #[error("is not signed")]
    Unsigned,
    /// It can't be taken apart, or the TSIG record is not where and what it must be.
    #[error("is malformed: {0}")]
    Malformed(String),
    /// Another key signed it.
    #[error("is signed with another key, {}", escape::domain(_0))]
    OtherKey(Name),
    /// Another algorithm was used.
    #[error("is signed with another algorithm, {}", escape::one_line(_0.trim_end_matches('.')))]
    OtherAlgorithm(String),
    /// The server says that our signature was bad, which it can't sign itself (section 5.2).
    #[error("refuses the request's signature")]
    Rejected(TsigError),
    /// The MAC is shorter than the hash: truncation is not asked for here (section 5.2.2.1).
    #[error("has a signature of {0} octets in place of {1}")]
    Truncated(usize, usize),
    /// The MAC is another one.
    #[error("has a signature that does not verify")]
    Mac,
    /// The MAC of a Kerberos context is good, but belongs to an earlier or a later answer.
    #[error("has a signature that is out of order: another answer was replayed or left out")]
    OutOfOrder,
    /// Verified, but the server found our clock to be off, and says its own time (section 5.2.3).
    #[error("says that the clocks differ")]
    BadTime {
        /// Ours, in seconds since 1970.
        client: u64,
        /// The server's.
        server: u64,
    },
    /// Verified, but signed at a time too far from ours: a replay, or the server's clock is off.
    #[error("was signed at another time")]
    OtherTime {
        /// Ours, in seconds since 1970.
        client: u64,
        /// The signature's.
        server: u64,
    },
}

impl From<ProtoError> for Unverified {
    fn from(error: ProtoError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<hickory_proto::serialize::binary::DecodeError> for Unverified {
    fn from(error: hickory_proto::serialize::binary::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Key {
    /// A key; its name becomes canonical.
    #[must_use]
    pub fn new(name: &Name, algorithm: Algorithm, secret: Secret) -> Self {
        Self {
            name: name.to_lowercase(),
            algorithm,
            secret,
        }
    }

    /// The key's name.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Its algorithm.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs a request at the time `now` (section 5.1).
    ///
    /// # Errors
    /// The message can't be encoded.
    pub fn sign(&self, message: &mut Message, now: u64) -> Result<Signed, ProtoError> {
        let algorithm = self.algorithm.on_the_wire();
        sign(message, &self.name, algorithm, now, |signed| {
            self.mac(&[signed])
        })
    }

    /// Verifies an answer to `request` at the time `now` (section 5.3): key, algorithm, MAC, TSIG error, time, in this
    /// order, so that nothing is believed before the MAC is.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub fn verify(&self, answer: &[u8], request: &Signed, now: u64) -> Result<(), Unverified> {
        let signature = Signature::of(answer, &self.name, &self.algorithm.on_the_wire())?;
        let (length, mac) = request.mac();
        let expected = self.mac(&[&length, mac, &signature.message, &signature.variables]);
        if signature.mac().len() != expected.len() {
            return Err(Unverified::Truncated(signature.mac().len(), expected.len()));
        }
        if !bool::from(signature.mac().ct_eq(&expected)) {
            return Err(Unverified::Mac);
        }
        signature.check(now)
    }

    /// The MAC over parts that follow each other.
    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Md5 => mac::<Hmac<Md5>>(self.secret.bytes(), parts),
            Algorithm::Sha1 => mac::<Hmac<Sha1>>(self.secret.bytes(), parts),
            Algorithm::Sha224 => mac::<Hmac<Sha224>>(self.secret.bytes(), parts),
            Algorithm::Sha256 => mac::<Hmac<Sha256>>(self.secret.bytes(), parts),
            Algorithm::Sha384 => mac::<Hmac<Sha384>>(self.secret.bytes(), parts),
            Algorithm::Sha512 => mac::<Hmac<Sha512>>(self.secret.bytes(), parts),
        }
    }
}

/// The MAC of one algorithm over parts that follow each other.
fn mac<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // An HMAC takes a key of any length (RFC 2104, section 2), so the error can't be.
    let Ok(mut mac) = M::new_from_slice(secret) else {
        unreachable!("an HMAC takes a key of any length");
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod agreement;

#[cfg(test)]
mod tests {
    use super::record::{FUDGE, HEADER};
    use super::*;
    use hickory_proto::op::{MessageType, OpCode, Query};
    use hickory_proto::rr::RecordType;
    use hickory_proto::rr::rdata::tsig::{TSIG, make_tsig_record, message_tbs};

    /// The time of signing and verifying.
    const NOW: u64 = 1_750_000_000;

    /// A key, the request that it signed, and an answer's message.
    fn exchange(algorithm: Algorithm) -> (Key, Signed, Message) {
        let name = crate::name::domain_name("Key.example").unwrap();
        let secret = Secret::from_base64("c2VjcmV0c2VjcmV0c2VjcmV0").unwrap();
        let key = Key::new(&name, algorithm, secret);
        let mut request = Message::new(0x1234, MessageType::Query, OpCode::Update);
        request.add_query(Query::query(Name::root(), RecordType::SOA));
        let request = key.sign(&mut request, NOW).unwrap();
        let answer = Message::new(0x1234, MessageType::Response, OpCode::Update);
        (key, request, answer)
    }

    /// The answer as a server signs it, with an error of TSIG and further data.
    fn signed(
        key: &Key,
        request: &Signed,
        answer: &Message,
        time: u64,
        error: Option<TsigError>,
        other: &[u8],
    ) -> Vec<u8> {
        let tsig = TSIG::new(
            key.algorithm.on_the_wire(),
            time,
            FUDGE,
            Vec::new(),
            answer.metadata.id,
            error,
            other.to_vec(),
        );
        let length = u16::try_from(request.mac.len()).unwrap().to_be_bytes();
        let message = message_tbs(answer, &tsig, &key.name).unwrap();
        let mac = key.mac(&[&length, &request.mac, &message]);
        let mut answer = answer.clone();
        answer.signature = Some(Box::new(make_tsig_record(
            key.name.clone(),
            tsig.set_mac(mac),
        )));
        answer.to_vec().unwrap()
    }

    #[test]
    fn an_answer_verifies_until_a_bit_of_it_is_flipped() {
        for algorithm in Algorithm::ALL {
            let (key, request, answer) = exchange(algorithm);
            let good = signed(&key, &request, &answer, NOW, None, &[]);
            assert_eq!(key.verify(&good, &request, NOW), Ok(()));
            // Names are signed in lower case, and the id is not looked at here.
            let names = HEADER..good.len();
            let is_free = |bit: usize| {
                let letter = good[bit / 8].is_ascii_alphabetic() && names.contains(&(bit / 8));
                bit < 16 || (letter && bit % 8 == 5)
            };
            // Miri takes its time.
            let step = if cfg!(miri) { 149 } else { 1 };
            for bit in (0..good.len() * 8)
                .step_by(step)
                .filter(|&bit| !is_free(bit))
            {
                let mut flipped = good.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    key.verify(&flipped, &request, NOW).is_err(),
                    "{algorithm:?} bit {bit}"
                );
            }
            for length in (0..good.len()).step_by(step) {
                assert!(key.verify(&good[..length], &request, NOW).is_err());
            }
        }
    }

    #[test]
    fn the_time_is_looked_at_last_and_by_the_fudge() {
        let (key, request, answer) = exchange(Algorithm::Sha256);
        let at = |time| {
            key.verify(
                &signed(&key, &request, &answer, time, None, &[]),
                &request,
                NOW,
            )
        };
        assert_eq!((at(NOW - 300), at(NOW + 300)), (Ok(()), Ok(())));
        for server in [0, NOW - 301, NOW + 301, (1 << 48) - 1] {
            assert_eq!(
                at(server),
                Err(Unverified::OtherTime {
                    client: NOW,
                    server
                })
            );
        }
        let error = Some(TsigError::BadTime);
        let other = [0, 0, 0, 0, 0x0e, 0x10];
        let bad_time = signed(&key, &request, &answer, NOW, error, &other);
        assert_eq!(
            key.verify(&bad_time, &request, NOW),
            Err(Unverified::BadTime {
                client: NOW,
                server: 3600
            })
        );
    }

    #[test]
    fn an_answer_to_another_request_does_not_verify() {
        let (key, request, answer) = exchange(Algorithm::Sha512);
        let good = signed(&key, &request, &answer, NOW, None, &[]);
        let other = Signed {
            octets: Vec::new(),
            mac: vec![0; 64],
        };
        assert_eq!(key.verify(&good, &other, NOW), Err(Unverified::Mac));
        let unsigned = answer.to_vec().unwrap();
        assert_eq!(
            key.verify(&unsigned, &request, NOW),
            Err(Unverified::Unsigned)
        );
    }
}
