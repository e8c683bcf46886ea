//! One bounded exchange with one server: a message over TCP and its answer (RFC 1035, 4.2.2; RFC 7766), within TLS if the
//! server is to be spoken to so (RFC 7858).
//!
//! The octets are neither built nor understood here. Whatever the other side does, the exchange ends by its deadline.

use super::tls::{self, Security, Tls};
use crate::escape;
use rustix::net::sockopt::set_socket_linger;
use rustls::pki_types::ServerName;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Why there is no answer. Up to `Send` the server has certainly not applied the message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("cannot connect: {}", escape::system(_0))]
    Connect(#[source] io::Error),
    /// No TLS session.
    #[error("{}", escape::one_line(&_0.to_string()))]
    Tls(tls::Failure),
    /// The message could not be handed over.
    #[error("could not send: {}", escape::system(_0))]
    Send(#[source] io::Error),
    /// The connection broke, or time ran out, before the answer was whole.
    #[error(
        "could not confirm: {} after {_1} octets of the answer",
        escape::system(_0)
    )]
    Receive(#[source] io::Error, usize),
    /// The connection was closed before the answer was whole.
    #[error("could not confirm: the server closed the connection after {0} octets of the answer")]
    Closed(usize),
}

impl Error {
    /// Whether nobody is there to take connections, or not yet again.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Whether the other side is there but cut the connection or took none, as a server does that has too much to do.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            // A server whose queue is full lets connections wait, and the kernel then asks ever more rarely.
            Self::Connect(error) if error.kind() == io::ErrorKind::TimedOut => true,
            Self::Connect(error) | Self::Send(error) | Self::Receive(error, _) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            ),
            Self::Closed(_) => true,
            Self::Tls(failure) => failure.is_broken(),
        }
    }
}

/// A server to speak to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer<'a> {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// TLS, and the name or address that it goes by; none for TCP alone.
    pub(crate) tls: Option<(&'a Tls, &'a ServerName<'static>)>,
}

impl From<SocketAddr> for Peer<'_> {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

/// Sends `message` (at most 65,535 octets) to `peer` and gives its answer, without the length before it.
///
/// # Errors
/// There is no whole answer by `deadline`.
pub(crate) fn exchange(
    peer: Peer<'_>,
    message: &[u8],
    connect: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, Error> {
    let mut stream = Bounded::connect(peer.address, connect, deadline).map_err(Error::Connect)?;
    let Some((tls, name)) = peer.tls else {
        let answer = converse(&mut stream, message)?;
        stream.let_go();
        return Ok(answer);
    };
    let mut session = tls.connect(stream, name).map_err(Error::Tls)?;
    let answer = converse(&mut session, message).map_err(|error| match error {
        // A server that does not want our certificate says so only now (RFC 8446, 4.4.2.4).
        Error::Send(error) | Error::Receive(error, _) if tls::is_failure(&error) => {
            Error::Tls(tls.failure(error, name))
        }
        Error::Closed(0) => Error::Tls(tls.closed_after_handshake()),
        // What it says is lost if it closes before it has read everything.
        Error::Send(error) | Error::Receive(error, 0) if is_gone(&error) => {
            Error::Tls(tls.closed_after_handshake())
        }
        error => error,
    })?;
    // The answer is there, whatever becomes of the good-bye.
    session.conn.send_close_notify();
    let _ = session.flush();
    session.sock.let_go();
    Ok(answer)
}

/// Whether the server has ended the connection.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset
    )
}

/// How a server is spoken to: another handshake, for what it tells. None without TLS.
///
/// # Errors
/// There is no session by `deadline`.
pub(crate) fn security(
    peer: Peer<'_>,
    connect: Duration,
    deadline: Instant,
) -> Result<Option<Security>, Error> {
    let Some((tls, name)) = peer.tls else {
        return Ok(None);
    };
    let stream = Bounded::connect(peer.address, connect, deadline).map_err(Error::Connect)?;
    let session = tls.connect(stream, name).map_err(Error::Tls)?;
    Ok(Some(tls.security(&session, name)))
}

/// Sends a message and takes its answer. Length and message go in one segment.
fn converse(stream: &mut (impl Read + Write), message: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u16::try_from(message.len())
        .map_err(|_| Error::Send(io::ErrorKind::InvalidInput.into()))?;
    stream
        .write_all(&[&length.to_be_bytes(), message].concat())
        .and_then(|()| stream.flush())
        .map_err(Error::Send)?;
    let mut length = [0; 2];
    receive(stream, &mut length, 0)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    receive(stream, &mut answer, length.len())?;
    Ok(answer)
}

/// Fills a buffer; `before` octets came earlier.
fn receive(stream: &mut impl Read, buffer: &mut [u8], before: usize) -> Result<(), Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(Error::Closed(before + filled)),
            Ok(read) => filled += read,
            // A session that is cut off without a good-bye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Error::Closed(before + filled));
            }
            Err(error) => return Err(Error::Receive(error, before + filled)),
        }
    }
    Ok(())
}

/// A connection on which nothing takes longer than until a deadline.
struct Bounded {
    /// The connection.
    stream: TcpStream,
    /// When it is too late.
    deadline: Instant,
}

impl Bounded {
    /// Connects, within `connect` at most. Until [`Self::let_go`], whatever closes the connection has the kernel forget what
    /// the server has not taken yet: a message of a run that has ended must not arrive after one of the next run.
    fn connect(server: SocketAddr, connect: Duration, deadline: Instant) -> io::Result<Self> {
        let left = left_until(deadline)?;
        let stream = TcpStream::connect_timeout(&server, left.min(connect))?;
        stream.set_nodelay(true)?;
        set_socket_linger(&stream, Some(Duration::ZERO))?;
        Ok(Self { stream, deadline })
    }

    /// Has the connection closed in peace, now that the answer is there.
    fn let_go(&self) {
        // If that fails, the server sees a reset in place of an end.
        let _ = set_socket_linger(&self.stream, None);
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream
                .set_read_timeout(Some(left_until(self.deadline)?))?;
            match self.stream.read(buffer) {
                Err(error) => passed_over(error)?,
                read => return read,
            }
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        loop {
            self.stream
                .set_write_timeout(Some(left_until(self.deadline)?))?;
            match self.stream.write(octets) {
                Err(error) => passed_over(error)?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The time until the deadline, which a socket takes as its limit.
fn left_until(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::new(io::ErrorKind::TimedOut, "timed out")),
        left => Ok(left),
    }
}

/// Passes over an interruption, and gives a socket's limit its right name: Unix says that it would block.
fn passed_over(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "timed out"))
        }
        _ => Err(error),
    }
}
