//! The command line, read as Python's argparse reads it: long options may be abbreviated, the last `-c` wins.

use crate::addresses::Selection;
use crate::host;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
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
    /// Print what would be sent to register.
    DryRun,
    /// Show what is so and why; send and write nothing.
    Status {
        /// As one JSON object.
        json: bool,
    },
    /// Remove the name's addresses from the zone, and forget the cache.
    Unregister {
        /// Only print what would be sent.
        dry_run: bool,
    },
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
        let words = host::command_line();
        if let Some(options) = Self::from_plain(words.get(1..).unwrap_or_default()) {
            return options;
        }
        match Self::command().try_get_matches_from(words) {
            Ok(matches) => Self::from_matches(matches),
            Err(error) if error.use_stderr() => Err(explain(&error)),
            Err(help) => help.exit(),
        }
    }

    /// The options, if every word is one that timers, hooks and cron write; none if clap has to judge. To build its table
    /// takes as long as all the rest of a run that changes nothing.
    fn from_plain(words: &[OsString]) -> Option<Result<Self, String>> {
        let (mut config, mut force, mut verbose) = (None, false, false);
        let mut interfaces = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.to_str()? {
                "-c" | "--config" => {
                    let file = words.next()?;
                    if file.is_empty() || file.as_encoded_bytes().starts_with(b"-") {
                        return None;
                    }
                    config = Some(file.into());
                }
                "-f" | "--force" => force = true,
                "-v" | "--verbose" => verbose = true,
                option if option.starts_with(['-', '/']) => return None,
                interface => interfaces.push(interface.to_owned()),
            }
        }
        Some(Selection::parse(&interfaces).map(|selection| Self {
            mode: Mode::Register,
            config,
            force,
            verbose,
            selection,
        }))
    }

    /// The options that were found, if they go together.
    fn from_matches(mut matches: ArgMatches) -> Result<Self, String> {
        let interfaces: Vec<String> = matches
            .remove_many("interfaces")
            .map(Iterator::collect)
            .unwrap_or_default();
        // What Windows' own programs take for an option; no interface is called so.
        if let Some(slash) = interfaces.iter().find(|word| {
            ["/?", "/h", "/help"]
                .iter()
                .any(|help| word.eq_ignore_ascii_case(help))
        }) {
            return Err(format!(
                "{slash} is no option of this program, whose options begin with a hyphen; see --help"
            ));
        }
        Ok(Self {
            mode: mode(&matches)?,
            config: matches.remove_one("config"),
            force: matches.get_flag("force"),
            verbose: matches.get_flag("verbose"),
            selection: Selection::parse(&interfaces)?,
        })
    }

    /// The table of options: the command line's grammar and help, from which manual page and completions can be checked.
    #[must_use]
    pub fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        // Each run builds it, so it says no more than it must: clap's derived one is longer by a third.
        Command::new("pydyndns")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Keep this computer's own A and AAAA records right, by DNS itself")
            .after_help(EXIT_STATUS)
            .infer_long_args(true)
            .args_override_self(true)
            .arg(
                Arg::new("config")
                    .short('c')
                    .long("config")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .help(
                        "Configuration file [default: a user's own pydyndns.conf, else /etc/pydyndns.conf; \
                         on Windows, pydyndns.conf beside the program]",
                    ),
            )
            .arg(flag("force").short('f').help(
                "Discard the cache first, so that this run sends an update and, should it fail, so does the next",
            ))
            .arg(flag("dry-run").short('n').help(
                "Send and write nothing; print the update as an nsupdate script",
            ))
            .arg(flag("status").help(
                "Send and write nothing; show every address with the reason if it is left out, the cache, and what the zone has",
            ))
            .arg(flag("json").help("With --status: print it as one JSON object"))
            .arg(flag("unregister").help(
                "Remove the name's A and AAAA records, and forget the cache",
            ))
            .arg(flag("verbose").short('v').help(
                "Also log to stderr, whatever the configuration says (RUST_LOG chooses what)",
            ))
            .arg(
                Arg::new("interfaces")
                    .value_name("INTERFACE")
                    .action(ArgAction::Append)
                    .num_args(0..)
                    .help(
                        "Interfaces whose addresses to register, by name or pattern (*, ?, [..]); \
                         !PATTERN leaves some out [default: all]",
                    ),
            )
    }
}

/// The mode that the flags ask for. A dry run of `--status`, which sends and writes nothing, is that itself.
fn mode(matches: &ArgMatches) -> Result<Mode, String> {
    let is_set = |flag| matches.get_flag(flag);
    let (status, json, dry_run) = (is_set("status"), is_set("json"), is_set("dry-run"));
    if status && is_set("unregister") {
        return Err(
            "--status changes nothing, so it cannot go with --unregister; see --help".into(),
        );
    }
    if status && is_set("force") {
        return Err("--status changes nothing, so it cannot go with --force; see --help".into());
    }
    if json && !status {
        return Err("--json is for --status; see --help".into());
    }
    Ok(if status {
        Mode::Status { json }
    } else if is_set("unregister") {
        Mode::Unregister { dry_run }
    } else if dry_run {
        Mode::DryRun
    } else {
        Mode::Register
    })
}

/// One line about a command line that cannot be read, with the way out.
fn explain(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(argument) = context(ContextKind::InvalidArg)
        && let several @ [_, _, ..] = &candidates(argument)[..]
    {
        return format!(
            "option '{argument}' is ambiguous; it could be {}",
            several.join(", ")
        );
    }
    match context(ContextKind::SuggestedArg) {
        Some(near) => format!("{line}; did you mean {near}?"),
        None => format!("{line}; see --help"),
    }
}

/// The long options that an abbreviation could stand for.
fn candidates(abbreviation: &str) -> Vec<String> {
    let Some(start) = abbreviation
        .strip_prefix("--")
        .filter(|start| !start.is_empty())
    else {
        return Vec::new();
    };
    let mut command = Options::command();
    command.build();
    command
        .get_arguments()
        .filter_map(Arg::get_long)
        .filter(|long| long.starts_with(start))
        .map(|long| format!("--{long}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a command line.
    fn read(line: &[&str]) -> Result<Options, String> {
        let words = ["pydyndns"].iter().chain(line);
        match Options::command().try_get_matches_from(words) {
            Ok(matches) => Options::from_matches(matches),
            Err(error) => Err(explain(&error)),
        }
    }

    /// The mode that a command line asks for.
    fn mode_of(line: &[&str]) -> Mode {
        read(line).unwrap().mode
    }

    #[test]
    fn the_table_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn plain_words_are_read_as_clap_reads_them() {
        let words = [
            "-c",
            "--config",
            "-f",
            "--force",
            "-v",
            "--verbose",
            "-n",
            "--conf",
            "-cF",
            "--",
            "-",
            "/?",
            "/x",
            "!lo",
            "[",
            "eth0",
            "",
        ];
        let lines = words.iter().flat_map(|first| {
            let second = words.iter().map(move |second| [*first, *second]);
            second.flat_map(|[first, second]| words.map(|third| [first, second, third]))
        });
        let mut read_plain = 0;
        for line in lines.map(Vec::from).chain([vec![]]) {
            let plain = Options::from_plain(&line.iter().map(OsString::from).collect::<Vec<_>>());
            if let Some(plain) = plain {
                assert_eq!(
                    format!("{plain:?}"),
                    format!("{:?}", read(&line)),
                    "{line:?}"
                );
                read_plain += 1;
            }
        }
        assert!(read_plain > 500, "{read_plain}");
    }

    #[test]
    fn the_flags_choose_the_mode() {
        for (line, mode) in [
            (&[][..], Mode::Register),
            (&["-f", "-v"], Mode::Register),
            (&["-n"], Mode::DryRun),
            (&["-n", "-f"], Mode::DryRun),
            (&["--status"], Mode::Status { json: false }),
            (&["--json", "--status"], Mode::Status { json: true }),
            (&["--status", "-n"], Mode::Status { json: false }),
            (&["--unregister"], Mode::Unregister { dry_run: false }),
            (&["--unregister", "-f"], Mode::Unregister { dry_run: false }),
            (&["--unregister", "-n"], Mode::Unregister { dry_run: true }),
        ] {
            assert_eq!(mode_of(line), mode, "{line:?}");
        }
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        for (line, says) in [
            (&["--json"][..], "--json is for --status; see --help"),
            (&["--json", "-n"], "--json is for --status; see --help"),
            (
                &["--json", "--unregister"],
                "--json is for --status; see --help",
            ),
            (
                &["--status", "--unregister"],
                "--status changes nothing, so it cannot go with --unregister; see --help",
            ),
            (
                &["-f", "--status"],
                "--status changes nothing, so it cannot go with --force; see --help",
            ),
        ] {
            assert_eq!(read(line).unwrap_err(), says);
        }
    }

    #[test]
    fn long_options_may_be_abbreviated_while_they_stay_unambiguous() {
        for line in [
            &["--conf", "F", "--forc", "--verb"][..],
            &["--c=F", "--f", "--verbo"],
            &["-fvcF"],
            &["-fv", "-c=F"],
            &["-c", "E", "--config", "F", "-f", "-f", "-vv"],
        ] {
            let options = read(line).unwrap();
            assert_eq!(options.config.as_deref(), Some("F".as_ref()), "{line:?}");
            assert!(options.force && options.verbose, "{line:?}");
        }
        assert_eq!(mode_of(&["--dry"]), Mode::DryRun);
        assert_eq!(mode_of(&["--s", "--j"]), Mode::Status { json: true });
        for (argument, says) in [
            (
                "--ver",
                "option '--ver' is ambiguous; it could be --verbose, --version",
            ),
            (
                "--v",
                "option '--v' is ambiguous; it could be --verbose, --version",
            ),
            (
                "--forse",
                "unexpected argument '--forse' found; did you mean --force?",
            ),
            (
                "--forced",
                "unexpected argument '--forced' found; did you mean --force?",
            ),
            ("--x", "unexpected argument '--x' found; see --help"),
            ("-x", "unexpected argument '-x' found; see --help"),
        ] {
            assert_eq!(read(&[argument]).unwrap_err(), says);
        }
        assert!(read(&["--force=yes"]).unwrap_err().contains("'yes'"));
        assert!(read(&["-c"]).unwrap_err().contains("--config <FILE>"));
    }

    #[test]
    fn what_follows_two_hyphens_are_interfaces() {
        assert_eq!(mode_of(&["--", "-n"]), Mode::Register);
        assert_eq!(mode_of(&["eth0", "-n", "eth1"]), Mode::DryRun);
    }

    #[test]
    fn windows_way_to_ask_for_help_is_told_ours() {
        for slash in ["/?", "/H", "/help"] {
            let says = format!(
                "{slash} is no option of this program, whose options begin with a hyphen; see --help"
            );
            assert_eq!(read(&[slash]).unwrap_err(), says);
        }
        assert!(read(&["eth?"]).is_ok());
    }
}
