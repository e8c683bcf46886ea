//! `systemd.journal.JournalHandler`: the journal, by its native protocol (systemd's `JOURNAL_NATIVE_PROTOCOL`).

use super::super::ConfigError;
use super::super::format::Formatter;
use super::super::record::Record;
use super::{Arguments, Sink};

/// Where the journal listens.
#[cfg(unix)]
const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal.
pub(in super::super) struct Journal {
    /// the fields that go with every record
    extra: Vec<(String, String)>,
    /// the journal's socket
    #[cfg(unix)]
    socket: super::syslog::local::Socket,
}

impl Journal {
    /// Reads the class's arguments: any field in capital letters.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        if cfg!(not(unix)) {
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
            let program = std::env::args_os().next().unwrap_or_default();
            let program = program.to_string_lossy().into_owned();
            extra.insert(0, ("SYSLOG_IDENTIFIER".to_owned(), program));
        }
        Ok(Journal {
            extra,
            #[cfg(unix)]
            socket: super::syslog::local::Socket::new(SOCKET.to_owned(), Some(2)),
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
    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        let mut entry = Vec::with_capacity(512);
        let line = record.line.to_string();
        let fields = [
            ("MESSAGE", formatter.format(record)?),
            ("CODE_FILE", record.path.clone()),
            ("CODE_LINE", line),
            ("CODE_FUNC", record.function.clone()),
            ("PRIORITY", priority(record.level).to_owned()),
            ("LOGGER", super::super::LOGGER_NAME.to_owned()),
            ("THREAD_NAME", record.thread.1.clone()),
            ("PROCESS_NAME", "MainProcess".to_owned()),
        ];
        for (name, value) in &fields {
            field(&mut entry, name, value);
        }
        for (name, value) in &self.extra {
            field(&mut entry, name, value);
        }
        #[cfg(unix)]
        self.socket.send(&entry)?;
        Ok(())
    }
}
