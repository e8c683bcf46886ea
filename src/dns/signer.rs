//! What makes a server take an update, and its answer believable: nothing, or a shared key.

use super::tsig::{self, Key, Signed, Unverified};
use crate::escape;
use hickory_proto::ProtoError;
use hickory_proto::op::Message;

/// Signs requests and verifies their answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signer<'a> {
    /// Updates go out as they are.
    None,
    /// A shared key (RFC 8945).
    Key(&'a Key),
}

impl<'a> From<Option<&'a Key>> for Signer<'a> {
    fn from(key: Option<&'a Key>) -> Self {
        key.map_or(Self::None, Self::Key)
    }
}

impl Signer<'_> {
    /// Whether requests are signed.
    pub(crate) fn is_some(self) -> bool {
        !matches!(self, Self::None)
    }

    /// The request as it goes over the wire.
    ///
    /// # Errors
    /// The message can't be encoded.
    pub(crate) fn sign(self, message: &mut Message, now: u64) -> Result<Signed, ProtoError> {
        match self {
            Self::None => Ok(Signed::plain(message.to_vec()?)),
            Self::Key(key) => key.sign(message, now),
        }
    }

    /// Whether an answer to `request` is to be believed.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn verify(
        self,
        answer: &[u8],
        request: &Signed,
        now: u64,
    ) -> Result<(), Unverified> {
        match self {
            Self::None => tsig::check_form(answer),
            Self::Key(key) => key.verify(answer, request, now),
        }
    }

    /// For people: which key.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::None => "an unsigned update".to_owned(),
            Self::Key(key) => format!(
                "the key {} ({})",
                escape::domain(key.name()),
                key.algorithm().as_str()
            ),
        }
    }
}
