//! The command line to an exit status; everything else is the library's.

#![cfg_attr(all(target_os = "linux", not(test)), no_main)]

use pydyndns::cli::Request;
use pydyndns::host::allocator::Arena;
use pydyndns::run::{self, Stop};
#[cfg(all(target_os = "linux", not(test)))]
use std::panic;
use std::process;

/// Memory for a run that is over in a moment.
#[global_allocator]
static MEMORY: Arena = Arena::new();

/// The C library's way in, with less before it than Rust's own.
#[cfg(all(target_os = "linux", not(test)))]
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main(count: std::ffi::c_int, words: *const *const std::ffi::c_char) {
    // SAFETY: the C library hands over the command line like this.
    unsafe { pydyndns::host::begin(count, words) };
    // Whoever panics has said so already; this is the status that Rust gives it.
    process::exit(panic::catch_unwind(status).unwrap_or(101).into());
}

/// Everywhere else Rust's.
#[cfg(not(all(target_os = "linux", not(test))))]
fn main() {
    process::exit(status().into());
}

/// Chooses the exit status; nothing else does.
fn status() -> u8 {
    let outcome = match Request::from_command_line() {
        Ok(Request::Run(options)) => run::run(&options),
        Ok(Request::Tell(text)) => run::tell(&text),
        Err(wrong) => Err(Stop::Wrong(wrong)),
    };
    match outcome {
        Ok(()) => 0,
        Err(stop) => {
            stop.report();
            stop.status()
        }
    }
}
