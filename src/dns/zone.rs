//! From a name to its zone's apex and primary, by SOA queries from the name upwards.
//!
//! The apex is the owner of the SOA record that covers the name (RFC 1035, 3.3.13); the primary is that record's MNAME
//! (RFC 2136, 4.3). Whether an SOA covers the name is the delicate part: resolvers follow CNAME records, and then show
//! the SOA of somebody else's zone. So one in an answer counts only at the name that was asked for, and one in a
//! negative answer (RFC 2308) only if no CNAME led away and its owner is that name or an ancestor of it.
//!
//! Below a delegation or a DNAME an update of the parent would change what nobody can find. So a referral, and servers
//! that do not answer below a zone that does, are errors and no reason to go up.

use super::query::{Failure, Question, canonical};
use super::resolver::{Resolver, Unanswered};
use crate::escape;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The least that is kept of the time to find out why a zone cannot be found: a part of it, at most this.
const MAX_DIAGNOSIS: Duration = Duration::from_secs(2);

/// A zone by its SOA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Soa {
    /// The owner: the zone's apex.
    pub(crate) apex: Name,
    /// MNAME, the primary.
    pub(crate) primary: Name,
}

/// Why no zone was found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A query got no usable answer.
    #[error("{}{because}", about(name, because))]
    Lookup {
        /// The name whose zone is looked for.
        name: Name,
        /// Which query, and why.
        because: Unanswered,
    },
    /// The name is in a zone whose servers do not answer.
    #[error(
        "{} seems to be delegated to servers that do not answer, and in the zone above an update would change what nobody can find: {because}",
        escape::domain(child)
    )]
    Delegated {
        /// The delegated zone.
        child: Name,
        /// What was seen.
        because: Unanswered,
    },
    /// A DNAME above the name redirects it.
    #[error(
        "{} is below {}, which a DNAME record redirects{}: what an update put there nobody could find; register a name elsewhere, or remove the DNAME",
        escape::domain(name),
        escape::domain(owner),
        target.as_ref().map_or_else(String::new, |target| format!(" (to {})", escape::domain(target)))
    )]
    Dname {
        /// The name.
        name: Name,
        /// Where the DNAME is.
        owner: Name,
        /// Where it leads the name.
        target: Option<Name>,
    },
    /// No zone covers the name, as this server says.
    #[error(
        "no zone has {}: neither it nor a name above it below the root has an SOA record, says {_1}; create the zone, or set `zone` and `server`",
        escape::domain(_0)
    )]
    NoZone(Name, SocketAddr),
    /// The configured zone has no SOA record, as this server says.
    #[error(
        "{} is not the apex of a zone: it has no SOA record, says {_1}; correct `zone`, or set `server` too",
        escape::domain(_0)
    )]
    NoApex(Name, SocketAddr),
}

/// What an answer to an SOA query says of the zone that the name is in.
#[derive(Debug, PartialEq, Eq)]
enum Cover {
    /// It is in this one.
    Zone(Soa),
    /// A DNAME at this ancestor redirects the name.
    Dname(Name),
    /// The name is an alias, or redirected by a DNAME that is not shown.
    Alias(Name),
    /// Nothing: the next label up may tell.
    Nothing,
}

/// The zone that has `name`: SOA queries from the name upwards.
///
/// # Errors
/// There is none that an update could go to, or it could not be found out before `deadline`.
pub(crate) fn of(name: &Name, resolver: &mut Resolver, deadline: Instant) -> Result<Soa, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    let limit = Instant::now() + left.saturating_sub(MAX_DIAGNOSIS.min(left / 6));
    let mut aliases = Vec::new();
    let mut asked = name.clone();
    loop {
        let (answer, server) = resolver
            .ask(Question::new(&asked, RecordType::SOA), limit)
            .map_err(|unanswered| explained(name, unanswered, resolver, deadline))?;
        match cover(&answer, &asked) {
            Cover::Zone(soa) if soa.apex.is_root() => {
                return Err(Error::NoZone(name.clone(), server));
            }
            Cover::Zone(soa) => {
                for (alias, target) in aliases {
                    refuse_dname(&alias, target, &soa.apex, resolver, limit)?;
                }
                return Ok(soa);
            }
            Cover::Dname(owner) => {
                let target = Some(canonical(&answer, &asked))
                    .filter(|&target| *target != asked)
                    .cloned();
                return Err(Error::Dname {
                    name: asked,
                    owner,
                    target,
                });
            }
            Cover::Alias(target) => aliases.push((asked.clone(), target)),
            Cover::Nothing => {}
        }
        asked = asked.base_name();
        if asked.is_root() {
            return Err(Error::NoZone(name.clone(), server));
        }
    }
}

/// The zone whose apex is `apex`.
///
/// # Errors
/// It is no apex, or it could not be found out before `deadline`.
pub(crate) fn at(apex: &Name, resolver: &mut Resolver, deadline: Instant) -> Result<Soa, Error> {
    let (answer, server) = resolver
        .ask(Question::new(apex, RecordType::SOA), deadline)
        .map_err(|unanswered| explained(apex, unanswered, resolver, deadline))?;
    match cover(&answer, apex) {
        Cover::Zone(soa) if soa.apex == *apex => Ok(soa),
        _ => Err(Error::NoApex(apex.clone(), server)),
    }
}

/// What an answer says of the zone of the name that was asked for.
fn cover(answer: &Message, name: &Name) -> Cover {
    for record in &answer.answers {
        if record.record_type() == RecordType::DNAME
            && record.name != *name
            && record.name.zone_of(name)
        {
            return Cover::Dname(record.name.clone());
        }
    }
    let target = canonical(answer, name);
    if target != name {
        return Cover::Alias(target.clone());
    }
    let soa = |record: &Record| match &record.data {
        RData::SOA(soa) => Some(Soa {
            apex: record.name.clone(),
            primary: soa.mname.clone(),
        }),
        _ => None,
    };
    let in_answer = answer
        .answers
        .iter()
        .filter_map(soa)
        .find(|soa| soa.apex == *name);
    let in_authority = || {
        answer
            .authorities
            .iter()
            .filter_map(soa)
            .find(|soa| answer.answers.is_empty() && soa.apex.zone_of(name))
    };
    in_answer
        .or_else(in_authority)
        .map_or(Cover::Nothing, Cover::Zone)
}

/// Whether an alias comes from a DNAME above it, which not every resolver shows: asks each name from there up to the apex.
fn refuse_dname(
    alias: &Name,
    target: Name,
    apex: &Name,
    resolver: &mut Resolver,
    limit: Instant,
) -> Result<(), Error> {
    let owners: Vec<Name> = ancestors(alias)
        .take_while(|owner| apex.zone_of(owner))
        .collect();
    let questions = owners
        .iter()
        .map(|owner| Question::new(owner, RecordType::DNAME));
    // Whoever does not know the type cannot redirect by it either.
    let answers = resolver.ask_each_once(questions, limit);
    for (owner, answer) in owners.into_iter().zip(answers) {
        let is_dname =
            |record: &Record| record.record_type() == RecordType::DNAME && record.name == owner;
        if answer.is_some_and(|answer| answer.answers.iter().any(is_dname)) {
            return Err(Error::Dname {
                name: alias.clone(),
                owner,
                target: Some(target),
            });
        }
    }
    Ok(())
}

/// The names above a name, from the nearest one up, without the root.
fn ancestors(name: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(name.base_name()), |name| Some(name.base_name()))
        .take_while(|name| !name.is_root())
}

/// Why a zone cannot be looked up: a referral, or servers that do not answer below a zone that does, mean that it is
/// delegated to dead ones.
fn explained(
    wanted: &Name,
    unanswered: Unanswered,
    resolver: &mut Resolver,
    deadline: Instant,
) -> Error {
    let name = unanswered.question.name.clone();
    let referral = unanswered
        .failures
        .iter()
        .find_map(|(_, failure)| match failure {
            Failure::Referral(child) if !child.is_root() && child.zone_of(&name) => {
                Some(child.clone())
            }
            _ => None,
        });
    if let Some(child) = referral {
        return Error::Delegated {
            child,
            because: unanswered,
        };
    }
    let parents: Vec<Name> = ancestors(&name).collect();
    let questions = parents
        .iter()
        .map(|parent| Question::new(parent, RecordType::SOA));
    let mut child = name;
    for (parent, answer) in parents
        .iter()
        .zip(resolver.ask_each_once(questions, deadline))
    {
        let is_found = |answer: &Message| matches!(cover(answer, parent), Cover::Zone(soa) if !soa.apex.is_root());
        if answer.as_ref().is_some_and(is_found) {
            return Error::Delegated {
                child,
                because: unanswered,
            };
        }
        child = parent.clone();
    }
    Error::Lookup {
        name: wanted.clone(),
        because: unanswered,
    }
}

/// What a query was for that asked about another name.
fn about(name: &Name, because: &Unanswered) -> String {
    if because.question.name == *name {
        String::new()
    } else {
        format!("cannot find the zone of {}: ", escape::domain(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::OpCode;
    use hickory_proto::rr::rdata::{A, CNAME, NS, NULL, SOA};

    /// A fully qualified name.
    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// An SOA record whose primary is `ns` below its owner.
    fn soa(owner: &str) -> Record {
        let primary = name("ns").append_domain(&name(owner)).unwrap();
        let data = SOA::new(primary, name("hostmaster."), 1, 3600, 600, 86400, 60);
        Record::from_rdata(name(owner), 60, RData::SOA(data))
    }

    /// A CNAME record.
    fn cname(owner: &str, target: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
    }

    /// A DNAME record.
    fn dname(owner: &str) -> Record {
        let data = RData::Unknown {
            code: RecordType::DNAME,
            rdata: NULL::with(vec![0]),
        };
        Record::from_rdata(name(owner), 60, data)
    }

    /// What an answer with these records says of `host.old.example.com.`.
    fn covered(answers: Vec<Record>, authorities: Vec<Record>) -> Cover {
        let mut message = Message::response(1, OpCode::Query);
        message.add_answers(answers);
        message.add_authorities(authorities);
        cover(&message, &name("host.old.example.com."))
    }

    /// This zone.
    fn zone(apex: &str) -> Cover {
        Cover::Zone(Soa {
            apex: name(apex),
            primary: name("ns").append_domain(&name(apex)).unwrap(),
        })
    }

    #[test]
    fn an_soa_in_the_answer_counts_at_the_name_alone() {
        assert_eq!(
            covered(vec![soa("host.old.example.com.")], vec![]),
            zone("host.old.example.com.")
        );
        assert_eq!(
            covered(vec![soa("HOST.old.Example.com.")], vec![]),
            zone("host.old.example.com.")
        );
        assert_eq!(covered(vec![soa("example.com.")], vec![]), Cover::Nothing);
        assert_eq!(covered(vec![soa("other.example.")], vec![]), Cover::Nothing);
    }

    #[test]
    fn an_soa_in_a_negative_answer_counts_at_the_name_or_above_it() {
        assert_eq!(
            covered(vec![], vec![soa("example.com.")]),
            zone("example.com.")
        );
        assert_eq!(
            covered(vec![], vec![soa("host.old.example.com.")]),
            zone("host.old.example.com.")
        );
        assert_eq!(covered(vec![], vec![soa(".")]), zone("."));
        for other in ["example.net.", "x.host.old.example.com.", "ample.com."] {
            assert_eq!(covered(vec![], vec![soa(other)]), Cover::Nothing, "{other}");
        }
        assert_eq!(covered(vec![], vec![]), Cover::Nothing);
        // Beside records of something else an authority section is not that of a negative answer.
        let address =
            Record::from_rdata(name("x.example.com."), 60, RData::A(A::new(192, 0, 2, 1)));
        assert_eq!(
            covered(vec![address], vec![soa("example.com.")]),
            Cover::Nothing
        );
    }

    #[test]
    fn an_alias_leads_to_no_zone() {
        let alias = |target: &str| cname("host.old.example.com.", target);
        assert_eq!(
            covered(vec![alias("x.example.net.")], vec![soa("example.net.")]),
            Cover::Alias(name("x.example.net."))
        );
        // An apex that the name is an alias of, even an ancestor of it.
        assert_eq!(
            covered(vec![alias("example.com."), soa("example.com.")], vec![]),
            Cover::Alias(name("example.com."))
        );
        assert_eq!(
            covered(vec![alias("x.example.com.")], vec![soa("example.com.")]),
            Cover::Alias(name("x.example.com."))
        );
    }

    #[test]
    fn a_dname_above_the_name_is_seen() {
        assert_eq!(
            covered(
                vec![
                    dname("old.example.com."),
                    cname("host.old.example.com.", "host.new.example.")
                ],
                vec![soa("new.example.")]
            ),
            Cover::Dname(name("old.example.com."))
        );
        // At the name itself it redirects what is below.
        assert_eq!(
            covered(vec![dname("host.old.example.com.")], vec![]),
            Cover::Nothing
        );
        assert_eq!(
            covered(vec![dname("other.example.")], vec![]),
            Cover::Nothing
        );
    }

    #[test]
    fn a_zones_own_servers_say_nothing_of_the_zone() {
        let ns = Record::from_rdata(
            name("example.com."),
            60,
            RData::NS(NS(name("ns.example.com."))),
        );
        assert_eq!(covered(vec![], vec![ns.clone()]), Cover::Nothing);
        assert_eq!(
            covered(vec![], vec![ns, soa("example.com.")]),
            zone("example.com.")
        );
    }
}
