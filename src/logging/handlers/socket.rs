//! `logging.handlers.SocketHandler` and `DatagramHandler`: pickled records for a log server written in Python.

use std::sync::Arc;

use std::time::Instant;

use serde::ser::{Serialize, Serializer};

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::late::Late;
use crate::network::{self, Delivery, Outside};
use crate::record::Record;
use crate::system::{SocketType, UnixSocket};
use crate::value::Value;

/// Where the server listens.
#[derive(Clone)]
enum Target {
    /// a host and port
    Remote(String, u16),
    /// a Unix socket
    Local(String),
}

/// A log server.
pub(crate) struct Socket {
    /// where it listens
    target: Late<Target>,
    /// whether it is a stream, or datagrams
    stream: bool,
    /// what is to be sent
    queue: Vec<Vec<u8>>,
}

impl Socket {
    /// Reads the classes' arguments.
    pub(crate) fn new(arguments: &mut Arguments, stream: bool) -> Result<Self, ConfigError> {
        let host = arguments.required("host")?;
        let port = arguments.required("port")?;
        let target = match (host, port) {
            (Value::Str(path), Value::None) => Ok(Target::Local(path)),
            (Value::Str(host), port) => network::port(&port).map(|port| Target::Remote(host, port)),
            (host, _) => Err(format!("host must be a string, not {}", host.repr())),
        };
        Ok(Socket {
            target,
            stream,
            queue: Vec::new(),
        })
    }
}

/// A record's fields, as a dictionary.
struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Str(value) => serializer.serialize_str(value),
            // A record has nothing else.
            _ => serializer.serialize_unit(),
        }
    }
}

/// `SocketHandler.makePickle` without the length.
fn pickle(record: &Record) -> Result<Vec<u8>, String> {
    let mut fields = record.fields();
    fields.retain(|(name, _)| *name != "message");
    if let Some((_, args)) = fields.iter_mut().find(|(name, _)| *name == "args") {
        *args = Value::None;
    }
    serde_pickle::to_vec(&Fields(fields), serde_pickle::SerOptions::new().proto_v2())
        .map_err(|error| error.to_string())
}

impl Sink for Socket {
    fn emit(&mut self, record: &Arc<Record>, _: &Formatter) -> Result<Taken, String> {
        let pickle = pickle(record)?;
        self.target.as_ref().map_err(Clone::clone)?;
        let length =
            u32::try_from(pickle.len()).map_err(|_| "the record is too long".to_owned())?;
        // Datagrams have the length in front as well.
        self.queue
            .push([&length.to_be_bytes(), pickle.as_slice()].concat());
        Ok(Taken::Queued)
    }

    fn delivery(&mut self) -> Option<Delivery> {
        let target = self
            .target
            .clone()
            .ok()
            .filter(|_| !self.queue.is_empty())?;
        let (stream, queue) = (self.stream, std::mem::take(&mut self.queue));
        let destination = match &target {
            Target::Remote(host, port) => format!("{host} port {port}"),
            Target::Local(path) => path.clone(),
        };
        let send = move |outside: &Outside, deadline: Instant| match target {
            Target::Remote(host, port) => {
                let mut addresses = network::addresses(&host, port, &outside.resolve, deadline)?;
                if stream {
                    network::send_stream(&addresses, &queue.concat(), deadline)
                } else {
                    // The class knows IPv4 only.
                    addresses.retain(std::net::SocketAddr::is_ipv4);
                    network::send_datagrams(&addresses, &queue)
                }
            }
            Target::Local(path) => send_local(path, stream, &queue),
        };
        Some(Delivery {
            destination,
            send: Box::new(send),
        })
    }
}

/// Sends to a Unix socket.
fn send_local(path: String, stream: bool, queue: &[Vec<u8>]) -> Result<(), String> {
    let socket_type = if stream {
        SocketType::Stream
    } else {
        SocketType::Datagram
    };
    let mut socket = UnixSocket::new(path, Some(socket_type));
    queue.iter().try_for_each(|message| socket.send(message))
}
