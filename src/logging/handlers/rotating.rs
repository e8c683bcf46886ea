//! `logging.handlers.RotatingFileHandler`: begins a new file before one grows too large.

use std::sync::Arc;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use super::text_file::TextFile;
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::record::Record;
use crate::value::Value;

/// The highest number of an old file that is looked for. Each is a question to the system.
const MOST_BACKUPS: i64 = 10_000;

/// A file with a size that it mustn't reach.
pub(crate) struct Rotating {
    /// the file
    file: TextFile,
    /// the size; 0 is no limit
    max_bytes: Late<f64>,
    /// how many old files to keep
    backup_count: Late<i64>,
}

impl Rotating {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let max_bytes = late::number(
            "maxBytes",
            &arguments.take("maxBytes").unwrap_or(Value::Int(0)),
        );
        let max_bytes = arguments.now("maxBytes", max_bytes)?;
        let backup_count = late::count(
            "backupCount",
            &arguments.take("backupCount").unwrap_or(Value::Int(0)),
        );
        // A file that is rotated is never emptied at the start, whatever the mode says.
        let mode = if max_bytes > 0.0 {
            arguments.take("mode");
            Some("a")
        } else {
            None
        };
        Ok(Rotating {
            file: TextFile::new(arguments, mode)?,
            max_bytes: Ok(max_bytes),
            backup_count,
        })
    }

    /// Whether this record would make the file too large.
    #[allow(clippy::cast_precision_loss)] // file sizes are far below 2^53
    fn is_due(&mut self, record: &Record, formatter: &Formatter) -> Result<bool, String> {
        if self.file.is_special() {
            return Ok(false);
        }
        if self.file.file.is_none() {
            self.file.open()?;
        }
        let max_bytes = self.max_bytes.clone()?;
        if max_bytes <= 0.0 {
            return Ok(false);
        }
        // Python counts characters here, and always one for the end of the line.
        let length = formatter.format(record)?.chars().count() + 1;
        let size = self
            .file
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |metadata| metadata.len());
        Ok(size as f64 + length as f64 >= max_bytes)
    }

    /// Moves every file to the next number and begins a new one.
    fn roll_over(&mut self) -> Result<(), String> {
        self.file.file = None;
        let count = self.backup_count.clone()?;
        if count > 0 {
            for number in (1..count.min(MOST_BACKUPS)).rev() {
                let from = self.file.path_with(&format!(".{number}"));
                if from.exists() {
                    let to = self.file.path_with(&format!(".{}", number + 1));
                    self.file.remove(&to)?;
                    self.file.rename(&from, &to)?;
                }
            }
            let to = self.file.path_with(".1");
            self.file.remove(&to)?;
            self.file.rename(&self.file.path, &to)?;
        }
        self.file.open_at_once()
    }
}

impl Sink for Rotating {
    fn open(&mut self) -> Result<(), String> {
        self.file.open_at_once()
    }

    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        if self.is_due(record, formatter)? {
            self.roll_over()?;
        }
        self.file.write(record, formatter)
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "maxBytes" => self.max_bytes = late::number(name, value),
            "backupCount" => self.backup_count = late::count(name, value),
            _ => self.file.set(name, value),
        }
    }

    fn is_stderr(&self) -> bool {
        self.file.is_stderr()
    }
}
