//! Unix sockets: of the system log, the journal, or a log server on this host.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::kinds::SocketType;
use crate::error::reason;

/// How long a daemon that is stuck may hold up the program.
const PATIENCE: Duration = Duration::from_millis(500);

/// A Unix socket, and whether it is connected.
pub(crate) struct UnixSocket {
    /// its path
    path: String,
    /// the one type to use, or else datagrams and then a stream
    socket_type: Option<SocketType>,
    /// the connection
    connection: Option<Socket>,
    /// whether the other side is stuck, so that it isn't waited for again
    stuck: bool,
}

impl UnixSocket {
    /// A socket that isn't connected yet.
    pub(crate) fn new(path: String, socket_type: Option<SocketType>) -> Self {
        UnixSocket {
            path,
            socket_type,
            connection: None,
            stuck: false,
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Connects with the wanted type, or with either.
    fn connect(&mut self) -> io::Result<Socket> {
        let first = self.socket_type.unwrap_or(SocketType::Datagram);
        let (connection, used) = match self.connect_as(first) {
            Ok(connection) => (connection, first),
            Err(error) if self.socket_type.is_some() => return Err(error),
            Err(_) => (self.connect_as(SocketType::Stream)?, SocketType::Stream),
        };
        self.socket_type = Some(used);
        Ok(connection)
    }

    /// Connects with one type. A listener that doesn't accept must not hold us up, so it can't block.
    fn connect_as(&self, socket_type: SocketType) -> io::Result<Socket> {
        let socket_type = match socket_type {
            SocketType::Stream => Type::STREAM,
            SocketType::Datagram => Type::DGRAM,
        };
        let socket = Socket::new(Domain::UNIX, socket_type, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(&self.path)?)?;
        socket.set_nonblocking(false)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(socket)
    }

    /// Sends one message, and once more over a new connection if that fails.
    ///
    /// # Errors
    /// What is wrong with the socket.
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<(), String> {
        self.try_send(message).map_err(|error| {
            self.note(&error);
            reason(&error)
        })
    }

    /// As `send`, with the error as the system has it.
    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        if let Some(mut connection) = self.connection.take() {
            match connection.write_all(message) {
                Ok(()) => {
                    self.connection = Some(connection);
                    return Ok(());
                }
                Err(error) => self.note(&error),
            }
        }
        if self.stuck {
            return Err(ErrorKind::TimedOut.into());
        }
        let mut connection = self.connect()?;
        let written = connection.write_all(message);
        self.connection = Some(connection);
        written
    }

    /// Notes that the other side is stuck, if that is what an error says.
    fn note(&mut self, error: &io::Error) {
        self.stuck |= matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    }
}
