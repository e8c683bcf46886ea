//! The command line to an exit status; everything else is the library's.

#![cfg_attr(all(target_os = "linux", not(test)), no_main)]

use pydyndns::cli::Options;
use pydyndns::host::allocator::Arena;
use pydyndns::run::{self, Stop};

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
    run_and_exit();
}

/// Everywhere else Rust's.
#[cfg(not(all(target_os = "linux", not(test))))]
fn main() {
    run_and_exit();
}

/// Chooses the exit status; nothing else does.
fn run_and_exit() -> ! {
    let outcome = Options::from_command_line()
        .map_err(Stop::Wrong)
        .and_then(|options| run::run(&options));
    std::process::exit(match outcome {
        Ok(()) => 0,
        Err(stop) => {
            stop.report();
            stop.status().into()
        }
    })
}
