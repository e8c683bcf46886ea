//! What makes a server take an update, and its answer believable: nothing, a shared key, or a Kerberos ticket.

use super::exchange::Peer;
use super::gss::{self, Context, Gss};
use super::tsig::{self, Key, Signed, Unverified};
use crate::escape;
use hickory_proto::ProtoError;
use hickory_proto::op::Message;
use std::time::{Duration, Instant};

/// What signs requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signer<'a> {
    /// Updates go out as they are.
    None,
    /// A shared key (RFC 8945).
    Key(&'a Key),
    /// A ticket, by which each server agrees on a context (RFC 3645).
    Gss(&'a Gss<'a>),
}

/// What signs one request to one server, and verifies its answer.
#[derive(Debug)]
pub(crate) enum Session<'a> {
    /// Nothing.
    None,
    /// A shared key.
    Key(&'a Key),
    /// A context.
    Gss(Context),
}

impl<'a> From<Option<&'a Key>> for Signer<'a> {
    fn from(key: Option<&'a Key>) -> Self {
        key.map_or(Self::None, Self::Key)
    }
}

impl<'a> Signer<'a> {
    /// Whether requests are signed.
    pub(crate) fn is_some(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Gets ready for one request to a server, which with a ticket takes an exchange.
    ///
    /// # Errors
    /// The server agrees on no context.
    pub(crate) fn begin(
        self,
        server: Peer<'_>,
        connect: Duration,
        deadline: Instant,
    ) -> Result<Session<'a>, gss::Error> {
        Ok(match self {
            Self::None => Session::None,
            Self::Key(key) => Session::Key(key),
            Self::Gss(gss) => Session::Gss(gss.agree(server, connect, deadline)?),
        })
    }

    /// For people: which key, or who.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::None => "an unsigned update".to_owned(),
            Self::Key(key) => format!(
                "the key {} ({})",
                escape::domain(key.name()),
                key.algorithm().as_str()
            ),
            Self::Gss(gss) => gss.ticket.client(),
        }
    }
}

impl Session<'_> {
    /// The request as it goes over the wire.
    ///
    /// # Errors
    /// The message can't be encoded.
    pub(crate) fn sign(&mut self, message: &mut Message, now: u64) -> Result<Signed, ProtoError> {
        match self {
            Self::None => Ok(Signed::plain(message.to_vec()?)),
            Self::Key(key) => key.sign(message, now),
            Self::Gss(context) => context.sign(message, now),
        }
    }

    /// Whether an answer to `request` is to be believed.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn verify(
        &mut self,
        answer: &[u8],
        request: &Signed,
        now: u64,
    ) -> Result<(), Unverified> {
        match self {
            Self::None => tsig::check_form(answer),
            Self::Key(key) => key.verify(answer, request, now),
            Self::Gss(context) => context.verify(answer, request, now),
        }
    }
}
