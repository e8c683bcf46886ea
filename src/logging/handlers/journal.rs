//! `systemd.journal.JournalHandler`: the journal, by its native protocol (systemd's `JOURNAL_NATIVE_PROTOCOL`).

use std::sync::Arc;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::record::Record;
use crate::system::{HAS_UNIX_SOCKETS, SocketType, UnixSocket, called_as};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal.
pub(crate) struct Journal {
    /// the fields that go with every record
    extra: Vec<(String, String)>,
    /// the journal's socket
    socket: UnixSocket,
}

impl Journal {
    /// Reads the class's arguments: any field in capital letters.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        if !HAS_UNIX_SOCKETS {
            return Err(arguments.error("class", "this system has no systemd journal"));
        }
        if arguments.take("sender_function").is_some() {
            return Err(arguments.error(
                "sender_function",
                "only a Python program could have a function here",
            ));
        }
        let mut extra = Vec::new();
        for (name, value) in arguments.others() {
            let valid = name
                .bytes()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
            if !valid {
                return Err(arguments.error(
                    &name,
                    "not a field of the journal: those are of A-Z, 0-9 and _",
                ));
            }
            extra.push((name, value.str()));
        }
        if !extra.iter().any(|(name, _)| name == "SYSLOG_IDENTIFIER") {
            extra.insert(0, ("SYSLOG_IDENTIFIER".to_owned(), called_as()));
        }
        Ok(Journal {
            extra,
            socket: UnixSocket::new(SOCKET.to_owned(), Some(SocketType::Datagram)),
        })
    }
}

/// Appends one field: `NAME=value`, or with its length if the value has more than one line.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

/// The journal's priority for a level; those between two standard levels count as the upper one.
fn priority(level: i64) -> &'static str {
    match level {
        ..=10 => "7",
        11..=20 => "6",
        21..=30 => "4",
        31..=40 => "3",
        41..=50 => "2",
        _ => "1",
    }
}

impl Sink for Journal {
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        let mut entry = Vec::with_capacity(512);
        let line = record.line.to_string();
        let fields = [
            ("MESSAGE", formatter.format(record)?),
            ("CODE_FILE", record.path.clone()),
            ("CODE_LINE", line),
            ("CODE_FUNC", record.function.clone()),
            ("PRIORITY", priority(record.level).to_owned()),
            ("LOGGER", record.logger.to_string()),
            ("THREAD_NAME", record.thread.1.clone()),
            ("PROCESS_NAME", "MainProcess".to_owned()),
        ];
        for (name, value) in &fields {
            field(&mut entry, name, value);
        }
        for (name, value) in &self.extra {
            field(&mut entry, name, value);
        }
        self.socket
            .send(&entry)
            .map(|()| Taken::Written)
            .map_err(|problem| format!("{SOCKET}: {problem}"))
    }
}
