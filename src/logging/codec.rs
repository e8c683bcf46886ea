//! Character sets and what to do about characters that they lack, under Python's names.

use crate::value::escape;

/// A character set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Codec {
    /// `utf-8`
    Utf8,
    /// `utf-8-sig`: with a byte order mark at the start of a file
    Utf8Sig,
    /// `utf-16`: with a byte order mark, in this machine's order
    Utf16,
    /// `utf-16-le`
    Utf16Le,
    /// `utf-16-be`
    Utf16Be,
    /// `latin-1`
    Latin1,
    /// `cp1252`
    Cp1252,
    /// `ascii`
    Ascii,
}

/// What to do about a character that the character set lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Errors {
    /// fail
    Strict,
    /// leave it out
    Ignore,
    /// `?`
    Replace,
    /// `&#8364;`
    Xml,
    /// `\u20ac`
    Backslash,
}

/// The character sets to choose from, for messages.
pub(crate) const KNOWN: &str =
    "utf-8, utf-8-sig, utf-16, utf-16-le, utf-16-be, latin-1, cp1252 and ascii";

impl Codec {
    /// Finds a character set by any of the names that Python knows it by.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let mut normal = String::with_capacity(name.len());
        for c in name.trim().chars() {
            if c.is_ascii_alphanumeric() || c == '.' {
                normal.push(c.to_ascii_lowercase());
            } else if !normal.ends_with('_') {
                normal.push('_');
            }
        }
        Some(match normal.as_str() {
            "utf_8" | "utf8" | "u8" | "utf" | "utf8_ucs2" | "utf8_ucs4" | "cp65001" | "locale" => {
                Codec::Utf8
            }
            "utf_8_sig" => Codec::Utf8Sig,
            "utf_16" | "utf16" | "u16" => Codec::Utf16,
            "utf_16_le" | "utf_16le" | "unicodelittleunmarked" => Codec::Utf16Le,
            "utf_16_be" | "utf_16be" | "unicodebigunmarked" => Codec::Utf16Be,
            "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "iso8859"
            | "8859" | "cp819" | "iso_8859_1_1987" | "iso_ir_100" | "ibm819" | "csisolatin1" => {
                Codec::Latin1
            }
            "cp1252" | "1252" | "windows_1252" => Codec::Cp1252,
            "ascii" | "us_ascii" | "us" | "646" | "ansi_x3.4_1968" | "ansi_x3_4_1968"
            | "ansi_x3.4_1986" | "cp367" | "csascii" | "ibm367" | "iso646_us"
            | "iso_646.irv_1991" | "iso_ir_6" => Codec::Ascii,
            _ => return None,
        })
    }

    /// Encodes text. At the start of a file a byte order mark may go first.
    pub(crate) fn encode(
        self,
        text: &str,
        errors: Errors,
        at_start: bool,
    ) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(text.len() + 4);
        match self {
            Codec::Utf8 => out.extend_from_slice(text.as_bytes()),
            Codec::Utf8Sig => {
                if at_start {
                    out.extend_from_slice("\u{feff}".as_bytes());
                }
                out.extend_from_slice(text.as_bytes());
            }
            Codec::Utf16 => {
                let mark = if at_start { "\u{feff}" } else { "" };
                out.extend(
                    mark.encode_utf16()
                        .chain(text.encode_utf16())
                        .flat_map(u16::to_ne_bytes),
                );
            }
            Codec::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Codec::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Codec::Latin1 | Codec::Cp1252 | Codec::Ascii => {
                for c in text.chars() {
                    match self.byte(c) {
                        Some(byte) => out.push(byte),
                        None => self.replace(c, errors, &mut out)?,
                    }
                }
            }
        }
        Ok(out)
    }

    /// The byte of a character in one of the small character sets.
    fn byte(self, c: char) -> Option<u8> {
        /// What cp1252 has at 0x80 to 0x9f; a space where it has nothing.
        const MIDDLE: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
        let code = u8::try_from(u32::from(c)).ok();
        match self {
            Codec::Ascii => code.filter(u8::is_ascii),
            Codec::Cp1252 => code
                .filter(|code| !(0x80..0xa0).contains(code))
                .or_else(|| {
                    let at = MIDDLE
                        .chars()
                        .position(|known| known == c && known != ' ')?;
                    u8::try_from(0x80 + at).ok()
                }),
            _ => code,
        }
    }

    /// Writes what stands for a character that the character set lacks.
    fn replace(self, c: char, errors: Errors, out: &mut Vec<u8>) -> Result<(), String> {
        match errors {
            Errors::Strict => {
                let mut name = String::new();
                escape(&mut name, c);
                return Err(format!("can't encode character '{name}' in {self:?}").to_lowercase());
            }
            Errors::Ignore => {}
            Errors::Replace => out.push(b'?'),
            Errors::Xml => out.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
            Errors::Backslash => {
                let mut text = String::new();
                escape(&mut text, c);
                out.extend_from_slice(text.as_bytes());
            }
        }
        Ok(())
    }
}

impl Errors {
    /// Finds an error handler by its name. The two for surrogates only help with what a native string can't hold.
    pub(crate) fn find(name: &str) -> Result<Self, String> {
        match name {
            "strict" | "surrogateescape" | "surrogatepass" => Ok(Errors::Strict),
            "ignore" => Ok(Errors::Ignore),
            "replace" => Ok(Errors::Replace),
            "xmlcharrefreplace" => Ok(Errors::Xml),
            "backslashreplace" => Ok(Errors::Backslash),
            _ => Err(format!(
                "unknown error handler name {name:?}; there are strict, ignore, replace, xmlcharrefreplace and backslashreplace"
            )),
        }
    }
}
