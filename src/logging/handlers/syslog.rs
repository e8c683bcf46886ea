//! `logging.handlers.SysLogHandler`: the system log, here or on another host.

use std::sync::Arc;

use std::time::Instant;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::ConfigError;
use crate::external::{SOCK_DGRAM, SOCK_STREAM};
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::level;
use crate::network::{self, Delivery, Outside};
use crate::record::Record;
use crate::syslog_codes::{FACILITIES, PRIORITIES};
use crate::system::{HAS_UNIX_SOCKETS, SocketType, UnixSocket};
use crate::value::Value;

/// Where the system log listens.
enum Target {
    /// a socket of this system
    Local(UnixSocket),
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
pub(crate) struct SysLog {
    /// where it listens
    target: Target,
    /// the facility's number
    facility: i64,
    /// goes before each message
    ident: Late<String>,
    /// whether a message ends in a NUL character
    append_nul: bool,
    /// which levels have which priorities, if not the usual ones
    priority_map: Option<Vec<(String, String)>>,
    /// why no record can be sent, if so
    unusable: Late<()>,
}

impl SysLog {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let address = arguments.take("address");
        let facility = match arguments.take("facility") {
            None => Ok(1),
            Some(value) => facility(&value),
        };
        let facility = arguments.now("facility", facility)?;
        let socktype = match arguments.take("socktype") {
            None | Some(Value::None) => None,
            Some(value) => {
                let known = match value.integer() {
                    Some(SOCK_STREAM) => Some(SocketType::Stream),
                    Some(SOCK_DGRAM) => Some(SocketType::Datagram),
                    _ => None,
                };
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
            Some(Value::Str(path)) if HAS_UNIX_SOCKETS => {
                Target::Local(UnixSocket::new(path, socktype))
            }
            Some(Value::Str(_)) => {
                let message = "this system has no Unix sockets; give [\"host\", port]";
                return Err(arguments.error("address", message));
            }
            other => {
                let (host, port) = match other {
                    None => ("localhost".to_owned(), 514),
                    Some(value) => remote_address(arguments, &value)?,
                };
                let stream = socktype == Some(SocketType::Stream);
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
        Ok(SysLog {
            target,
            facility,
            ident: Ok(String::new()),
            append_nul: true,
            priority_map: None,
            unusable,
        })
    }

    /// The number of the priority for a level.
    fn priority(&self, level: &str) -> Result<i64, String> {
        let name = match (&self.priority_map, level) {
            (Some(map), _) => map
                .iter()
                .find(|(name, _)| name == level)
                .map_or("warning", |(_, priority)| priority),
            (None, "DEBUG") => "debug",
            (None, "INFO") => "info",
            (None, "ERROR") => "error",
            (None, "CRITICAL") => "critical",
            (None, _) => "warning",
        };
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
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        let text = formatter.format(record)?;
        let ident = self.ident.as_ref().map_err(Clone::clone)?;
        let priority = self.priority(&level::name(record.level))?;
        let nul = if self.append_nul { "\0" } else { "" };
        let message =
            format!("<{}>{ident}{text}{nul}", (self.facility << 3) | priority).into_bytes();
        self.unusable.clone()?;
        match &mut self.target {
            Target::Local(socket) => socket
                .send(&message)
                .map(|()| Taken::Written)
                .map_err(|problem| format!("{}: {problem}", socket.path())),
            Target::Remote { queue, .. } => {
                queue.push(message);
                Ok(Taken::Queued)
            }
        }
    }

    fn set(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("ident", value) if !value.truthy() => self.ident = Ok(String::new()),
            ("ident", value) => self.ident = late::text(name, value),
            ("append_nul", value) => self.append_nul = value.truthy(),
            ("facility", value) => match facility(value) {
                Ok(number) => self.facility = number,
                Err(problem) => self.unusable = Err(problem),
            },
            ("priority_map", Value::Dict(entries)) => {
                let entries = entries.iter();
                let map = entries.map(|(level, priority)| (level.clone(), priority.str()));
                self.priority_map = Some(map.collect());
            }
            _ => {}
        }
    }

    fn delivery(&mut self) -> Option<Delivery> {
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
        let send = move |outside: &Outside, deadline: Instant| {
            let addresses = network::addresses(&host, port, &outside.resolve, deadline)?;
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
