//! The command line.

use crate::addresses::Selection;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command, value_parser};
use std::path::PathBuf;

/// What stands below the options in `--help`.
const EXIT_STATUS: &str = "\
Exit status: 0 the records are as they should be; 1 the run failed or could not be confirmed;
2 the command line or the configuration is wrong, and nothing was touched.";

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Register what the cache does not confirm.
    Register,
    /// Print what would be sent.
    DryRun,
}

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    /// What the run is for.
    pub(crate) mode: Mode,
    /// The configuration file in place of the default one.
    pub(crate) config: Option<PathBuf>,
    /// Wipe the cache first.
    pub(crate) force: bool,
    /// Also log everything to stderr.
    pub(crate) verbose: bool,
    /// The interfaces whose addresses to register.
    pub(crate) selection: Selection,
}

impl Options {
    /// Reads the command line of this process; `--help` and `--version` end it here with status 0.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn from_command_line() -> Result<Self, String> {
        let mut matches = match command().try_get_matches() {
            Ok(matches) => matches,
            Err(error) if error.use_stderr() => {
                let hint = match error.get(ContextKind::SuggestedArg) {
                    Some(ContextValue::String(near)) => format!("did you mean {near}?"),
                    _ => "see --help".to_owned(),
                };
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                return Err(format!(
                    "{}; {hint}",
                    line.strip_prefix("error: ").unwrap_or(line)
                ));
            }
            Err(help) => help.exit(),
        };
        let interfaces: Vec<String> = matches
            .remove_many("interfaces")
            .map(Iterator::collect)
            .unwrap_or_default();
        Ok(Self {
            mode: if matches.get_flag("dry-run") {
                Mode::DryRun
            } else {
                Mode::Register
            },
            config: matches.remove_one("config"),
            force: matches.get_flag("force"),
            verbose: matches.get_flag("verbose"),
            selection: Selection::parse(&interfaces)?,
        })
    }
}

/// The command line's grammar and help. Each run builds it, so it says no more than it must: clap's derived one is longer
/// by a third.
fn command() -> Command {
    let flag = |name: &'static str, short| {
        Arg::new(name)
            .short(short)
            .long(name)
            .action(ArgAction::SetTrue)
    };
    Command::new("pydyndns")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Keep this computer's own A and AAAA records right, by DNS itself")
        .after_help(EXIT_STATUS)
        .arg(
            Arg::new("config")
                .short('c')
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "The configuration file [default: /etc/pydyndns.conf, a user's own pydyndns.conf, \
                     on Windows beside the program]",
                ),
        )
        .arg(flag("force", 'f').help(
            "Wipe the cache first, so that this run sends an update and, should it fail, the next one does too",
        ))
        .arg(flag("dry-run", 'n').help(
            "Send and write nothing, but print what would be sent, as a script for nsupdate",
        ))
        .arg(flag("verbose", 'v').help(
            "Also log everything to stderr, whatever the configuration says (`RUST_LOG` filters)",
        ))
        .arg(
            Arg::new("interfaces")
                .value_name("INTERFACE")
                .action(ArgAction::Append)
                .num_args(0..)
                .help(
                    "The interfaces whose addresses to register, by name or pattern (*, ?, [..]); \
                     !PATTERN leaves some out [default: all]",
                ),
        )
}
