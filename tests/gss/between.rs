//! Somebody in between: passes DNS messages on and changes what comes back, or plays a KDC.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// What the name server's answer becomes: the first of a run is the one to TKEY, the second that to the update. An empty
/// one is not sent, and the connection closed.
pub(super) type Change = dyn FnMut(usize, Vec<u8>) -> Vec<u8> + Send;

/// Passes TCP connections from `at` on to the name server, for as long as the sandbox is there.
pub(super) fn pass_on(at: SocketAddr, server: SocketAddr, mut change: Box<Change>) {
    let listener = TcpListener::bind(at).unwrap();
    thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut client = stream.unwrap();
            let Some(query) = receive(&mut client) else {
                continue;
            };
            let mut server = TcpStream::connect(server).unwrap();
            send(&mut server, &query);
            let answer = change(count, receive(&mut server).unwrap_or_default());
            if !answer.is_empty() {
                send(&mut client, &answer);
            }
        }
    });
}

/// The next message of a connection.
fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// Sends a message; who does not want it may go.
fn send(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    drop(stream.write_all(&[&length, message].concat()));
}

/// A KDC that answers every request so, over UDP and TCP, after a while.
pub(super) fn kdc(at: SocketAddr, answer: Vec<u8>, after: Duration) {
    let socket = UdpSocket::bind(at).unwrap();
    let listener = TcpListener::bind(at).unwrap();
    let copy = answer.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((_, from)) = socket.recv_from(&mut buffer) {
            thread::sleep(after);
            drop(socket.send_to(&copy, from));
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::sleep(after);
            let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
            drop(stream.write_all(&[&length, answer.as_slice()].concat()));
        }
    });
}

/// A KRB-ERROR with this code, by EXAMPLE.COM, at a time in 2026.
pub(super) fn krb_error(code: u8) -> Vec<u8> {
    let realm = b"\x1b\x0bEXAMPLE.COM";
    let sequence = |parts: &[(u8, &[u8])]| {
        let mut octets = Vec::new();
        for (tag, part) in parts {
            octets.push(0xA0 | tag);
            octets.push(u8::try_from(part.len()).unwrap());
            octets.extend_from_slice(part);
        }
        [
            &[0x30, u8::try_from(octets.len()).unwrap()],
            octets.as_slice(),
        ]
        .concat()
    };
    let name = sequence(&[(0, b"\x02\x01\x02"), (1, b"\x30\x08\x1b\x06krbtgt")]);
    let error = sequence(&[
        (0, b"\x02\x01\x05"),
        (1, b"\x02\x01\x1e"),
        (4, b"\x18\x0f20261126030000Z"),
        (5, b"\x02\x01\x00"),
        (6, &[2, 1, code]),
        (9, realm),
        (10, &name),
        (11, b"\x1b\x0f\x1b[31mits words\r\n"),
    ]);
    [
        &[0x7E, u8::try_from(error.len()).unwrap()],
        error.as_slice(),
    ]
    .concat()
}
