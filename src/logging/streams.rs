//! The standard streams, as a program writes to them that has more important things to do than to wait for its reader.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::system::write_patiently;

/// How long a stream that nobody reads may hold up the program, once.
const PATIENCE: Duration = Duration::from_millis(500);

/// The standard error stream, for a program that must not hang: if it is a pipe that nobody empties, the first text waits
/// half a second for room and every later one not at all, and what finds none is an error.
///
/// Handlers write to their streams in the same way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_all(text).map(|()| text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        static STUCK: AtomicBool = AtomicBool::new(false);
        unless_stuck(&STUCK, |patience| {
            write_patiently(&mut io::stderr().lock(), text, patience)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to the standard output stream, behind what is in its buffer.
///
/// # Errors
/// The stream's.
pub(crate) fn print(text: &[u8]) -> io::Result<()> {
    static STUCK: AtomicBool = AtomicBool::new(false);
    unless_stuck(&STUCK, |patience| {
        write_patiently(&mut io::stdout().lock(), text, patience)
    })
}

/// Writes with the patience that is left, and remembers whether that has been in vain.
fn unless_stuck(
    stuck: &AtomicBool,
    write: impl FnOnce(Duration) -> io::Result<()>,
) -> io::Result<()> {
    let patience = if stuck.load(Ordering::Relaxed) {
        Duration::ZERO
    } else {
        PATIENCE
    };
    let written = write(patience);
    let would_block = matches!(&written, Err(error) if error.kind() == ErrorKind::WouldBlock);
    stuck.store(would_block, Ordering::Relaxed);
    written
}
