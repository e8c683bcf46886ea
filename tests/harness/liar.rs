//! A small name server that does what a script says: it lies, is slow, or keeps silent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};

/// A request, and the way back.
pub(crate) struct Asked {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// The same, decoded.
    pub(crate) message: Message,
    /// Who asks.
    pub(crate) peer: SocketAddr,
    /// Where the answer goes.
    way: Way,
}

/// How a request came.
enum Way {
    /// By UDP.
    Udp(UdpSocket),
    /// By TCP.
    Tcp(TcpStream),
}

impl Asked {
    /// Whether it came by TCP.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.way, Way::Tcp(_))
    }

    /// What is asked: `host.example.com. SOA`.
    pub(crate) fn what(&self) -> String {
        let query = &self.message.queries[0];
        format!("{} {}", query.name(), query.query_type())
    }

    /// Sends these bytes back.
    pub(crate) fn send(&self, bytes: &[u8]) {
        // That nobody listens any more is no matter.
        match &self.way {
            Way::Udp(socket) => drop(socket.send_to(bytes, self.peer)),
            Way::Tcp(stream) => drop((&*stream).write_all(&framed(bytes))),
        }
    }

    /// Sends an answer back, made of the request.
    pub(crate) fn answer(&self, change: impl FnOnce(&mut Message)) {
        let mut answer = self.message.clone();
        answer.metadata.message_type = MessageType::Response;
        change(&mut answer);
        self.send(&answer.to_vec().expect("an answer can be encoded"));
    }

    /// Sends an answer of nothing but a code.
    pub(crate) fn code(&self, code: ResponseCode) {
        self.answer(|answer| answer.metadata.response_code = code);
    }

    /// What another server answers to the request.
    pub(crate) fn by(&self, server: SocketAddr) -> Message {
        Message::from_vec(&self.raw(server)).expect("the server answers with a message")
    }

    /// The same in its own bytes.
    pub(crate) fn raw(&self, server: SocketAddr) -> Vec<u8> {
        if self.is_tcp() {
            let mut stream = TcpStream::connect(server).expect("the server takes connections");
            stream
                .write_all(&framed(&self.bytes))
                .expect("the server reads");
            read(&mut stream).expect("the server answers")
        } else {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
            socket
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("a limit can be set");
            socket
                .send_to(&self.bytes, server)
                .expect("the server is there");
            let mut bytes = vec![0; 65_535];
            let length = socket.recv(&mut bytes).expect("the server answers");
            bytes.truncate(length);
            bytes
        }
    }

    /// Sends back what another server answers, changed.
    pub(crate) fn pass(&self, server: SocketAddr, change: impl FnOnce(&mut Message)) {
        let mut answer = self.by(server);
        change(&mut answer);
        self.send(&answer.to_vec().expect("an answer can be encoded"));
    }
}

/// What to do with each request; each has a thread of its own, so it may sleep.
pub(crate) type Script = Arc<dyn Fn(&Asked) + Send + Sync>;

/// A running server, ended when dropped.
pub(crate) struct Liar {
    /// What it was asked so far.
    seen: Arc<Mutex<Vec<String>>>,
    /// Set when it is to end.
    stop: Arc<AtomicBool>,
    /// The threads that wait for requests.
    threads: Vec<thread::JoinHandle<()>>,
}

impl Liar {
    /// Listens over UDP and TCP.
    pub(crate) fn start(
        address: SocketAddr,
        script: impl Fn(&Asked) + Send + Sync + 'static,
    ) -> Self {
        let script: Script = Arc::new(script);
        let mut liar = Self::over_udp(address, script.clone());
        let listener = TcpListener::bind(address).expect("the address is free");
        listener
            .set_nonblocking(true)
            .expect("a socket can be set up");
        let (seen, stop) = (liar.seen.clone(), liar.stop.clone());
        liar.threads.push(thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let Ok((mut stream, peer)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                };
                let (script, seen) = (script.clone(), seen.clone());
                thread::spawn(move || {
                    stream
                        .set_nonblocking(false)
                        .expect("a socket can be set up");
                    while let Ok(bytes) = read(&mut stream) {
                        let way = Way::Tcp(stream.try_clone().expect("a socket can be shared"));
                        serve(&script, &seen, bytes, peer, way);
                    }
                });
            }
        }));
        liar
    }

    /// Listens over UDP alone; TCP is refused.
    pub(crate) fn over_udp(address: SocketAddr, script: Script) -> Self {
        let socket = UdpSocket::bind(address).expect("the address is free");
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a limit can be set");
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let (all, end) = (seen.clone(), stop.clone());
        let waiting = thread::spawn(move || {
            let mut bytes = vec![0; 65_535];
            while !end.load(Ordering::SeqCst) {
                let Ok((length, peer)) = socket.recv_from(&mut bytes) else {
                    continue;
                };
                let way = Way::Udp(socket.try_clone().expect("a socket can be shared"));
                let (script, seen, bytes) = (script.clone(), all.clone(), bytes[..length].to_vec());
                thread::spawn(move || serve(&script, &seen, bytes, peer, way));
            }
        });
        Self {
            seen,
            stop,
            threads: vec![waiting],
        }
    }

    /// What it was asked so far, one a request: `host.example.com. SOA`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics with it").clone()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// Notes a request and runs the script on it.
fn serve(script: &Script, seen: &Mutex<Vec<String>>, bytes: Vec<u8>, peer: SocketAddr, way: Way) {
    let Ok(message) = Message::from_vec(&bytes) else {
        return;
    };
    let asked = Asked {
        bytes,
        message,
        peer,
        way,
    };
    seen.lock()
        .expect("nobody panics with it")
        .push(asked.what());
    script(&asked);
}

/// A message with its length before it.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a message is short");
    [&length.to_be_bytes(), bytes].concat()
}

/// The next message of a connection.
fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
