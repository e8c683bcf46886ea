//! The servers of a service by SRV records (RFC 2782).

use super::query::Question;
use super::resolver::{Resolver, Unanswered};
use hickory_proto::rr::{Name, RData, RecordType};
use std::cmp::Reverse;
use std::time::Instant;

/// The hosts and ports of a service like `_kerberos._udp.example.com`: by priority, and within one the heaviest first.
/// None if there are none, or if the service is said not to be there (a target of `.`).
///
/// # Errors
/// No name server has an answer before `limit`.
pub(crate) fn servers(
    service: &Name,
    resolver: &mut Resolver,
    limit: Instant,
) -> Result<Vec<(Name, u16)>, Unanswered> {
    let answer = resolver.ask_once(Question::new(service, RecordType::SRV), limit)?;
    let mut found: Vec<_> = answer
        .answers
        .into_iter()
        .filter_map(|record| match record.data {
            RData::SRV(srv) if !srv.target.is_root() && srv.port != 0 => Some(srv),
            _ => None,
        })
        .collect();
    found.sort_by_key(|srv| (srv.priority, Reverse(srv.weight)));
    Ok(found
        .into_iter()
        .map(|srv| (srv.target, srv.port))
        .collect())
}
