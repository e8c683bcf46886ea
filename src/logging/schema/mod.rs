//! The dictionary schema: from a configuration to handlers and loggers, in the steps of `DictConfigurator.configure`.

mod filters;
mod formatters;
mod handlers;
mod loggers;
mod objects;
mod section;

pub(crate) use loggers::Node;

use crate::classes;
use crate::error::ConfigError;
use crate::format::Formatter;
use crate::handler::Handler;
use crate::level;
use crate::references::References;
use crate::value::{Object, Value};
use handlers::Problem;
use section::Section;

/// Everything that a configuration says about one logger.
pub(crate) struct Plan {
    /// the formatters
    pub(crate) formatters: Vec<Formatter>,
    /// the handlers, in the order in which they are made
    pub(crate) handlers: Vec<Handler>,
    /// the attributes that each handler is given once it is open
    pub(crate) attributes: Vec<Vec<(String, Value)>>,
    /// the logger that all records go to, its parents, and the root
    pub(crate) loggers: Vec<Node>,
}

/// Reads a configuration.
pub(crate) fn read(section: &serde_json::Value, logger: &str) -> Result<Plan, ConfigError> {
    if !section.is_object() {
        return Err(ConfigError::new("", "must be an object"));
    }
    let plan = Plan {
        formatters: Vec::new(),
        handlers: Vec::new(),
        attributes: Vec::new(),
        loggers: lineage(logger),
    };
    let references =
        References::new(section, classes::named).map_err(|error| ConfigError::new("", error))?;
    let mut configurator = Configurator {
        references,
        plan,
        logger,
    };
    configurator.configure()?;
    Ok(configurator.plan)
}

/// A logger, its parents, and the root, before anything is said of them: `a.b`, `a`, the root.
fn lineage(logger: &str) -> Vec<Node> {
    let mut loggers: Vec<Node> = (0..depth(logger)).map(|_| Node::new(0)).collect();
    loggers.push(Node::new(level::WARNING));
    loggers
}

/// How many loggers there are from this one up to the root, which isn't counted.
fn depth(logger: &str) -> usize {
    if is_root(logger) {
        0
    } else {
        logger.split('.').count()
    }
}

/// Whether this is a name of the root logger.
pub(crate) fn is_root(name: &str) -> bool {
    matches!(name, "" | "root")
}

/// Where a logger stands in the lineage of another, if it does.
fn position(name: &str, logger: &str) -> Option<usize> {
    if is_root(name) {
        return Some(depth(logger));
    }
    let rest = logger.strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with('.')).then(|| rest.matches('.').count())
}

/// Works through a configuration.
struct Configurator<'a> {
    /// the configuration
    references: References<'a>,
    /// what has come of it so far
    plan: Plan,
    /// the name of the logger that all records go to
    logger: &'a str,
}

impl Configurator<'_> {
    /// `DictConfigurator.configure`
    fn configure(&mut self) -> Result<(), ConfigError> {
        let top = Section::root();
        let version = top
            .get(&mut self.references, "version")?
            .ok_or_else(|| top.error("version", "is missing; it must be 1"))?;
        if version.number() != Some(1.0) {
            let message = format!("unsupported version {}; it must be 1", version.repr());
            return Err(top.error("version", message));
        }
        let incremental = top.take(&mut self.references, "incremental")?;
        if incremental.is_some_and(|value| value.truthy()) {
            return self.configure_incrementally();
        }
        // There are no loggers before this, so it has nothing to disable; but it may refer to something.
        top.take(&mut self.references, "disable_existing_loggers")?;
        if let Some(formatters) = top.part(&mut self.references, "formatters")? {
            for name in formatters.keys(&self.references) {
                let section = formatters.object(&mut self.references, &name)?;
                let formatter = formatters::configure(&mut self.references, &section)?;
                let number = self.plan.formatters.len();
                self.plan.formatters.push(formatter);
                formatters.put(&mut self.references, &name, Object::Formatter(number));
            }
        }
        if let Some(filters) = top.part(&mut self.references, "filters")? {
            for name in filters.keys(&self.references) {
                let section = filters.object(&mut self.references, &name)?;
                let passes = filters::configure(&mut self.references, &section, self.logger)?;
                filters.put(&mut self.references, &name, Object::Filter(passes));
            }
        }
        self.configure_handlers()?;
        self.configure_loggers(false)
    }

    /// With `incremental` there is nothing to add to, so that only levels and `propagate` count.
    fn configure_incrementally(&mut self) -> Result<(), ConfigError> {
        if let Some(handlers) = Section::root().part(&mut self.references, "handlers")?
            && let Some(name) = handlers.keys(&self.references).first()
        {
            let message =
                "no handler has been configured before, so with incremental there can be none";
            return Err(handlers.error(name, message));
        }
        self.configure_loggers(true)
    }

    /// Configures the handlers in the order of their names, then those whose targets come later.
    fn configure_handlers(&mut self) -> Result<(), ConfigError> {
        let Some(handlers) = Section::root().part(&mut self.references, "handlers")? else {
            return Ok(());
        };
        let mut names = handlers.keys(&self.references);
        names.sort();
        let mut deferred = Vec::new();
        for name in &names {
            match self.configure_handler(&handlers, name) {
                Ok(()) => {}
                Err(Problem::Deferred) => deferred.push(name),
                Err(Problem::Wrong(error)) => return Err(error),
            }
        }
        for name in deferred {
            self.configure_handler(&handlers, name).map_err(|problem| match problem {
                Problem::Wrong(error) => error,
                Problem::Deferred => handlers.error(
                    &format!("{name}.target"),
                    "the target is this handler itself, or one that has a target of its own and comes later",
                ),
            })?;
        }
        Ok(())
    }

    /// Configures one handler and puts it in the place of its description.
    fn configure_handler(&mut self, handlers: &Section, name: &str) -> Result<(), Problem> {
        let section = handlers.object(&mut self.references, name)?;
        let (handler, attributes) = handlers::configure(&mut self.references, &section, name)?;
        let number = self.plan.handlers.len();
        self.plan.handlers.push(handler);
        self.plan.attributes.push(attributes);
        handlers.put(&mut self.references, name, Object::Handler(number));
        Ok(())
    }

    /// Configures the loggers and the root.
    fn configure_loggers(&mut self, incremental: bool) -> Result<(), ConfigError> {
        let top = Section::root();
        if let Some(loggers) = top.part(&mut self.references, "loggers")? {
            for name in loggers.keys(&self.references) {
                let section = loggers.object(&mut self.references, &name)?;
                let change = loggers::configure(&mut self.references, &section, incremental)?;
                // All others get no records.
                if let Some(node) = position(&name, self.logger)
                    .and_then(|position| self.plan.loggers.get_mut(position))
                {
                    change.apply(node);
                }
            }
        }
        let root = top.get(&mut self.references, "root")?;
        if root.is_some_and(|root| root.truthy()) {
            let root = top.object(&mut self.references, "root")?;
            let change = loggers::configure_root(&mut self.references, &root, incremental)?;
            if let Some(root) = self.plan.loggers.last_mut() {
                change.apply(root);
            }
        }
        Ok(())
    }
}
