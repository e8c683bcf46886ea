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
    context: gss_tsig::Context,
    /// What to add to the clock, in seconds.
    clock_offset: i64,
}

/// Why there is no context with a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
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
            context: negotiation.accept(&record.token)?,
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
        let context = &mut self.context;
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
        let parts = [&*signature.message, &signature.variables];
        let verified = match request.map(Signed::mac) {
            None => self.context.verify(signature.mac(), &parts),
            Some((length, mac)) => {
                let [message, variables] = parts;
                let by_the_rfc = [&length, mac, message, variables];
                match self.context.verify(signature.mac(), &by_the_rfc) {
                    Err(BadMic::Checksum) => {
                        let [_, as_samba @ ..] = by_the_rfc;
                        self.context.verify(signature.mac(), &as_samba)
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
struct Tkey {
    /// Its error; zero is none.
    error: u16,
    /// The server's token.
    token: Vec<u8>,
}

impl Tkey {
    /// Reads the answer to a TKEY query.
    fn read(answer: &[u8], id: u16, key: &Name) -> Result<Self, Error> {
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
