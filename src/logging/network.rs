//! Sending over the network: only once the program's own work is done, all destinations at once, and never for long.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::environment::{Authorities, Resolve};
use crate::error::reason;
use crate::value::Value;

/// Sends what there is, before the given moment.
pub(crate) type Sending = Box<dyn FnOnce(&Outside, Instant) -> Result<(), String> + Send>;

/// Who is where, and who is trusted.
#[derive(Clone)]
pub(crate) struct Outside {
    /// finds hosts
    pub(crate) resolve: Resolve,
    /// the authorities whose certificates count
    pub(crate) authorities: Authorities,
}

/// What is left to be sent to one destination.
pub(crate) struct Delivery {
    /// where to, for messages
    pub(crate) destination: String,
    /// sends it, before the given moment
    pub(crate) send: Sending,
}

/// Sends everything at once, and says what became of each delivery, in the order in which they ended. Those that are not
/// done by the deadline are left behind.
pub(crate) fn deliver(
    deliveries: Vec<Delivery>,
    outside: &Outside,
    deadline: Instant,
) -> Vec<(usize, Result<(), String>)> {
    let (done, results) = mpsc::channel();
    let mut waiting = Vec::new();
    let mut outcomes = Vec::new();
    for (number, Delivery { destination, send }) in deliveries.into_iter().enumerate() {
        let (done, outside) = (done.clone(), outside.clone());
        // A thread can be left behind should it hang where no timeout reaches.
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                let _ = done.send((number, send(&outside, deadline)));
            });
        match started {
            Ok(_) => waiting.push((number, destination)),
            Err(error) => {
                outcomes.push((number, Err(format!("{destination}: {}", reason(&error)))));
            }
        }
    }
    while !waiting.is_empty() {
        let Ok((number, result)) = results.recv_timeout(remaining(deadline)) else {
            break;
        };
        if let Some(at) = waiting.iter().position(|(waiting, _)| *waiting == number) {
            let (_, destination) = waiting.swap_remove(at);
            let result = result.map_err(|problem| format!("{destination}: {problem}"));
            outcomes.push((number, result));
        }
    }
    for (number, destination) in waiting {
        outcomes.push((number, Err(format!("{destination}: no answer in time"))));
    }
    outcomes
}

/// What is left until a deadline; never nothing, which sockets would take for no limit.
pub(crate) fn remaining(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}

/// A port as `socket` takes it.
pub(crate) fn port(value: &Value) -> Result<u16, String> {
    let number = match value {
        Value::Str(text) if text == "syslog" => Some(514),
        Value::Str(text) => text.parse().ok(),
        _ => value.integer(),
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .ok_or_else(|| {
            format!(
                "the port must be a number from 0 to 65535, not {}",
                value.repr()
            )
        })
}

/// A host's addresses with a port, at least one.
pub(crate) fn addresses(
    host: &str,
    port: u16,
    resolve: &Resolve,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, String> {
    let found = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => match resolve(host, deadline) {
            Ok(found) if !found.is_empty() => found,
            _ if host == "localhost" => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Ok(_) => return Err("the host has no address".to_owned()),
            Err(error) => return Err(reason(&error)),
        },
    };
    Ok(found
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect())
}

/// Connects to the first address that answers. Each gets an equal share of the time that is left.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, String> {
    let mut problem = "the host has no address".to_owned();
    for (index, address) in addresses.iter().enumerate() {
        let share =
            remaining(deadline) / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                let limited = stream
                    .set_write_timeout(Some(remaining(deadline)))
                    .and_then(|()| stream.set_read_timeout(Some(remaining(deadline))));
                return limited.map(|()| stream).map_err(|error| reason(&error));
            }
            Err(error) => problem = reason(&error),
        }
    }
    Err(problem)
}

/// Connects and writes everything.
pub(crate) fn send_stream(
    addresses: &[SocketAddr],
    bytes: &[u8],
    deadline: Instant,
) -> Result<(), String> {
    let mut stream = connect(addresses, deadline)?;
    stream.write_all(bytes).map_err(|error| reason(&error))
}

/// Sends datagrams to the first address that doesn't refuse them.
pub(crate) fn send_datagrams(
    addresses: &[SocketAddr],
    datagrams: &[Vec<u8>],
) -> Result<(), String> {
    let mut problem = "the host has no address".to_owned();
    for address in addresses {
        match datagrams_to(*address, datagrams) {
            Ok(()) => return Ok(()),
            Err(error) => problem = reason(&error),
        }
    }
    Err(problem)
}

/// Sends datagrams to one address.
fn datagrams_to(address: SocketAddr, datagrams: &[Vec<u8>]) -> io::Result<()> {
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    for datagram in datagrams {
        socket.send(datagram)?;
        // On this very host a port that nobody listens on is known at once.
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
    }
    Ok(())
}
