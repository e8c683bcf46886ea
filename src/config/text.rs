//! The bytes of a configuration, key file or keytab: a regular file of bounded size, in UTF-8.
//!
//! What Windows' editors and shells write instead (UTF-16, an ANSI code page) is refused in words of its own.

use super::section::{Fault, fault};
use crate::host;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// The bytes of a regular file of at most `largest` bytes, wiped when dropped.
///
/// # Errors
/// What the system answers; `InvalidData` if it is anything but a regular file (a FIFO would block), or is too large.
pub(crate) fn read(path: &Path, largest: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let (file, len) = host::open_regular(path)?;
    if len > largest {
        let what = format!("is larger than {} KiB", largest >> 10);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    // One byte more than the file has lets the reading end without a larger buffer, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(len).unwrap_or_default() + 1,
    ));
    file.take(largest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text that bytes are in UTF-8, without a byte order mark.
///
/// # Errors
/// They are in another encoding, which is named if it shows.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, Fault> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_utf16 = match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        // Without a mark it shows by the half of an ASCII character that is zero.
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    };
    if is_utf16 {
        return Err(fault("", "is UTF-16; save it as UTF-8"));
    }
    str::from_utf8(text).map_err(|error| {
        let (before, after) = text.split_at(error.valid_up_to());
        let byte = after.first().copied().unwrap_or_default();
        fault(
            position(&String::from_utf8_lossy(before)),
            format!("the byte 0x{byte:02x} is not UTF-8; the file may be in an ANSI code page: save it as UTF-8"),
        )
    })
}

/// The line and column, both counted from one and in characters, of what follows this beginning of a text.
pub(super) fn position(before: &str) -> String {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default();
    format!("line {line} column {}", column.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn other_encodings_are_named() {
        for (bytes, says) in [
            (&b"\xff\xfe{\0}\0"[..], "is UTF-16; save it as UTF-8"),
            (b"\xfe\xff\0{\0}", "is UTF-16; save it as UTF-8"),
            (b"{\0}\0", "is UTF-16; save it as UTF-8"),
            (b"\0{\0}", "is UTF-16; save it as UTF-8"),
            (
                b"{\n\"_\": \"Stra\xdfe\"}",
                "line 2 column 11: the byte 0xdf is not UTF-8; the file may be in an ANSI code page: save it as UTF-8",
            ),
            (
                b"\xef\xbb\xbf\"\xc3\xa4\xe4\"",
                "line 1 column 3: the byte 0xe4 is not UTF-8; the file may be in an ANSI code page: save it as UTF-8",
            ),
        ] {
            assert_eq!(decode(bytes).unwrap_err().to_string(), says);
        }
        assert_eq!(decode(b"\xef\xbb\xbf{}").unwrap(), "{}");
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn only_a_regular_file_of_bounded_size_is_read() {
        let folder = std::env::temp_dir();
        assert_eq!(
            read(&folder, 10).unwrap_err().to_string(),
            "is a folder; name the file in it"
        );
        let file = folder.join(format!("pydyndns-text-{}", std::process::id()));
        fs::write(&file, [b' '; 2049]).unwrap();
        assert_eq!(
            read(&file, 2048).unwrap_err().to_string(),
            "is larger than 2 KiB"
        );
        assert_eq!(read(&file, 4096).unwrap().len(), 2049);
        fs::remove_file(file).unwrap();
    }
}
