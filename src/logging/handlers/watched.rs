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
}

impl Watched {
    /// Reads the class's arguments.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        Ok(Watched {
            file: TextFile::new(arguments, None)?,
        })
    }

    /// Whether the path leads to another file than the open one. Windows doesn't let an open file be moved.
    #[cfg(unix)]
    fn moved(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let open = self
            .file
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map(identity);
        open != std::fs::metadata(&self.file.path).ok().map(identity)
    }

    /// Whether the path leads to another file than the open one. Windows doesn't let an open file be moved.
    #[cfg(not(unix))]
    fn moved(&self) -> bool {
        false
    }
}

impl Sink for Watched {
    fn open(&mut self) -> Result<(), String> {
        self.file.open_at_once()
    }

    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        if self.file.file.is_some() && self.moved() {
            self.file.file = None;
            self.file.open()?;
        }
        self.file.write(record, formatter)
    }

    fn set(&mut self, name: &str, value: &Value) {
        self.file.set(name, value);
    }

    fn close(&mut self) {
        self.file.file = None;
    }
}
