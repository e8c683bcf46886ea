//! Files and streams on Windows, and that there are no Unix sockets.

use super::kinds::SocketType;
use std::fs::{Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::windows::io::AsRawHandle;
use std::time::Duration;

/// `os.devnull`
pub(crate) const DEVNULL: &str = "nul";

/// Text as it goes to a text stream, whose lines end in two characters.
#[expect(clippy::needless_pass_by_value, reason = "Unix gives it back as it is")]
pub(crate) fn line_ends(text: String) -> String {
    text.replace('\n', "\r\n")
}

/// No file holds up whoever opens it.
pub(crate) fn never_block(_: &mut OpenOptions) {}

/// An open file can't be moved, so that there is nothing to watch.
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Writes to a stream that was there before us. A pipe that is full holds us up.
///
/// # Errors
/// The stream's, or `NotConnected` for a process without a console, where Rust would drop the text.
pub(crate) fn write_patiently(
    stream: &mut (impl Write + AsRawHandle),
    text: &[u8],
    _: Duration,
) -> io::Result<()> {
    if stream.as_raw_handle().is_null() {
        return Err(ErrorKind::NotConnected.into());
    }
    stream.write_all(text)?;
    stream.flush()
}

/// No Unix socket; most handlers that want one are refused before.
pub(crate) struct UnixSocket;

#[expect(clippy::unused_self, reason = "the interface that all platforms share")]
impl UnixSocket {
    /// A socket that isn't connected yet.
    pub(crate) fn new(_: String, _: Option<SocketType>) -> Self {
        Self
    }

    /// Its path, which stands for nothing.
    pub(crate) fn path(&self) -> &'static str {
        ""
    }

    /// There is nobody to send to.
    pub(crate) fn send(&mut self, _: &[u8]) -> Result<(), String> {
        Err("this system has no Unix sockets".to_owned())
    }
}
