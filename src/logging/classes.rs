//! The classes that a section can name, and how formatters, filters and handlers are made of its parts.

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
use super::schema::{Configurator, Problem, wrong};
use super::tree::Id;
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

impl Configurator {
    /// `configure_formatter`
    pub(super) fn formatter(&mut self, config: Id, path: &str) -> Result<Formatter, ConfigError> {
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
    pub(super) fn filter(&mut self, config: Id, path: &str) -> Result<bool, ConfigError> {
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
    pub(super) fn handler(
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
        let (key, class) = if let Some(class) = take(self, "()")? {
            ("()", class)
        } else {
            let missing = || {
                let known = handler_classes().join(", ");
                wrong(at("class"), format!("is missing; there are {known}"))
            };
            ("class", take(self, "class")?.ok_or_else(missing)?)
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
            let found = self.look_up("handlers", &name, &at("target"), "handler")?;
            let Value::Object(Object::Handler(number)) = found else {
                self.tree.restore(config, before);
                return Err(Problem::Deferred);
            };
            target = Some(number);
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
        "StreamHandler" => sink(Stream::new(arguments)),
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
