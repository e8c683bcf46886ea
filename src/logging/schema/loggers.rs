//! Loggers: `DictConfigurator.configure_logger` and `configure_root`.

use std::collections::BTreeSet;

use super::filters;
use super::section::Section;
use crate::error::ConfigError;
use crate::level;
use crate::references::References;
use crate::value::{Object, Value};

/// What a logger has been configured to do.
#[derive(Debug)]
pub(crate) struct Node {
    /// its level; 0 leaves it to the root
    pub(crate) level: i64,
    /// its handlers, by number, in order
    pub(crate) handlers: Vec<usize>,
    /// whether its filters let our records pass
    pub(crate) passes: bool,
    /// whether its parents' handlers get its records too
    pub(crate) propagate: bool,
}

impl Node {
    /// A logger of which nothing has been said.
    pub(crate) fn new(level: i64) -> Self {
        Node {
            level,
            handlers: Vec::new(),
            passes: true,
            propagate: true,
        }
    }
}

/// What a section changes about a logger.
#[derive(Default)]
pub(crate) struct Change {
    /// the new level
    level: Option<i64>,
    /// the handlers in place of the old ones
    handlers: Option<Vec<usize>>,
    /// whether a filter keeps our records out
    vetoed: bool,
    /// whether its parents' handlers get its records too
    propagate: Option<bool>,
}

impl Change {
    /// Makes the change.
    pub(crate) fn apply(self, node: &mut Node) {
        node.level = self.level.unwrap_or(node.level);
        if let Some(handlers) = self.handlers {
            node.handlers = handlers;
        }
        // Filters are added to those that are there.
        node.passes &= !self.vetoed;
        node.propagate = self.propagate.unwrap_or(node.propagate);
    }
}

/// Reads what a section says of a logger other than the root.
pub(crate) fn configure(
    references: &mut References,
    section: &Section,
    incremental: bool,
) -> Result<Change, ConfigError> {
    let mut change = configure_root(references, section, incremental)?;
    change.propagate = section
        .get(references, "propagate")?
        .filter(|value| *value != Value::None)
        .map(|value| value.truthy());
    Ok(change)
}

/// Reads what a section says of the root, or of any logger (`common_logger_config`).
pub(crate) fn configure_root(
    references: &mut References,
    section: &Section,
    incremental: bool,
) -> Result<Change, ConfigError> {
    let level = match section.get(references, "level")? {
        None | Some(Value::None) => None,
        Some(value) => Some(level::parse(&value).map_err(|error| section.error("level", error))?),
    };
    let mut change = Change {
        level,
        ..Change::default()
    };
    if incremental {
        return Ok(change);
    }
    let (mut attached, mut known) = (Vec::new(), BTreeSet::new());
    if let Some(names) = section.get(references, "handlers")? {
        for name in section.iterate("handlers", &names)? {
            let found = section.look_up(references, "handlers", &name, "handlers")?;
            let Value::Object(Object::Handler(number)) = found else {
                let message = format!("{} is no handler", name.repr());
                return Err(section.error("handlers", message));
            };
            if known.insert(number) {
                attached.push(number);
            }
        }
    }
    change.handlers = Some(attached);
    let names = section.get(references, "filters")?;
    change.vetoed = !filters::all_pass(references, section, names)?;
    Ok(change)
}
