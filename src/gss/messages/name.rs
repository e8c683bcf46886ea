//! Names and realms: KerberosString and PrincipalName.

use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag, Writer};
use std::fmt;

/// Kinds of names (RFC 4120, section 6.2): a hint, not part of the name.
pub(crate) mod name_type {
    pub(crate) const PRINCIPAL: i32 = 1;
    pub(crate) const SERVICE_INSTANCE: i32 = 2;
}

/// A KerberosString: a GeneralString that everybody fills with UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(String);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Text {
    /// As it is.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody else wrote it, so that control characters are shown and not sent to a terminal.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(f)
    }
}

impl FixedTag for Text {
    const TAG: Tag = Tag::GeneralString;
}

impl<'a> DecodeValue<'a> for Text {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let octets = reader.read_vec(header.length())?;
        let text = String::from_utf8(octets).map_err(|_| Self::TAG.value_error())?;
        Ok(Self(text))
    }
}

impl EncodeValue for Text {
    fn value_len(&self) -> der::Result<Length> {
        self.0.len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.0.as_bytes())
    }
}

#[derive(Sequence, Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrincipalName {
    #[asn1(context_specific = "0")]
    pub(crate) name_type: i32,
    #[asn1(context_specific = "1")]
    pub(crate) name_string: Vec<Text>,
}

impl PrincipalName {
    /// Whether it is that name; case is ignored, as Active Directory does, and so is the name type.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name_string.len() == other.name_string.len()
            && self
                .name_string
                .iter()
                .zip(&other.name_string)
                .all(|(one, other)| one.0.eq_ignore_ascii_case(&other.0))
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.name_string.iter().enumerate() {
            write!(f, "{}{part}", if index == 0 { "" } else { "/" })?;
        }
        Ok(())
    }
}
