//! The system's name servers, asked in the order of the file.
//!
//! [`Order`](super::order::Order) decides who is asked when and whose answer counts, a [`Question`] what an answer is, and
//! an [`Inquiry`] has the sockets. One thread waits for all.

use super::inquiry::{End, Inquiry, Known, addresses_at, wait_for};
use super::query::{Failure, Question, canonical};
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

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
            all => write!(f, " (and {} more)", all - MAX_TOLD),
        }
    }
}

/// How often servers that have failed are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounds {
    /// Once: there are other hosts that will do.
    One,
    /// Again and again while there is time.
    Many,
}

impl Resolver {
    /// Asks these servers, and so that all questions together take about until `deadline`.
    pub(crate) fn new(servers: impl IntoIterator<Item = SocketAddr>, deadline: Instant) -> Self {
        let known = |address| Known {
            address,
            is_silent: false,
        };
        Self {
            servers: servers.into_iter().map(known).collect(),
            total: deadline.saturating_duration_since(Instant::now()),
        }
    }

    /// The first answer in the servers' order, and who gave it.
    ///
    /// # Errors
    /// There was none before `limit`.
    pub(crate) fn ask(
        &mut self,
        question: Question,
        limit: Instant,
    ) -> Result<(Message, SocketAddr), Unanswered> {
        let mut inquiry = [Inquiry::new(question, &self.servers, self.total)];
        self.run(&mut inquiry, limit, |_| false);
        let [inquiry] = inquiry;
        self.outcome(inquiry)
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
        let mut inquiry = [Inquiry::new(question, &self.servers, self.total)];
        self.run(&mut inquiry, limit, |all| {
            all.iter().all(Inquiry::has_had_its_round)
        });
        let [inquiry] = inquiry;
        self.outcome(inquiry).map(|(answer, _)| answer)
    }

    /// The answers to several questions that are asked at once in that way.
    pub(crate) fn ask_each_once(
        &mut self,
        questions: impl IntoIterator<Item = Question>,
        limit: Instant,
    ) -> Vec<Option<Message>> {
        let inquiry = |question| Inquiry::new(question, &self.servers, self.total);
        let mut inquiries: Vec<Inquiry> = questions.into_iter().map(inquiry).collect();
        self.run(&mut inquiries, limit, |all| {
            all.iter().all(Inquiry::has_had_its_round)
        });
        let outcome = |inquiry| self.outcome(inquiry).ok().map(|(answer, _)| answer);
        inquiries.into_iter().map(outcome).collect()
    }

    /// The addresses of a host in DNS, IPv4 first, none if it has none; and who says so. A family that no server has an
    /// answer for does not keep the addresses of the other. Servers that have failed are asked again, if they are to be.
    ///
    /// # Errors
    /// No server gave an answer for either family before `limit`.
    pub(crate) fn addresses(
        &mut self,
        host: &Name,
        rounds: Rounds,
        limit: Instant,
    ) -> Result<(Vec<IpAddr>, Option<SocketAddr>), Unanswered> {
        let mut host = host.clone();
        let mut addresses = Vec::new();
        let mut told = None;
        // A recursive server follows aliases, others to the end of their zones.
        for _ in 0..MAX_HOPS {
            let mut families = [RecordType::A, RecordType::AAAA].map(|family| {
                Inquiry::new(Question::new(&host, family), &self.servers, self.total)
            });
            self.run(&mut families, limit, |families| {
                families.iter().all(Inquiry::has_had_its_round)
                    && (rounds == Rounds::One || families.iter().any(Inquiry::has_addresses))
            });
            let mut failure = None;
            let mut target = None;
            for family in families {
                match self.outcome(family) {
                    Ok((answer, server)) => {
                        told = Some(server);
                        let canonical = canonical(&answer, &host);
                        addresses.extend(addresses_at(&answer, canonical));
                        if *canonical != host {
                            target = Some(canonical.clone());
                        }
                    }
                    Err(unanswered) => failure = failure.or(Some(unanswered)),
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
        Ok((addresses, told))
    }

    /// Asks several questions at once until each has its end, `is_enough`, or the limit has come.
    fn run(
        &mut self,
        inquiries: &mut [Inquiry],
        limit: Instant,
        is_enough: impl Fn(&[Inquiry]) -> bool,
    ) {
        loop {
            let mut wake = limit;
            for inquiry in &mut *inquiries {
                if let Some(moment) = inquiry.advance(&self.servers) {
                    wake = wake.min(moment);
                }
            }
            let has_ended = inquiries.iter().all(|inquiry| inquiry.end != End::Open);
            if has_ended || is_enough(inquiries) || Instant::now() >= limit {
                break;
            }
            for (inquiry, server) in wait_for(inquiries, wake) {
                inquiries[inquiry].receive(server, self.servers[server].address);
            }
        }
        let now = Instant::now();
        for (index, server) in self.servers.iter_mut().enumerate() {
            let silent = |inquiry: &Inquiry| inquiry.order.is_silent(index, now);
            let answered = |inquiry: &Inquiry| inquiry.order.answer(index).is_some();
            server.is_silent = !inquiries.iter().any(answered)
                && (server.is_silent || inquiries.iter().any(silent));
        }
    }

    /// The answer to a question and who gave it, or why there is none.
    fn outcome(&self, inquiry: Inquiry) -> Result<(Message, SocketAddr), Unanswered> {
        let question = inquiry.question.clone();
        if let End::Answer(server) = inquiry.end {
            let address = self.servers[server].address;
            log::debug!(
                "{address} answers for {} {}",
                escape::domain(&question.name),
                question.record_type
            );
            let answer = inquiry.order.into_answer(server);
            return answer.map(|answer| (answer, address)).ok_or(Unanswered {
                question,
                failures: Vec::new(),
            });
        }
        let failures = inquiry
            .into_failures()
            .map(|(server, failure)| (self.servers[server].address, failure))
            .collect();
        Err(Unanswered { question, failures })
    }
}
