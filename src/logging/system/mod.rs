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

pub(crate) use kinds::{EventType, SocketType};

#[cfg(unix)]
pub(crate) use unix::{DEVNULL, event_log, identity, line_ends, never_block, write_patiently};
#[cfg(unix)]
pub(crate) use unix_socket::UnixSocket;
#[cfg(windows)]
pub(crate) use windows::{DEVNULL, UnixSocket, identity, line_ends, never_block, write_patiently};

/// Whether there is an event log.
pub(crate) const HAS_EVENT_LOG: bool = cfg!(windows);

/// Whether there are Unix sockets, and so a local system log and a journal.
pub(crate) const HAS_UNIX_SOCKETS: bool = cfg!(unix);
