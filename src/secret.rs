//! The shared secret: out of base64, redacted in `Debug`, wiped when dropped.
//!
//! Nothing in this module, its errors included, ever shows a byte of what it read.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use zeroize::Zeroizing;

/// Base64 as Python decodes it: padded, and the last character's spare bits may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes of a TSIG key.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Decodes base64; white space in it is passed over.
    ///
    /// # Errors
    /// It is empty or no base64.
    pub fn from_base64(text: &str) -> Result<Self, &'static str> {
        let packed: Zeroizing<Vec<u8>> = Zeroizing::new(
            text.bytes()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect(),
        );
        let mut bytes = Zeroizing::new(Vec::with_capacity(packed.len()));
        BASE64
            .decode_vec(&*packed, &mut bytes)
            .map_err(|_| "is not base64")?;
        if bytes.is_empty() {
            Err("is empty")
        } else {
            Ok(Self(bytes))
        }
    }

    /// The secret itself, for the HMAC alone.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        let secret = Secret::from_base64(" c2Vj\ncmV0 ").unwrap();
        assert_eq!(secret.bytes(), b"secret");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(Secret::from_base64("c2VjcmV").unwrap_err(), "is not base64");
        assert_eq!(Secret::from_base64(" ").unwrap_err(), "is empty");
    }
}
