//! The command line to an exit status; everything else is the library's.

use pydyndns::cli::Options;
use pydyndns::host::allocator::Arena;
use pydyndns::run::{self, Stop};
use std::process::ExitCode;

/// Memory for a run that is over in a moment.
#[global_allocator]
static MEMORY: Arena = Arena::new();

/// Chooses the exit status; nothing else does.
fn main() -> ExitCode {
    match Options::from_command_line()
        .map_err(Stop::Wrong)
        .and_then(|options| run::run(&options))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            stop.report();
            ExitCode::from(stop.status())
        }
    }
}
