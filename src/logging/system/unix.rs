//! Files and streams on Unix, and that there is no event log.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use std::fs::{Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::Duration;

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

/// Writes to a stream that was there before us, which may be a pipe that is full, but waits no longer than `patience` at a
/// time.
///
/// # Errors
/// The stream's, or `WouldBlock` once patience is over.
pub(crate) fn write_patiently(
    stream: &mut (impl Write + AsFd),
    text: &[u8],
    patience: Duration,
) -> io::Result<()> {
    // A pipe that can be written to takes so much at once.
    for piece in text.chunks(libc::PIPE_BUF) {
        let timeout = Timespec::try_from(patience).map_err(|_| ErrorKind::InvalidInput)?;
        let mut waiting = [PollFd::new(stream, PollFlags::OUT)];
        if retry_on_intr(|| poll(&mut waiting, Some(&timeout)))? == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        stream.write_all(piece)?;
        stream.flush()?;
    }
    Ok(())
}

/// No event log; a handler that wants one is refused before.
pub(crate) mod event_log {
    use crate::system::kinds::EventType;
    use std::io;

    /// There is no log.
    pub(crate) fn log_exists(_: &str) -> bool {
        false
    }

    /// There is nothing to register with.
    pub(crate) fn register(_: &str, _: Option<&str>, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is nothing to write to.
    pub(crate) fn report(_: &str, _: EventType, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
