//! Files on Windows, and that there are no Unix sockets.

use super::kinds::SocketType;
use std::fs::{Metadata, OpenOptions};

/// `os.devnull`
pub(crate) const DEVNULL: &str = "nul";

/// Text as it goes to a text stream, whose lines end in two characters.
pub(crate) fn line_ends(text: String) -> String {
    text.replace('\n', "\r\n")
}

/// No file holds up whoever opens it.
pub(crate) fn never_block(_: &mut OpenOptions) {}

/// An open file can't be moved, so that there is nothing to watch.
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// No Unix socket; most handlers that want one are refused before.
pub(crate) struct UnixSocket;

impl UnixSocket {
    /// A socket that isn't connected yet.
    pub(crate) fn new(_: String, _: Option<SocketType>) -> Self {
        Self
    }

    /// Its path, which stands for nothing.
    pub(crate) fn path(&self) -> &str {
        ""
    }

    /// There is nobody to send to.
    pub(crate) fn send(&mut self, _: &[u8]) -> Result<(), String> {
        Err("this system has no Unix sockets".to_owned())
    }
}
