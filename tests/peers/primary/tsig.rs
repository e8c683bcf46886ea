//! TSIG (RFC 8945) from the server's side, over raw bytes.
//!
//! A second implementation on purpose: it shares no line with the program's own, so that a mistake there
//! does not meet the same mistake here. It works on the wire form alone: [`split`] takes the TSIG record off
//! a message, [`Key::check`] judges it, [`Key::sign`] puts one on an answer.

use hmac::{Hmac, KeyInit, Mac};

/// The TSIG error for a MAC that is not the key's (RFC 8945 §3).
pub const BADSIG: u16 = 16;
/// The TSIG error for a key, or a key with this algorithm, that the server does not have.
pub const BADKEY: u16 = 17;
/// The TSIG error for a time too far from the server's.
pub const BADTIME: u16 = 18;
/// The seconds that the two clocks may differ.
pub const FUDGE: u16 = 300;

/// The six HMAC algorithms that the program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-MD5, RFC 8945 §6: mandatory to know, not to be used.
    Md5,
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-224.
    Sha224,
    /// HMAC-SHA-256, the one to choose.
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// All of them, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The name in configuration files: `hmac-sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5",
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    /// The domain name that stands for it on the wire.
    fn domain(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5.sig-alg.reg.int",
            other => other.name(),
        }
    }

    /// The MAC of `data` under `secret`.
    fn mac(self, secret: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => mac::<Hmac<md5::Md5>>(secret, data),
            Self::Sha1 => mac::<Hmac<sha1::Sha1>>(secret, data),
            Self::Sha224 => mac::<Hmac<sha2::Sha224>>(secret, data),
            Self::Sha256 => mac::<Hmac<sha2::Sha256>>(secret, data),
            Self::Sha384 => mac::<Hmac<sha2::Sha384>>(secret, data),
            Self::Sha512 => mac::<Hmac<sha2::Sha512>>(secret, data),
        }
    }
}

/// One HMAC over one slice.
fn mac<M: Mac + KeyInit>(secret: &[u8], data: &[u8]) -> Vec<u8> {
    // An HMAC takes a key of any length, so the error does not occur.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// A key that a server and a client share.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key's name, a domain name, with or without the last dot.
    pub name: String,
    /// The algorithm that goes with it.
    pub algorithm: Algorithm,
    /// The secret, decoded.
    pub secret: Vec<u8>,
}

/// The TSIG record that came with a message.
#[derive(Clone, Debug)]
pub struct Tsig {
    /// The key's name in wire form, lower case.
    pub key: Vec<u8>,
    /// The algorithm's name in wire form, lower case.
    pub algorithm: Vec<u8>,
    /// When it was signed, in seconds since 1970.
    pub time: u64,
    /// How far the receiver's clock may be from that.
    pub fudge: u16,
    /// The MAC.
    pub mac: Vec<u8>,
    /// The id the message had when it was signed.
    pub id: u16,
    /// The TSIG error code.
    pub error: u16,
    /// Further data: the server's clock after BADTIME.
    pub other: Vec<u8>,
}

/// Takes the TSIG record off a message: the rest as it was before signing, and the record if there was one.
/// `None` if the bytes are no DNS message.
pub fn split(message: &[u8]) -> Option<(Vec<u8>, Option<Tsig>)> {
    let count = |at: usize| Some(usize::from(u16_at(message, at)?));
    let records = count(6)? + count(8)? + count(10)?;
    let mut at = 12;
    for _ in 0..count(4)? {
        at = name(message, at)?.1 + 4;
    }
    for left in (0..records).rev() {
        let (owner, fixed) = name(message, at)?;
        let rdata = fixed + 10;
        let end = rdata + usize::from(u16_at(message, fixed + 8)?);
        if end > message.len() {
            return None;
        }
        if left == 0 && u16_at(message, fixed)? == 250 {
            let mut body = message[..at].to_vec();
            body[10..12].copy_from_slice(
                &u16::try_from(count(10)?.checked_sub(1)?)
                    .ok()?
                    .to_be_bytes(),
            );
            return Some((body, Some(rdata_of(message, owner, rdata)?)));
        }
        at = end;
    }
    Some((message.to_vec(), None))
}

/// Reads a TSIG record's data, which begins at `at` (RFC 8945 §4.2).
fn rdata_of(message: &[u8], key: Vec<u8>, at: usize) -> Option<Tsig> {
    let (algorithm, at) = name(message, at)?;
    let time = message
        .get(at..at + 6)?
        .iter()
        .fold(0, |time, byte| time << 8 | u64::from(*byte));
    let mac = at + 10..at + 10 + usize::from(u16_at(message, at + 8)?);
    let other = mac.end + 6..mac.end + 6 + usize::from(u16_at(message, mac.end + 4)?);
    Some(Tsig {
        key,
        algorithm,
        time,
        fudge: u16_at(message, at + 6)?,
        id: u16_at(message, mac.end)?,
        error: u16_at(message, mac.end + 2)?,
        mac: message.get(mac)?.to_vec(),
        other: message.get(other)?.to_vec(),
    })
}

impl Key {
    /// Whether this is the key that the TSIG record names.
    pub fn is_named_by(&self, tsig: &Tsig) -> bool {
        tsig.key == wire(&self.name) && tsig.algorithm == wire(self.algorithm.domain())
    }

    /// Judges a request's TSIG at `now`: the TSIG error code if it is not good.
    pub fn check(&self, body: &[u8], tsig: &Tsig, now: u64) -> Result<(), u16> {
        if !self.is_named_by(tsig) {
            return Err(BADKEY);
        }
        let mut signed = body.to_vec();
        signed[..2].copy_from_slice(&tsig.id.to_be_bytes());
        signed.extend(self.variables(tsig));
        if tsig.mac != self.algorithm.mac(&self.secret, &signed) {
            return Err(BADSIG);
        }
        if now.abs_diff(tsig.time) > u64::from(tsig.fudge) {
            return Err(BADTIME);
        }
        Ok(())
    }

    /// Signs an answer (or, with an empty `request_mac`, a request) and returns it whole.
    pub fn sign(
        &self,
        body: &[u8],
        request_mac: &[u8],
        time: u64,
        error: u16,
        other: &[u8],
    ) -> Vec<u8> {
        let mut tsig = Tsig {
            key: wire(&self.name),
            algorithm: wire(self.algorithm.domain()),
            time,
            fudge: FUDGE,
            mac: Vec::new(),
            id: u16_at(body, 0).unwrap_or(0),
            error,
            other: other.to_vec(),
        };
        let mut signed = Vec::new();
        if !request_mac.is_empty() {
            signed.extend(length(request_mac));
            signed.extend(request_mac);
        }
        signed.extend(body);
        signed.extend(self.variables(&tsig));
        tsig.mac = self.algorithm.mac(&self.secret, &signed);
        tsig.attach(body)
    }

    /// The TSIG variables that are signed after the message (RFC 8945 §4.3.3).
    fn variables(&self, tsig: &Tsig) -> Vec<u8> {
        let mut bytes = wire(&self.name);
        bytes.extend([0, 255, 0, 0, 0, 0]);
        bytes.extend(wire(self.algorithm.domain()));
        bytes.extend(&tsig.time.to_be_bytes()[2..]);
        bytes.extend(tsig.fudge.to_be_bytes());
        bytes.extend(tsig.error.to_be_bytes());
        bytes.extend(length(&tsig.other));
        bytes.extend(&tsig.other);
        bytes
    }
}

impl Tsig {
    /// Puts the record at the end of a message, as it is: an answer to a request whose TSIG failed carries
    /// one with an empty MAC.
    pub fn attach(&self, body: &[u8]) -> Vec<u8> {
        let mut rdata = self.algorithm.clone();
        rdata.extend(&self.time.to_be_bytes()[2..]);
        rdata.extend(self.fudge.to_be_bytes());
        rdata.extend(length(&self.mac));
        rdata.extend(&self.mac);
        rdata.extend(self.id.to_be_bytes());
        rdata.extend(self.error.to_be_bytes());
        rdata.extend(length(&self.other));
        rdata.extend(&self.other);
        let mut message = body.to_vec();
        let additional = u16_at(body, 10).unwrap_or(0).wrapping_add(1);
        message[10..12].copy_from_slice(&additional.to_be_bytes());
        message.extend(&self.key);
        message.extend([0, 250, 0, 255, 0, 0, 0, 0]);
        message.extend(length(&rdata));
        message.extend(rdata);
        message
    }
}

/// A name in wire form, lower case, uncompressed.
pub fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap_or(63));
        bytes.extend(label.to_ascii_lowercase().bytes());
    }
    bytes.push(0);
    bytes
}

/// The name at `at`, in wire form, lower case and with compression undone; and where the next field begins.
fn name(message: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let (mut bytes, mut next) = (Vec::new(), None);
    for _ in 0..128 {
        let byte = *message.get(at)?;
        match byte {
            0 => {
                bytes.push(0);
                return Some((bytes, next.unwrap_or(at + 1)));
            }
            1..64 => {
                bytes.extend(
                    message
                        .get(at..=at + usize::from(byte))?
                        .to_ascii_lowercase(),
                );
                at += 1 + usize::from(byte);
            }
            _ => {
                next = next.or(Some(at + 2));
                at = usize::from(u16_at(message, at)? & 0x3fff);
            }
        }
    }
    None
}

/// The two bytes at `at`.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// A length field.
fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}
