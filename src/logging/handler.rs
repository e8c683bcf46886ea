//! A configured handler: its level, filters and formatter before what it does with a record.

use std::sync::Arc;

use crate::error::without_number;
use crate::format::Formatter;
use crate::handlers::{Memory, Sink, Taken};
use crate::record::Record;

/// What a handler does with a record.
pub(crate) enum Kind {
    /// nothing
    Null,
    /// keeps it for another handler
    Memory(Memory),
    /// writes it
    Sink(Box<dyn Sink>),
}

/// A configured handler.
pub(crate) struct Handler {
    /// its name in the configuration
    pub(crate) name: String,
    /// below this level it takes nothing
    pub(crate) level: i64,
    /// whether its filters let our records pass
    pub(crate) passes: bool,
    /// its formatter, by number
    pub(crate) formatter: Option<usize>,
    /// what it does
    pub(crate) kind: Kind,
    /// the records that wait to be sent
    pub(crate) queued: Vec<Arc<Record>>,
    /// whether it is of no use any more
    broken: bool,
    /// whether its failure has been reported
    reported: bool,
}

impl Handler {
    /// A handler that hasn't been opened yet.
    pub(crate) fn new(
        name: String,
        level: i64,
        passes: bool,
        formatter: Option<usize>,
        kind: Kind,
    ) -> Self {
        Self {
            name,
            level,
            passes,
            formatter,
            kind,
            queued: Vec::new(),
            broken: false,
            reported: false,
        }
    }

    /// Complains, once, about what is wrong with the handler.
    pub(crate) fn report(&mut self, problem: &str, complain: &dyn Fn(&str)) {
        if !self.reported {
            self.reported = true;
            complain(&format!(
                "handlers.{}: {}",
                self.name,
                without_number(problem)
            ));
        }
    }

    /// Opens the destination. One that can't be opened is reported and left alone from then on.
    pub(crate) fn open(&mut self, complain: &dyn Fn(&str)) {
        if let Kind::Sink(sink) = &mut self.kind
            && let Err(problem) = sink.open()
        {
            self.broken = true;
            self.report(&problem, complain);
        }
    }

    /// Writes one record to a destination of its own.
    pub(crate) fn emit(
        &mut self,
        record: &Arc<Record>,
        formatter: &Formatter,
        complain: &dyn Fn(&str),
    ) {
        if self.broken {
            return;
        }
        if let Kind::Sink(sink) = &mut self.kind {
            match sink.emit(record, formatter) {
                Ok(Taken::Written) => record.set_taken(),
                Ok(Taken::Queued) => self.queued.push(Arc::clone(record)),
                Err(problem) => self.report(&problem, complain),
            }
        }
    }
}
