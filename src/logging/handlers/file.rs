//! `logging.FileHandler`: a file.

use std::sync::Arc;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use super::text_file::TextFile;
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::record::Record;
use crate::value::Value;

/// `logging.FileHandler`
pub(crate) struct FileHandler(TextFile);

impl FileHandler {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        TextFile::new(arguments, None).map(FileHandler)
    }
}

impl Sink for FileHandler {
    fn open(&mut self) -> Result<(), String> {
        self.0.open_at_once()
    }

    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        self.0.write(record, formatter)
    }

    fn set(&mut self, name: &str, value: &Value) {
        self.0.set(name, value);
    }

    fn is_stderr(&self) -> bool {
        self.0.is_stderr()
    }
}
