//! The system's name servers, asked in the order of the file.
//!
//! [`Order`] decides who is asked when and whose answer counts, [`Question`] what an answer is; here are the sockets. Each
//! question to each server has a UDP socket of its own, connected, so that the kernel chooses its port by chance, takes
//! packets from that server alone, and reports a closed port at once (RFC 5452, 9.2). An answer that is too long for UDP
//! is fetched over TCP. One thread waits for all.

use super::exchange::exchange;
use super::order::{Order, Step};
use super::query::{Failure, Question, Reply, canonical};
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long fetching one answer over TCP may take, while everything else waits.
const MAX_TCP: Duration = Duration::from_secs(2);

/// Larger than any packet without EDNS (RFC 1035, 4.2.1); what is longer still is no answer.
const MAX_PACKET: usize = 4096;

/// A name that leads to more others than this leads nowhere.
const MAX_HOPS: usize = 8;

/// Of how many servers an error tells.
const MAX_TOLD: usize = 4;

/// Name servers, and what this run has learnt of them.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// The servers in order.
    servers: Vec<Known>,
    /// The time that all questions together have.
    total: Duration,
}

/// One server.
#[derive(Debug)]
struct Known {
    /// Where it is.
    address: SocketAddr,
    /// Whether it was silent when it was last asked.
    is_silent: bool,
}

/// No server gave an answer that counts.
#[derive(Debug)]
pub(crate) struct Unanswered {
    /// What was asked.
    pub(crate) question: Question,
    /// Each server that was asked, with the reason.
    pub(crate) failures: Vec<(SocketAddr, Failure)>,
}

impl std::error::Error for Unanswered {}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape::domain(&self.question.name);
        write!(f, "cannot look up {name} {}: ", self.question.record_type)?;
        for (index, (server, failure)) in self.failures.iter().take(MAX_TOLD).enumerate() {
            write!(
                f,
                "{}{server} {failure}",
                if index == 0 { "" } else { ", " }
            )?;
        }
        match self.failures.len() {
            0 => f.write_str("there was no time left to ask anybody"),
            1..=MAX_TOLD => Ok(()),
            all => write!(f, " and {} more servers fail", all - MAX_TOLD),
        }
    }
}

impl Resolver {
    /// Asks these servers, and so that all questions together take about until `deadline`.
    pub(crate) fn new(servers: impl IntoIterator<Item = SocketAddr>, deadline: Instant) -> Self {
        let known = |address| Known {
            address: reachable(address),
            is_silent: false,
        };
        Self {
            servers: servers.into_iter().map(known).collect(),
            total: deadline.saturating_duration_since(Instant::now()),
        }
    }

    /// The first answer in the servers' order.
    ///
    /// # Errors
    /// There was none before `limit`.
    pub(crate) fn ask(
        &mut self,
        question: Question,
        limit: Instant,
    ) -> Result<Message, Unanswered> {
        self.ask_until(question, limit, |_| false)
    }

    /// The same, but without asking servers again that have failed.
    ///
    /// # Errors
    /// There was none before `limit`, or every server has failed or been silent.
    pub(crate) fn ask_once(
        &mut self,
        question: Question,
        limit: Instant,
    ) -> Result<Message, Unanswered> {
        self.ask_until(question, limit, |inquiry| inquiry.order.is_round_done())
    }

    /// The addresses of a host in DNS, IPv4 first; none if it has none. A family that no server has an answer for does
    /// not keep the addresses of the other.
    ///
    /// # Errors
    /// No server gave an answer for either family before `limit`.
    pub(crate) fn addresses(
        &mut self,
        host: &Name,
        limit: Instant,
    ) -> Result<Vec<IpAddr>, Unanswered> {
        let mut host = host.clone();
        let mut addresses = Vec::new();
        // A recursive server follows aliases, others to the end of their zones.
        for _ in 0..MAX_HOPS {
            let families = [RecordType::A, RecordType::AAAA]
                .map(|family| Inquiry::new(Question::new(&host, family), self));
            let families = self.run(families, limit, |families| {
                families.iter().any(Inquiry::has_addresses)
                    && families
                        .iter()
                        .all(|family| family.end.is_some() || family.order.is_round_done())
            });
            let mut failure = None;
            let mut target = None;
            for family in families {
                match self.outcome(family) {
                    Ok(answer) => {
                        let canonical = canonical(&answer, &host);
                        addresses.extend(addresses_at(&answer, canonical));
                        if *canonical != host {
                            target = Some(canonical.clone());
                        }
                    }
                    Err(unanswered) => failure = Some(unanswered),
                }
            }
            match (addresses.is_empty(), failure, target) {
                (true, Some(unanswered), _) => return Err(unanswered),
                (true, None, Some(target)) => host = target,
                _ => break,
            }
        }
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    /// Asks one question until there is an end or it is given up.
    fn ask_until(
        &mut self,
        question: Question,
        limit: Instant,
        is_enough: fn(&Inquiry) -> bool,
    ) -> Result<Message, Unanswered> {
        let inquiry = [Inquiry::new(question, self)];
        let [inquiry] = self.run(inquiry, limit, |[inquiry]| is_enough(inquiry));
        self.outcome(inquiry)
    }

    /// Asks several questions at once until each has its end, `is_enough`, or the limit has come.
    fn run<const N: usize>(
        &mut self,
        mut inquiries: [Inquiry; N],
        limit: Instant,
        is_enough: impl Fn(&[Inquiry; N]) -> bool,
    ) -> [Inquiry; N] {
        loop {
            let mut wake = limit;
            for inquiry in &mut inquiries {
                if let Some(moment) = inquiry.advance(&self.servers) {
                    wake = wake.min(moment);
                }
            }
            let has_ended = inquiries.iter().all(|inquiry| inquiry.end.is_some());
            if has_ended || is_enough(&inquiries) || Instant::now() >= limit {
                break;
            }
            for (inquiry, server) in wait_for(&inquiries, wake) {
                inquiries[inquiry].receive(server, self.servers[server].address, limit);
            }
        }
        let now = Instant::now();
        for (index, server) in self.servers.iter_mut().enumerate() {
            let silent = |inquiry: &Inquiry| inquiry.order.is_silent(index, now);
            let answered = |inquiry: &Inquiry| inquiry.order.answer(index).is_some();
            server.is_silent = !inquiries.iter().any(answered)
                && (server.is_silent || inquiries.iter().any(silent));
        }
        inquiries
    }

    /// The answer to a question, or why there is none.
    fn outcome(&self, inquiry: Inquiry) -> Result<Message, Unanswered> {
        let Inquiry {
            question,
            order,
            end,
            ..
        } = inquiry;
        if let Some(Some(server)) = end {
            log::debug!(
                "{} answers for {} {}",
                self.servers[server].address,
                escape::domain(&question.name),
                question.record_type
            );
            if let Some(answer) = order.into_answer(server) {
                return Ok(answer);
            }
            return Err(Unanswered {
                question,
                failures: Vec::new(),
            });
        }
        let failures = order
            .into_failures()
            .map(|(server, failure)| {
                (
                    self.servers[server].address,
                    failure.unwrap_or(Failure::Silent),
                )
            })
            .collect();
        Err(Unanswered { question, failures })
    }
}

/// One question under way.
struct Inquiry {
    /// What is asked.
    question: Question,
    /// The id of its messages.
    id: u16,
    /// Where it stands with each server.
    order: Order<Message, Failure>,
    /// For each server the socket that waits for its answer.
    sockets: Vec<Option<UdpSocket>>,
    /// The end, once it has one: the server whose answer counts, or none.
    end: Option<Option<usize>>,
}

impl Inquiry {
    /// A question that nobody was asked yet.
    fn new(question: Question, resolver: &Resolver) -> Self {
        let servers = &resolver.servers;
        Self {
            question,
            id: Message::query().metadata.id,
            order: Order::new(
                servers.iter().map(|server| server.is_silent),
                resolver.total,
            ),
            sockets: servers.iter().map(|_| None).collect(),
            end: None,
        }
    }

    /// Does what is to be done now, and gives the moment at which there is more to do.
    fn advance(&mut self, servers: &[Known]) -> Option<Instant> {
        while self.end.is_none() {
            match self.order.next(Instant::now()) {
                Step::Ask(server) => {
                    let address = servers[server].address;
                    if let Err(error) = self.send(server, address) {
                        self.fail(server, address, Failure::Unreachable(error));
                    }
                }
                Step::Wait(moment) => return moment,
                Step::Done(server) => self.end = Some(Some(server)),
                Step::GiveUp => self.end = Some(None),
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
    fn receive(&mut self, server: usize, address: SocketAddr, limit: Instant) {
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
        let answer = exchange(address, &octets, MAX_TCP, limit).map_err(Failure::Tcp)?;
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

    /// Whether there is an answer that counts, with an address in it.
    fn has_addresses(&self) -> bool {
        self.end.flatten().is_some_and(|server| {
            self.order.answer(server).is_some_and(|answer| {
                addresses_at(answer, canonical(answer, &self.question.name))
                    .next()
                    .is_some()
            })
        })
    }
}

/// The addresses that an answer has for a name.
fn addresses_at<'a>(answer: &'a Message, name: &'a Name) -> impl Iterator<Item = IpAddr> + 'a {
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
fn wait_for(inquiries: &[Inquiry], until: Instant) -> Vec<(usize, usize)> {
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
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
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

/// An address to send to: the unspecified address of a resolv.conf is the local machine, which not every system takes for
/// granted.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
