//! A small DNS client over TCP: what is really in a server's zone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// One question over a connection of its own.
fn send(address: SocketAddr, name: &str, kind: RecordType) -> std::io::Result<TcpStream> {
    let mut query = Message::query();
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(
        Name::from_ascii(name).expect("a domain name"),
        kind,
    ));
    let bytes = query.to_vec().expect("a query fits into a message");
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut framed = u16::try_from(bytes.len())
        .expect("a query is short")
        .to_be_bytes()
        .to_vec();
    framed.extend(bytes);
    stream.write_all(&framed)?;
    Ok(stream)
}

/// The next message of a connection.
fn receive(stream: &mut TcpStream) -> std::io::Result<Message> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    Message::from_vec(&bytes).map_err(std::io::Error::other)
}

/// The answer to a question.
pub(crate) fn ask(address: SocketAddr, name: &str, kind: RecordType) -> std::io::Result<Message> {
    receive(&mut send(address, name, kind)?)
}

/// The serial of a zone.
pub(crate) fn serial(address: SocketAddr, apex: &str) -> u32 {
    let answer = ask(address, apex, RecordType::SOA).expect("the server answers");
    match answer.answers.first().map(|record| &record.data) {
        Some(RData::SOA(soa)) => soa.serial,
        other => panic!("no SOA at {apex}: {other:?}"),
    }
}

/// All records of a zone by AXFR, one a line and sorted, without SOA and the apex's NS:
/// `host.example.com. 3600 A 192.0.2.1`.
pub(crate) fn zone(address: SocketAddr, apex: &str) -> Vec<String> {
    let mut stream =
        send(address, apex, RecordType::AXFR).expect("the server takes the connection");
    let mut records: Vec<Record> = Vec::new();
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    while records.len() < 2 || !records.last().is_some_and(is_soa) {
        let part = receive(&mut stream).expect("the server transfers the zone");
        assert!(
            !part.answers.is_empty(),
            "the transfer of {apex} is refused: {part:?}"
        );
        records.extend(part.answers);
    }
    lines(&records, apex)
}

/// Records as sorted lines, without SOA and the apex's NS.
fn lines(records: &[Record], apex: &str) -> Vec<String> {
    let apex = Name::from_ascii(apex).expect("a domain name");
    let mut lines: Vec<String> = records
        .iter()
        .filter(|record| {
            record.record_type() != RecordType::SOA
                && !(record.record_type() == RecordType::NS && record.name == apex)
        })
        .map(|record| {
            let data = record.data.to_string();
            format!(
                "{} {} {} {data}",
                record.name,
                record.ttl,
                record.record_type()
            )
        })
        .collect();
    lines.sort();
    lines
}
