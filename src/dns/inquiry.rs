//! One question under way: its sockets, one for each server that was asked.
//!
//! Each is connected, so that the kernel chooses its port by chance, takes packets from that server alone, and reports a
//! closed port at once (RFC 5452, 9.2). An answer that is too long for UDP is fetched over TCP.

use super::fetch::Fetch;
use super::order::{Order, Step};
use super::query::{Failure, Question, Reply, canonical};
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Larger than any packet without EDNS (RFC 1035, 4.2.1); what is longer still is no answer.
const MAX_PACKET: usize = 4096;

/// One server.
#[derive(Debug)]
pub(crate) struct Known {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Whether it was silent when it was last asked.
    pub(crate) is_silent: bool,
}

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is under way.
    Open,
    /// This server's answer counts.
    Answer(usize),
    /// Every server has failed for good.
    GivenUp,
}

/// The way by which an answer is to come.
enum Way {
    /// In one packet.
    Udp(UdpSocket),
    /// Over a connection, because it was too long for one packet.
    Tcp(Fetch),
}

/// One question under way.
pub(crate) struct Inquiry {
    /// What is asked.
    pub(crate) question: Question,
    /// The id of its messages.
    id: u16,
    /// Where it stands with each server.
    pub(crate) order: Order<Message, Failure>,
    /// For each server the way by which its answer is to come.
    ways: Vec<Option<Way>>,
    /// How it stands.
    pub(crate) end: End,
}

impl Inquiry {
    /// A question that nobody was asked yet.
    pub(crate) fn new(question: Question, servers: &[Known], total: Duration) -> Self {
        Self {
            question,
            id: Message::query().metadata.id,
            order: Order::new(servers.iter().map(|server| server.is_silent), total),
            ways: servers.iter().map(|_| None).collect(),
            end: End::Open,
        }
    }

    /// Does what is to be done now, and gives the moment at which there is more to do.
    pub(crate) fn advance(&mut self, servers: &[Known]) -> Option<Instant> {
        while self.end == End::Open {
            match self.order.next(Instant::now()) {
                Step::Ask(server) => {
                    let address = servers[server].address;
                    if let Err(error) = self.send(server, address) {
                        self.fail(server, address, Failure::Unreachable(error));
                    }
                }
                Step::Wait(moment) => return moment,
                Step::Done(server) => self.end = End::Answer(server),
                Step::GiveUp => self.end = End::GivenUp,
            }
        }
        None
    }

    /// Sends the question to a server.
    fn send(&mut self, server: usize, address: SocketAddr) -> io::Result<()> {
        log::debug!(
            "asking {address} for {} {}",
            escape::domain(&self.question.name),
            self.question.record_type
        );
        let octets = self.question.to_octets(self.id).map_err(io::Error::other)?;
        match &mut self.ways[server] {
            // What can be done is being done.
            Some(Way::Tcp(_)) => Ok(()),
            Some(Way::Udp(socket)) => socket.send(&octets).map(drop),
            none => {
                let socket = connect(address)?;
                socket.send(&octets)?;
                *none = Some(Way::Udp(socket));
                Ok(())
            }
        }
    }

    /// Takes what has arrived from a server.
    pub(crate) fn receive(&mut self, server: usize, address: SocketAddr) {
        match self.arrived(server, address) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                self.ways[server] = None;
                self.order.answered(server, answer);
            }
            Err(failure) => self.fail(server, address, failure),
        }
    }

    /// The answer of a server, if it has arrived.
    fn arrived(&mut self, server: usize, address: SocketAddr) -> Result<Option<Message>, Failure> {
        match &mut self.ways[server] {
            None => Ok(None),
            Some(Way::Tcp(fetch)) => {
                let Some(octets) = fetch.advance().map_err(Failure::Tcp)? else {
                    return Ok(None);
                };
                match self.question.read(&octets, self.id)? {
                    Reply::Answer(answer) => Ok(Some(answer)),
                    Reply::Truncated => Err(Failure::Nonsense("it is truncated over TCP")),
                    Reply::Stray => Err(Failure::Nonsense("it has another id over TCP")),
                }
            }
            Some(Way::Udp(socket)) => {
                let mut packet = [0; MAX_PACKET];
                let length = match socket.recv(&mut packet) {
                    Ok(length) => length,
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                        ) =>
                    {
                        return Ok(None);
                    }
                    Err(error) => return Err(Failure::Unreachable(error)),
                };
                match self.question.read(&packet[..length], self.id)? {
                    Reply::Answer(answer) => Ok(Some(answer)),
                    Reply::Stray => Ok(None),
                    Reply::Truncated => {
                        self.ways[server] = Some(Way::Tcp(self.fetch(address)?));
                        Ok(None)
                    }
                }
            }
        }
    }

    /// Begins to fetch an answer over TCP.
    fn fetch(&self, address: SocketAddr) -> Result<Fetch, Failure> {
        let octets = self
            .question
            .to_octets(self.id)
            .map_err(|error| Failure::Unreachable(io::Error::other(error)))?;
        Fetch::begin(address, &octets).map_err(Failure::Tcp)
    }

    /// Notes that a server has failed. Asked again, it gets a new socket, and with it a new port. After nonsense the old one
    /// stays: that may have been forged, and the answer still to come.
    fn fail(&mut self, server: usize, address: SocketAddr, failure: Failure) {
        log::debug!("{address} {failure}");
        let is_open = matches!(self.ways[server], Some(Way::Udp(_)))
            && matches!(failure, Failure::Nonsense(_));
        if !is_open {
            self.ways[server] = None;
        }
        let may_pass = failure.may_pass();
        self.order.failed(server, failure, may_pass);
    }

    /// For each server that was asked why it has given no answer.
    pub(crate) fn into_failures(self) -> impl Iterator<Item = (usize, Failure)> {
        let ways = self.ways;
        self.order.into_failures().map(move |(server, failure)| {
            let failure = failure.unwrap_or_else(|| match &ways[server] {
                Some(Way::Tcp(fetch)) => Failure::Tcp(fetch.late()),
                _ => Failure::Silent,
            });
            (server, failure)
        })
    }

    /// Whether it has its end, or every server has had its turn.
    pub(crate) fn has_had_its_round(&self) -> bool {
        self.end != End::Open || self.order.is_round_done()
    }

    /// Whether there is an answer that counts, with an address in it.
    pub(crate) fn has_addresses(&self) -> bool {
        let End::Answer(server) = self.end else {
            return false;
        };
        self.order.answer(server).is_some_and(|answer| {
            addresses_at(answer, canonical(answer, &self.question.name))
                .next()
                .is_some()
        })
    }
}

/// The addresses that an answer has for a name.
pub(crate) fn addresses_at<'a>(
    answer: &'a Message,
    name: &'a Name,
) -> impl Iterator<Item = IpAddr> + 'a {
    answer
        .answers
        .iter()
        .filter(move |record| record.name == *name)
        .filter_map(|record| record.data.ip_addr())
}

/// A socket for one question to one server.
fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    if let SocketAddr::V6(v6) = address
        && v6.ip().is_unicast_link_local()
        && v6.scope_id() == 0
    {
        return Err(io::Error::other(
            "it is link-local, and behind it is no interface of this computer, like %eth0",
        ));
    }
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Waits until something arrives or the moment has come; for what has arrived the question and the server.
pub(crate) fn wait_for(inquiries: &[Inquiry], until: Instant) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut sockets = Vec::new();
    for (index, inquiry) in inquiries.iter().enumerate() {
        for (server, way) in inquiry.ways.iter().enumerate() {
            sockets.push(match way {
                None => continue,
                Some(Way::Udp(socket)) => PollFd::new(socket, PollFlags::IN),
                Some(Way::Tcp(fetch)) => {
                    let (stream, events) = fetch.waits_for();
                    PollFd::new(stream, events)
                }
            });
            places.push((index, server));
        }
    }
    // Rounded up: to wake a moment early is to ask the clock again and again.
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    if sockets.is_empty() {
        std::thread::sleep(left);
        return Vec::new();
    }
    #[allow(
        clippy::cast_lossless,
        clippy::cast_possible_wrap,
        reason = "below a thousand million, in a type that differs by system"
    )]
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos() as _,
    };
    // The only error to come is an interruption, and then the loop comes here again.
    if poll(&mut sockets, Some(&timeout)).is_err() {
        return Vec::new();
    }
    let has_arrived = |(place, socket): ((usize, usize), PollFd<'_>)| {
        (!socket.revents().is_empty()).then_some(place)
    };
    places
        .into_iter()
        .zip(sockets)
        .filter_map(has_arrived)
        .collect()
}
