//! An answer that was too long for UDP, fetched over TCP (RFC 7766, 5) while everything else goes on: each step goes as
//! far as it can without waiting.

use crate::escape;
use rustix::event::PollFlags;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{self, AddressFamily, SocketType};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Before a message stands its length.
const LENGTH: usize = 2;

/// Why an answer did not come.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("it cannot be connected to: {}", escape::system(_0))]
    Connect(#[source] io::Error),
    /// The connection broke, or time ran out.
    #[error("there is no whole one: {} after {_1} octets", escape::system(_0))]
    Broken(#[source] io::Error, usize),
    /// The connection was closed.
    #[error("there is no whole one: the connection was closed after {0} octets")]
    Closed(usize),
}

/// One answer under way.
pub(crate) struct Fetch {
    /// The connection.
    stream: TcpStream,
    /// What is still to be sent.
    request: Vec<u8>,
    /// What has come, its length first.
    answer: Vec<u8>,
}

impl Fetch {
    /// Begins to connect, for a message that is to be sent then.
    ///
    /// # Errors
    /// It is clear at once that nothing comes of it.
    pub(crate) fn begin(server: SocketAddr, message: &[u8]) -> Result<Self, Error> {
        let length = u16::try_from(message.len())
            .map_err(|_| Error::Connect(io::ErrorKind::InvalidInput.into()))?;
        Ok(Self {
            stream: connect(server).map_err(|error| Error::Connect(error.into()))?,
            request: [&length.to_be_bytes(), message].concat(),
            answer: Vec::new(),
        })
    }

    /// The connection, and what it waits for.
    pub(crate) fn waits_for(&self) -> (&TcpStream, PollFlags) {
        let events = if self.request.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::OUT
        };
        (&self.stream, events)
    }

    /// Goes on; the answer once it is whole.
    ///
    /// # Errors
    /// None comes any more.
    pub(crate) fn advance(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if !self.request.is_empty() {
            if let Ok(Some(error)) | Err(error) = self.stream.take_error() {
                return Err(Error::Connect(error));
            }
            match self.stream.write(&self.request) {
                Ok(written) => drop(self.request.drain(..written)),
                Err(error) => return self.passed_over(error),
            }
            if !self.request.is_empty() {
                return Ok(None);
            }
        }
        let mut buffer = [0; 2048];
        loop {
            let missing = self.missing();
            if missing == 0 {
                return Ok(Some(self.answer.split_off(LENGTH)));
            }
            match self.stream.read(&mut buffer[..missing.min(2048)]) {
                Ok(0) => return Err(Error::Closed(self.answer.len())),
                Ok(read) => self.answer.extend_from_slice(&buffer[..read]),
                Err(error) => return self.passed_over(error),
            }
        }
    }

    /// What there is to say if time runs out now.
    pub(crate) fn late(&self) -> Error {
        let error = io::Error::new(io::ErrorKind::TimedOut, "timed out");
        if self.request.is_empty() {
            Error::Broken(error, self.answer.len())
        } else {
            Error::Connect(error)
        }
    }

    /// How many octets are known to be missing.
    fn missing(&self) -> usize {
        match self.answer[..] {
            [a, b, ref answer @ ..] => usize::from(u16::from_be_bytes([a, b])) - answer.len(),
            _ => LENGTH - self.answer.len(),
        }
    }

    /// Passes over that nothing more can be done now.
    fn passed_over(&self, error: io::Error) -> Result<Option<Vec<u8>>, Error> {
        match error.kind() {
            io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected => Ok(None),
            _ => Err(Error::Broken(error, self.answer.len())),
        }
    }
}

/// A connection that comes about by itself.
fn connect(server: SocketAddr) -> Result<TcpStream, Errno> {
    let family = match server {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = net::socket(family, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    match net::connect(&socket, &server) {
        // Windows has the second name for it.
        Ok(()) | Err(Errno::INPROGRESS | Errno::WOULDBLOCK) => Ok(socket.into()),
        Err(error) => Err(error),
    }
}
