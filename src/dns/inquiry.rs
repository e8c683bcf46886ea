//! One question under way: its sockets, one for each server that was asked.
//!
//! Each is connected, so that the kernel chooses its port by chance, takes packets from that server alone, and reports a
//! closed port at once (RFC 5452, 9.2). An answer that is too long for UDP is fetched over TCP.

use super::exchange::exchange;
use super::order::{Order, Step};
use super::query::{Failure, Question, Reply, canonical};
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long fetching one answer over TCP may take, while everything else waits.
const MAX_TCP: Duration = Duration::from_secs(2);

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

/// One question under way.
pub(crate) struct Inquiry {
    /// What is asked.
    pub(crate) question: Question,
    /// The id of its messages.
    id: u16,
    /// Where it stands with each server.
    pub(crate) order: Order<Message, Failure>,
    /// For each server the socket that waits for its answer.
    sockets: Vec<Option<UdpSocket>>,
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
            sockets: servers.iter().map(|_| None).collect(),
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
        let socket = match &mut self.sockets[server] {
            Some(socket) => socket,
            none => none.insert(connect(address)?),
        };
        socket.send(&octets).map(drop)
    }

    /// Takes what has arrived from a server.
    pub(crate) fn receive(&mut self, server: usize, address: SocketAddr, limit: Instant) {
        let mut packet = [0; MAX_PACKET];
        let Some(socket) = &self.sockets[server] else {
            return;
        };
        let reply = match socket.recv(&mut packet) {
            Ok(length) => self.question.read(&packet[..length], self.id),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                return;
            }
            Err(error) => Err(Failure::Unreachable(error)),
        };
        let answer = match reply {
            Ok(Reply::Stray) => return,
            Ok(Reply::Answer(answer)) => Ok(answer),
            Ok(Reply::Truncated) => self.fetch(address, limit),
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(answer) => {
                self.sockets[server] = None;
                self.order.answered(server, answer);
            }
            Err(failure) => self.fail(server, address, failure),
        }
    }

    /// Fetches an answer over TCP.
    fn fetch(&self, address: SocketAddr, limit: Instant) -> Result<Message, Failure> {
        let nonsense = Failure::Nonsense("it is too long for TCP");
        let octets = self.question.to_octets(self.id).map_err(|_| nonsense)?;
        let limit = limit.min(Instant::now() + MAX_TCP);
        let answer = exchange(address.into(), &octets, MAX_TCP, limit).map_err(Failure::Tcp)?;
        match self.question.read(&answer, self.id)? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Truncated => Err(Failure::Nonsense("it is truncated over TCP")),
            Reply::Stray => Err(Failure::Nonsense("it has another id over TCP")),
        }
    }

    /// Notes that a server has failed. Asked again, it gets a new socket, and with it a new port.
    fn fail(&mut self, server: usize, address: SocketAddr, failure: Failure) {
        log::debug!("{address} {failure}");
        self.sockets[server] = None;
        let may_pass = failure.may_pass();
        self.order.failed(server, failure, may_pass);
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
        for (server, socket) in inquiry.sockets.iter().enumerate() {
            if let Some(socket) = socket {
                places.push((index, server));
                sockets.push(PollFd::new(socket, PollFlags::IN));
            }
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
