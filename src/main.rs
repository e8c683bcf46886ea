//! The command line to an exit status; everything else is the library's.

use pydyndns::cli::Request;
use pydyndns::host::allocator::Arena;
use pydyndns::run::{self, Stop};
use std::process::ExitCode;

/// Memory for a run that is over in a moment.
#[global_allocator]
static MEMORY: Arena = Arena::new();

/// Chooses the exit status; nothing else does.
fn main() -> ExitCode {
    let outcome = match Request::from_command_line() {
        Ok(Request::Run(options)) => run::run(&options),
        Ok(Request::Tell(text)) => run::tell(&text),
        Err(wrong) => Err(Stop::Wrong(wrong)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            stop.report();
            ExitCode::from(stop.status())
        }
    }
}
