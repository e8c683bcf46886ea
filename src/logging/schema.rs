//! The dictionary schema: from a section to handlers and loggers, in the steps of `DictConfigurator.configure`.

use super::format::Formatter;
use super::handlers::Handler;
use super::tree::{Id, Tree};
use super::value::{Object, Value};
use super::{ConfigError, LOGGER_NAME, level};

/// What a logger has been configured to do.
#[derive(Debug)]
pub(super) struct Node {
    /// its level; 0 leaves it to the root
    pub(super) level: i64,
    /// its handlers, by number, in order
    pub(super) handlers: Vec<usize>,
    /// whether its filters let our records pass
    pub(super) passes: bool,
    /// whether the root's handlers get its records too
    pub(super) propagate: bool,
}

/// Everything that a section says.
pub(super) struct Plan {
    /// the formatters
    pub(super) formatters: Vec<Formatter>,
    /// the handlers, in the order in which they are made
    pub(super) handlers: Vec<Handler>,
    /// the attributes that each handler is given once it is open
    pub(super) attributes: Vec<Vec<(String, Value)>>,
    /// the root logger
    pub(super) root: Node,
    /// the logger that all records go to
    pub(super) own: Node,
}

/// Works through a section.
pub(super) struct Configurator {
    /// the section
    pub(super) tree: Tree,
    /// what has come of it so far
    plan: Plan,
}

/// What can go wrong with one handler.
pub(super) enum Problem {
    /// its target isn't configured yet: it is tried again after all others
    Deferred,
    /// the configuration is wrong
    Wrong(ConfigError),
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Problem::Wrong(error)
    }
}

/// An error about the key at a path.
pub(super) fn wrong(path: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError {
        path: path.into(),
        message: message.into(),
    }
}

/// Reads a section.
pub(super) fn read(section: &serde_json::Value) -> Result<Plan, ConfigError> {
    if !section.is_object() {
        return Err(wrong("logging", "must be an object"));
    }
    let node = |level| Node {
        level,
        handlers: Vec::new(),
        passes: true,
        propagate: true,
    };
    let plan = Plan {
        formatters: Vec::new(),
        handlers: Vec::new(),
        attributes: Vec::new(),
        root: node(level::WARNING),
        own: node(0),
    };
    let mut configurator = Configurator {
        tree: Tree::new(section),
        plan,
    };
    configurator.configure()?;
    Ok(configurator.plan)
}

impl Configurator {
    /// `DictConfigurator.configure`
    fn configure(&mut self) -> Result<(), ConfigError> {
        let version = self.get(Tree::ROOT, "version", "logging")?;
        let version =
            version.ok_or_else(|| wrong("logging.version", "is missing; it must be 1"))?;
        let version = self.tree.value(version);
        if version.number() != Some(1.0) {
            return Err(wrong(
                "logging.version",
                format!("unsupported version {}; it must be 1", version.repr()),
            ));
        }
        let incremental = self
            .tree
            .pop(Tree::ROOT, "incremental")
            .map_err(|error| wrong("logging.incremental", error))?;
        if incremental.is_some_and(|id| self.tree.value(id).truthy()) {
            return self.configure_incrementally();
        }
        // There are no loggers before this, so it has nothing to disable; but it may refer to something.
        let disable = self.tree.pop(Tree::ROOT, "disable_existing_loggers");
        disable.map_err(|error| wrong("logging.disable_existing_loggers", error))?;
        if let Some(formatters) = self.section("formatters")? {
            for name in self.tree.keys(formatters) {
                let path = format!("logging.formatters.{name}");
                let config = self.dict(formatters, &name, "logging.formatters")?;
                let formatter = self.formatter(config, &path)?;
                self.plan.formatters.push(formatter);
                let object = Object::Formatter(self.plan.formatters.len() - 1);
                self.put(formatters, &name, object);
            }
        }
        if let Some(filters) = self.section("filters")? {
            for name in self.tree.keys(filters) {
                let path = format!("logging.filters.{name}");
                let config = self.dict(filters, &name, "logging.filters")?;
                let passes = self.filter(config, &path)?;
                self.put(filters, &name, Object::Filter(passes));
            }
        }
        self.configure_handlers()?;
        self.configure_loggers(false)
    }

    /// With `incremental` there is nothing to add to, so that only levels and `propagate` count.
    fn configure_incrementally(&mut self) -> Result<(), ConfigError> {
        if let Some(handlers) = self.section("handlers")?
            && let Some(name) = self.tree.keys(handlers).first()
        {
            let message =
                "no handler has been configured before, so with incremental there can be none";
            return Err(wrong(format!("logging.handlers.{name}"), message));
        }
        self.configure_loggers(true)
    }

    /// Configures the handlers in the order of their names, then those whose targets come later.
    fn configure_handlers(&mut self) -> Result<(), ConfigError> {
        let Some(handlers) = self.section("handlers")? else {
            return Ok(());
        };
        let mut names = self.tree.keys(handlers);
        names.sort();
        let mut deferred = Vec::new();
        for name in &names {
            match self.configure_handler(handlers, name) {
                Ok(()) => {}
                Err(Problem::Deferred) => deferred.push(name),
                Err(Problem::Wrong(error)) => return Err(error),
            }
        }
        for name in deferred {
            self.configure_handler(handlers, name).map_err(|problem| match problem {
                Problem::Wrong(error) => error,
                Problem::Deferred => wrong(
                    format!("logging.handlers.{name}.target"),
                    "the target is this handler itself, or one that has a target of its own and comes later",
                ),
            })?;
        }
        Ok(())
    }

    /// Configures one handler and puts it in the place of its description.
    fn configure_handler(&mut self, handlers: Id, name: &str) -> Result<(), Problem> {
        let path = format!("logging.handlers.{name}");
        let config = self.dict(handlers, name, "logging.handlers")?;
        let (mut handler, attributes) = self.handler(config, &path)?;
        name.clone_into(&mut handler.name);
        self.plan.handlers.push(handler);
        self.plan.attributes.push(attributes);
        self.put(
            handlers,
            name,
            Object::Handler(self.plan.handlers.len() - 1),
        );
        Ok(())
    }

    /// Configures the loggers and the root.
    fn configure_loggers(&mut self, incremental: bool) -> Result<(), ConfigError> {
        if let Some(loggers) = self.section("loggers")? {
            for name in self.tree.keys(loggers) {
                let path = format!("logging.loggers.{name}");
                let config = self.dict(loggers, &name, "logging.loggers")?;
                let mut node = self.logger(config, &path, incremental)?;
                let propagate = self
                    .get(config, "propagate", &path)?
                    .map(|id| self.tree.value(id));
                node.propagate = propagate
                    .filter(|value| *value != Value::None)
                    .map(|value| value.truthy());
                // Both names lead to the root logger; all others but ours get no records.
                match name.as_str() {
                    "" | "root" => node.apply(&mut self.plan.root),
                    LOGGER_NAME => node.apply(&mut self.plan.own),
                    _ => {}
                }
            }
        }
        let root = self.get(Tree::ROOT, "root", "logging")?;
        let Some(root) = root.filter(|id| self.tree.value(*id).truthy()) else {
            return Ok(());
        };
        if !self.tree.is_dict(root) {
            return Err(wrong("logging.root", "must be an object"));
        }
        self.logger(root, "logging.root", incremental)?
            .apply(&mut self.plan.root);
        Ok(())
    }

    /// `common_logger_config`
    fn logger(
        &mut self,
        config: Id,
        path: &str,
        incremental: bool,
    ) -> Result<LoggerChange, ConfigError> {
        let mut change = LoggerChange {
            level: self.level(config, path)?,
            ..LoggerChange::default()
        };
        if incremental {
            return Ok(change);
        }
        let mut attached = Vec::new();
        if let Some(names) = self.get(config, "handlers", path)? {
            let path = format!("{path}.handlers");
            for name in iterate(&self.tree.value(names), &path)? {
                match self.look_up("handlers", &name, &path, "handler")? {
                    Value::Object(Object::Handler(number)) if !attached.contains(&number) => {
                        attached.push(number);
                    }
                    Value::Object(Object::Handler(_)) => {}
                    _ => return Err(wrong(path, format!("{} is no handler", name.repr()))),
                }
            }
        }
        change.handlers = Some(attached);
        change.vetoed = !self.filters(config, path, false)?;
        Ok(change)
    }

    /// A logger's `level`, or a handler's.
    fn level(&mut self, config: Id, path: &str) -> Result<Option<i64>, ConfigError> {
        match self
            .get(config, "level", path)?
            .map(|id| self.tree.value(id))
        {
            None | Some(Value::None) => Ok(None),
            Some(value) => level::parse(&value)
                .map(Some)
                .map_err(|error| wrong(format!("{path}.level"), error)),
        }
    }

    /// Whether the named filters of a logger or handler let our records pass.
    pub(super) fn filters(
        &mut self,
        config: Id,
        path: &str,
        take: bool,
    ) -> Result<bool, ConfigError> {
        let path = format!("{path}.filters");
        let names = if take {
            self.tree.pop(config, "filters")
        } else {
            self.tree.get(config, "filters")
        };
        let mut passes = true;
        if let Some(names) = names.map_err(|error| wrong(path.clone(), error))? {
            for name in iterate(&self.tree.value(names), &path)? {
                match self.look_up("filters", &name, &path, "filter")? {
                    Value::Object(Object::Filter(one)) => passes &= one,
                    _ => return Err(wrong(path, format!("{} is no filter", name.repr()))),
                }
            }
        }
        Ok(passes)
    }

    /// An object's value, references looked up.
    pub(super) fn get(
        &mut self,
        config: Id,
        key: &str,
        path: &str,
    ) -> Result<Option<Id>, ConfigError> {
        self.tree
            .get(config, key)
            .map_err(|error| wrong(format!("{path}.{key}"), error))
    }

    /// One of the main parts, if it is there and not empty.
    fn section(&mut self, key: &str) -> Result<Option<Id>, ConfigError> {
        let Some(id) = self.get(Tree::ROOT, key, "logging")? else {
            return Ok(None);
        };
        match self.tree.value(id) {
            Value::Dict(_) => Ok(Some(id)),
            // Python walks over these without noticing what they are.
            Value::List(items) if items.is_empty() => Ok(None),
            Value::Str(text) if text.is_empty() => Ok(None),
            _ => Err(wrong(format!("logging.{key}"), "must be an object")),
        }
    }

    /// An object within one of the main parts.
    fn dict(&mut self, parent: Id, key: &str, path: &str) -> Result<Id, ConfigError> {
        let id = self.get(parent, key, path)?;
        id.filter(|id| self.tree.is_dict(*id))
            .ok_or_else(|| wrong(format!("{path}.{key}"), "must be an object"))
    }

    /// Puts what has been made in the place of its description.
    fn put(&mut self, dict: Id, key: &str, object: Object) {
        let leaf = self.tree.leaf(Value::Object(object));
        self.tree.set(dict, key, leaf);
    }

    /// `self.config[section][name]`
    pub(super) fn look_up(
        &mut self,
        section: &str,
        name: &Value,
        path: &str,
        what: &str,
    ) -> Result<Value, ConfigError> {
        let missing = |known: &[String]| {
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            wrong(
                path,
                format!("there is no {what} {}; there are: {known}", name.repr()),
            )
        };
        let Some(section) = self.section(section)? else {
            return Err(missing(&[]));
        };
        let found = match name {
            Value::Str(key) => self
                .tree
                .get(section, key)
                .map_err(|error| wrong(path, error))?,
            _ => None,
        };
        match found {
            Some(id) => Ok(self.tree.value(id)),
            None => Err(missing(&self.tree.keys(section))),
        }
    }
}

/// What a section changes about a logger.
#[derive(Default)]
struct LoggerChange {
    /// the new level
    level: Option<i64>,
    /// the handlers in place of the old ones
    handlers: Option<Vec<usize>>,
    /// whether a filter keeps our records out
    vetoed: bool,
    /// whether the root's handlers get its records too
    propagate: Option<bool>,
}

impl LoggerChange {
    /// Makes the change.
    fn apply(self, node: &mut Node) {
        node.level = self.level.unwrap_or(node.level);
        if let Some(handlers) = self.handlers {
            node.handlers = handlers;
        }
        // Filters are added to those that are there.
        node.passes &= !self.vetoed;
        node.propagate = self.propagate.unwrap_or(node.propagate);
    }
}

/// The values that Python's `for name in names` yields.
fn iterate(names: &Value, path: &str) -> Result<Vec<Value>, ConfigError> {
    match names {
        names if !names.truthy() => Ok(Vec::new()),
        Value::List(items) => Ok(items.clone()),
        Value::Str(text) => Ok(text.chars().map(|c| Value::Str(c.to_string())).collect()),
        Value::Dict(entries) => Ok(entries
            .iter()
            .map(|(key, _)| Value::Str(key.clone()))
            .collect()),
        _ => Err(wrong(
            path,
            format!("must be a list of names, not {}", names.repr()),
        )),
    }
}
