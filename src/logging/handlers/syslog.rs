//! `logging.handlers.SysLogHandler`: the system log, here or on another host.

use std::time::Instant;

use super::super::ConfigError;
use super::super::format::{Formatter, Late};
use super::super::network::{self, Delivery, Resolve};
use super::super::record::Record;
use super::super::tree::{FACILITIES, PRIORITIES};
use super::super::value::Value;
use super::{Arguments, Sink, late_text};

/// Where the system log listens.
enum Target {
    /// a socket of this system
    #[cfg(unix)]
    Local(local::Socket),
    /// a host and port, with what is to be sent there
    Remote {
        /// the host
        host: String,
        /// the port
        port: u16,
        /// whether it is TCP
        stream: bool,
        /// the messages
        queue: Vec<Vec<u8>>,
    },
}

/// The system log.
pub(in super::super) struct SysLog {
    /// where it listens
    target: Target,
    /// the facility's number
    facility: i64,
    /// goes before each message
    ident: Late<String>,
    /// whether a message ends in a NUL character
    append_nul: bool,
    /// which levels have which priorities
    priority_map: Vec<(String, String)>,
    /// why no record can be sent, if so
    unusable: Late<()>,
}

/// `SOCK_STREAM`
const STREAM: i64 = 1;
/// `SOCK_DGRAM`
const DATAGRAM: i64 = 2;

impl SysLog {
    /// Reads the class's arguments.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let address = arguments.take("address");
        let facility = match arguments.take("facility") {
            None => Ok(1),
            Some(value) => facility(&value),
        };
        let facility = arguments.now("facility", facility)?;
        let socktype = match arguments.take("socktype") {
            None | Some(Value::None) => None,
            Some(value) => {
                let known = value
                    .integer()
                    .filter(|kind| matches!(*kind, STREAM | DATAGRAM));
                let wrong = || {
                    format!(
                        "must be null, ext://socket.SOCK_DGRAM or ext://socket.SOCK_STREAM, not {}",
                        value.repr()
                    )
                };
                Some(arguments.now("socktype", known.ok_or_else(wrong))?)
            }
        };
        let mut unusable = Ok(());
        let target = match address {
            Some(Value::Str(path)) => local_target(arguments, path, socktype)?,
            other => {
                let (host, port) = match other {
                    None => ("localhost".to_owned(), 514),
                    Some(value) => remote_address(arguments, &value)?,
                };
                let stream = socktype == Some(STREAM);
                if arguments.by_factory && !stream {
                    unusable = Err(
                        "address must be a tuple, which only the key class makes of a list"
                            .to_owned(),
                    );
                }
                Target::Remote {
                    host,
                    port,
                    stream,
                    queue: Vec::new(),
                }
            }
        };
        let levels = [
            ("DEBUG", "debug"),
            ("INFO", "info"),
            ("WARNING", "warning"),
            ("ERROR", "error"),
            ("CRITICAL", "critical"),
        ];
        Ok(SysLog {
            target,
            facility,
            ident: Ok(String::new()),
            append_nul: true,
            priority_map: levels
                .map(|(level, priority)| (level.to_owned(), priority.to_owned()))
                .into(),
            unusable,
        })
    }

    /// The number of the priority for a level.
    fn priority(&self, level: &str) -> Result<i64, String> {
        let mapped = self.priority_map.iter().find(|(name, _)| name == level);
        let name = mapped.map_or("warning", |(_, priority)| priority.as_str());
        let known = PRIORITIES.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, number)| *number)
            .ok_or_else(|| format!("unknown priority {name:?}"))
    }
}

/// A facility by name or number. Python only complains once a record comes, and then about every one.
fn facility(value: &Value) -> Late<i64> {
    let names = || FACILITIES.map(|(name, _)| name).join(", ");
    match value {
        Value::Str(name) => FACILITIES
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number)
            .ok_or_else(|| {
                format!(
                    "unknown facility {name:?}; there are {}, or a number",
                    names()
                )
            }),
        _ => value
            .integer()
            .filter(|number| number.unsigned_abs() < 1 << 60)
            .ok_or_else(|| {
                format!(
                    "must be one of {}, or a number, not {}",
                    names(),
                    value.repr()
                )
            }),
    }
}

/// The target for a path.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // it fails elsewhere
fn local_target(_: &Arguments, path: String, socktype: Option<i64>) -> Result<Target, ConfigError> {
    Ok(Target::Local(local::Socket::new(path, socktype)))
}

/// The target for a path.
#[cfg(not(unix))]
fn local_target(arguments: &Arguments, _: String, _: Option<i64>) -> Result<Target, ConfigError> {
    Err(arguments.error(
        "address",
        "this system has no Unix sockets; give [\"host\", port]",
    ))
}

/// The host and port of an address given as a list.
fn remote_address(arguments: &Arguments, value: &Value) -> Result<(String, u16), ConfigError> {
    let wrong = || {
        let message = format!(
            "must be the path of a socket, or [\"host\", port], not {}",
            value.repr()
        );
        arguments.error("address", message)
    };
    let Value::List(parts) = value else {
        return Err(wrong());
    };
    match parts.as_slice() {
        [Value::Str(host), port] => {
            Ok((host.clone(), arguments.now("address", network::port(port))?))
        }
        [Value::None, port] => Ok((
            "localhost".to_owned(),
            arguments.now("address", network::port(port))?,
        )),
        _ => Err(wrong()),
    }
}

impl Sink for SysLog {
    fn open(&mut self) -> Result<(), String> {
        #[cfg(unix)]
        if let Target::Local(socket) = &mut self.target {
            // The log may not be listening yet; that is no error until there is something to say.
            socket.open();
        }
        Ok(())
    }

    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        let text = formatter.format(record)?;
        let ident = self.ident.as_ref().map_err(Clone::clone)?;
        let priority = self.priority(&super::super::level::name(record.level))?;
        let nul = if self.append_nul { "\0" } else { "" };
        let message =
            format!("<{}>{ident}{text}{nul}", (self.facility << 3) | priority).into_bytes();
        self.unusable.clone()?;
        match &mut self.target {
            #[cfg(unix)]
            Target::Local(socket) => socket.send(&message),
            Target::Remote { queue, .. } => {
                queue.push(message);
                Ok(())
            }
        }
    }

    fn set(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("ident", value) if !value.truthy() => self.ident = Ok(String::new()),
            ("ident", value) => self.ident = late_text(name, value),
            ("append_nul", value) => self.append_nul = value.truthy(),
            ("facility", value) => match facility(value) {
                Ok(number) => self.facility = number,
                Err(problem) => self.unusable = Err(problem),
            },
            ("priority_map", Value::Dict(entries)) => {
                self.priority_map = entries
                    .iter()
                    .map(|(level, priority)| (level.clone(), priority.str()))
                    .collect();
            }
            _ => {}
        }
    }

    fn delivery(&mut self) -> Option<Delivery> {
        #[allow(irrefutable_let_patterns)] // where there are no Unix sockets
        let Target::Remote {
            host,
            port,
            stream,
            queue,
        } = &mut self.target
        else {
            return None;
        };
        if queue.is_empty() {
            return None;
        }
        let (host, port, stream, queue) = (host.clone(), *port, *stream, std::mem::take(queue));
        let destination = format!("{host} port {port}");
        let send = move |resolve: Resolve, deadline: Instant| {
            let addresses = network::addresses(&host, port, resolve)?;
            if stream {
                network::send_stream(&addresses, &queue.concat(), deadline)
            } else {
                network::send_datagrams(&addresses, &queue)
            }
        };
        Some(Delivery {
            destination,
            send: Box::new(send),
        })
    }
}

/// Unix sockets.
#[cfg(unix)]
pub(super) mod local {
    use std::io::{self, ErrorKind};
    use std::time::Duration;

    use socket2::{Domain, SockAddr, Socket as Raw, Type};

    use super::{DATAGRAM, STREAM};

    /// How long a daemon that is stuck may hold up the run.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// A Unix socket, and whether it is connected.
    pub(in super::super) struct Socket {
        /// its path
        path: String,
        /// the one type to use, or else datagrams and then a stream
        socktype: Option<i64>,
        /// the connection
        connection: Option<Raw>,
        /// whether the other side is stuck, so that it isn't waited for again
        stuck: bool,
    }

    impl Socket {
        /// A socket that isn't connected yet.
        pub(in super::super) fn new(path: String, socktype: Option<i64>) -> Self {
            Socket {
                path,
                socktype,
                connection: None,
                stuck: false,
            }
        }

        /// Connects, if someone listens.
        pub(in super::super) fn open(&mut self) {
            self.connection = self.connect().ok();
        }

        /// Connects with the wanted type, or with either.
        fn connect(&mut self) -> io::Result<Raw> {
            let first = self.socktype.unwrap_or(DATAGRAM);
            let (connection, used) = match self.connect_as(first) {
                Ok(connection) => (connection, first),
                Err(error) if self.socktype.is_some() => return Err(error),
                Err(_) => (self.connect_as(STREAM)?, STREAM),
            };
            self.socktype = Some(used);
            Ok(connection)
        }

        /// Connects with one type. A listener that doesn't accept must not hold us up, so it can't block.
        fn connect_as(&self, socktype: i64) -> io::Result<Raw> {
            let kind = if socktype == STREAM {
                Type::STREAM
            } else {
                Type::DGRAM
            };
            let socket = Raw::new(Domain::UNIX, kind, None)?;
            socket.set_nonblocking(true)?;
            socket.connect(&SockAddr::unix(&self.path)?)?;
            socket.set_nonblocking(false)?;
            socket.set_write_timeout(Some(PATIENCE))?;
            Ok(socket)
        }

        /// Sends one message, and once more over a new connection if that fails.
        ///
        /// # Errors
        /// The path and what is wrong with it.
        pub(in super::super) fn send(&mut self, message: &[u8]) -> Result<(), String> {
            if self.stuck {
                return Ok(());
            }
            if let Some(connection) = &self.connection {
                match write(connection, message) {
                    Ok(()) => return Ok(()),
                    Err(error) => self.note(&error),
                }
                self.connection = None;
            }
            let sent = if self.stuck {
                Err(io::Error::from(ErrorKind::TimedOut))
            } else {
                self.connect().and_then(|connection| {
                    let written = write(&connection, message);
                    self.connection = Some(connection);
                    written
                })
            };
            sent.map_err(|error| {
                self.note(&error);
                format!("{}: {}", self.path, super::super::reason(&error))
            })
        }

        /// Notes that the other side is stuck, if that is what an error says.
        fn note(&mut self, error: &io::Error) {
            self.stuck |= matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        }
    }

    /// Sends all of a message.
    fn write(mut connection: &Raw, message: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut connection, message)
    }
}
