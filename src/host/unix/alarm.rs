//! An end in every case: the kernel's alarm, which needs no thread and costs a system call or two.
//!
//! Whatever this process is blocked in (a full pipe, a device that answers never), the alarm's handler tells why on
//! stderr if that takes a line at once, and ends the process with status 1. To be ended at any instant is safe here: the
//! kernel frees the lock, and the cache says nothing that is not confirmed.
//!
//! A process that waits for a file server or a FUSE file system is not woken for a handler, but it is for a signal that
//! kills. So on Linux a second timer sends SIGKILL a little later.

use super::stderr_is_journal;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the handler writes, with the priority of an error for systemd's journal in front.
const LINE: &[u8] = b"<3>pydyndns: cannot end in time: a pipe, disk or log that this run reads or writes has blocked it until after `timeout`\n";

/// How much of that the journal alone is to see.
const PRIORITY: usize = 3;

/// Whether the journal reads stderr, which a handler can't find out.
static TO_JOURNAL: AtomicBool = AtomicBool::new(false);

/// How long after the alarm the process is killed if it is still there.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNTIL_KILLED: Duration = Duration::from_secs(2);

/// An alarm that is set.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The time after which it rings.
    after: Duration,
    /// The kernel's timer that kills; none if it can't make one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    killer: Option<libc::timer_t>,
}

impl Alarm {
    /// Ends this process with status 1 after so long. Whoever started it may have blocked or ignored the signal.
    pub(crate) fn set(after: Duration) -> Self {
        TO_JOURNAL.store(stderr_is_journal(), Ordering::Relaxed);
        // SAFETY: the action and the set are ours, initialised before they are used; the handler only calls functions
        // that POSIX lists as safe within one. No error is possible with these arguments.
        #[allow(unsafe_code)]
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = ring as extern "C" fn(libc::c_int) as usize;
            // Should the handler block in turn, a second alarm finds the default action, which is to kill.
            action.sa_flags = libc::SA_RESETHAND | libc::SA_NODEFER;
            let mut alarm: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigemptyset(&raw mut alarm);
            libc::sigaddset(&raw mut alarm, libc::SIGALRM);
            libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut());
            libc::sigprocmask(libc::SIG_UNBLOCK, &raw const alarm, ptr::null_mut());
        }
        let alarm = Self {
            after,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            killer: new_killer(),
        };
        alarm.restart();
        alarm
    }

    /// Sets the time anew, now that the configuration's timeout is known.
    pub(crate) fn confirm(&mut self, after: Duration) {
        if after != self.after {
            self.after = after;
            self.restart();
        }
    }

    /// Has the time begin once more.
    pub(crate) fn restart(&self) {
        ring_after(self.after);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        self.kill_after_the_alarm();
    }

    /// Has the kernel send SIGKILL some time after the alarm.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn kill_after_the_alarm(&self) {
        let Some(killer) = self.killer else {
            return;
        };
        let seconds = (self.after + UNTIL_KILLED).as_secs();
        // SAFETY: the kernel made the timer; all fields of the structure are numbers for which zero is a value.
        #[allow(unsafe_code)]
        unsafe {
            let mut time: libc::itimerspec = mem::zeroed();
            time.it_value.tv_sec = i32::try_from(seconds).unwrap_or(i32::MAX).into();
            libc::timer_settime(killer, 0, &raw const time, ptr::null_mut());
        }
    }
}

/// Has a write beyond the limit of a file's size (`RLIMIT_FSIZE`) fail, as one to a full disk does. As it stands it would
/// end this process before it has told anybody.
pub(crate) fn outlive_size_limit() {
    // SAFETY: to ignore a signal needs no handler.
    #[allow(unsafe_code)]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Has the kernel send SIGALRM after so long.
fn ring_after(after: Duration) {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    // SAFETY: alarm takes a number and always succeeds.
    #[allow(unsafe_code)]
    unsafe {
        libc::alarm(libc::c_uint::try_from(seconds).unwrap_or(libc::c_uint::MAX));
    }
}

/// A timer of the kernel's that sends SIGKILL. It lives as long as the process.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn new_killer() -> Option<libc::timer_t> {
    // SAFETY: all fields of the structure are numbers or pointers for which zero is a value; the timer is used only if
    // the kernel made one.
    #[allow(unsafe_code)]
    unsafe {
        let mut event: libc::sigevent = mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = libc::SIGKILL;
        let mut timer: libc::timer_t = ptr::null_mut();
        let made = libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer);
        (made == 0).then_some(timer)
    }
}

/// The alarm's handler.
extern "C" fn ring(_signal: libc::c_int) {
    let to_journal = TO_JOURNAL.load(Ordering::Relaxed);
    let line = &LINE[if to_journal { 0 } else { PRIORITY }..];
    // SAFETY: alarm, poll, write and _exit are safe in a handler; `ready` and LINE live as long as they are used.
    #[allow(unsafe_code)]
    unsafe {
        // What poll says may no longer be so when write comes to it.
        libc::alarm(1);
        let mut ready = libc::pollfd {
            fd: libc::STDERR_FILENO,
            events: libc::POLLOUT,
            revents: 0,
        };
        if libc::poll(&raw mut ready, 1, 0) == 1 && ready.revents == libc::POLLOUT {
            libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        }
        libc::_exit(1);
    }
}
