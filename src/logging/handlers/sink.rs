//! A destination of records: what the handlers of all classes but two have in common.

use std::sync::Arc;

use crate::format::Formatter;
use crate::network::Delivery;
use crate::record::Record;
use crate::value::Value;

/// What became of a record that a destination was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Taken {
    /// it is there
    Written,
    /// it waits to be sent
    Queued,
}

/// A destination of records. Dropping it closes it.
pub(crate) trait Sink: Send {
    /// Opens the destination, as the class does when it is made.
    ///
    /// # Errors
    /// The destination and what is wrong with it.
    fn open(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Writes one record, or keeps it for `delivery`.
    ///
    /// # Errors
    /// The destination and what is wrong with it, or with the format.
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String>;

    /// Sets an attribute, as a `.` dictionary does; one without a meaning here is ignored.
    fn set(&mut self, _name: &str, _value: &Value) {}

    /// Hands over what is to be sent once the program's work is done.
    fn delivery(&mut self) -> Option<Delivery> {
        None
    }

    /// Whether it is the standard error stream.
    fn is_stderr(&self) -> bool {
        false
    }
}
