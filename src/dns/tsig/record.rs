//! The TSIG record: written at a message's end, and taken from there with what it covers (RFC 8945, section 4). Whose MAC
//! it is, a shared key's or a context's, is no matter here.

use super::{Signed, Unverified};
use hickory_proto::ProtoError;
use hickory_proto::op::{Header, Message, Query};
use hickory_proto::rr::rdata::tsig::{
    TSIG, TsigAlgorithm, TsigError, make_tsig_record, message_tbs,
};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder};

/// How far two clocks may differ, in seconds; the value that section 10 recommends.
pub(super) const FUDGE: u16 = 300;

/// The octets of a message header (RFC 1035, 4.1.1).
pub(super) const HEADER: usize = 12;

/// Signs a request at the time `now` (section 5.1); `mac` makes the MAC of the octets that it covers.
///
/// # Errors
/// The message can't be encoded.
pub(in crate::dns) fn sign(
    message: &mut Message,
    name: &Name,
    algorithm: TsigAlgorithm,
    now: u64,
    mac: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<Signed, ProtoError> {
    message.signature = None;
    let id = message.metadata.id;
    let tsig = TSIG::new(algorithm, now, FUDGE, Vec::new(), id, None, Vec::new());
    let mac = mac(&message_tbs(message, &tsig, name)?);
    message.signature = Some(Box::new(make_tsig_record(
        name.clone(),
        tsig.set_mac(mac.clone()),
    )));
    Ok(Signed {
        octets: message.to_vec()?,
        mac,
    })
}

/// Whether a message is well formed, for one that need not be signed.
///
/// # Errors
/// It can't be taken apart, or has octets behind its end.
pub fn check_form(message: &[u8]) -> Result<(), Unverified> {
    match trailer(message) {
        Ok(_) | Err(Unverified::Unsigned) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The signature of an answer, whose MAC is still to be verified.
pub(in crate::dns) struct Signature {
    /// The record's data.
    tsig: TSIG,
    /// What the MAC covers of the message: with the original id and without the TSIG record, as it came.
    pub(in crate::dns) message: Vec<u8>,
    /// What it covers last, the TSIG variables.
    pub(in crate::dns) variables: Vec<u8>,
}

impl Signature {
    /// Takes an answer's signature, which must be made with this key and algorithm.
    ///
    /// # Errors
    /// There is none, or another one, or the server refuses the request's signature.
    pub(in crate::dns) fn of(
        answer: &[u8],
        key: &Name,
        algorithm: &TsigAlgorithm,
    ) -> Result<Self, Unverified> {
        let Trailer { start, name, tsig } = trailer(answer)?;
        if !name.eq_ignore_root(key) {
            return Err(Unverified::OtherKey(name));
        }
        if !same_algorithm(&tsig.algorithm, algorithm) {
            return Err(Unverified::OtherAlgorithm(tsig.algorithm.to_string()));
        }
        if let (true, Some(error)) = (tsig.mac.is_empty(), tsig.error) {
            return Err(Unverified::Rejected(error));
        }
        let mut message = answer
            .get(..start.max(HEADER))
            .ok_or_else(|| Unverified::Malformed("cut short".into()))?
            .to_vec();
        message[0..2].copy_from_slice(&tsig.oid.to_be_bytes());
        let additionals = u16::from_be_bytes([message[10], message[11]]).saturating_sub(1);
        message[10..12].copy_from_slice(&additionals.to_be_bytes());
        let mut variables = Vec::with_capacity(128);
        tsig.emit_tsig_for_mac(&mut BinEncoder::new(&mut variables), &name)?;
        Ok(Self {
            tsig,
            message,
            variables,
        })
    }

    /// The MAC.
    pub(in crate::dns) fn mac(&self) -> &[u8] {
        &self.tsig.mac
    }

    /// What it says, once its MAC is verified: an error, then the time.
    ///
    /// # Errors
    /// The server refuses the request, or the time is another one.
    pub(in crate::dns) fn check(self, now: u64) -> Result<(), Unverified> {
        match self.tsig.error {
            None => {}
            Some(TsigError::BadTime) => {
                return Err(Unverified::BadTime {
                    client: now,
                    server: bad_time(&self.tsig),
                });
            }
            Some(error) => return Err(Unverified::Rejected(error)),
        }
        if self.tsig.time.abs_diff(now) > u64::from(FUDGE) {
            return Err(Unverified::OtherTime {
                client: now,
                server: self.tsig.time,
            });
        }
        Ok(())
    }
}

/// The TSIG record at the end of a message.
struct Trailer {
    /// Where it begins.
    start: usize,
    /// The key's name.
    name: Name,
    /// Its data.
    tsig: TSIG,
}

/// Walks a message to its TSIG record: the last one of the additional section, the only one, with nothing behind.
fn trailer(message: &[u8]) -> Result<Trailer, Unverified> {
    let mut decoder = BinDecoder::new(message);
    let counts = Header::read(&mut decoder)?.counts;
    for _ in 0..counts.queries {
        Query::read(&mut decoder)?;
    }
    let records = usize::from(counts.answers)
        + usize::from(counts.authorities)
        + usize::from(counts.additionals);
    let mut last = None;
    for _ in 0..records {
        if last.is_some() {
            return Err(Unverified::Malformed(
                "a TSIG record that is not the last".into(),
            ));
        }
        let start = decoder.index();
        let record = Record::<RData>::read(&mut decoder)?;
        if record.record_type() == RecordType::TSIG {
            last = Some((start, record));
        }
    }
    if !decoder.is_empty() {
        return Err(Unverified::Malformed(format!(
            "{} octets behind the last record",
            decoder.len()
        )));
    }
    let (start, record) = last.ok_or(Unverified::Unsigned)?;
    if counts.additionals == 0 || record.dns_class != DNSClass::ANY || record.ttl != 0 {
        return Err(Unverified::Malformed(
            "a TSIG record with the wrong section, class or time to live".into(),
        ));
    }
    match record.data {
        RData::TSIG(tsig) => Ok(Trailer {
            start,
            name: record.name,
            tsig,
        }),
        _ => Err(Unverified::Malformed("a TSIG record without data".into())),
    }
}

/// Whether two algorithms have the same name; servers write it in either case.
fn same_algorithm(one: &TsigAlgorithm, other: &TsigAlgorithm) -> bool {
    one.to_string()
        .trim_end_matches('.')
        .eq_ignore_ascii_case(other.to_string().trim_end_matches('.'))
}

/// The server's time in a BADTIME answer: 48 bits of other data.
fn bad_time(tsig: &TSIG) -> u64 {
    tsig.other
        .iter()
        .take(6)
        .fold(0, |time, &octet| time << 8 | u64::from(octet))
}
