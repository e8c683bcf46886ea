//! The text file that the handlers of files share.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::arguments::Arguments;
use super::sink::Taken;
use crate::codec::{self, Codec, Errors};
use crate::error::{ConfigError, reason};
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::record::Record;
use crate::system;
use crate::value::Value;

/// How long a pipe that nobody empties may hold up the run.
const PATIENCE: Duration = Duration::from_millis(500);

/// What `mode` says.
#[allow(clippy::struct_excessive_bools)] // each is a letter of its own
#[derive(Clone, Copy, Default)]
struct Mode {
    /// `r`
    read: bool,
    /// `w`
    write: bool,
    /// `a`
    append: bool,
    /// `x`
    create: bool,
    /// `+`
    both: bool,
    /// `b`
    binary: bool,
}

impl Mode {
    /// Reads a mode as `open` does.
    fn parse(text: &str) -> Late<Self> {
        let mut mode = Mode::default();
        let mut is_text = false;
        for c in text.chars() {
            let flag = match c {
                'r' => &mut mode.read,
                'w' => &mut mode.write,
                'a' => &mut mode.append,
                'x' => &mut mode.create,
                '+' => &mut mode.both,
                'b' => &mut mode.binary,
                't' => &mut is_text,
                _ => {
                    return Err(format!(
                        "invalid mode {text:?}; allowed are a, w and x, with + and t"
                    ));
                }
            };
            if std::mem::replace(flag, true) {
                return Err(format!("invalid mode {text:?}: {c} is given twice"));
            }
        }
        let ways = [mode.read, mode.write, mode.append, mode.create];
        if is_text && mode.binary {
            return Err(format!(
                "invalid mode {text:?}: it can't be text and binary at once"
            ));
        }
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(format!(
                "invalid mode {text:?}: it must have exactly one of a, w, x and r"
            ));
        }
        Ok(mode)
    }
}

/// A text file to write records to.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct TextFile {
    /// its absolute path
    pub(crate) path: PathBuf,
    /// how it is opened
    mode: Late<Mode>,
    /// its character set
    codec: Late<Codec>,
    /// what to do about characters that the set lacks
    errors: Late<Errors>,
    /// whether it is opened only once a record comes
    pub(crate) delay: bool,
    /// what ends a record
    terminator: Late<String>,
    /// the file, while it is open
    pub(crate) file: Option<File>,
    /// whether the next character is the file's first
    at_start: bool,
    /// whether it is a pipe that nobody empties, so that it isn't waited for again
    stuck: bool,
}

impl TextFile {
    /// Reads the arguments that all file handlers have; `mode` is that of the class, or the one that it insists on.
    pub(crate) fn new(arguments: &mut Arguments, mode: Option<&str>) -> Result<Self, ConfigError> {
        let filename = match arguments.required("filename")? {
            Value::Str(text) if text.contains('\0') => {
                return Err(arguments.error("filename", "embedded null byte"));
            }
            Value::Str(text) => text,
            value => {
                return Err(
                    arguments.error("filename", format!("must be a path, not {}", value.repr()))
                );
            }
        };
        let mode = match mode {
            Some(mode) => mode.to_owned(),
            None => arguments.text("mode", "a")?,
        };
        let mut mode = Mode::parse(&mode);
        let encoding = arguments.take("encoding").unwrap_or(Value::None);
        let mut codec = match &encoding {
            Value::None => Ok(Codec::Utf8),
            Value::Str(name) => Codec::find(name)
                .ok_or_else(|| format!("unknown encoding {name:?}; there are {}", codec::KNOWN)),
            value => Err(format!("must be a string, not {}", value.repr())),
        };
        let errors_value = arguments.take("errors").unwrap_or(Value::None);
        let errors = match &errors_value {
            Value::None => Ok(Errors::Strict),
            Value::Str(name) => Errors::find(name),
            value => Err(format!("must be a string, not {}", value.repr())),
        };
        if matches!(mode, Ok(mode) if mode.binary) {
            if encoding != Value::None {
                codec = Err("binary mode doesn't take an encoding argument".to_owned());
            } else if errors_value != Value::None {
                mode = Err("binary mode doesn't take an errors argument".to_owned());
            }
        }
        let delay = arguments.flag("delay", false);
        if !delay {
            mode = Ok(arguments.now("mode", mode)?);
            codec = Ok(arguments.now("encoding", codec)?);
            // An unknown name is only noticed once it is needed.
            if !matches!(errors_value, Value::None | Value::Str(_)) {
                arguments.now("errors", errors.clone())?;
            }
        }
        let path = std::path::absolute(if filename.is_empty() { "." } else { &filename });
        Ok(TextFile {
            path: path.unwrap_or_else(|_| filename.into()),
            mode,
            codec,
            errors,
            delay,
            terminator: Ok("\n".to_owned()),
            file: None,
            at_start: false,
            stuck: false,
        })
    }

    /// Opens the file, again if need be.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        let mode = self.mode.clone()?;
        self.codec.clone()?;
        let mut options = OpenOptions::new();
        options
            .read(mode.read || mode.both)
            .write(mode.write || mode.create || (mode.read && mode.both))
            .append(mode.append)
            .create(mode.append || mode.write)
            .create_new(mode.create)
            .truncate(mode.write);
        system::never_block(&mut options);
        let file = options
            .open(&self.path)
            .map_err(|error| self.problem(&reason(&error)))?;
        // Of a device, such as Windows' NUL, there may be nothing to be known.
        let metadata = file.metadata().ok();
        if metadata.as_ref().is_some_and(Metadata::is_dir) {
            return Err(self.problem("Is a directory"));
        }
        let is_continued = metadata.is_some_and(|file| file.is_file() && file.len() > 0);
        self.at_start = !mode.append || !is_continued;
        self.file = Some(file);
        Ok(())
    }

    /// Opens the file unless that is put off.
    pub(crate) fn open_at_once(&mut self) -> Result<(), String> {
        if self.delay { Ok(()) } else { self.open() }
    }

    /// A complaint with the path.
    pub(crate) fn problem(&self, reason: &str) -> String {
        format!("{}: {reason}", self.path.display())
    }

    /// Writes a formatted record, opening the file if that has been put off.
    pub(crate) fn write(
        &mut self,
        record: &Record,
        formatter: &Formatter,
    ) -> Result<Taken, String> {
        if self.file.is_none() {
            self.open()?;
        }
        let mut text = formatter.format(record)?;
        text.push_str(self.terminator.as_ref().map_err(Clone::clone)?);
        let mode = self.mode.clone()?;
        if mode.binary {
            return Err(self.problem("opened in binary mode, but records are text"));
        }
        let (codec, at_start) = (self.codec.clone()?, self.at_start);
        let text = system::line_ends(text);
        let bytes = match &self.errors {
            Ok(errors) => codec.encode(&text, *errors, at_start),
            Err(problem) => codec
                .encode(&text, Errors::Strict, at_start)
                .map_err(|_| problem.clone()),
        };
        let bytes = bytes.map_err(|error| self.problem(&error))?;
        let Some(file) = &mut self.file else {
            return Err(self.problem("is not open"));
        };
        let patience = if self.stuck { Duration::ZERO } else { PATIENCE };
        let written = write_patiently(file, &bytes, patience);
        self.at_start = false;
        self.stuck |= matches!(&written, Err(error) if error.kind() == ErrorKind::WouldBlock);
        written
            .map(|()| Taken::Written)
            .map_err(|error| self.problem(&reason(&error)))
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, name: &str, value: &Value) {
        if name == "terminator" {
            self.terminator = late::text(name, value);
        }
    }

    /// Whether the path is one of those by which Unix knows the standard error stream.
    pub(crate) fn is_stderr(&self) -> bool {
        ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"]
            .iter()
            .any(|path| self.path == Path::new(path))
    }

    /// Whether there is something at the path that is no regular file.
    pub(crate) fn is_special(&self) -> bool {
        self.path.exists() && !self.path.is_file()
    }

    /// The path with something appended to its last part.
    pub(crate) fn path_with(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Renames a file, if it is there.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), String> {
        if from.exists() {
            std::fs::rename(from, to).map_err(|error| self.problem(&reason(&error)))?;
        }
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), String> {
        if path.exists() {
            std::fs::remove_file(path).map_err(|error| self.problem(&reason(&error)))?;
        }
        Ok(())
    }
}

/// Writes everything, but waits no longer than `patience` for a pipe that is full.
fn write_patiently(file: &mut File, mut bytes: &[u8], patience: Duration) -> std::io::Result<()> {
    let start = Instant::now();
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
