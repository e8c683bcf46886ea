//! What every operating system calls by the same names, whether it has it or not.

/// An event's type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum EventType {
    /// `EVENTLOG_ERROR_TYPE`
    Error,
    /// `EVENTLOG_WARNING_TYPE`
    Warning,
    /// `EVENTLOG_INFORMATION_TYPE`
    Information,
}

/// A socket's type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SocketType {
    /// `SOCK_STREAM`
    Stream,
    /// `SOCK_DGRAM`
    Datagram,
}
