//! The update: a [`Registration`] as one RFC 2136 message, sent to the primary's addresses in turn until one gives an
//! answer that counts, and what answers mean.
//!
//! The message deletes, then adds; sent twice it does the same as once. Only a NOERROR that verifies is success.
//! SERVFAIL, NOTIMP and an exchange without a believable answer leave it to the next address; other codes are final.

use super::exchange::{self, exchange};
use super::tsig::{self, Key, Unverified};
use crate::registration::{Registration, Replace};
use hickory_proto::op::update_message::UpdateMessage;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::fmt;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Room for a TSIG record: two names of 255 octets, a MAC of 64 and the fixed fields.
const LARGEST_TSIG: usize = 640;

/// How long a connection may take to come about before the next address, or the same one anew, is tried.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);

/// How long to wait before the addresses are tried a second time, at least; the third time after twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long to wait between two tries, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// For how long it makes sense to wait for a server that starts anew. One that is down for longer is down.
const RESTART: Duration = Duration::from_secs(10);

/// An update ready to be sent.
#[derive(Debug)]
pub(crate) struct Update<'a> {
    /// What the zone should have.
    registration: &'a Registration,
    /// The zone's apex.
    zone: &'a Name,
    /// The message, not yet signed.
    message: Message,
}

/// No address confirmed the update.
#[derive(Debug)]
pub(crate) struct Unconfirmed {
    /// Each address of the last round, with the reason.
    failures: Vec<(SocketAddr, String)>,
    /// How many rounds there were.
    rounds: u32,
    /// For how long after the first round another one may go better.
    patience: Duration,
}

impl std::error::Error for Unconfirmed {}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (server, reason)) in self.failures.iter().enumerate() {
            write!(
                f,
                "{}{server}: {reason}",
                if index == 0 { "" } else { "; " }
            )?;
        }
        if self.rounds > 1 {
            write!(f, "; tried {} times", self.rounds)?;
        }
        Ok(())
    }
}

/// Why one address did not confirm the update.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no answer.
    Exchange(exchange::Error),
    /// There was one that is not to be believed, with the code it bears.
    Unverified(Unverified, ResponseCode),
    /// The answer is not one to this request.
    Foreign(&'static str),
    /// The server said no.
    Code(ResponseCode),
}

impl<'a> Update<'a> {
    /// Builds the message.
    ///
    /// # Errors
    /// One message can't hold so many addresses.
    pub(crate) fn new(registration: &'a Registration, zone: &'a Name) -> Result<Self, String> {
        let name = &registration.name;
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        message.add_zone(Query::query(zone.clone(), RecordType::SOA));
        match registration.replace {
            Replace::All => {
                message.add_update(about(name, RecordType::ANY, DNSClass::ANY));
            }
            Replace::Addresses => {
                // Adding an address beside a CNAME is passed over in silence (RFC 2136, 3.4.2.2), so ask first.
                message.add_pre_requisite(about(name, RecordType::CNAME, DNSClass::NONE));
                message.add_update(about(name, RecordType::A, DNSClass::ANY));
                message.add_update(about(name, RecordType::AAAA, DNSClass::ANY));
            }
        }
        let ipv4 = registration
            .addresses
            .ipv4
            .iter()
            .flatten()
            .map(|&address| RData::A(address.into()));
        let ipv6 = registration
            .addresses
            .ipv6
            .iter()
            .flatten()
            .map(|&address| RData::AAAA(address.into()));
        message.add_updates(
            ipv4.chain(ipv6)
                .map(|data| Record::from_rdata(name.clone(), registration.ttl, data)),
        );
        let octets = message
            .to_vec()
            .map_err(|error| format!("cannot build the update: {error}"))?;
        // hickory cuts a message short without an error, but says so in the TC bit.
        let is_cut = octets.get(2).is_none_or(|flags| flags & 0x02 != 0);
        if is_cut || octets.len() + LARGEST_TSIG > usize::from(u16::MAX) {
            return Err("there are more addresses than one DNS message holds; leave some out by interface or network".into());
        }
        Ok(Self {
            registration,
            zone,
            message,
        })
    }

    /// Sends the update until an address confirms it, and gives that one. After what may pass by itself there are
    /// pauses and further rounds while there is time: to send an update twice does the same as once.
    ///
    /// # Errors
    /// No address did before `deadline`, or one said no for good.
    pub(crate) fn send(
        mut self,
        servers: &[SocketAddr],
        key: Option<&Key>,
        deadline: Instant,
    ) -> Result<SocketAddr, Unconfirmed> {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut rounds = 1;
        loop {
            let unconfirmed = match self.send_to_each(servers, key, deadline) {
                Err(unconfirmed) => Unconfirmed {
                    rounds,
                    ..unconfirmed
                },
                confirmed => return confirmed,
            };
            // A thousand hosts that one restart cut off must not all come back at the same instant.
            let pause_here = pause.mul_f64(1.0 + f64::from(self.message.metadata.id) / 65_536.0);
            let again = Instant::now() + pause_here;
            if again >= deadline || again - started > unconfirmed.patience {
                return Err(unconfirmed);
            }
            log::debug!("{unconfirmed}; trying again in {pause_here:?}");
            thread::sleep(pause_here);
            pause = (pause * 2).min(LONGEST_PAUSE);
            rounds += 1;
        }
    }

    /// Sends the update to the addresses in turn, each with its share of the time until `deadline`, and gives the one
    /// that confirmed it.
    fn send_to_each(
        &mut self,
        servers: &[SocketAddr],
        key: Option<&Key>,
        deadline: Instant,
    ) -> Result<SocketAddr, Unconfirmed> {
        let mut failures = Vec::new();
        let mut patience = Duration::ZERO;
        for (index, &server) in servers.iter().enumerate() {
            let others = servers.len() - index;
            let share = deadline.saturating_duration_since(Instant::now())
                / u32::try_from(others).unwrap_or(u32::MAX);
            log::debug!("sending the update to {server}");
            let Err(failure) = self.send_to(server, key, Instant::now() + share) else {
                return Ok(server);
            };
            let is_final = failure.is_final();
            patience = if is_final {
                Duration::ZERO
            } else {
                patience.max(failure.patience())
            };
            failures.push((server, self.explain(&failure, key)));
            if is_final {
                break;
            }
        }
        Err(Unconfirmed {
            failures,
            rounds: 1,
            patience,
        })
    }

    /// Sends the update to one address; success only for an answer that can be believed.
    fn send_to(
        &mut self,
        server: SocketAddr,
        key: Option<&Key>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let id = self.message.metadata.id;
        let unencodable = |_| Failure::Foreign("the update cannot be encoded");
        let Some(key) = key else {
            let answer = exchange(
                server,
                &self.message.to_vec().map_err(unencodable)?,
                LONGEST_CONNECT,
                deadline,
            )
            .map_err(Failure::Exchange)?;
            let code = code_of(&answer, id)?;
            tsig::check_form(&answer).map_err(|error| Failure::Unverified(error, code))?;
            return if code == ResponseCode::NoError {
                Ok(())
            } else {
                Err(Failure::Code(code))
            };
        };
        let request = key
            .sign(&mut self.message, seconds_since_1970())
            .map_err(unencodable)?;
        let answer = exchange(server, &request.octets, LONGEST_CONNECT, deadline)
            .map_err(Failure::Exchange)?;
        let code = code_of(&answer, id)?;
        key.verify(&answer, &request, seconds_since_1970())
            .map_err(|error| Failure::Unverified(error, code))?;
        if code == ResponseCode::NoError {
            Ok(())
        } else {
            Err(Failure::Code(code))
        }
    }

    /// A failure for the operator: what happened and what to do.
    fn explain(&self, failure: &Failure, key: Option<&Key>) -> String {
        match failure {
            Failure::Exchange(error) => error.to_string(),
            Failure::Foreign(what) => format!("could not confirm: {what}"),
            Failure::Code(code) => self.explain_code(*code, key),
            Failure::Unverified(Unverified::Unsigned, code) if *code != ResponseCode::NoError => {
                format!(
                    "{}; this answer is not signed, so it is unauthenticated",
                    self.explain_code(*code, key)
                )
            }
            // Knot says so too where the key is known but may not do this.
            Failure::Unverified(error @ Unverified::Rejected(TsigError::BadKey), _) => {
                format!("{}{}", explain_unverified(error, key), self.hint(key))
            }
            Failure::Unverified(error, _) => explain_unverified(error, key),
        }
    }

    /// The way out for a key that may change address records only, where more was asked for.
    fn hint(&self, key: Option<&Key>) -> &'static str {
        if self.registration.replace == Replace::All && key.is_some() {
            "; if it allows only address records, set \"replace\": \"addresses\""
        } else {
            ""
        }
    }

    /// What a response code means here, and what to do.
    fn explain_code(&self, code: ResponseCode, key: Option<&Key>) -> String {
        let (name, zone) = (&self.registration.name, self.zone);
        let who = key.map_or("an unsigned update".to_owned(), |key| {
            format!("the key {}", key.name())
        });
        let sign = if key.is_none() {
            "; the update was not signed: give a `tsig` key"
        } else {
            ""
        };
        let hint = self.hint(key);
        match code {
            ResponseCode::FormErr => "the server could not read the update (FORMERR): is it a name server that takes updates?".into(),
            ResponseCode::ServFail => format!(
                "the server failed (SERVFAIL): see its log; its disk or journal may be at fault, or {name} has more records than it takes"
            ),
            ResponseCode::NXDomain => format!("a name that should exist does not (NXDOMAIN): see the server's log for {zone}"),
            ResponseCode::NotImp => "the server does not implement updates (NOTIMP): point `server` at the primary".into(),
            ResponseCode::Refused => {
                format!("the server refuses the update (REFUSED): its policy for {zone} must let {who} change {name}{hint}{sign}")
            }
            ResponseCode::YXDomain => format!("a name that should not exist does (YXDOMAIN): see the server's log for {zone}"),
            ResponseCode::YXRRSet => format!("a CNAME is at {name} (YXRRSET): remove it from {zone}, or set \"replace\": \"all\""),
            ResponseCode::NXRRSet => format!("records that should exist do not (NXRRSET): see the server's log for {zone}"),
            ResponseCode::NotAuth => format!(
                "the server is not authoritative for {zone}, or does not let {who} change it (NOTAUTH): check `zone`, `server` and its policy{sign}"
            ),
            ResponseCode::NotZone => format!("{name} is not in the zone {zone} (NOTZONE): check `hostname` and `zone`"),
            code => format!("the server answers with {code} ({}): see its log", u16::from(code)),
        }
    }
}

/// Why an answer is not believed, and what to do.
fn explain_unverified(error: &Unverified, key: Option<&Key>) -> String {
    let key = key.map_or(String::new(), |key| {
        format!("{} ({})", key.name(), key.algorithm().as_str())
    });
    match error {
        Unverified::Rejected(TsigError::BadSig) => {
            format!("the server finds the signature wrong (BADSIG): is the secret of the key {key} the same as there?")
        }
        Unverified::Rejected(TsigError::BadKey) => {
            format!("the server does not take the key {key} (BADKEY): are its name and algorithm the same as there, and may it change this zone?")
        }
        Unverified::Rejected(TsigError::BadTime) => {
            "the server finds the time wrong (BADTIME) without signing that: set the clocks of both".into()
        }
        Unverified::Rejected(TsigError::BadTrunc) => {
            format!("the server finds the signature of the key {key} too short (BADTRUNC): let it take whole signatures")
        }
        Unverified::Rejected(TsigError::Unknown(code)) => {
            format!("the server rejects the signature of the key {key} with error {code}: see its log")
        }
        Unverified::BadTime { client, server } => {
            format!("the clocks differ (BADTIME): it is {client} here and {server} there, in seconds since 1970: set the one that is off by {} seconds", client.abs_diff(*server))
        }
        Unverified::OtherTime { client, server } => {
            format!("could not confirm: the answer was signed at {server} and it is {client} here, in seconds since 1970: set the clock that is off by {} seconds", client.abs_diff(*server))
        }
        Unverified::Unsigned => "could not confirm: the answer is not signed: does the server know the key, and is nothing in between?".into(),
        other => format!("could not confirm: the answer {other}"),
    }
}

impl Failure {
    /// For how long it may pass by itself: a server that starts anew refuses connections, and fails while it reads its
    /// zones; one with too much to do takes no connections or cuts them, for as long as it has.
    fn patience(&self) -> Duration {
        match self {
            Self::Exchange(error) if error.is_refused() => RESTART,
            Self::Exchange(error) if error.is_broken() => Duration::MAX,
            Self::Code(ResponseCode::ServFail)
            | Self::Unverified(Unverified::Unsigned, ResponseCode::ServFail) => RESTART,
            _ => Duration::ZERO,
        }
    }

    /// Whether the other addresses need not be tried: the primary was reached, and it said no.
    fn is_final(&self) -> bool {
        match self {
            Self::Code(code)
            | Self::Unverified(
                Unverified::Unsigned | Unverified::Rejected(_) | Unverified::BadTime { .. },
                code,
            ) => !matches!(
                code,
                ResponseCode::NoError | ResponseCode::ServFail | ResponseCode::NotImp
            ),
            Self::Exchange(_) | Self::Foreign(_) | Self::Unverified(..) => false,
        }
    }
}

/// The response code of an answer to the request `id`, with the upper bits that an OPT record may have.
///
/// # Errors
/// It is no answer to that request.
pub(crate) fn code_of(answer: &[u8], id: u16) -> Result<ResponseCode, Failure> {
    let message =
        Message::from_vec(answer).map_err(|_| Failure::Foreign("the answer is no DNS message"))?;
    let header = &message.metadata;
    if header.id != id {
        return Err(Failure::Foreign(
            "the answer has another id than the request",
        ));
    }
    if header.op_code != OpCode::Update {
        return Err(Failure::Foreign("the answer is not one to an update"));
    }
    if header.message_type != MessageType::Response {
        return Err(Failure::Foreign("the answer is a request itself"));
    }
    Ok(header.response_code)
}

/// A record that says something about a whole RRset: no data, no time to live (RFC 2136, 2.4 and 2.5).
fn about(name: &Name, record_type: RecordType, class: DNSClass) -> Record {
    let mut record = Record::update0(name.clone(), 0, record_type);
    record.dns_class = class;
    record
}

/// The time by which TSIG goes.
fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The update as a script that nsupdate reads.
pub(crate) fn script(registration: &Registration, zone: &Name, servers: &[SocketAddr]) -> String {
    let Registration {
        name,
        addresses,
        ttl,
        replace,
        ..
    } = registration;
    let mut lines = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let command = if index == 0 {
            "server"
        } else {
            "; or, should that one not answer, server"
        };
        lines.push(format!("{command} {} {}", server.ip(), server.port()));
    }
    lines.push(format!("zone {zone}"));
    match replace {
        Replace::All => lines.push(format!("update delete {name}")),
        Replace::Addresses => {
            lines.push(format!("prereq nxrrset {name} CNAME"));
            lines.push(format!("update delete {name} A"));
            lines.push(format!("update delete {name} AAAA"));
        }
    }
    lines.extend(
        addresses
            .ipv4
            .iter()
            .flatten()
            .map(|address| format!("update add {name} {ttl} A {address}")),
    );
    lines.extend(
        addresses
            .ipv6
            .iter()
            .flatten()
            .map(|address| format!("update add {name} {ttl} AAAA {address}")),
    );
    lines.push("send\n".into());
    lines.join("\n")
}
