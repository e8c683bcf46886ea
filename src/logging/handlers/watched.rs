//! `logging.handlers.WatchedFileHandler`: opens its file anew once another takes its place.

use std::sync::Arc;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use super::text_file::TextFile;
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::record::Record;
use crate::system::identity;
use crate::value::Value;

/// A file that log rotation may move away.
pub(crate) struct Watched {
    /// the file
    file: TextFile,
    /// the device and number of the file as it was when last looked at
    identity: Option<(u64, u64)>,
}

impl Watched {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
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

impl Sink for Watched {
    fn open(&mut self) -> Result<(), String> {
        if self.file.delay {
            return Ok(());
        }
        self.open_and_look()
    }

    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
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

    fn is_stderr(&self) -> bool {
        self.file.is_stderr()
    }
}
