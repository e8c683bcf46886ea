//! GSS-TSIG (RFC 3645): a context agreed upon with one server by TKEY (RFC 2930, mode 3), and requests signed with it.
//!
//! Tickets, tokens and MICs are the package `gss-tsig`'s; here is what DNS carries them in. Each try has a context of its
//! own, under a new random key name: a context's requests have sequence numbers, and the same one sent twice is a replay.
//!
//! An answer counts only with a MIC over it and the request's MAC. RFC 8945 puts that MAC's length before it; Samba's
//! internal server does not, so without is taken as well. Both say the same: the MAC of the request has a length that is
//! fixed by the key, and begins with 04 04, where the length would begin with a zero. So no octets can be read both ways,
//! and either form ties the answer to this request.

use super::exchange::{self, Peer, exchange};
use super::query::code_name;
use super::tsig::{self, Signature, Signed, Unverified};
use gss_tsig::{BadMic, Environment, ServiceTicket};
use hickory_proto::ProtoError;
use hickory_proto::op::{Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, DecodeError};
use std::fmt;
use std::time::{Duration, Instant};

/// The type TKEY.
const TKEY: u16 = 249;

/// The class ANY.
const ANY: u16 = 255;

/// The mode of TKEY that carries GSS tokens (RFC 2930, section 2.5).
const GSS_API: u16 = 3;

/// For how long the context is asked for, in seconds; it is used for less than one.
const LIFETIME: u32 = 3600;

/// The error by which a server says that it can't use the token (RFC 8945, section 3).
const BADKEY: u16 = 17;

/// What makes contexts: a ticket for the service.
pub(crate) struct Gss<'a> {
    /// The ticket.
    pub(crate) ticket: ServiceTicket,
    /// The clock and chance.
    pub(crate) environment: &'a dyn Environment,
}

impl fmt::Debug for Gss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ticket.fmt(f)
    }
}

/// A context with one server.
#[derive(Debug)]
pub(crate) struct Context {
    /// Its name.
    key: Name,
    /// What signs and verifies.
    agreed: gss_tsig::Context,
    /// What to add to the clock, in seconds.
    clock_offset: i64,
}

/// Why there is no context with a server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no answer.
    #[error("no Kerberos context: {}{}", .0, not_answered(.0))]
    Exchange(exchange::Error),
    /// What came is no answer to this query.
    #[error("no Kerberos context: the answer {0}")]
    Foreign(&'static str),
    /// The server does no TKEY.
    #[error(
        "the server agrees on no Kerberos context (TKEY: {}): it does no GSS-TSIG, or not with a keytab; with BIND set `tkey-gssapi-keytab`, or give a `tsig` key in place of `gss`",
        code_name(*.0)
    )]
    Code(ResponseCode),
    /// The server can't use the token.
    #[error("{}", refused(*.code, .service))]
    Refused {
        /// The error of the TKEY record.
        code: u16,
        /// The service that the ticket is for.
        service: String,
    },
    /// Both tokens don't make a context.
    #[error("no Kerberos context: {0}")]
    Context(#[from] gss_tsig::Error),
    /// The server's answer is signed, but not by this context.
    #[error("no Kerberos context: the answer {0}")]
    Unverified(#[from] Unverified),
}

/// What else a connection without an answer may mean.
fn not_answered(error: &exchange::Error) -> &'static str {
    match error {
        exchange::Error::Closed(0) => {
            "; it may be a server that does no GSS-TSIG: some do not answer what they do not know"
        }
        _ => "",
    }
}

/// What an error of the TKEY record means.
fn refused(code: u16, service: &str) -> String {
    match code {
        BADKEY => format!(
            "the server does not take the ticket for {service} (TKEY: BADKEY): its keytab has no key for this service or \
             another one than the KDC; export it anew there, and check its clock"
        ),
        18 => "the server finds the ticket's time wrong (TKEY: BADTIME): set the clocks of both"
            .into(),
        19..=21 => format!(
            "the server does no GSS-TSIG (TKEY: error {code}): give a `tsig` key in place of `gss`, or another server"
        ),
        code => {
            format!("the server agrees on no Kerberos context (TKEY: error {code}): see its log")
        }
    }
}

impl Gss<'_> {
    /// Agrees with a server on a context.
    ///
    /// # Errors
    /// The server does not, or does not prove who it is.
    pub(crate) fn agree(
        &self,
        server: Peer<'_>,
        connect: Duration,
        deadline: Instant,
    ) -> Result<Context, Error> {
        let mut random = [0; 18];
        self.environment
            .fill_random(&mut random)
            .map_err(gss_tsig::Error::from)?;
        let [a, b, name @ ..] = random;
        let id = u16::from_be_bytes([a, b]);
        // A single label: nothing to compress it with, which Windows would not undo.
        let key = Name::from_ascii(format!("{:032x}.", u128::from_be_bytes(name)))
            .map_err(|_| Error::Foreign("has no name"))?;
        let clock_offset = self.ticket.clock_offset();
        let now = || later(self.environment.now().as_secs(), clock_offset);
        let (negotiation, token) = self.ticket.initiate(self.environment)?;
        let query = query(id, &key, &token, now())
            .map_err(|_| Error::Foreign("is none: the token is too long"))?;
        let answer = exchange(server, &query, connect, deadline).map_err(Error::Exchange)?;
        let record = Tkey::read(&answer, id, &key)?;
        if record.error != 0 {
            return Err(Error::Refused {
                code: record.error,
                service: self.ticket.service().to_owned(),
            });
        }
        let mut context = Context {
            key,
            agreed: negotiation.accept(&record.token)?,
            clock_offset,
        };
        match context.verify_parts(&answer, None, self.environment.now().as_secs()) {
            // Windows does not sign it, and the token has proved who the server is.
            Ok(()) | Err(Unverified::Unsigned) => Ok(context),
            Err(error) => Err(error.into()),
        }
    }
}

impl Context {
    /// Signs a request at the time `now`.
    ///
    /// # Errors
    /// The message can't be encoded.
    pub(crate) fn sign(&mut self, message: &mut Message, now: u64) -> Result<Signed, ProtoError> {
        let now = later(now, self.clock_offset);
        let context = &mut self.agreed;
        tsig::sign(message, &self.key, TsigAlgorithm::Gss, now, |signed| {
            context.sign(&[signed])
        })
    }

    /// Verifies an answer to `request` at the time `now`.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub(crate) fn verify(
        &mut self,
        answer: &[u8],
        request: &Signed,
        now: u64,
    ) -> Result<(), Unverified> {
        self.verify_parts(answer, Some(request), now)
    }

    /// Verifies an answer, to a signed request or not.
    fn verify_parts(
        &mut self,
        answer: &[u8],
        request: Option<&Signed>,
        now: u64,
    ) -> Result<(), Unverified> {
        let signature = Signature::of(answer, &self.key, &TsigAlgorithm::Gss)?;
        // Samba's internal server sends a request that it refuses back as it came, our own signature included.
        if request.is_some_and(|request| request.mac().1 == signature.mac()) {
            return Err(Unverified::Unsigned);
        }
        let parts = [&*signature.message, &signature.variables];
        let verified = match request.map(Signed::mac) {
            None => self.agreed.verify(signature.mac(), &parts),
            Some((length, mac)) => {
                let [message, variables] = parts;
                let by_the_rfc = [&length, mac, message, variables];
                match self.agreed.verify(signature.mac(), &by_the_rfc) {
                    Err(BadMic::Checksum) => {
                        let [_, as_samba @ ..] = by_the_rfc;
                        self.agreed.verify(signature.mac(), &as_samba)
                    }
                    verified => verified,
                }
            }
        };
        verified.map_err(|bad| match bad {
            BadMic::Form | BadMic::Checksum => Unverified::Mac,
            BadMic::Sequence { .. } => Unverified::OutOfOrder,
        })?;
        signature.check(later(now, self.clock_offset))
    }
}

/// A time by another clock.
fn later(now: u64, offset: i64) -> u64 {
    now.saturating_add_signed(offset)
}

/// A TKEY query, octet by octet: no name in it may be compressed.
fn query(id: u16, key: &Name, token: &[u8], now: u64) -> Result<Vec<u8>, ProtoError> {
    let words =
        |words: &[u16]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let length =
        |octets: &[u8]| u16::try_from(octets.len()).map_err(|_| ProtoError::from("too long"));
    let key = key.to_bytes()?;
    // Seconds of 32 bits that go on from zero after 2106 (RFC 2930, section 2.3).
    let now = u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default();
    let mut data = TsigAlgorithm::Gss.to_bytes()?;
    data.extend(now.to_be_bytes());
    data.extend(now.wrapping_add(LIFETIME).to_be_bytes());
    data.extend(words(&[GSS_API, 0, length(token)?]));
    data.extend(token);
    data.extend(words(&[0]));
    // One question, and one record of the additional section, with time to live 0.
    let mut query = words(&[id, 0, 1, 0, 0, 1]);
    query.extend(&key);
    query.extend(words(&[TKEY, ANY]));
    query.extend(&key);
    query.extend(words(&[TKEY, ANY, 0, 0, length(&data)?]));
    query.extend(&data);
    Ok(query)
}

/// What matters of an answer's TKEY record.
#[derive(Debug, PartialEq, Eq)]
pub struct Tkey {
    /// Its error; zero is none.
    pub error: u16,
    /// The server's token.
    pub token: Vec<u8>,
}

impl Tkey {
    /// Reads the answer to a TKEY query.
    ///
    /// # Errors
    /// It is none, or says no.
    pub fn read(answer: &[u8], id: u16, key: &Name) -> Result<Self, Error> {
        let mut decoder = BinDecoder::new(answer);
        let malformed = |_| Error::Foreign("is malformed");
        let header = Header::read(&mut decoder).map_err(malformed)?;
        let (metadata, counts) = (header.metadata, header.counts);
        if metadata.id != id
            || metadata.message_type != MessageType::Response
            || metadata.op_code != OpCode::Query
        {
            return Err(Error::Foreign("is one to something else"));
        }
        if metadata.response_code != ResponseCode::NoError {
            return Err(Error::Code(metadata.response_code));
        }
        for _ in 0..counts.queries {
            Query::read(&mut decoder).map_err(malformed)?;
        }
        for _ in 0..counts.answers {
            if let Some(record) = Self::read_record(&mut decoder, key).map_err(malformed)? {
                return record;
            }
        }
        Err(Error::Foreign("has no TKEY record"))
    }

    /// Reads one record of the answer section; nothing if it is another one.
    fn read_record(
        decoder: &mut BinDecoder<'_>,
        key: &Name,
    ) -> Result<Option<Result<Self, Error>>, DecodeError> {
        let owner = Name::read(decoder)?;
        let kind = decoder.read_u16()?.unverified();
        // The class, and the time to live.
        decoder.read_slice(6)?;
        let length = decoder.read_u16()?.unverified();
        let end = decoder.index() + usize::from(length);
        if kind != TKEY || !owner.eq_ignore_root(key) {
            decoder.read_slice(length.into())?;
            return Ok(None);
        }
        let algorithm = TsigAlgorithm::read(decoder)?;
        // The times.
        decoder.read_slice(8)?;
        let mode = decoder.read_u16()?.unverified();
        let error = decoder.read_u16()?.unverified();
        let length = decoder.read_u16()?.unverified();
        let token = decoder.read_vec(length.into())?.unverified();
        let other = decoder.read_u16()?.unverified();
        decoder.read_slice(other.into())?;
        if decoder.index() != end || algorithm != TsigAlgorithm::Gss || mode != GSS_API {
            return Ok(Some(Err(Error::Foreign(
                "has another TKEY record than GSS-TSIG's",
            ))));
        }
        Ok(Some(Ok(Self { error, token })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of all tests.
    fn key() -> Name {
        Name::from_ascii("0123.").unwrap()
    }

    /// An answer with a TKEY record of this mode, error and token.
    fn answer(mode: u16, error: u16, token: &[u8]) -> Vec<u8> {
        let mut answer = query(7, &key(), token, 0).unwrap();
        // A response; the record is in the answer section.
        answer[2] = 0x80;
        answer[7] = 1;
        answer[11] = 0;
        // Behind the header, the question, the record's head, the algorithm and the times.
        let at = 12 + 10 + 16 + 10 + 8;
        answer[at..at + 2].copy_from_slice(&mode.to_be_bytes());
        answer[at + 2..at + 4].copy_from_slice(&error.to_be_bytes());
        answer
    }

    /// What is said of an answer.
    fn said(answer: &[u8]) -> String {
        match Tkey::read(answer, 7, &key()) {
            Ok(record) => format!("{record:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_query_has_the_token_in_its_additional_section_and_no_compressed_name() {
        let query = query(7, &key(), b"token", 0x1_0000_0002).unwrap();
        let expected = [
            &b"\0\x07\0\0\0\x01\0\0\0\0\0\x01"[..],
            b"\x040123\0\0\xf9\0\xff",
            b"\x040123\0\0\xf9\0\xff\0\0\0\0\0\x1f",
            b"\x08gss-tsig\0\0\0\0\x02\0\0\x0e\x12\0\x03\0\0\0\x05token\0\0",
        ]
        .concat();
        assert_eq!(query, expected);
        assert!(super::query(7, &key(), &vec![0; 65_536], 0).is_err());
    }

    #[test]
    fn an_answers_token_and_error_are_read() {
        let read = |answer: &[u8]| Tkey::read(answer, 7, &key()).unwrap();
        assert_eq!(
            read(&answer(3, 0, b"token")),
            Tkey {
                error: 0,
                token: b"token".to_vec()
            }
        );
        assert_eq!(
            read(&answer(3, 17, b"")),
            Tkey {
                error: 17,
                token: Vec::new()
            }
        );
    }

    #[test]
    fn an_answer_to_something_else_is_refused() {
        let with = |at: usize, octet: u8| {
            let mut answer = answer(3, 0, b"token");
            answer[at] = octet;
            answer
        };
        let foreign = "no Kerberos context: the answer is one to something else";
        assert_eq!(said(&with(1, 8)), foreign);
        assert_eq!(said(&with(2, 0)), foreign);
        assert_eq!(said(&with(2, 0xA8)), foreign);
        assert_eq!(
            said(&with(7, 0)),
            "no Kerberos context: the answer has no TKEY record"
        );
        assert_eq!(
            said(&with(23, b'x')),
            "no Kerberos context: the answer has no TKEY record"
        );
        let other = "no Kerberos context: the answer has another TKEY record than GSS-TSIG's";
        assert_eq!(said(&answer(2, 0, b"token")), other);
        assert_eq!(said(&with(39, b'x')), other);
        assert!(said(&with(3, 5)).contains("(TKEY: REFUSED): it does no GSS-TSIG"));
        let good = answer(3, 0, b"token");
        for end in 0..good.len() {
            assert_eq!(
                said(&good[..end]),
                "no Kerberos context: the answer is malformed",
                "cut to {end}"
            );
        }
    }

    #[test]
    fn every_error_of_a_tkey_record_is_said_in_words() {
        for code in 1..30 {
            let text = refused(code, "DNS/ns.example.com");
            assert!(
                text.starts_with("the server ") && !text.contains('\n'),
                "{text}"
            );
        }
    }
}
