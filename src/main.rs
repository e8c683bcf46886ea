//! The command line to an exit status; everything else is the library's.

use pydyndns::cli::Options;
use pydyndns::run::{self, Stop};
use std::process::ExitCode;

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
