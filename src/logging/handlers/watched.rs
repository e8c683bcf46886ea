//! `logging.handlers.WatchedFileHandler`: opens its file anew once another takes its place.

use super::super::ConfigError;
use super::super::format::Formatter;
use super::super::record::Record;
use super::super::value::Value;
use super::file::TextFile;
use super::{Arguments, Sink};

/// A file that log rotation may move away.
pub(in super::super) struct Watched {
    /// the file
    file: TextFile,
    /// the device and number of the file as it was when last looked at
    identity: Option<(u64, u64)>,
}

impl Watched {
    /// Reads the class's arguments.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        Ok(Watched {
            file: TextFile::new(arguments, None)?,
            identity: None,
        })
    }

    /// Opens the file and notes which one it is.
    fn open_and_look(&mut self) -> Result<(), String> {
        self.file.open()?;
        self.identity = self
            .file
            .file
            .as_ref()
            .and_then(|file| identity(&file.metadata().ok()?));
        Ok(())
    }
}

/// A file's device and number.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // Windows has none
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Windows doesn't let an open file be moved, so that there is nothing to watch.
#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

impl Sink for Watched {
    fn open(&mut self) -> Result<(), String> {
        if self.file.delay {
            return Ok(());
        }
        self.open_and_look()
    }

    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        let present = std::fs::metadata(&self.file.path).ok();
        // Like Python, a file whose opening was put off is opened once more for its second record.
        if self.file.file.is_some()
            && present.is_none_or(|metadata| identity(&metadata) != self.identity)
        {
            self.file.file = None;
            self.open_and_look()?;
        }
        self.file.write(record, formatter)
    }

    fn set(&mut self, name: &str, value: &Value) {
        self.file.set(name, value);
    }

    fn close(&mut self) {
        self.file.close();
    }
}
