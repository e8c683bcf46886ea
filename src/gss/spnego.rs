//! The framing of RFC 2743, section 3.1, and SPNEGO (RFC 4178) for a client that offers Kerberos alone.
//!
//! With a single mechanism the negotiation needs no signature of its own, and one token each way is all there is.

use crate::error::Error;
use der::asn1::{AnyRef, ContextSpecific, ContextSpecificRef, ObjectIdentifier, OctetString};
use der::{
    Any, Decode, Encode, Enumerated, Reader, Sequence, SliceReader, Tag, TagMode, TagNumber, Tagged,
};

/// SPNEGO.
const SPNEGO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.2");

/// Kerberos (RFC 4121).
const KERBEROS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2");

/// Kerberos by the number that Windows once cut short, which it still answers with.
const KERBEROS_OF_WINDOWS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.48018.1.2.2");

/// How every first token begins.
const FRAME: Tag = Tag::Application {
    constructed: true,
    number: TagNumber(0),
};

/// What is offered.
#[derive(Sequence)]
struct NegTokenInit {
    /// The mechanisms.
    #[asn1(context_specific = "0")]
    mech_types: Vec<ObjectIdentifier>,
    /// The first mechanism's token.
    #[asn1(context_specific = "2")]
    mech_token: OctetString,
}

/// What comes back.
#[derive(Sequence)]
struct NegTokenResp {
    /// How it stands.
    #[asn1(context_specific = "0", optional = "true")]
    neg_state: Option<NegState>,
    /// The mechanism that was chosen.
    #[asn1(context_specific = "1", optional = "true")]
    supported_mech: Option<ObjectIdentifier>,
    /// The mechanism's token.
    #[asn1(context_specific = "2", optional = "true")]
    response_token: Option<OctetString>,
    /// A signature over what was offered.
    #[asn1(context_specific = "3", optional = "true")]
    mech_list_mic: Option<OctetString>,
}

/// How a negotiation stands.
#[derive(Enumerated, Clone, Copy, PartialEq, Eq)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
enum NegState {
    /// Done.
    AcceptCompleted = 0,
    /// More tokens are to follow.
    AcceptIncomplete = 1,
    /// No.
    Reject = 2,
    /// A signature over the offer is wanted.
    RequestMic = 3,
}

/// A Kerberos token of the other side.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// An AP-REP.
    Reply(Vec<u8>),
    /// A KRB-ERROR.
    Error(Vec<u8>),
}

/// What a completed negotiation brought.
#[derive(Debug)]
pub(crate) struct Completed {
    /// Kerberos's own answer.
    pub(crate) response: Response,
    /// The signature over [`offer`], which may be missing.
    pub(crate) mech_list_mic: Option<Vec<u8>>,
}

/// The mechanisms offered, as they are signed.
pub(crate) fn offer() -> der::Result<Vec<u8>> {
    vec![KERBEROS].to_der()
}

/// An AP-REQ as the first token of a negotiation.
pub(crate) fn initial_token(ap_req: &[u8]) -> der::Result<Vec<u8>> {
    let kerberos = frame(KERBEROS, &[&[1, 0], ap_req].concat())?;
    let offer = NegTokenInit {
        mech_types: vec![KERBEROS],
        mech_token: OctetString::new(kerberos)?,
    };
    let offer = ContextSpecificRef {
        tag_number: TagNumber(0),
        tag_mode: TagMode::Explicit,
        value: &offer,
    };
    frame(SPNEGO, &offer.to_der()?)
}

/// Reads the token that must end the negotiation.
///
/// # Errors
/// It does not, or not with Kerberos.
pub(crate) fn completed(token: &[u8]) -> Result<Completed, Error> {
    let malformed = || Error::Token("is no answer of SPNEGO");
    let answer = ContextSpecific::<NegTokenResp>::from_der(token).map_err(|_| malformed())?;
    if answer.tag_number != TagNumber(1) {
        return Err(malformed());
    }
    let answer = answer.value;
    let kerberos = answer.response_token.as_ref().map(OctetString::as_bytes);
    if let Some(mechanism) = answer.supported_mech
        && ![KERBEROS, KERBEROS_OF_WINDOWS].contains(&mechanism)
    {
        return Err(Error::OtherMechanism(mechanism.to_string()));
    }
    let response = kerberos.map(response).transpose()?;
    match (answer.neg_state, response) {
        // The server's reason, if it gives one, says more than its no.
        (_, Some(Response::Error(error))) => Ok(Completed {
            response: Response::Error(error),
            mech_list_mic: None,
        }),
        (Some(NegState::Reject), _) => Err(Error::Rejected),
        (Some(NegState::AcceptIncomplete | NegState::RequestMic), _) => Err(Error::Incomplete),
        (None, _) => Err(Error::Token("does not say how the negotiation stands")),
        (Some(NegState::AcceptCompleted), None) => Err(Error::Token("has no Kerberos in it")),
        (Some(NegState::AcceptCompleted), Some(response)) => Ok(Completed {
            response,
            mech_list_mic: answer.mech_list_mic.map(|mic| mic.as_bytes().to_vec()),
        }),
    }
}

/// Takes apart a Kerberos token (RFC 4121, section 4.1).
fn response(token: &[u8]) -> Result<Response, Error> {
    let malformed = |_| Error::Token("has something else in it than Kerberos");
    let frame = AnyRef::from_der(token).map_err(malformed)?;
    let mut reader = SliceReader::new(frame.value()).map_err(malformed)?;
    let mechanism = ObjectIdentifier::decode(&mut reader).map_err(malformed)?;
    let message = reader
        .read_slice(reader.remaining_len())
        .map_err(malformed)?;
    match (frame.tag(), mechanism, message) {
        (FRAME, KERBEROS | KERBEROS_OF_WINDOWS, [2, 0, reply @ ..]) => {
            Ok(Response::Reply(reply.to_vec()))
        }
        (FRAME, KERBEROS | KERBEROS_OF_WINDOWS, [3, 0, error @ ..]) => {
            Ok(Response::Error(error.to_vec()))
        }
        _ => Err(Error::Token("has something else in it than Kerberos")),
    }
}

/// A mechanism's token with the mechanism's number in front.
fn frame(mechanism: ObjectIdentifier, token: &[u8]) -> der::Result<Vec<u8>> {
    let content = [mechanism.to_der()?.as_slice(), token].concat();
    Any::new(FRAME, content)?.to_der()
}

/// The token of a server that accepts, with its AP-REP.
#[cfg(fuzzing)]
pub(crate) fn completed_token(ap_rep: &[u8]) -> der::Result<Vec<u8>> {
    let answer = NegTokenResp {
        neg_state: Some(NegState::AcceptCompleted),
        supported_mech: None,
        response_token: Some(OctetString::new(frame(
            KERBEROS,
            &[&[2, 0], ap_rep].concat(),
        )?)?),
        mech_list_mic: None,
    };
    ContextSpecificRef {
        tag_number: TagNumber(1),
        tag_mode: TagMode::Explicit,
        value: &answer,
    }
    .to_der()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A server's token.
    pub(crate) fn response(state: u8, mechanism: &str, kind: u8, message: &[u8]) -> Vec<u8> {
        let kerberos = frame(KERBEROS, &[&[kind, 0], message].concat()).unwrap();
        let answer = NegTokenResp {
            neg_state: NegState::try_from(state).ok(),
            supported_mech: Some(mechanism.parse().unwrap()),
            response_token: Some(OctetString::new(kerberos).unwrap()),
            mech_list_mic: None,
        };
        ContextSpecificRef {
            tag_number: TagNumber(1),
            tag_mode: TagMode::Explicit,
            value: &answer,
        }
        .to_der()
        .unwrap()
    }

    #[test]
    fn the_first_token_offers_kerberos_alone() {
        let token = initial_token(b"AP-REQ").unwrap();
        let expected = [
            &b"\x60\x34\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x2a\x30\x28"[..],
            b"\xa0\x0d\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
            b"\xa2\x17\x04\x15\x60\x13\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00AP-REQ",
        ]
        .concat();
        assert_eq!(token, expected);
    }

    #[test]
    fn only_a_completed_answer_with_kerberos_ends_it() {
        const OWN: &str = "1.2.840.113554.1.2.2";
        assert_eq!(
            completed(&response(0, OWN, 2, b"AP-REP")).unwrap().response,
            Response::Reply(b"AP-REP".to_vec())
        );
        assert_eq!(
            completed(&response(2, OWN, 3, b"KRB-ERROR"))
                .unwrap()
                .response,
            Response::Error(b"KRB-ERROR".to_vec())
        );
        for token in [
            response(0, OWN, 1, b"AP-REQ"),
            response(0, OWN, 4, b""),
            response(9, OWN, 2, b"AP-REP"),
            b"\xa1\x02\x30\x00".to_vec(),
            b"\xa0\x02\x30\x00".to_vec(),
            Vec::new(),
            initial_token(b"AP-REQ").unwrap(),
        ] {
            assert!(
                matches!(completed(&token), Err(Error::Token(_))),
                "{token:?}"
            );
        }
    }
}
