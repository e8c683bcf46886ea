//! What logging needs from the program around it.

use std::io::{self, Write};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::streams::Stderr;

/// Finds the addresses of a host by name, before the given moment.
pub type Resolve = Arc<dyn Fn(&str, Instant) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The certificates (DER) of the authorities that a web server's certificate may be signed by.
pub type Authorities = Arc<dyn Fn() -> Vec<Vec<u8>> + Send + Sync>;

/// Takes a complaint: what is wrong with one handler, like `handlers.file: /var/log/x: Permission denied`.
pub type Complain = Box<dyn Fn(&str) + Send + Sync>;

/// What logging needs from the program around it.
///
/// [`Environment::default`] is good for most programs: it looks hosts up as the system does, prints complaints on stderr,
/// trusts no authority, so that there is no HTTPS, and lets the network take three and a half seconds.
pub struct Environment {
    /// Finds the log server, mail server or web server of a handler. Only [`Logger::finish`](crate::Logger::finish) calls it,
    /// and only if there is something to send; the moment is that at which nobody waits for the answer any more.
    pub resolve: Resolve,
    /// Takes complaints about handlers that fail, at most one a handler. Nothing is escaped in them, and they may repeat file
    /// names and what a mail server answered: whoever shows them should mind line breaks and a terminal's escape sequences.
    pub complain: Complain,
    /// The authorities to trust in HTTPS. Only [`Logger::finish`](crate::Logger::finish) asks, and only for a web server.
    pub authorities: Authorities,
    /// How long [`Logger::finish`](crate::Logger::finish) may take for all network work together.
    pub network_time: Duration,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            resolve: Arc::new(look_up),
            complain: Box::new(print),
            authorities: Arc::new(Vec::new),
            network_time: Duration::from_millis(3500),
        }
    }
}

/// Finds a host as the system does.
fn look_up(host: &str, _: Instant) -> io::Result<Vec<IpAddr>> {
    Ok((host, 0)
        .to_socket_addrs()?
        .map(|found| found.ip())
        .collect())
}

/// Prints a complaint as one line that can't command a terminal. If nobody can read it there is nobody to tell.
fn print(complaint: &str) {
    let mut line = String::with_capacity(complaint.len() + 9);
    line.push_str("logging: ");
    for character in complaint.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    let _ = Stderr.write_all(line.as_bytes());
}
