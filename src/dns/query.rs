//! One question to a name server, and what counts as its answer (RFC 1035, 4.1; RFC 5452, 9.1).
//!
//! Pure. No EDNS is sent: the answers wanted here are small, some servers and firewalls do not know it, and a larger one
//! comes over TCP.

use super::fetch;
use crate::escape;
use hickory_proto::ProtoError;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::fmt;
use std::io;

/// The TC bit in the third octet of a message.
const TRUNCATED: u8 = 0x02;

/// Longer chains of CNAME records are taken for a circle.
const MAX_ALIASES: usize = 16;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of which name, fully qualified.
    pub name: Name,
    /// For records of which type.
    pub record_type: RecordType,
    /// Whether the server is to find out what it does not know itself.
    pub is_recursive: bool,
}

/// What a message from the server is.
#[derive(Debug)]
pub enum Reply {
    /// The answer.
    Answer(Message),
    /// The answer was too long for UDP.
    Truncated,
    /// Nothing that concerns this question: late, or forged.
    Stray,
}

/// Why a server gave no answer that can be used.
#[derive(Debug)]
pub enum Failure {
    /// It has not answered yet.
    Silent,
    /// It says that it cannot or will not answer.
    Code(ResponseCode),
    /// It leaves the asker to the servers of this zone.
    Referral(Name),
    /// What it sent is not an answer.
    Nonsense(&'static str),
    /// It cannot be reached.
    Unreachable(io::Error),
    /// The answer was too long for UDP, and TCP failed.
    Tcp(fetch::Error),
}

impl Failure {
    /// Whether asking again may help.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self, Self::Referral(_))
    }
}

impl fmt::Display for Failure {
    /// Completes the sentence that begins with the server's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("does not answer"),
            Self::Code(code) => {
                write!(f, "answers {}", code_name(*code))?;
                match code {
                    ResponseCode::ServFail => f.write_str(
                        " (it cannot reach the zone's servers, or DNSSEC fails: see its log)",
                    ),
                    ResponseCode::Refused => {
                        f.write_str(" (it does not resolve for this computer)")
                    }
                    _ => Ok(()),
                }
            }
            Self::Referral(zone) => write!(
                f,
                "does not resolve and refers to the servers of {}",
                escape::domain(zone)
            ),
            Self::Nonsense(what) => write!(f, "sends nonsense ({what})"),
            Self::Unreachable(error) => write!(f, "cannot be asked ({})", escape::system(error)),
            Self::Tcp(error) => write!(f, "has an answer too long for UDP, and over TCP {error}"),
        }
    }
}

/// A response code as the field writes it.
pub(crate) fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::YXDomain => "YXDOMAIN",
        ResponseCode::YXRRSet => "YXRRSET",
        ResponseCode::NXRRSet => "NXRRSET",
        ResponseCode::NotAuth => "NOTAUTH",
        ResponseCode::NotZone => "NOTZONE",
        code => return format!("code {}", u16::from(code)),
    }
    .to_owned()
}

impl Question {
    /// A question that a resolver is to find the answer to.
    #[must_use]
    pub fn new(name: &Name, record_type: RecordType) -> Self {
        Self {
            name: name.clone(),
            record_type,
            is_recursive: true,
        }
    }

    /// The message that asks it.
    ///
    /// # Errors
    /// The name cannot be encoded.
    pub(crate) fn to_octets(&self, id: u16) -> Result<Vec<u8>, ProtoError> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = self.is_recursive;
        message.add_query(Query::query(self.name.clone(), self.record_type));
        message.to_vec()
    }

    /// Reads what came from the server that was asked with this id.
    ///
    /// # Errors
    /// It is no answer to this question.
    pub fn read(&self, octets: &[u8], id: u16) -> Result<Reply, Failure> {
        let Ok(message) = Message::from_vec(octets) else {
            // Some servers cut in the middle of a record.
            return match octets {
                [a, b, flags, ..] if [*a, *b] == id.to_be_bytes() && flags & TRUNCATED != 0 => {
                    Ok(Reply::Truncated)
                }
                _ => Err(Failure::Nonsense("it is no DNS message")),
            };
        };
        let header = &message.metadata;
        if header.message_type != MessageType::Response {
            return Err(Failure::Nonsense("it is a request"));
        }
        if header.id != id {
            return Ok(Reply::Stray);
        }
        let is_answer = matches!(
            header.response_code,
            ResponseCode::NoError | ResponseCode::NXDomain
        );
        let is_asked = match message.queries.as_slice() {
            // A server that cannot read a question cannot repeat it.
            [] => !is_answer,
            [query] => {
                query.name() == &self.name
                    && query.query_type() == self.record_type
                    && query.query_class() == DNSClass::IN
            }
            _ => false,
        };
        if header.op_code != OpCode::Query || !is_asked {
            return Err(Failure::Nonsense("it answers another question"));
        }
        if !is_answer {
            return Err(Failure::Code(header.response_code));
        }
        if header.truncation {
            return Ok(Reply::Truncated);
        }
        match referral(&message) {
            Some(zone) => Err(Failure::Referral(zone)),
            None => Ok(Reply::Answer(message)),
        }
    }
}

/// The zone that a message refers to: not an answer, but the servers of somebody who may have one (RFC 1034, 4.3.2).
fn referral(message: &Message) -> Option<Name> {
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    if message.metadata.response_code != ResponseCode::NoError
        || message.metadata.authoritative
        || !message.answers.is_empty()
        || message.authorities.iter().any(is_soa)
    {
        return None;
    }
    message
        .authorities
        .iter()
        .find(|record| record.record_type() == RecordType::NS)
        .map(|record| record.name.clone())
}

/// Where a chain of CNAME records in an answer leads from a name: to itself if there is none.
#[must_use]
pub fn canonical<'a>(message: &'a Message, name: &'a Name) -> &'a Name {
    let mut name = name;
    for _ in 0..MAX_ALIASES {
        let target = message
            .answers
            .iter()
            .find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == *name => Some(&target.0),
                _ => None,
            });
        match target {
            Some(target) => name = target,
            None => break,
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{CNAME, NS};

    /// A fully qualified name.
    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// The question of these tests.
    fn question() -> Question {
        Question::new(&name("host.example.com."), RecordType::SOA)
    }

    /// An answer to it, changed.
    fn answer(change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::from_vec(&question().to_octets(7).unwrap()).unwrap();
        message.metadata.message_type = MessageType::Response;
        change(&mut message);
        message.to_vec().unwrap()
    }

    /// What the question makes of an answer.
    fn read(change: impl FnOnce(&mut Message)) -> String {
        match question().read(&answer(change), 7) {
            Ok(Reply::Answer(_)) => "answer".into(),
            Ok(Reply::Truncated) => "truncated".into(),
            Ok(Reply::Stray) => "stray".into(),
            Err(failure) => failure.to_string(),
        }
    }

    /// A record that names a server.
    fn ns(owner: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::NS(NS(name("ns.example.com."))))
    }

    #[test]
    fn only_the_answer_to_this_question_is_one() {
        assert_eq!(read(|_| {}), "answer");
        assert_eq!(
            read(|m| m.metadata.response_code = ResponseCode::NXDomain),
            "answer"
        );
        assert_eq!(read(|m| m.metadata.id = 8), "stray");
        assert_eq!(
            read(|m| m.metadata.message_type = MessageType::Query),
            "sends nonsense (it is a request)"
        );
        for change in [
            |m: &mut Message| m.queries.clear(),
            |m: &mut Message| m.metadata.op_code = OpCode::Notify,
            |m: &mut Message| {
                m.queries[0] = Query::query(name("other.example.com."), RecordType::SOA);
            },
            |m: &mut Message| m.queries[0] = Query::query(name("host.example.com."), RecordType::A),
            |m: &mut Message| {
                m.queries[0].set_query_class(DNSClass::CH);
            },
        ] {
            assert_eq!(read(change), "sends nonsense (it answers another question)");
        }
        for garbage in [
            &b""[..],
            b"x",
            &[0xff; 40],
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
        ] {
            assert!(matches!(
                question().read(garbage, 7),
                Err(Failure::Nonsense(_))
            ));
        }
    }

    #[test]
    fn a_name_in_other_case_is_the_same() {
        assert_eq!(
            read(|m| m.queries[0] = Query::query(name("HOST.example.COM."), RecordType::SOA)),
            "answer"
        );
    }

    #[test]
    fn a_code_is_a_failure_with_and_without_the_question() {
        for (code, says) in [
            (
                ResponseCode::ServFail,
                "answers SERVFAIL (it cannot reach the zone's servers, or DNSSEC fails: see its log)",
            ),
            (ResponseCode::FormErr, "answers FORMERR"),
            (
                ResponseCode::Refused,
                "answers REFUSED (it does not resolve for this computer)",
            ),
            (ResponseCode::NotImp, "answers NOTIMP"),
            (ResponseCode::Unknown(11), "answers code 11"),
        ] {
            assert_eq!(read(|m| m.metadata.response_code = code), says);
            assert_eq!(
                read(|m| {
                    m.metadata.response_code = code;
                    m.queries.clear();
                }),
                says
            );
        }
    }

    #[test]
    fn what_is_cut_is_truncated_wherever_it_was_cut() {
        assert_eq!(read(|m| m.metadata.truncation = true), "truncated");
        let mut cut = answer(|m| {
            m.metadata.truncation = true;
            m.answers.push(ns("host.example.com."));
        });
        cut.truncate(cut.len() - 3);
        assert!(matches!(question().read(&cut, 7), Ok(Reply::Truncated)));
        assert!(matches!(
            question().read(&cut, 8),
            Err(Failure::Nonsense(_))
        ));
    }

    #[test]
    fn a_referral_is_no_answer() {
        assert_eq!(
            read(|m| m.authorities.push(ns("example.com."))),
            "does not resolve and refers to the servers of example.com"
        );
        // The zone's own servers beside an answer, or said with authority, are none.
        assert_eq!(
            read(|m| {
                m.metadata.authoritative = true;
                m.authorities.push(ns("example.com."));
            }),
            "answer"
        );
        assert_eq!(
            read(|m| {
                m.answers.push(ns("host.example.com."));
                m.authorities.push(ns("example.com."));
            }),
            "answer"
        );
    }

    #[test]
    fn a_chain_of_aliases_ends_even_if_it_is_a_circle() {
        let mut message = Message::response(7, OpCode::Query);
        let mut alias = |owner: &str, target: &str| {
            message.answers.push(Record::from_rdata(
                name(owner),
                60,
                RData::CNAME(CNAME(name(target))),
            ));
        };
        alias("b.", "c.");
        alias("a.", "b.");
        alias("x.", "y.");
        alias("y.", "x.");
        assert_eq!(canonical(&message, &name("A.")), &name("c."));
        assert_eq!(canonical(&message, &name("c.")), &name("c."));
        let circle = name("x.");
        assert!(
            ["x.", "y."]
                .map(name)
                .contains(canonical(&message, &circle))
        );
    }
}
