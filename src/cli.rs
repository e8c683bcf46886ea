//! The command line.

use crate::addresses::Selection;
use clap::Parser;
use std::path::PathBuf;

/// Keep this computer's own A and AAAA records right, by DNS itself.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 the records are as they should be; 1 the run failed or could not be confirmed;\n2 the command line or the configuration is wrong, and nothing was touched."
)]
pub(crate) struct Options {
    /// The configuration file [default: /etc/pydyndns.conf, a user's own pydyndns.conf, on Windows beside the program]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Wipe the cache first, so that this run sends an update and, should it fail, the next one does too
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Send and write nothing, but print what would be sent, as a script for nsupdate
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Also log everything to stderr, whatever the configuration says (`RUST_LOG` filters)
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// The interfaces whose addresses to register, by name or pattern (*, ?, [..]); !PATTERN leaves some out [default: all]
    #[arg(value_name = "INTERFACE")]
    interfaces: Vec<String>,
}

impl Options {
    /// Reads the command line of this process; `--help` and `--version` end it here with status 0.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(crate) fn from_command_line() -> Result<(Self, Selection), String> {
        let options = match Self::try_parse() {
            Ok(options) => options,
            Err(error) if error.use_stderr() => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                return Err(format!(
                    "{}; see --help",
                    line.strip_prefix("error: ").unwrap_or(line)
                ));
            }
            Err(help) => help.exit(),
        };
        let selection = Selection::parse(&options.interfaces)?;
        Ok((options, selection))
    }
}
