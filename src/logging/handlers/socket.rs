//! `logging.handlers.SocketHandler` and `DatagramHandler`: pickled records for a log server written in Python.

use std::time::Instant;

use serde::ser::{Serialize, Serializer};

use super::super::ConfigError;
use super::super::format::{Formatter, Late};
use super::super::network::{self, Delivery, Resolve};
use super::super::record::Record;
use super::super::value::Value;
use super::{Arguments, Sink};

/// Where the server listens.
#[derive(Clone)]
enum Target {
    /// a host and port
    Remote(String, u16),
    /// a Unix socket
    Local(String),
}

/// A log server.
pub(in super::super) struct Socket {
    /// where it listens
    target: Late<Target>,
    /// whether it is a stream, or datagrams
    stream: bool,
    /// what is to be sent
    queue: Vec<Vec<u8>>,
}

impl Socket {
    /// Reads the classes' arguments.
    pub(in super::super) fn new(
        arguments: &mut Arguments,
        stream: bool,
    ) -> Result<Self, ConfigError> {
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
    fn emit(&mut self, record: &Record, _: &Formatter) -> Result<(), String> {
        let pickle = pickle(record)?;
        self.target.as_ref().map_err(Clone::clone)?;
        let length =
            u32::try_from(pickle.len()).map_err(|_| "the record is too long".to_owned())?;
        // Datagrams have the length in front as well.
        self.queue
            .push([&length.to_be_bytes(), pickle.as_slice()].concat());
        Ok(())
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
        let send = move |resolve: Resolve, deadline: Instant| match target {
            Target::Remote(host, port) => {
                let mut addresses = network::addresses(&host, port, resolve)?;
                if stream {
                    network::send_stream(&addresses, &queue.concat(), deadline)
                } else {
                    // The class knows IPv4 only.
                    addresses.retain(std::net::SocketAddr::is_ipv4);
                    network::send_datagrams(&addresses, &queue)
                }
            }
            Target::Local(path) => send_local(&path, stream, &queue),
        };
        Some(Delivery {
            destination,
            send: Box::new(send),
        })
    }
}

/// Sends to a Unix socket.
#[cfg(unix)]
fn send_local(path: &str, stream: bool, queue: &[Vec<u8>]) -> Result<(), String> {
    let mut socket =
        super::syslog::local::Socket::new(path.to_owned(), Some(if stream { 1 } else { 2 }));
    // The path is in front of every problem already.
    let plain = |problem: String| {
        problem
            .strip_prefix(&format!("{path}: "))
            .map_or(problem.clone(), str::to_owned)
    };
    queue
        .iter()
        .try_for_each(|message| socket.send(message))
        .map_err(plain)
}

/// Sends to a Unix socket.
#[cfg(not(unix))]
fn send_local(_: &str, _: bool, _: &[Vec<u8>]) -> Result<(), String> {
    Err("this system has no Unix sockets".to_owned())
}
