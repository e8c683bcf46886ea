//! One bounded exchange with one address: a message over TCP and its answer (RFC 1035, 4.2.2; RFC 7766).
//!
//! The octets are neither built nor understood here. Whatever the other side does, the exchange ends by its deadline.

use crate::escape;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Why there is no answer. Up to `Send` the server has certainly not applied the message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("cannot connect: {}", escape::system(_0))]
    Connect(#[source] io::Error),
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
        }
    }
}

/// Sends `message` (at most 65,535 octets) to `server` and gives its answer, without the length before it.
///
/// # Errors
/// There is no whole answer by `deadline`.
pub(crate) fn exchange(
    server: SocketAddr,
    message: &[u8],
    connect: Duration,
    deadline: Instant,
) -> Result<Vec<u8>, Error> {
    let left = left_until(deadline).map_err(Error::Connect)?;
    let mut stream =
        TcpStream::connect_timeout(&server, left.min(connect)).map_err(Error::Connect)?;
    // Length and message go in one segment; without a delay for it.
    stream.set_nodelay(true).map_err(Error::Connect)?;
    let length = u16::try_from(message.len())
        .map_err(|_| Error::Send(io::ErrorKind::InvalidInput.into()))?;
    send(
        &mut stream,
        &[&length.to_be_bytes(), message].concat(),
        deadline,
    )
    .map_err(Error::Send)?;
    let mut length = [0; 2];
    receive(&mut stream, &mut length, 0, deadline)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    receive(&mut stream, &mut answer, length.len(), deadline)?;
    Ok(answer)
}

/// Writes all octets before the deadline.
fn send(stream: &mut TcpStream, mut octets: &[u8], deadline: Instant) -> io::Result<()> {
    while !octets.is_empty() {
        stream.set_write_timeout(Some(left_until(deadline)?))?;
        match stream.write(octets) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => octets = &octets[written..],
            Err(error) => passed_over(error)?,
        }
    }
    Ok(())
}

/// Fills a buffer before the deadline; `before` octets came earlier.
fn receive(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    before: usize,
    deadline: Instant,
) -> Result<(), Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        let read = left_until(deadline)
            .and_then(|left| stream.set_read_timeout(Some(left)))
            .and_then(|()| stream.read(&mut buffer[filled..]));
        match read {
            Ok(0) => return Err(Error::Closed(before + filled)),
            Ok(read) => filled += read,
            Err(error) => {
                passed_over(error).map_err(|error| Error::Receive(error, before + filled))?;
            }
        }
    }
    Ok(())
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
