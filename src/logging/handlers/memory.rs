//! `logging.handlers.MemoryHandler`: keeps records for another handler until one of them is bad enough.

use std::sync::Arc;

use super::arguments::Arguments;
use crate::error::ConfigError;
use crate::late::{self, Late};
use crate::record::Record;
use crate::value::Value;

/// A buffer before another handler.
pub(crate) struct Memory {
    /// how many records are enough
    capacity: Late<f64>,
    /// the level that is bad enough
    flush_level: Late<f64>,
    /// the other handler's number
    pub(crate) target: Late<Option<usize>>,
    /// what has come so far
    pub(crate) buffer: Vec<Arc<Record>>,
}

impl Memory {
    /// Reads the class's arguments; the target has been looked up.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let capacity = late::number("capacity", &arguments.required("capacity")?);
        let flush_level = late::number(
            "flushLevel",
            &arguments.take("flushLevel").unwrap_or(Value::Int(40)),
        );
        let target = match arguments.take("target") {
            None => Ok(arguments.target),
            Some(Value::None) => Ok(None),
            Some(value) => Err(format!("target {} is no handler", value.repr())),
        };
        // CPython 3.11 empties the buffer at the program's end whatever this says.
        arguments.take("flushOnClose");
        Ok(Memory {
            capacity,
            flush_level,
            target,
            buffer: Vec::new(),
        })
    }

    /// Keeps a record; true if it is time to pass them on.
    #[allow(clippy::cast_precision_loss)] // counts and levels are small
    pub(crate) fn keep(&mut self, record: &Arc<Record>) -> Result<bool, String> {
        self.buffer.push(Arc::clone(record));
        if self.buffer.len() as f64 >= self.capacity.clone()? {
            return Ok(true);
        }
        Ok(record.level as f64 >= self.flush_level.clone()?)
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, name: &str, value: &Value) {
        match name {
            "capacity" => self.capacity = late::number(name, value),
            "flushLevel" => self.flush_level = late::number(name, value),
            _ => {}
        }
    }
}
