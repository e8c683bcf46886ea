//! The messages of RFC 4120, section 5, as far as a client with a keytab needs them: types for the crate `der`, which
//! owns the encoding. What messages mean is said in `client` and `context`.

#![allow(
    clippy::missing_docs_in_private_items,
    clippy::struct_field_names,
    reason = "the fields have their names from the ASN.1 module of RFC 4120, appendix A, which explains them"
)]

mod name;

use crate::crypto::Key;
use der::asn1::{
    Any, Application, ApplicationRef, BitStringRef, GeneralizedTime, OctetString, OctetStringRef,
};
use der::{Decode, Encode, EncodeValue, Sequence, TagMode, TagNumber, Tagged};
pub(crate) use name::{PrincipalName, Text, name_type};
use std::time::Duration;

/// The version of Kerberos.
pub(crate) const PVNO: u8 = 5;

/// Message types, which are the numbers of the application tags too.
pub(crate) mod kind {
    pub(crate) const AS_REQ: u8 = 10;
    pub(crate) const AS_REP: u8 = 11;
    pub(crate) const TGS_REQ: u8 = 12;
    pub(crate) const TGS_REP: u8 = 13;
    pub(crate) const AP_REQ: u8 = 14;
    pub(crate) const AP_REP: u8 = 15;
    pub(crate) const KRB_ERROR: u8 = 30;
    pub(crate) const TICKET: u8 = 1;
    pub(crate) const AUTHENTICATOR: u8 = 2;
    pub(crate) const ENC_AS_REP_PART: u8 = 25;
    pub(crate) const ENC_TGS_REP_PART: u8 = 26;
    pub(crate) const ENC_AP_REP_PART: u8 = 27;
}

/// What a key is used for (RFC 4120, section 7.5.1; RFC 4121, section 2).
pub(crate) mod usage {
    pub(crate) const AS_REQ_TIMESTAMP: u32 = 1;
    pub(crate) const AS_REP: u32 = 3;
    pub(crate) const TGS_REQ_CHECKSUM: u32 = 6;
    pub(crate) const TGS_REQ_AUTHENTICATOR: u32 = 7;
    pub(crate) const TGS_REP: u32 = 8;
    pub(crate) const AP_REQ_AUTHENTICATOR: u32 = 11;
    pub(crate) const AP_REP: u32 = 12;
    pub(crate) const ACCEPTOR_SIGN: u32 = 23;
    pub(crate) const INITIATOR_SIGN: u32 = 25;
}

/// A time as messages have it: whole seconds, and microseconds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) time: GeneralizedTime,
    pub(crate) microseconds: u32,
}

impl Instant {
    /// The time so long after 1970 began.
    pub(crate) fn new(since_1970: Duration) -> der::Result<Self> {
        Ok(Self {
            time: GeneralizedTime::from_unix_duration(Duration::from_secs(since_1970.as_secs()))?,
            microseconds: since_1970.subsec_micros(),
        })
    }
}

#[derive(Sequence, Debug)]
pub(crate) struct EncryptedData {
    #[asn1(context_specific = "0")]
    pub(crate) etype: i32,
    /// Windows writes it as a signed number.
    #[asn1(context_specific = "1", optional = "true")]
    pub(crate) kvno: Option<i64>,
    #[asn1(context_specific = "2")]
    pub(crate) cipher: OctetString,
}

impl EncryptedData {
    /// A message part, encrypted.
    pub(crate) fn seal(
        key: &Key,
        usage: u32,
        plain: &[u8],
        confounder: [u8; crate::crypto::BLOCK],
    ) -> der::Result<Self> {
        Ok(Self {
            etype: key.enctype().number(),
            kvno: None,
            cipher: OctetString::new(key.encrypt(usage, plain, confounder))?,
        })
    }
}

/// Not `Debug`, and borrowed: the octets stay in the one buffer that is wiped.
#[derive(Sequence)]
pub(crate) struct EncryptionKey<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) keytype: i32,
    #[asn1(context_specific = "1")]
    pub(crate) keyvalue: &'a OctetStringRef,
}

#[derive(Sequence)]
pub(crate) struct Checksum {
    #[asn1(context_specific = "0")]
    pub(crate) cksumtype: i32,
    #[asn1(context_specific = "1")]
    pub(crate) checksum: OctetString,
}

#[derive(Sequence)]
pub(crate) struct PaData {
    #[asn1(context_specific = "1")]
    pub(crate) padata_type: i32,
    #[asn1(context_specific = "2")]
    pub(crate) padata_value: OctetString,
}

impl PaData {
    pub(crate) const TGS_REQ: i32 = 1;
    pub(crate) const ENC_TIMESTAMP: i32 = 2;
    pub(crate) const ETYPE_INFO2: i32 = 19;
}

#[derive(Sequence)]
pub(crate) struct PaEncTsEnc {
    #[asn1(context_specific = "0")]
    pub(crate) patimestamp: GeneralizedTime,
    #[asn1(context_specific = "1")]
    pub(crate) pausec: u32,
}

#[derive(Sequence)]
pub(crate) struct KdcReq<'a> {
    #[asn1(context_specific = "1")]
    pub(crate) pvno: u8,
    #[asn1(context_specific = "2")]
    pub(crate) msg_type: u8,
    #[asn1(context_specific = "3")]
    pub(crate) padata: Vec<PaData>,
    #[asn1(context_specific = "4")]
    pub(crate) req_body: KdcReqBody<'a>,
}

#[derive(Sequence)]
pub(crate) struct KdcReqBody<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) kdc_options: BitStringRef<'a>,
    #[asn1(context_specific = "1", optional = "true")]
    pub(crate) cname: Option<PrincipalName>,
    #[asn1(context_specific = "2")]
    pub(crate) realm: Text,
    #[asn1(context_specific = "3")]
    pub(crate) sname: PrincipalName,
    #[asn1(context_specific = "5")]
    pub(crate) till: GeneralizedTime,
    #[asn1(context_specific = "7")]
    pub(crate) nonce: u32,
    #[asn1(context_specific = "8")]
    pub(crate) etype: Vec<i32>,
}

#[derive(Sequence, Debug)]
pub(crate) struct KdcRep {
    #[asn1(context_specific = "0")]
    pub(crate) pvno: u8,
    #[asn1(context_specific = "1")]
    pub(crate) msg_type: u8,
    #[asn1(context_specific = "2", optional = "true")]
    pub(crate) padata: Option<Any>,
    #[asn1(context_specific = "3")]
    pub(crate) crealm: Text,
    #[asn1(context_specific = "4")]
    pub(crate) cname: PrincipalName,
    #[asn1(context_specific = "5")]
    pub(crate) ticket: Any,
    #[asn1(context_specific = "6")]
    pub(crate) enc_part: EncryptedData,
}

#[derive(Sequence)]
pub(crate) struct EncKdcRepPart<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) key: EncryptionKey<'a>,
    #[asn1(context_specific = "1")]
    pub(crate) last_req: Any,
    #[asn1(context_specific = "2")]
    pub(crate) nonce: i64,
    #[asn1(context_specific = "3", optional = "true")]
    pub(crate) key_expiration: Option<GeneralizedTime>,
    #[asn1(context_specific = "4")]
    pub(crate) flags: Any,
    #[asn1(context_specific = "5")]
    pub(crate) authtime: GeneralizedTime,
    #[asn1(context_specific = "6", optional = "true")]
    pub(crate) starttime: Option<GeneralizedTime>,
    #[asn1(context_specific = "7")]
    pub(crate) endtime: GeneralizedTime,
    #[asn1(context_specific = "8", optional = "true")]
    pub(crate) renew_till: Option<GeneralizedTime>,
    #[asn1(context_specific = "9")]
    pub(crate) srealm: Text,
    #[asn1(context_specific = "10")]
    pub(crate) sname: PrincipalName,
    #[asn1(context_specific = "11", optional = "true")]
    pub(crate) caddr: Option<Any>,
    #[asn1(context_specific = "12", optional = "true")]
    pub(crate) encrypted_pa_data: Option<Any>,
}

#[derive(Sequence, Debug)]
pub(crate) struct KrbError {
    #[asn1(context_specific = "0")]
    pub(crate) pvno: u8,
    #[asn1(context_specific = "1")]
    pub(crate) msg_type: u8,
    #[asn1(context_specific = "2", optional = "true")]
    pub(crate) ctime: Option<GeneralizedTime>,
    #[asn1(context_specific = "3", optional = "true")]
    pub(crate) cusec: Option<i64>,
    #[asn1(context_specific = "4")]
    pub(crate) stime: GeneralizedTime,
    #[asn1(context_specific = "5")]
    pub(crate) susec: i64,
    #[asn1(context_specific = "6")]
    pub(crate) error_code: i32,
    #[asn1(context_specific = "7", optional = "true")]
    pub(crate) crealm: Option<Text>,
    #[asn1(context_specific = "8", optional = "true")]
    pub(crate) cname: Option<PrincipalName>,
    #[asn1(context_specific = "9")]
    pub(crate) realm: Text,
    #[asn1(context_specific = "10")]
    pub(crate) sname: PrincipalName,
    #[asn1(context_specific = "11", optional = "true")]
    pub(crate) e_text: Option<Text>,
    #[asn1(context_specific = "12", optional = "true")]
    pub(crate) e_data: Option<OctetString>,
}

impl KrbError {
    /// The enctypes that the KDC has keys of for the client, if it says so (RFC 4120, section 5.2.7.5).
    pub(crate) fn etypes(&self) -> Option<Vec<i32>> {
        let hints = Vec::<PaData>::from_der(self.e_data.as_ref()?.as_bytes()).ok()?;
        let info = hints
            .iter()
            .find(|hint| hint.padata_type == PaData::ETYPE_INFO2)?;
        let entries = Vec::<EtypeInfo2Entry>::from_der(info.padata_value.as_bytes()).ok()?;
        Some(entries.iter().map(|entry| entry.etype).collect())
    }
}

#[derive(Sequence)]
pub(crate) struct EtypeInfo2Entry {
    #[asn1(context_specific = "0")]
    pub(crate) etype: i32,
    #[asn1(context_specific = "1", optional = "true")]
    pub(crate) salt: Option<Any>,
    #[asn1(context_specific = "2", optional = "true")]
    pub(crate) s2kparams: Option<Any>,
}

#[derive(Sequence)]
pub(crate) struct ApReq<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) pvno: u8,
    #[asn1(context_specific = "1")]
    pub(crate) msg_type: u8,
    #[asn1(context_specific = "2")]
    pub(crate) ap_options: BitStringRef<'a>,
    #[asn1(context_specific = "3")]
    pub(crate) ticket: Any,
    #[asn1(context_specific = "4")]
    pub(crate) authenticator: EncryptedData,
}

#[derive(Sequence)]
pub(crate) struct Authenticator<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) authenticator_vno: u8,
    #[asn1(context_specific = "1")]
    pub(crate) crealm: Text,
    #[asn1(context_specific = "2")]
    pub(crate) cname: PrincipalName,
    #[asn1(context_specific = "3")]
    pub(crate) cksum: Checksum,
    #[asn1(context_specific = "4")]
    pub(crate) cusec: u32,
    #[asn1(context_specific = "5")]
    pub(crate) ctime: GeneralizedTime,
    #[asn1(context_specific = "6", optional = "true")]
    pub(crate) subkey: Option<EncryptionKey<'a>>,
    #[asn1(context_specific = "7", optional = "true")]
    pub(crate) seq_number: Option<u32>,
}

#[derive(Sequence, Debug)]
pub(crate) struct ApRep {
    #[asn1(context_specific = "0")]
    pub(crate) pvno: u8,
    #[asn1(context_specific = "1")]
    pub(crate) msg_type: u8,
    #[asn1(context_specific = "2")]
    pub(crate) enc_part: EncryptedData,
}

#[derive(Sequence)]
pub(crate) struct EncApRepPart<'a> {
    #[asn1(context_specific = "0")]
    pub(crate) ctime: GeneralizedTime,
    #[asn1(context_specific = "1")]
    pub(crate) cusec: u32,
    #[asn1(context_specific = "2", optional = "true")]
    pub(crate) subkey: Option<EncryptionKey<'a>>,
    /// Unsigned, but older servers write half of them as negative numbers.
    #[asn1(context_specific = "3", optional = "true")]
    pub(crate) seq_number: Option<i64>,
}

/// Encodes a message with its application tag.
pub(crate) fn encode<T: EncodeValue + Tagged>(kind: u8, value: &T) -> der::Result<Vec<u8>> {
    ApplicationRef {
        tag_number: TagNumber(kind.into()),
        tag_mode: TagMode::Explicit,
        value,
    }
    .to_der()
}

/// Decodes a message that must have one of these application tags.
pub(crate) fn decode<'a, T: Decode<'a, Error = der::Error>>(
    kinds: &[u8],
    octets: &'a [u8],
) -> der::Result<T> {
    let message = Application::<T>::from_der(octets)?;
    if kinds
        .iter()
        .any(|&kind| message.tag_number == TagNumber(kind.into()))
    {
        Ok(message.value)
    } else {
        Err(der::ErrorKind::Failed.into())
    }
}

/// Which message it claims to be.
pub(crate) fn kind_of(octets: &[u8]) -> Option<u8> {
    let first = *octets.first()?;
    (first & 0b1110_0000 == 0b0110_0000).then_some(first & 0b0001_1111)
}
