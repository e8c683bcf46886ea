//! The program under test: its configuration, a run, and what is expected of the run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::primary::tsig::Key;

/// The program's path.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pydyndns");

/// A configuration: both families, a TTL of an hour, messages from WARNING up on stderr as
/// `LEVEL: message`, and on top of it the keys given.
pub(crate) fn config(keys: Value) -> Value {
    let least = json!({
        "ipv4": true,
        "ipv6": {"enable": true, "teredo": false},
        "ttl": 3600,
        "logging": logging("WARNING"),
    });
    merged(least, keys)
}

/// An object with further keys on top; `null` takes a key away.
pub(crate) fn merged(mut base: Value, keys: Value) -> Value {
    let (Value::Object(all), Value::Object(keys)) = (&mut base, keys) else {
        panic!("a configuration is an object");
    };
    for (key, value) in keys {
        if value.is_null() {
            all.remove(&key);
        } else {
            all.insert(key, value);
        }
    }
    base
}

/// A logging section: everything from the level up on stderr, as `LEVEL: message`.
pub(crate) fn logging(level: &str) -> Value {
    json!({
        "version": 1,
        "formatters": {"plain": {"format": "%(levelname)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": level, "handlers": ["stderr"]},
    })
}

/// The `tsig` section for a key.
pub(crate) fn tsig(key: &Key) -> Value {
    json!({"algorithm": key.algorithm.name(), "key": super::secret(key), "keyname": key.name})
}

/// A run of the program to be.
#[derive(Clone)]
pub(crate) struct Program {
    /// Where its configuration file is put.
    folder: PathBuf,
    /// The program and its arguments; empty stands for the program itself.
    wrapper: Vec<OsString>,
    /// The program's arguments, `-c FILE` included.
    arguments: Vec<OsString>,
    /// The environment on top of an almost empty one.
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program without any argument; files go into the folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            wrapper: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// With this configuration, put into a file named `pydyndns.conf`.
    pub(crate) fn config(self, config: &Value) -> Self {
        self.config_text(serde_json::to_string_pretty(config).expect("a configuration is JSON"))
    }

    /// With this text as configuration file.
    pub(crate) fn config_text(self, text: impl AsRef<[u8]>) -> Self {
        let file = self.folder.join("pydyndns.conf");
        std::fs::write(&file, text).expect("the configuration can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("the configuration's mode can be set");
        }
        self.arg("-c").arg(file)
    }

    /// With one more argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// With an environment variable.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Run by another program: `strace`, or another implementation (`replaced`).
    #[cfg(target_os = "linux")]
    pub(crate) fn under<A: AsRef<OsStr>>(mut self, wrapper: impl IntoIterator<Item = A>) -> Self {
        self.wrapper = wrapper
            .into_iter()
            .map(|word| word.as_ref().to_owned())
            .collect();
        self.wrapper.push(PROGRAM.into());
        self
    }

    /// Another program in the place of ours, with the same arguments.
    #[cfg(target_os = "linux")]
    pub(crate) fn replaced_by(mut self, program: impl AsRef<OsStr>) -> Self {
        self.wrapper = vec![program.as_ref().to_owned()];
        self
    }

    /// The command, ready to be started.
    pub(crate) fn command(&self) -> Command {
        let mut words = self.wrapper.clone();
        if words.is_empty() {
            words.push(PROGRAM.into());
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(&self.arguments)
            .stdin(Stdio::null());
        // Nothing of the environment that the tests happen to run in matters, but for what systems need.
        for name in [
            "RUST_LOG",
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CACHE_HOME",
        ] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it.
    pub(crate) fn run(&self) -> Run {
        let start = Instant::now();
        let mut output = self.command().output();
        // Wine fails to start a program now and then, when many start at once: ERROR_INTERNAL_ERROR.
        for _ in 0..5 {
            if !output
                .as_ref()
                .is_err_and(|error| cfg!(windows) && error.raw_os_error() == Some(1359))
            {
                break;
            }
            output = self.command().output();
        }
        let output = output.expect("the program can be started");
        Run {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"),
            stderr: without_wine(&String::from_utf8_lossy(&output.stderr).replace("\r\n", "\n")),
            took: start.elapsed(),
        }
    }
}

/// Without the lines of Wine itself, which at the end of a program may find its own server's socket closed.
fn without_wine(stderr: &str) -> String {
    stderr
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("wine client error:"))
        .collect()
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit status.
    pub(crate) status: Option<i32>,
    /// All of its standard output.
    pub(crate) stdout: String,
    /// All of its standard error.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Run {
    /// Expects success in silence.
    #[track_caller]
    pub(crate) fn succeeds(&self) {
        self.is(0, "", "");
    }

    /// Expects this status, nothing on stdout, and this on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, stderr: &str) {
        self.is(status, "", stderr);
    }

    /// Expects this status and these complete outputs, where `*` stands for anything within a line and
    /// a line `...` for any number of lines.
    #[track_caller]
    pub(crate) fn is(&self, status: i32, stdout: &str, stderr: &str) {
        assert!(
            self.status == Some(status)
                && matches(stdout, &self.stdout)
                && matches(stderr, &self.stderr),
            "expected status {status}\n-- stdout:\n{stdout}\n-- stderr:\n{stderr}\n\
             got status {:?}\n-- stdout:\n{}\n-- stderr:\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
    }
}

/// Whether the text is what the pattern describes, line by line.
fn matches(pattern: &str, text: &str) -> bool {
    fn lines(pattern: &[&str], text: &[&str]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((&"...", rest)), _) if lines(rest, text) => true,
            (Some((&"...", _)), Some((_, text))) => lines(pattern, text),
            (Some((first, pattern)), Some((line, text))) => {
                matches_line(first, line) && lines(pattern, text)
            }
            _ => false,
        }
    }
    lines(
        &pattern.lines().collect::<Vec<_>>(),
        &text.lines().collect::<Vec<_>>(),
    )
}

/// Whether a line is what the pattern describes: `*` stands for anything.
fn matches_line(pattern: &str, line: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == line,
        Some((head, rest)) => line.strip_prefix(head).is_some_and(|line| {
            line.char_indices()
                .map(|(at, _)| at)
                .chain([line.len()])
                .any(|at| matches_line(rest, &line[at..]))
        }),
    }
}
