//! A primary name server for one zone, in the test's (or the sandbox's) own process.
//!
//! It answers queries over UDP and TCP and takes RFC 2136 updates, signed with any of the six HMAC algorithms.
//! It keeps the zone in memory, writes down every message it sees, and can be told to misbehave: a [`Script`]
//! sees each request with the honest answer and says what goes out instead.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode, UpdateMessage};
use hickory_proto::rr::rdata::{CNAME, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

pub mod tsig;

use tsig::{Key, Tsig};

/// Which transport a message came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// One message that the server received, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The transport it came by.
    pub transport: Transport,
    /// What it asked for: `QUERY host.example.com. SOA`, or `UPDATE example.com. SOA`.
    pub what: String,
    /// The honest answer's code, `NOERROR` or the like.
    pub rcode: ResponseCode,
}

/// A request with its honest answer, as a script sees it.
pub struct Request<'a> {
    /// The request's bytes.
    pub bytes: &'a [u8],
    /// The request's bytes without its TSIG.
    pub body: &'a [u8],
    /// The request's TSIG.
    pub tsig: Option<&'a Tsig>,
    /// The request, decoded.
    pub message: &'a Message,
    /// The transport it came by.
    pub transport: Transport,
    /// The answer before it was signed.
    pub unsigned: Vec<u8>,
    /// The answer as it should go out.
    pub honest: Vec<u8>,
}

/// What a server may do with a request.
pub enum Answer {
    /// Send this message.
    Message(Vec<u8>),
    /// Send these bytes as they are, over TCP without the length in front, and close.
    Raw(Vec<u8>),
    /// Send these bytes as they are, over TCP, one at a time with a pause between them, and close.
    Dribble(Vec<u8>, Duration),
    /// Say nothing, and keep the connection open.
    Silence,
    /// Close the connection.
    Close,
}

/// A lie: what to answer instead of the honest answer.
pub type Script = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// The server's state, shared by its threads.
struct State {
    /// The zone's apex.
    apex: Name,
    /// All records of the zone.
    records: Vec<Record>,
    /// The keys that may update it; none: everybody may.
    keys: Vec<Key>,
    /// If not empty, the only types that an update may touch.
    only: Vec<RecordType>,
    /// How far the server's clock is ahead, in seconds.
    clock: i64,
    /// Everything received so far.
    seen: Vec<Seen>,
    /// The lie that is told, if any.
    script: Option<Script>,
}

/// A running server, ended when dropped.
pub struct Primary {
    /// The addresses it listens on.
    addresses: Vec<SocketAddr>,
    /// The state that its threads share.
    state: Arc<Mutex<State>>,
    /// Set when the threads are to end.
    stop: Arc<AtomicBool>,
    /// The threads that wait for messages.
    threads: Vec<JoinHandle<()>>,
}

impl Primary {
    /// Starts a primary for the zone on a free port of 127.0.0.1, or on the `addresses` given.
    ///
    /// `records` are lines like `host 3600 A 192.0.2.1`; an SOA with the serial 1 and the MNAME `ns.APEX`,
    /// and an NS record, are there already.
    pub fn start(
        apex: &str,
        keys: &[Key],
        records: &[&str],
        addresses: &[SocketAddr],
    ) -> std::io::Result<Self> {
        let invalid = |error: String| std::io::Error::new(ErrorKind::InvalidInput, error);
        let apex = Name::from_ascii(apex).map_err(|error| invalid(error.to_string()))?;
        let mut zone = vec![
            parse(&apex, "@ 3600 SOA ns hostmaster 1 3600 600 86400 60"),
            parse(&apex, "@ 3600 NS ns"),
        ];
        zone.extend(records.iter().map(|line| parse(&apex, line)));
        let records = zone
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(invalid)?;
        let state = Arc::new(Mutex::new(State {
            apex,
            records,
            keys: keys.to_vec(),
            only: Vec::new(),
            clock: 0,
            seen: Vec::new(),
            script: None,
        }));
        let mut primary = Self {
            addresses: Vec::new(),
            state,
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let anywhere = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        for address in if addresses.is_empty() {
            &anywhere
        } else {
            addresses
        } {
            primary.listen(*address)?;
        }
        Ok(primary)
    }

    /// Listens on one more address, over UDP and TCP.
    fn listen(&mut self, address: SocketAddr) -> std::io::Result<()> {
        let (tcp, udp) = bind(address)?;
        self.addresses.push(tcp.local_addr()?);
        let (state, stop) = (self.state.clone(), self.stop.clone());
        self.threads.push(thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok((length, client)) = udp.recv_from(&mut buffer) {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                if let Some(Answer::Message(bytes) | Answer::Raw(bytes)) =
                    answer(&state, &buffer[..length], Transport::Udp)
                {
                    drop(udp.send_to(&bytes, client));
                }
            }
        }));
        let (state, stop) = (self.state.clone(), self.stop.clone());
        self.threads.push(thread::spawn(move || {
            while let Ok((stream, _)) = tcp.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (state, stop) = (state.clone(), stop.clone());
                thread::spawn(move || drop(converse(&state, &stop, stream)));
            }
        }));
        Ok(())
    }

    /// The first address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The zone's records, one a line and sorted, without SOA and the apex's NS:
    /// `host.example.com. 3600 A 192.0.2.1`.
    pub fn zone(&self) -> Vec<String> {
        let state = lock(&self.state);
        let mut lines: Vec<String> = state
            .records
            .iter()
            .filter(|record| {
                !(record.name == state.apex && matches!(record.data, RData::SOA(_) | RData::NS(_)))
            })
            .map(|record| {
                format!(
                    "{} {} {} {}",
                    record.name,
                    record.ttl,
                    record.record_type(),
                    record.data
                )
            })
            .collect();
        lines.sort();
        lines
    }

    /// The zone's serial, which grows with each change.
    pub fn serial(&self) -> u32 {
        lock(&self.state).serial()
    }

    /// Every message received so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// How many updates were received so far.
    pub fn updates(&self) -> usize {
        self.seen()
            .iter()
            .filter(|seen| seen.what.starts_with("UPDATE"))
            .count()
    }

    /// From now on, lets an update touch these types of records only: a least-privilege policy.
    pub fn allow_only(&self, types: &[RecordType]) {
        lock(&self.state).only = types.to_vec();
    }

    /// Sets the server's clock ahead by this many seconds.
    pub fn set_clock_ahead(&self, seconds: i64) {
        lock(&self.state).clock = seconds;
    }

    /// From now on, answers what the script says.
    pub fn lie(&self, script: Script) {
        lock(&self.state).script = Some(script);
    }

    /// From now on, answers honestly.
    pub fn repent(&self) {
        lock(&self.state).script = None;
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Each waiting thread wakes to see that it is to end.
        for address in &self.addresses {
            drop(TcpStream::connect_timeout(address, Duration::from_secs(1)));
            if let Ok(udp) = UdpSocket::bind(SocketAddr::new(address.ip(), 0)) {
                drop(udp.send_to(&[0], address));
            }
        }
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// Binds TCP and UDP to the same address, and to the same free port if it names none.
fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, UdpSocket)> {
    for _ in 0..20 {
        let tcp = TcpListener::bind(address)?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => return Ok((tcp, udp)),
            Err(_) if address.port() == 0 => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

/// Serves one TCP connection until the client closes it.
fn converse(state: &Mutex<State>, stop: &AtomicBool, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes)?;
        match answer(state, &bytes, Transport::Tcp) {
            Some(Answer::Message(bytes)) => {
                let mut framed = u16::try_from(bytes.len())
                    .unwrap_or(u16::MAX)
                    .to_be_bytes()
                    .to_vec();
                framed.extend(bytes);
                stream.write_all(&framed)?;
            }
            Some(Answer::Raw(bytes)) => return stream.write_all(&bytes),
            Some(Answer::Dribble(bytes, pause)) => {
                for byte in bytes {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    stream.write_all(&[byte])?;
                    thread::sleep(pause);
                }
                return Ok(());
            }
            Some(Answer::Silence) => {}
            Some(Answer::Close) | None => return Ok(()),
        }
    }
}

/// What to answer to the bytes of a request; `None` if they are none.
fn answer(state: &Mutex<State>, bytes: &[u8], transport: Transport) -> Option<Answer> {
    let (body, signature) = tsig::split(bytes)?;
    let message = Message::from_vec(&body).ok()?;
    if message.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut state = lock(state);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()?
        .as_secs()
        .saturating_add_signed(state.clock);
    let key = signature
        .as_ref()
        .and_then(|tsig| state.keys.iter().find(|key| key.is_named_by(tsig)).cloned());
    let verdict = match (&signature, &key) {
        (None, _) => Ok(false),
        (Some(_), None) => Err(tsig::BADKEY),
        (Some(tsig), Some(key)) => key.check(&body, tsig, now).map(|()| true),
    };
    let mut response = Message::response(message.metadata.id, message.metadata.op_code);
    response.queries.clone_from(&message.queries);
    response.metadata.response_code = match (verdict, message.metadata.op_code) {
        (Err(_), _) => ResponseCode::NotAuth,
        (Ok(authentic), OpCode::Update) if !authentic && !state.keys.is_empty() => {
            ResponseCode::Refused
        }
        (Ok(_), OpCode::Update) => state
            .update(&message)
            .err()
            .unwrap_or(ResponseCode::NoError),
        (Ok(_), OpCode::Query) => state.query(&message, &mut response),
        (Ok(_), _) => ResponseCode::NotImp,
    };
    let unsigned = response.to_vec().ok()?;
    let honest = match (&signature, &key, verdict) {
        (Some(tsig), Some(key), Ok(_)) => key.sign(&unsigned, &tsig.mac, now, 0, &[]),
        (Some(tsig), Some(key), Err(tsig::BADTIME)) => key.sign(
            &unsigned,
            &tsig.mac,
            tsig.time,
            tsig::BADTIME,
            &now.to_be_bytes()[2..],
        ),
        // No MAC at all: the key is not to be trusted (RFC 8945 §5.2).
        (Some(tsig), _, Err(error)) => Tsig {
            mac: Vec::new(),
            error,
            other: Vec::new(),
            ..tsig.clone()
        }
        .attach(&unsigned),
        _ => unsigned.clone(),
    };
    let question = message
        .queries
        .first()
        .map(|query| format!(" {} {}", query.name(), query.query_type()));
    let opcode = if message.metadata.op_code == OpCode::Update {
        "UPDATE"
    } else {
        "QUERY"
    };
    state.seen.push(Seen {
        transport,
        what: format!("{opcode}{}", question.unwrap_or_default()),
        rcode: response.metadata.response_code,
    });
    let Some(script) = state.script.clone() else {
        return Some(Answer::Message(honest));
    };
    // The lock is not held while the script runs: it may sleep, or look at the zone.
    drop(state);
    Some(script(&Request {
        bytes,
        body: &body,
        tsig: signature.as_ref(),
        message: &message,
        transport,
        unsigned,
        honest,
    }))
}

impl State {
    /// The SOA record's place, which is always there.
    fn soa(&self) -> Option<&Record> {
        self.records
            .iter()
            .find(|record| matches!(record.data, RData::SOA(_)))
    }

    /// The zone's serial.
    fn serial(&self) -> u32 {
        match self.soa().map(|record| &record.data) {
            Some(RData::SOA(soa)) => soa.serial,
            _ => 0,
        }
    }

    /// Whether the zone has records of this type at this name; `ANY` is every type.
    fn has(&self, name: &Name, kind: RecordType) -> bool {
        self.records.iter().any(|record| {
            record.name == *name && (kind == RecordType::ANY || record.record_type() == kind)
        })
    }

    /// Answers a query out of the zone, following CNAMEs within it.
    fn query(&self, request: &Message, response: &mut Message) -> ResponseCode {
        let Some(question) = request.queries.first() else {
            return ResponseCode::FormErr;
        };
        if !self.apex.zone_of(question.name()) {
            return ResponseCode::Refused;
        }
        response.metadata.authoritative = true;
        let (mut name, kind) = (question.name().clone(), question.query_type());
        for _ in 0..8 {
            let found = |record: &&Record| {
                record.name == name && (kind == RecordType::ANY || record.record_type() == kind)
            };
            response
                .answers
                .extend(self.records.iter().filter(found).cloned());
            let alias = self
                .records
                .iter()
                .find(|record| record.name == name && record.record_type() == RecordType::CNAME);
            match alias {
                Some(record) if !matches!(kind, RecordType::CNAME | RecordType::ANY) => {
                    response.answers.push(record.clone());
                    if let RData::CNAME(target) = &record.data {
                        name = target.0.clone();
                    }
                }
                _ => break,
            }
        }
        let exists = self.records.iter().any(|record| name.zone_of(&record.name));
        if !response.answers.iter().any(|record| record.name == name) && self.apex.zone_of(&name) {
            response.authorities.extend(self.soa().cloned());
            if !exists {
                return ResponseCode::NXDomain;
            }
        }
        ResponseCode::NoError
    }

    /// Applies an update, whole or not at all (RFC 2136 §3).
    fn update(&mut self, request: &Message) -> Result<(), ResponseCode> {
        match request.queries.as_slice() {
            [zone] if zone.query_type() != RecordType::SOA => return Err(ResponseCode::FormErr),
            [zone] if *zone.name() != self.apex => return Err(ResponseCode::NotAuth),
            [_] => {}
            _ => return Err(ResponseCode::FormErr),
        }
        self.prerequisites(request.prerequisites())?;
        for record in request.updates() {
            let kind = record.record_type();
            if !self.apex.zone_of(&record.name) {
                return Err(ResponseCode::NotZone);
            }
            if record.dns_class == DNSClass::IN
                && matches!(kind, RecordType::ANY | RecordType::AXFR)
            {
                return Err(ResponseCode::FormErr);
            }
            if !self.only.is_empty() && !self.only.contains(&kind) {
                return Err(ResponseCode::Refused);
            }
        }
        let before = self.records.clone();
        for record in request.updates() {
            self.apply(record);
        }
        if self.records != before {
            for record in &mut self.records {
                if let RData::SOA(soa) = &mut record.data {
                    soa.serial += 1;
                }
            }
        }
        Ok(())
    }

    /// Checks the prerequisites that do not depend on values (RFC 2136 §3.2).
    fn prerequisites(&self, records: &[Record]) -> Result<(), ResponseCode> {
        for record in records {
            let kind = record.record_type();
            let wanted = match record.dns_class {
                DNSClass::ANY => true,
                DNSClass::NONE => false,
                _ => return Err(ResponseCode::NotImp),
            };
            if self.has(&record.name, kind) != wanted {
                return Err(match (wanted, kind) {
                    (true, RecordType::ANY) => ResponseCode::NXDomain,
                    (true, _) => ResponseCode::NXRRSet,
                    (false, RecordType::ANY) => ResponseCode::YXDomain,
                    (false, _) => ResponseCode::YXRRSet,
                });
            }
        }
        Ok(())
    }

    /// Applies one record of an update's last section (RFC 2136 §3.4.2).
    fn apply(&mut self, update: &Record) {
        let kind = update.record_type();
        let (name, apex) = (&update.name, &self.apex);
        let guarded = |record: &Record| {
            record.name == *apex && matches!(record.data, RData::SOA(_) | RData::NS(_))
        };
        match update.dns_class {
            DNSClass::ANY => self.records.retain(|record| {
                record.name != *name
                    || (kind != RecordType::ANY && record.record_type() != kind)
                    || guarded(record)
            }),
            DNSClass::NONE => {
                self.records.retain(|record| {
                    record.name != *name || record.data != update.data || guarded(record)
                });
            }
            _ => {
                let alias = self.has(name, RecordType::CNAME);
                // An address added beside a CNAME, or a CNAME beside anything, is silently ignored.
                if alias != (kind == RecordType::CNAME)
                    && self.has(name, RecordType::ANY)
                    && (alias || kind == RecordType::CNAME)
                {
                    return;
                }
                self.records
                    .retain(|record| record.name != *name || record.data != update.data);
                for record in &mut self.records {
                    // One RRset, one TTL.
                    if record.name == *name && record.record_type() == kind {
                        record.ttl = update.ttl;
                    }
                }
                self.records.push(update.clone());
            }
        }
    }
}

/// The state, whether or not a thread has panicked while it had it.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a record from a line like `host 3600 A 192.0.2.1`; names are relative to the apex, `@` is the apex.
fn parse(apex: &Name, line: &str) -> Result<Record, String> {
    let name = |text: &str| match text {
        "@" => Ok(apex.clone()),
        _ => Name::parse(text, Some(apex)).map_err(|error| error.to_string()),
    };
    let fields: Vec<&str> = line.split(' ').collect();
    let &[owner, ttl, kind, ref data @ ..] = fields.as_slice() else {
        return Err(format!("too few fields: {line}"));
    };
    let number = |text: &str| text.parse().map_err(|_| format!("not a number: {text}"));
    let data = match (kind, data) {
        ("A", [address]) => RData::A(address.parse().map_err(|_| format!("no address: {line}"))?),
        ("AAAA", [address]) => {
            RData::AAAA(address.parse().map_err(|_| format!("no address: {line}"))?)
        }
        ("TXT", words) => RData::TXT(TXT::new(vec![words.join(" ")])),
        ("CNAME", [target]) => RData::CNAME(CNAME(name(target)?)),
        ("NS", [target]) => RData::NS(NS(name(target)?)),
        ("SOA", [mname, rname, serial, times @ ..]) => {
            let times = times
                .iter()
                .map(|text| number(text))
                .collect::<Result<Vec<u32>, _>>()?;
            let &[refresh, retry, expire, minimum] = times.as_slice() else {
                return Err(format!("too few fields: {line}"));
            };
            let signed = |time: u32| i32::try_from(time).unwrap_or(i32::MAX);
            RData::SOA(SOA::new(
                name(mname)?,
                name(rname)?,
                number(serial)?,
                signed(refresh),
                signed(retry),
                signed(expire),
                minimum,
            ))
        }
        _ => return Err(format!("a type that the sandbox does not know: {line}")),
    };
    Ok(Record::from_rdata(name(owner)?, number(ttl)?, data))
}
