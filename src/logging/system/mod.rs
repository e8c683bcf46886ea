//! Where operating systems differ: files, Unix sockets, the event log. The only unsafe code of this crate is below here,
//! and the only `cfg` of an operating system.

#[cfg(windows)]
pub(crate) mod event_log;
mod kinds;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_socket;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;

pub(crate) use kinds::{EventType, SocketType};

#[cfg(unix)]
pub(crate) use unix::{DEVNULL, event_log, identity, line_ends, never_block, write_patiently};
#[cfg(unix)]
pub(crate) use unix_socket::UnixSocket;
#[cfg(windows)]
pub(crate) use windows::{DEVNULL, UnixSocket, identity, line_ends, never_block, write_patiently};

/// What this program was called as, Python's `sys.argv[0]`. Where a program does not start as Rust's do, only the kernel may
/// know.
pub(crate) fn called_as() -> String {
    let told = std::env::args_os().next().map(OsString::into_encoded_bytes);
    let line = told.or_else(|| std::fs::read("/proc/self/cmdline").ok());
    let word = line
        .as_deref()
        .and_then(|line| line.split(|byte| *byte == 0).next());
    String::from_utf8_lossy(word.unwrap_or_default()).into_owned()
}

/// Whether there is an event log.
pub(crate) const HAS_EVENT_LOG: bool = cfg!(windows);

/// Whether there are Unix sockets, and so a local system log and a journal.
pub(crate) const HAS_UNIX_SOCKETS: bool = cfg!(unix);
