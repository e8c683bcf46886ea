//! Files on Unix, and that there is no event log.

use std::fs::{Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

/// `os.devnull`
pub(crate) const DEVNULL: &str = "/dev/null";

/// Text as it goes to a text stream.
pub(crate) fn line_ends(text: String) -> String {
    text
}

/// Keeps a pipe that nobody reads from holding up whoever opens it.
pub(crate) fn never_block(options: &mut OpenOptions) {
    options.custom_flags(libc::O_NONBLOCK);
}

/// A file's device and number.
#[expect(clippy::unnecessary_wraps, reason = "Windows has none")]
pub(crate) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// No event log; a handler that wants one is refused before.
pub(crate) mod event_log {
    use crate::system::kinds::EventType;
    use std::io;

    /// There is nothing to register with.
    pub(crate) fn register(_: &str, _: Option<&str>, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is nothing to write to.
    pub(crate) fn report(_: &str, _: EventType, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
