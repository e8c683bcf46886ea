//! The way in on Linux.
//!
//! Rust's own start makes ten system calls more, so that an overflow of the stack ends with words of its own. That would
//! be a quarter of what a run that changes nothing asks of the system, and no input makes the stack overflow: the readers
//! of JSON, DNS and ASN.1 bound their depth.

use std::env;
use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

/// What the program was called with.
static COMMAND_LINE: OnceLock<Vec<OsString>> = OnceLock::new();

/// Does what matters here of Rust's own start: a standard stream that whoever started this has closed is `/dev/null`, so
/// that no file of ours gets its number and with it what is meant for a terminal; a pipe that nobody reads is an error and
/// does not end the process; and the command line is kept.
///
/// # Safety
/// `words` are `count` strings that end with a zero byte, as the C library hands them to `main`.
#[allow(unsafe_code)]
pub unsafe fn begin(count: c_int, words: *const *const c_char) {
    // SAFETY: the structures are ours, and the strings are as the caller promises.
    unsafe {
        let mut streams = [0, 1, 2].map(|fd| libc::pollfd {
            fd,
            events: 0,
            revents: 0,
        });
        let asked = libc::poll(streams.as_mut_ptr(), streams.len() as libc::nfds_t, 0) >= 0;
        for stream in streams {
            // poll refuses more files than may be opened, be that fewer than three.
            let is_closed = if asked {
                stream.revents & libc::POLLNVAL != 0
            } else {
                libc::fcntl(stream.fd, libc::F_GETFD) == -1
            };
            if is_closed && libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) == -1 {
                libc::abort();
            }
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        let words = (0..usize::try_from(count).unwrap_or(0))
            .map(|word| OsString::from_vec(CStr::from_ptr(*words.add(word)).to_bytes().to_vec()));
        let _ = COMMAND_LINE.set(words.collect());
    }
}

/// What the program was called with, its own name first.
pub(crate) fn command_line() -> Vec<OsString> {
    let kept = COMMAND_LINE.get().cloned();
    kept.unwrap_or_else(|| env::args_os().collect())
}
