//! The dictionary schema: from a section to handlers and loggers, in the steps of `DictConfigurator.configure`.

use super::format::{Formatter, Late, Style};
use super::handlers::eventlog::EventLog;
use super::handlers::file::FileHandler;
use super::handlers::http::Http;
use super::handlers::journal::Journal;
use super::handlers::memory::Memory;
use super::handlers::rotating::Rotating;
use super::handlers::smtp::Smtp;
use super::handlers::socket::Socket;
use super::handlers::stream::Stream;
use super::handlers::syslog::SysLog;
use super::handlers::timed::Timed;
use super::handlers::watched::Watched;
use super::handlers::{Arguments, Handler, Kind, Sink, late_text};
use super::tree::{Id, Tree};
use super::value::{Object, Value};
use super::{ConfigError, LOGGER_NAME, level};

/// The classes that a configuration can name. The last two aren't handlers.
pub(super) const CLASSES: [&str; 16] = [
    "logging.StreamHandler",
    "logging.NullHandler",
    "logging.FileHandler",
    "logging.handlers.WatchedFileHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.SysLogHandler",
    "logging.handlers.NTEventLogHandler",
    "logging.handlers.MemoryHandler",
    "logging.handlers.SocketHandler",
    "logging.handlers.DatagramHandler",
    "logging.handlers.SMTPHandler",
    "logging.handlers.HTTPHandler",
    "systemd.journal.JournalHandler",
    FORMATTER,
    FILTER,
];

/// The class of formatters.
const FORMATTER: &str = "logging.Formatter";
/// The class of filters.
const FILTER: &str = "logging.Filter";

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
struct Configurator {
    /// the section
    tree: Tree,
    /// what has come of it so far
    plan: Plan,
}

/// What can go wrong with one handler.
enum Problem {
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
fn wrong(path: impl Into<String>, message: impl Into<String>) -> ConfigError {
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
    fn filters(&mut self, config: Id, path: &str, take: bool) -> Result<bool, ConfigError> {
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

    /// `configure_formatter`
    fn formatter(&mut self, config: Id, path: &str) -> Result<Formatter, ConfigError> {
        if self.tree.has(config, "()") {
            self.factory(config, path, FORMATTER)?;
            let attributes = self.attributes(config, path)?;
            let mut given = Vec::new();
            for key in self.tree.keys(config) {
                let value = self
                    .get(config, &key, path)?
                    .map_or(Value::None, |id| self.tree.value(id));
                match key.as_str() {
                    "fmt" | "datefmt" | "style" | "validate" | "defaults" => {
                        given.push((key, value));
                    }
                    // The parameter's older name, which goes before the newer one.
                    "format" => given.insert(0, ("fmt".to_owned(), value)),
                    _ => {
                        let message = "logging.Formatter takes no such argument; it takes: fmt, datefmt, style, validate, defaults";
                        return Err(wrong(format!("{path}.{key}"), message));
                    }
                }
            }
            let mut formatter = formatter(
                |key| {
                    given
                        .iter()
                        .find(|(name, _)| name == key)
                        .map(|(_, value)| value.clone())
                },
                path,
            )?;
            for (name, value) in &attributes {
                match name.as_str() {
                    "datefmt" => formatter.datefmt = late_optional(name, value),
                    "default_time_format" => formatter.default_time_format = late_text(name, value),
                    "default_msec_format" => {
                        formatter.default_msec_format = late_optional(name, value);
                    }
                    _ => {}
                }
            }
            return Ok(formatter);
        }
        let mut given = Vec::new();
        for (key, argument) in [
            ("format", "fmt"),
            ("datefmt", "datefmt"),
            ("style", "style"),
            ("validate", "validate"),
            ("class", "class"),
        ] {
            if let Some(id) = self.get(config, key, path)? {
                given.push((argument, self.tree.value(id)));
            }
        }
        let find = |key: &str| {
            given
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.clone())
        };
        if let Some(class) = find("class").filter(Value::truthy)
            && class != Value::Str(FORMATTER.to_owned())
        {
            return Err(wrong(
                format!("{path}.class"),
                foreign(&class, &[FORMATTER]),
            ));
        }
        formatter(find, path)
    }

    /// `configure_filter`: whether the filter lets records of our logger pass.
    fn filter(&mut self, config: Id, path: &str) -> Result<bool, ConfigError> {
        if self.tree.has(config, "()") {
            self.factory(config, path, FILTER)?;
            self.attributes(config, path)?;
            if let Some(key) = self.tree.keys(config).iter().find(|key| *key != "name") {
                return Err(wrong(
                    format!("{path}.{key}"),
                    "logging.Filter takes no such argument; it takes: name",
                ));
            }
        }
        match self
            .get(config, "name", path)?
            .map(|id| self.tree.value(id))
        {
            None => Ok(true),
            Some(Value::Str(name)) => Ok(name.is_empty() || name == LOGGER_NAME),
            Some(value) => Err(wrong(
                format!("{path}.name"),
                format!("must be a string, not {}", value.repr()),
            )),
        }
    }

    /// Takes out a factory `()`, which must be the one class that there is.
    fn factory(&mut self, config: Id, path: &str, class: &'static str) -> Result<(), ConfigError> {
        let path = format!("{path}.()");
        let factory = self
            .tree
            .pop(config, "()")
            .map_err(|error| wrong(path.clone(), error))?;
        match factory.map_or(Value::None, |id| self.tree.value(id)) {
            Value::Str(name) if name == class => Ok(()),
            Value::Object(Object::Class(name)) if name == class => Ok(()),
            other => Err(wrong(path, foreign(&other, &[class]))),
        }
    }

    /// Takes out a `.` dictionary. Its values stay as they are written, references too.
    fn attributes(&mut self, config: Id, path: &str) -> Result<Vec<(String, Value)>, ConfigError> {
        /// What an object needs for itself and only a Python program could replace.
        const INNER: [&str; 14] = [
            "formatter",
            "filters",
            "lock",
            "emit",
            "handle",
            "format",
            "filter",
            "flush",
            "close",
            "acquire",
            "release",
            "handleError",
            "converter",
            "formatTime",
        ];
        let path = format!("{path}.\".\"");
        let given = self
            .tree
            .pop(config, ".")
            .map_err(|error| wrong(path.clone(), error))?;
        match given.map_or(Value::None, |id| self.tree.value(id)) {
            Value::Dict(attributes) => match attributes
                .iter()
                .find(|(name, _)| INNER.contains(&name.as_str()))
            {
                None => Ok(attributes),
                Some((name, _)) => Err(wrong(
                    format!("{path}.{name}"),
                    "only a Python program could replace this",
                )),
            },
            value if !value.truthy() => Ok(Vec::new()),
            value => Err(wrong(
                path,
                format!("must be an object, not {}", value.repr()),
            )),
        }
    }

    /// `configure_handler`
    fn handler(
        &mut self,
        config: Id,
        path: &str,
    ) -> Result<(Handler, Vec<(String, Value)>), Problem> {
        let before = self.tree.snapshot(config);
        let at = |key: &str| format!("{path}.{key}");
        let take = |this: &mut Self, key: &str| -> Result<Option<Value>, ConfigError> {
            let found = this
                .tree
                .pop(config, key)
                .map_err(|error| wrong(at(key), error))?;
            Ok(found.map(|id| this.tree.value(id)))
        };
        let formatter = match take(self, "formatter")?.filter(Value::truthy) {
            None => None,
            Some(name) => match self.look_up("formatters", &name, &at("formatter"), "formatter")? {
                Value::Object(Object::Formatter(number)) => Some(number),
                _ => {
                    return Err(
                        wrong(at("formatter"), format!("{} is no formatter", name.repr())).into(),
                    );
                }
            },
        };
        let level = match take(self, "level")? {
            None | Some(Value::None) => 0,
            Some(level) => level::parse(&level).map_err(|error| wrong(at("level"), error))?,
        };
        let passes = self.filters(config, path, true)?;
        let (key, class) = match take(self, "()")? {
            Some(class) => ("()", class),
            None => {
                let missing = || {
                    wrong(
                        at("class"),
                        format!("is missing; there are {}", handler_classes().join(", ")),
                    )
                };
                ("class", take(self, "class")?.ok_or_else(missing)?)
            }
        };
        let by_factory = key == "()";
        let class = match &class {
            Value::Str(name) => handler_classes().iter().find(|class| *class == name),
            Value::Object(Object::Class(name)) if by_factory => {
                handler_classes().iter().find(|class| *class == name)
            }
            _ => None,
        }
        .ok_or_else(|| wrong(at(key), foreign(&class, handler_classes())))?;
        let mut target = None;
        if *class == "logging.handlers.MemoryHandler"
            && !by_factory
            && self.tree.has(config, "target")
        {
            let name = self
                .get(config, "target", path)?
                .map_or(Value::None, |id| self.tree.value(id));
            match self.look_up("handlers", &name, &at("target"), "handler")? {
                Value::Object(Object::Handler(number)) => target = Some(number),
                _ => {
                    self.tree.restore(config, before);
                    return Err(Problem::Deferred);
                }
            }
            self.tree
                .pop(config, "target")
                .map_err(|error| wrong(at("target"), error))?;
        }
        let mut values = Vec::new();
        for key in self.tree.keys(config) {
            if key == "." {
                continue;
            }
            let identifier = key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
            if !identifier || key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(wrong(at(&key), "not the name of an argument").into());
            }
            let value = self
                .get(config, &key, path)?
                .map_or(Value::None, |id| self.tree.value(id));
            values.push((key, value));
        }
        let mut arguments = Arguments::new(path.to_owned(), values, by_factory);
        let kind = make(class, &mut arguments, target)?;
        arguments.finish()?;
        let attributes = self.attributes(config, path)?;
        let handler = Handler {
            name: String::new(),
            level,
            passes,
            formatter,
            kind,
            broken: false,
            reported: false,
        };
        Ok((handler, attributes))
    }

    /// An object's value, references looked up.
    fn get(&mut self, config: Id, key: &str, path: &str) -> Result<Option<Id>, ConfigError> {
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
    fn look_up(
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

/// The classes of handlers.
fn handler_classes() -> &'static [&'static str] {
    &CLASSES[..CLASSES.len() - 2]
}

/// The complaint about a class that isn't here.
fn foreign(class: &Value, known: &[&str]) -> String {
    let class = class.repr();
    format!(
        "{class} is not to be had in a native program; there are {}",
        known.join(", ")
    )
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

/// A text that may be left out.
fn late_optional(name: &str, value: &Value) -> Late<Option<String>> {
    if value.truthy() {
        late_text(name, value).map(Some)
    } else {
        Ok(None)
    }
}

/// `logging.Formatter(fmt, datefmt, style, validate, defaults=defaults)`
fn formatter(find: impl Fn(&str) -> Option<Value>, path: &str) -> Result<Formatter, ConfigError> {
    let style = find("style").unwrap_or(Value::Str("%".to_owned()));
    let style = match &style {
        Value::Str(text) => Style::parse(text),
        _ => None,
    }
    .ok_or_else(|| {
        wrong(
            format!("{path}.style"),
            format!(
                "must be one of \"%\", \"{{\" and \"$\", not {}",
                style.repr()
            ),
        )
    })?;
    let format = match find("fmt").filter(Value::truthy) {
        None => Ok(style.default_format().to_owned()),
        Some(format) => late_text("format", &format),
    };
    if find("validate").is_none_or(|validate| validate.truthy()) {
        let checked = format
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|format| style.validate(format));
        checked.map_err(|error| wrong(format!("{path}.format"), error))?;
    }
    let datefmt = late_optional("datefmt", &find("datefmt").unwrap_or(Value::None));
    let datefmt = datefmt.and_then(|datefmt| match datefmt {
        Some(text) if text.contains('\0') => Err("datefmt: embedded null character".to_owned()),
        datefmt => Ok(datefmt),
    });
    let defaults = match find("defaults") {
        Some(Value::Dict(entries)) => Ok(entries),
        Some(value) if value.truthy() => {
            Err(format!("defaults must be an object, not {}", value.repr()))
        }
        _ => Ok(Vec::new()),
    };
    Ok(Formatter {
        style,
        format,
        datefmt,
        defaults,
        ..Formatter::default()
    })
}

/// Makes a handler of a class.
fn make(
    class: &str,
    arguments: &mut Arguments,
    target: Option<usize>,
) -> Result<Kind, ConfigError> {
    /// Puts a destination on the heap.
    fn sink<S: Sink + 'static>(sink: S) -> Kind {
        Kind::Sink(Box::new(sink))
    }
    Ok(match class.rsplit('.').next().unwrap_or_default() {
        "StreamHandler" => sink(Stream::new(arguments)?),
        "FileHandler" => sink(FileHandler::new(arguments)?),
        "WatchedFileHandler" => sink(Watched::new(arguments)?),
        "RotatingFileHandler" => sink(Rotating::new(arguments)?),
        "TimedRotatingFileHandler" => sink(Timed::new(arguments)?),
        "SysLogHandler" => sink(SysLog::new(arguments)?),
        "NTEventLogHandler" => sink(EventLog::new(arguments)?),
        "MemoryHandler" => Kind::Memory(Memory::new(arguments, target)?),
        "SocketHandler" => sink(Socket::new(arguments, true)?),
        "DatagramHandler" => sink(Socket::new(arguments, false)?),
        "SMTPHandler" => sink(Smtp::new(arguments)?),
        "HTTPHandler" => sink(Http::new(arguments)?),
        "JournalHandler" => sink(Journal::new(arguments)?),
        _ => {
            // `NullHandler` takes a level, but that has been taken out already.
            Kind::Null
        }
    })
}
