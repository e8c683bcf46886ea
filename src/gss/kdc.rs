//! One request to a realm's KDCs and the answer (RFC 4120, section 7.2), by a deadline.
//!
//! Each address is asked by UDP, then by TCP; a KDC that says its answer is too big for UDP is asked again by TCP at once.
//! A request that is too big itself goes by TCP first. What does not look like an answer counts as none.

use crate::messages::{self, KrbError, kind};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long one KDC may think before the next is asked, over UDP, which loses requests and answers.
const UDP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The most octets of a request that goes by UDP first: what fits into one packet nearly everywhere.
const MAX_DATAGRAM: usize = 1400;

/// The most octets of an answer.
const MAX_ANSWER: usize = 256 * 1024;

/// The code by which a KDC says that its answer does not fit into a datagram.
const RESPONSE_TOO_BIG: i32 = 52;

/// The code by which a KDC says that another one should be asked.
const SERVICE_UNAVAILABLE: i32 = 29;

/// Where a realm's KDCs are, in the order to ask them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kdcs {
    /// Addresses for UDP.
    pub udp: Vec<SocketAddr>,
    /// Addresses for TCP.
    pub tcp: Vec<SocketAddr>,
    /// Where that is known from, for messages: `/etc/krb5.conf`.
    pub source: String,
}

/// A way to carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In one datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

/// One KDC, and how it is asked.
pub(crate) type Way = (Carrier, SocketAddr);

/// KDCs that did not answer, each with what came of it.
pub(crate) type Failures = Vec<(SocketAddr, String)>;

/// Sends a request to one KDC after the other until one answers, with `expected` or a KRB-ERROR. `proven` is a way by which
/// one has answered before; it is tried first. The answer, and the way by which it came.
///
/// # Errors
/// None did; each attempt, with what came of it.
pub(crate) fn exchange(
    kdcs: &Kdcs,
    request: &[u8],
    expected: u8,
    proven: Option<Way>,
    deadline: Instant,
) -> Result<(Vec<u8>, Way), Failures> {
    let udp = kdcs.udp.iter().map(|&address| (Carrier::Udp, address));
    let tcp = kdcs.tcp.iter().map(|&address| (Carrier::Tcp, address));
    let mut ways: Vec<_> = if request.len() > MAX_DATAGRAM {
        tcp.chain(udp).collect()
    } else {
        udp.chain(tcp).collect()
    };
    ways.sort_by_key(|&way| Some(way) != proven);
    let mut failures = Vec::new();
    for (index, &(carrier, address)) in ways.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let others = u32::try_from(ways.len() - index).unwrap_or(u32::MAX);
        let share = Instant::now() + left / others;
        let answer = match carrier {
            Carrier::Udp => by_udp(address, request, share).and_then(|answer| {
                if error_code(&answer) == Some(RESPONSE_TOO_BIG) {
                    by_tcp(address, request, share)
                } else {
                    Ok(answer)
                }
            }),
            Carrier::Tcp => by_tcp(address, request, share),
        };
        let by = match carrier {
            Carrier::Udp => "UDP",
            Carrier::Tcp => "TCP",
        };
        match answer {
            Ok(answer) if error_code(&answer) == Some(SERVICE_UNAVAILABLE) => {
                failures.push((address, format!("({by}) is not available (29)")));
            }
            Ok(answer)
                if messages::kind_of(&answer) == Some(expected)
                    || error_code(&answer).is_some() =>
            {
                return Ok((answer, (carrier, address)));
            }
            Ok(_) => failures.push((address, format!("({by}) answers, but not as a KDC does"))),
            Err(error) => failures.push((address, format!("({by}) {}", reason(&error)))),
        }
    }
    Err(failures)
}

/// The code of a KRB-ERROR, if the answer is one.
fn error_code(answer: &[u8]) -> Option<i32> {
    messages::decode::<KrbError>(&[kind::KRB_ERROR], answer)
        .ok()
        .map(|error| error.error_code)
}

/// One datagram there and one back.
fn by_udp(address: SocketAddr, request: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
    let own: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own)?;
    // Connected, it takes datagrams from there alone, and learns that nobody listens.
    socket.connect(address)?;
    socket.send(request)?;
    let deadline = deadline.min(Instant::now() + UDP_TIMEOUT);
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        socket.set_read_timeout(Some(left_until(deadline)?))?;
        match socket.recv(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A request over a connection of its own, each message with its length in front.
fn by_tcp(address: SocketAddr, request: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
    let connect = left_until(deadline)?.min(CONNECT_TIMEOUT);
    let mut stream = TcpStream::connect_timeout(&address, connect)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(left_until(deadline)?))?;
    let length = u32::try_from(request.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), request].concat())?;
    let mut length = [0; 4];
    fill(&mut stream, &mut length, deadline)?;
    let length = usize::try_from(u32::from_be_bytes(length))
        .ok()
        .filter(|&length| length <= MAX_ANSWER)
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut answer = vec![0; length];
    fill(&mut stream, &mut answer, deadline)?;
    Ok(answer)
}

/// Fills a buffer before the deadline.
fn fill(stream: &mut TcpStream, buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        stream.set_read_timeout(Some(left_until(deadline)?))?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The time until the deadline, which a socket takes as its limit.
fn left_until(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// An error of a socket in words; Unix says of a socket's limit that it would block.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "does not answer in time".into(),
        io::ErrorKind::ConnectionRefused => "has nobody listening".into(),
        io::ErrorKind::UnexpectedEof => "closed the connection".into(),
        io::ErrorKind::InvalidData => "answers, but not as a KDC does".into(),
        _ => format!("fails: {error}"),
    }
}
