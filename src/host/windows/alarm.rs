//! An end in every case: a thread that ends the process with status 1 once its time has come.
//!
//! Whatever the others are blocked in, this one only sleeps. It has a second one tell why on stderr, which may be what
//! blocks. To be ended at any instant is safe: the system frees the lock, and the cache says nothing that is not
//! confirmed.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use std::{io, sync::Arc};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

/// What is told.
const LINE: &[u8] = b"pydyndns: cannot end in time: a pipe, disk or log that this run reads or writes has blocked it until after `timeout`\n";

/// How long telling may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The threads need no more room than this.
const STACK: usize = 64 << 10;

/// An alarm that is set.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// When it rings, in milliseconds after it was set.
    milliseconds: Arc<AtomicU64>,
    /// The thread that waits for it; none if none could be started.
    waits: Option<Thread>,
}

impl Alarm {
    /// Ends this process with status 1 after so long.
    pub(crate) fn set(after: Duration) -> Self {
        let milliseconds = Arc::new(AtomicU64::new(in_milliseconds(after)));
        let until = Arc::clone(&milliseconds);
        let started = Instant::now();
        let waits = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                loop {
                    let until = Duration::from_millis(until.load(Ordering::Relaxed));
                    match until.saturating_sub(started.elapsed()) {
                        Duration::ZERO => ring(),
                        left => thread::park_timeout(left),
                    }
                }
            })
            .ok()
            .map(|waits| waits.thread().clone());
        Self {
            milliseconds,
            waits,
        }
    }

    /// Sets the time anew, now that the configuration's timeout is known.
    pub(crate) fn confirm(self, after: Duration) {
        self.milliseconds
            .store(in_milliseconds(after), Ordering::Relaxed);
        if let Some(waits) = self.waits {
            waits.unpark();
        }
    }
}

/// A time in milliseconds.
fn in_milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Ends the process.
fn ring() {
    // Whether anybody can be told is no matter.
    let _ = thread::Builder::new()
        .stack_size(STACK)
        .spawn(|| io::stderr().write_all(LINE));
    thread::sleep(LAST_WORDS);
    // SAFETY: the process's own pseudo handle is always valid.
    #[allow(unsafe_code)]
    unsafe {
        TerminateProcess(GetCurrentProcess(), 1);
    }
}
