//! As much DNS as TKEY and one signed update take (RFC 2930, RFC 2136, RFC 8945), over TCP.

use gss_tsig::{BadMic, Context};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime};

/// The types and classes that occur.
const SOA: u16 = 6;
const TKEY: u16 = 249;
const TSIG: u16 = 250;
const IN: u16 = 1;
const ANY: u16 = 255;

/// How far two clocks may differ.
const FUDGE: u16 = 300;

/// What a TKEY query brings.
pub(crate) struct Answer {
    /// The server's token.
    pub(crate) token: Vec<u8>,
    /// The server's signature over this answer, and what it covers.
    signature: Option<(Vec<u8>, Vec<u8>)>,
}

impl Answer {
    /// Verifies the answer's own signature, if it has one.
    pub(crate) fn verify(&self, context: &mut Context) -> Result<(), BadMic> {
        let Some((mic, covered)) = &self.signature else {
            return Ok(());
        };
        context.verify(mic, &[covered])
    }
}

/// Whether a server answers for the zone.
pub(crate) fn is_ready(server: SocketAddr) -> bool {
    let mut query = header(0, [1, 0, 0, 0]);
    query.extend(name("example.com"));
    query.extend(words(&[SOA, IN]));
    exchange(server, &query).is_some_and(|answer| code(&answer) == 0)
}

/// Sends a token and gets the server's.
pub(crate) fn tkey(server: SocketAddr, key: &str, token: &[u8]) -> Answer {
    let now = u32::try_from(seconds()).unwrap();
    let mut data = name("gss-tsig");
    data.extend(now.to_be_bytes());
    data.extend((now + 3600).to_be_bytes());
    // Mode 3, no error.
    data.extend(words(&[3, 0, length(token)]));
    data.extend(token);
    data.extend(words(&[0]));
    let mut query = header(0, [1, 0, 0, 1]);
    query.extend(name(key));
    query.extend(words(&[TKEY, ANY]));
    query.extend(record(key, TKEY, &data));
    let answer = exchange(server, &query).expect("the server answers the TKEY query");
    assert_eq!(code(&answer), 0, "TKEY is refused");
    let mut at = 12;
    skip_name(&answer, &mut at);
    at += 4;
    skip_name(&answer, &mut at);
    at += 10;
    skip_name(&answer, &mut at);
    // Two times and the mode.
    at += 10;
    assert_eq!(word(&answer, at), 0, "the TKEY record has an error");
    let length = usize::from(word(&answer, at + 2));
    let token = answer[at + 4..at + 4 + length].to_vec();
    let signature = signature(&answer, key);
    Answer { token, signature }
}

/// Adds an address to a name; the answer's code, if its signature counts.
pub(crate) fn update(
    server: SocketAddr,
    key: &str,
    context: &mut Context,
    host: &str,
    now: Duration,
) -> Result<u8, BadMic> {
    let mut message = header(5 << 11, [1, 0, 1, 0]);
    message.extend(name("example.com"));
    message.extend(words(&[SOA, IN]));
    message.extend(name(host));
    message.extend(words(&[1, IN, 0, 60, 4]));
    message.extend([192, 0, 2, 1]);
    let time = now.as_secs().to_be_bytes();
    let mic = context.sign(&[&message, &variables(key, &time[2..], &[])]);
    let mut data = name("gss-tsig");
    data.extend(&time[2..]);
    data.extend(words(&[FUDGE, length(&mic)]));
    data.extend(&mic);
    data.extend(&message[..2]);
    data.extend(words(&[0, 0]));
    message.extend(record(key, TSIG, &data));
    message[11] += 1;
    let answer = exchange(server, &message).expect("the server answers the update");
    let (found, covered) = signature(&answer, key).ok_or(BadMic::Form)?;
    context.verify(&found, &[&length(&mic).to_be_bytes(), &mic, &covered])?;
    Ok(code(&answer))
}

/// The signature at the end of an answer, and what it covers of the answer itself.
fn signature(answer: &[u8], key: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut at = 12;
    for _ in 0..word(answer, 4) {
        skip_name(answer, &mut at);
        at += 4;
    }
    let records = word(answer, 6) + word(answer, 8) + word(answer, 10);
    for _ in 0..records {
        let start = at;
        skip_name(answer, &mut at);
        let kind = word(answer, at);
        let data = usize::from(word(answer, at + 8));
        at += 10;
        if kind == TSIG {
            let mut at = at;
            skip_name(answer, &mut at);
            let length = usize::from(word(answer, at + 8));
            let mic = answer[at + 10..at + 10 + length].to_vec();
            let mut covered = answer[..start].to_vec();
            covered[11] -= 1;
            covered.extend(variables(key, &answer[at..at + 6], &[]));
            return Some((mic, covered));
        }
        at += data;
    }
    None
}

/// The TSIG variables (RFC 8945, section 4.3.3).
fn variables(key: &str, time: &[u8], other: &[u8]) -> Vec<u8> {
    let mut octets = name(key);
    octets.extend(words(&[ANY, 0, 0]));
    octets.extend(name("gss-tsig"));
    octets.extend(time);
    octets.extend(words(&[FUDGE, 0, length(other)]));
    octets.extend(other);
    octets
}

/// A header.
fn header(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let mut octets = words(&[0x1234, flags]);
    octets.extend(words(&counts));
    octets
}

/// A record of class ANY that is not to be kept.
fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = name(owner);
    octets.extend(words(&[kind, ANY, 0, 0, length(data)]));
    octets.extend(data);
    octets
}

/// A name, uncompressed.
fn name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.') {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

/// Passes over a name.
fn skip_name(message: &[u8], at: &mut usize) {
    loop {
        let length = message[*at];
        *at += 1;
        match length {
            0 => return,
            1..=63 => *at += usize::from(length),
            _ => {
                *at += 1;
                return;
            }
        }
    }
}

/// The response code of an answer.
fn code(answer: &[u8]) -> u8 {
    answer[3] % 16
}

/// Numbers of 16 bits.
fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// One of them.
fn word(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}

/// A length in 16 bits.
fn length(octets: &[u8]) -> u16 {
    u16::try_from(octets.len()).unwrap()
}

/// The time.
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A message there and one back.
fn exchange(server: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(&[&length(message).to_be_bytes(), message].concat())
        .ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}
