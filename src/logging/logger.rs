//! The logger: from a record of the `log` crate to the handlers that take it.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use crate::environment::Environment;
use crate::format::Formatter;
use crate::handler::{Handler, Kind};
use crate::level;
use crate::network::{self, Outside};
use crate::record::Record;
use crate::schema::{Node, Plan};
use crate::streams::Stderr;
use crate::system;

/// How many errors that nobody has taken are kept.
const MAX_KEPT: usize = 100;

/// The logger that a [`Configuration`](crate::Configuration) describes, with its handlers. Give it to [`log::set_logger`]
/// or [`log::set_boxed_logger`], and call [`Logger::finish`] at the program's end.
pub struct Logger {
    /// the name that Python would know it by
    name: Arc<str>,
    /// below this level nothing is logged
    level: i64,
    /// when the program's log began
    start: SystemTime,
    /// what is needed from outside
    environment: Environment,
    /// the formatter of handlers without one
    default_formatter: Formatter,
    /// the formatters
    formatters: Vec<Formatter>,
    /// whether the logger's filters let records pass
    passes: bool,
    /// the numbers of the handlers that get records, the logger's own first and the root's last
    attached: Vec<usize>,
    /// what changes
    state: Mutex<State>,
}

/// What changes while a program logs.
struct State {
    /// the handlers; none are left after the end
    handlers: Vec<Handler>,
    /// errors that no destination has taken yet
    errors: Vec<Arc<Record>>,
}

impl Logger {
    /// Opens the destinations of a plan.
    pub(crate) fn open(plan: Plan, name: Arc<str>, environment: Environment) -> Self {
        let Plan {
            formatters,
            mut handlers,
            attributes,
            loggers,
        } = plan;
        for (handler, attributes) in handlers.iter_mut().zip(attributes) {
            handler.open(&*environment.complain);
            for (name, value) in &attributes {
                match (&mut handler.kind, name.as_str()) {
                    (_, "level") => handler.level = value.integer().unwrap_or(handler.level),
                    (Kind::Sink(sink), _) => sink.set(name, value),
                    (Kind::Memory(memory), _) => memory.set(name, value),
                    (Kind::Null, _) => {}
                }
            }
        }
        Logger {
            name,
            level: effective_level(&loggers),
            start: SystemTime::now(),
            environment,
            default_formatter: Formatter::default(),
            formatters,
            passes: loggers.first().is_none_or(|own| own.passes),
            attached: attached(&loggers),
            state: Mutex::new(State {
                handlers,
                errors: Vec::new(),
            }),
        }
    }

    /// The most that is logged, for [`log::set_max_level`].
    #[must_use]
    pub fn max_level(&self) -> log::LevelFilter {
        level::filter(self.level)
    }

    /// Whether a record of this level would be written to the standard error stream, by a handler or because there is no
    /// handler at all. A program that also logs there by itself can so avoid saying things twice.
    #[must_use]
    pub fn writes_to_stderr(&self, level: log::Level) -> bool {
        let level = level::of(level);
        if level < self.level || !self.passes {
            return false;
        }
        if self.attached.is_empty() {
            return level >= level::WARNING;
        }
        let state = self.lock();
        self.attached.iter().any(|number| {
            state
                .handlers
                .get(*number)
                .is_some_and(|handler| level >= handler.level)
                && leads_to_stderr(&state.handlers, *number)
        })
    }

    /// Passes on what handlers have kept, sends what is for the network, and closes everything. Takes no longer than
    /// [`Environment::network_time`] and a little, whatever the other side does. Records that are logged afterwards go nowhere.
    ///
    /// Returns the messages of the errors ([`log::Level::Error`]) that no destination has taken: because of their level, a
    /// filter, a file that can't be written, or a server that doesn't answer. What has been logged when nobody listened is
    /// worth another try, on stderr say. No more than the last hundred are kept.
    #[must_use = "errors that nobody has taken should not get lost"]
    pub fn finish(&self) -> Vec<String> {
        let mut state = self.lock();
        let mut handlers = std::mem::take(&mut state.handlers);
        let errors = std::mem::take(&mut state.errors);
        drop(state);
        let mut sending = Vec::new();
        let mut deliveries = Vec::new();
        // Python's shutdown goes from the last handler to the first.
        for number in (0..handlers.len()).rev() {
            self.flush(&mut handlers, number);
        }
        for mut handler in handlers {
            if let Kind::Sink(sink) = &mut handler.kind
                && let Some(delivery) = sink.delivery()
            {
                deliveries.push(delivery);
                sending.push(handler);
            }
        }
        if !deliveries.is_empty() {
            let deadline = Instant::now() + self.environment.network_time;
            let outside = Outside {
                resolve: Arc::clone(&self.environment.resolve),
                authorities: Arc::clone(&self.environment.authorities),
            };
            let outcomes = network::deliver(deliveries, &outside, deadline);
            for (number, outcome) in outcomes {
                let Some(handler) = sending.get_mut(number) else {
                    continue;
                };
                match outcome {
                    Ok(()) => handler.queued.iter().for_each(|record| record.set_taken()),
                    Err(problem) => handler.report(&problem, &*self.environment.complain),
                }
            }
        }
        errors
            .iter()
            .filter(|record| !record.is_taken())
            .map(|record| record.message.clone())
            .collect()
    }

    /// What changes. A thread that panicked with it leaves it usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Logger.handle`, and the errors that nobody has taken so far.
    fn handle(&self, record: &Arc<Record>) {
        let mut state = self.lock();
        if record.level >= self.level && self.passes {
            self.call_handlers(&mut state.handlers, record);
        }
        if record.level >= level::ERROR && !record.is_taken() {
            if state.errors.len() == MAX_KEPT {
                state.errors.remove(0);
            }
            state.errors.push(Arc::clone(record));
        }
    }

    /// `Logger.callHandlers`
    fn call_handlers(&self, handlers: &mut [Handler], record: &Arc<Record>) {
        if self.attached.is_empty() {
            self.last_resort(record);
        }
        for number in &self.attached {
            if handlers
                .get(*number)
                .is_some_and(|handler| record.level >= handler.level)
            {
                self.pass(handlers, *number, record);
            }
        }
    }

    /// `logging.lastResort`: warnings and worse go to stderr if there is no handler at all.
    fn last_resort(&self, record: &Record) {
        if record.level >= level::WARNING
            && let Ok(text) = self.default_formatter.format(record)
            && Stderr
                .write_all(system::line_ends(text + "\n").as_bytes())
                .is_ok()
        {
            record.set_taken();
        }
    }

    /// `Handler.handle`, which looks at the handler's filters but not at its level.
    fn pass(&self, handlers: &mut [Handler], number: usize, record: &Arc<Record>) {
        let Some(handler) = handlers.get_mut(number).filter(|handler| handler.passes) else {
            return;
        };
        let complain = &*self.environment.complain;
        if let Kind::Memory(memory) = &mut handler.kind {
            match memory.keep(record) {
                Ok(true) => self.flush(handlers, number),
                Ok(false) => {}
                Err(problem) => handler.report(&problem, complain),
            }
        } else {
            let formatter = handler
                .formatter
                .and_then(|number| self.formatters.get(number));
            handler.emit(
                record,
                formatter.unwrap_or(&self.default_formatter),
                complain,
            );
        }
    }

    /// Passes on what a memory handler has kept. A chain of them ends, since a target is always made before its handler.
    fn flush(&self, handlers: &mut [Handler], number: usize) {
        let Some(handler) = handlers.get_mut(number) else {
            return;
        };
        let Kind::Memory(memory) = &mut handler.kind else {
            return;
        };
        match memory.target.clone() {
            Ok(Some(target)) => {
                for record in std::mem::take(&mut memory.buffer) {
                    self.pass(handlers, target, &record);
                }
            }
            // Without a target the records stay where they are.
            Ok(None) => {}
            Err(problem) => handler.report(&problem, &*self.environment.complain),
        }
    }
}

/// `Logger.getEffectiveLevel`: the first level that is set, from the logger itself up to the root.
fn effective_level(loggers: &[Node]) -> i64 {
    loggers
        .iter()
        .map(|logger| logger.level)
        .find(|level| *level != 0)
        .unwrap_or(0)
}

/// The handlers that a logger's records get to: its own, and those of its parents as far as they propagate.
fn attached(loggers: &[Node]) -> Vec<usize> {
    let mut attached = Vec::new();
    for logger in loggers {
        attached.extend_from_slice(&logger.handlers);
        if !logger.propagate {
            break;
        }
    }
    attached
}

/// Whether what a handler takes is written to the standard error stream.
fn leads_to_stderr(handlers: &[Handler], number: usize) -> bool {
    match handlers.get(number) {
        Some(handler) if handler.passes => match &handler.kind {
            Kind::Null => false,
            Kind::Sink(sink) => sink.is_stderr(),
            Kind::Memory(memory) => {
                matches!(memory.target, Ok(Some(target)) if leads_to_stderr(handlers, target))
            }
        },
        _ => false,
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        level::of(metadata.level()) >= self.level
    }

    fn log(&self, record: &log::Record) {
        // An error that is not enabled is told by `finish`.
        if self.enabled(record.metadata()) || record.level() == log::Level::Error {
            self.handle(&Arc::new(Record::new(record, &self.name, self.start)));
        }
    }

    fn flush(&self) {}
}
