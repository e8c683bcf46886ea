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
    /// The time after which it rings.
    after: Duration,
    /// When it was set.
    set: Instant,
    /// When it rings, in milliseconds after that.
    until: Arc<AtomicU64>,
    /// The thread that waits for it; none if none could be started.
    waits: Option<Thread>,
}

impl Alarm {
    /// Ends this process with status 1 after so long.
    pub(crate) fn set(after: Duration) -> Self {
        let (set, until) = (
            Instant::now(),
            Arc::new(AtomicU64::new(milliseconds(after))),
        );
        let seen = Arc::clone(&until);
        let waits = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                loop {
                    let until = Duration::from_millis(seen.load(Ordering::Relaxed));
                    match until.saturating_sub(set.elapsed()) {
                        Duration::ZERO => ring(),
                        left => thread::park_timeout(left),
                    }
                }
            })
            .ok()
            .map(|waits| waits.thread().clone());
        Self {
            after,
            set,
            until,
            waits,
        }
    }

    /// Sets the time anew, now that the configuration's timeout is known.
    pub(crate) fn confirm(&mut self, after: Duration) {
        let is_sooner = after < self.after;
        self.after = after;
        self.ring_at(after);
        // Woken too early, the thread waits for the rest; so to wake it can be spared.
        if is_sooner && let Some(waits) = &self.waits {
            waits.unpark();
        }
    }

    /// Has the time begin once more.
    pub(crate) fn restart(&self) {
        self.ring_at(self.set.elapsed().saturating_add(self.after));
    }

    /// Has it ring so long after it was set.
    fn ring_at(&self, time: Duration) {
        self.until.store(milliseconds(time), Ordering::Relaxed);
    }
}

/// A time in milliseconds.
fn milliseconds(time: Duration) -> u64 {
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
