//! What a primary itself says now, asked over TCP as an update would go: not what a resolver remembers.

use super::exchange::{self, Peer, exchange};
use super::query::{Failure, Question, Reply};
use super::tls::Security;
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, RecordType};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The address records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records {
    /// The addresses, sorted.
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// Their least time to live; none without records.
    pub(crate) ttl: Option<u32>,
}

/// The server could not be asked, or does not know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There was no answer.
    #[error("{0}: {1}")]
    Exchange(SocketAddr, #[source] exchange::Error),
    /// There was none that can be used.
    #[error("{0} {1}")]
    Answer(SocketAddr, Failure),
    /// The server says what others told it.
    #[error("{} is not authoritative for {}", _0, escape::domain(_1))]
    NotAuthoritative(SocketAddr, Name),
}

impl Error {
    /// Whether the text says what to do: a server that is there, and is not to be talked to.
    pub(crate) fn says_what_to_do(&self) -> bool {
        matches!(self, Self::Exchange(_, exchange::Error::Tls(_)))
    }
}

/// The A and AAAA records of a name, by a server of its zone.
///
/// # Errors
/// The server did not say before `deadline`.
pub(crate) fn records(peer: Peer<'_>, name: &Name, deadline: Instant) -> Result<Records, Error> {
    let mut records = Records {
        addresses: BTreeSet::new(),
        ttl: None,
    };
    for family in [RecordType::A, RecordType::AAAA] {
        let answer = ask(peer, name, family, deadline)?;
        for record in &answer.answers {
            // An alias's addresses are another name's.
            if record.name == *name
                && let Some(ip) = record.data.ip_addr()
            {
                records.addresses.insert(ip);
                records.ttl = Some(records.ttl.unwrap_or(record.ttl).min(record.ttl));
            }
        }
    }
    Ok(records)
}

/// The primary by the zone's SOA record, by a server of the zone.
///
/// # Errors
/// The server did not say before `deadline`.
pub(crate) fn primary(peer: Peer<'_>, zone: &Name, deadline: Instant) -> Result<Name, Error> {
    let answer = ask(peer, zone, RecordType::SOA, deadline)?;
    answer
        .answers
        .into_iter()
        .find_map(|record| match record.data {
            RData::SOA(soa) if record.name == *zone => Some(soa.mname),
            _ => None,
        })
        .ok_or_else(|| Error::NotAuthoritative(peer.address, zone.clone()))
}

/// How the connection to a server is secured; none without TLS.
pub(crate) fn security(peer: Peer<'_>, deadline: Instant) -> Option<Security> {
    exchange::security(peer, CONNECT_TIMEOUT, deadline).ok()?
}

/// One question, not to be passed on.
fn ask(
    peer: Peer<'_>,
    name: &Name,
    record_type: RecordType,
    deadline: Instant,
) -> Result<Message, Error> {
    let server = peer.address;
    let question = Question {
        name: name.clone(),
        record_type,
        is_recursive: false,
    };
    let id = Message::query().metadata.id;
    let unusable = |failure| Error::Answer(server, failure);
    let octets = question
        .to_octets(id)
        .map_err(|_| unusable(Failure::Nonsense("the question cannot be encoded")))?;
    let answer = exchange(peer, &octets, CONNECT_TIMEOUT, deadline)
        .map_err(|error| Error::Exchange(server, error))?;
    match question.read(&answer, id).map_err(unusable)? {
        Reply::Answer(answer) if answer.metadata.authoritative => Ok(answer),
        Reply::Answer(_) => Err(Error::NotAuthoritative(server, name.clone())),
        Reply::Truncated | Reply::Stray => {
            Err(unusable(Failure::Nonsense("it is no whole answer")))
        }
    }
}
