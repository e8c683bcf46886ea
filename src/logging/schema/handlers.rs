//! Handlers: `DictConfigurator.configure_handler`.

use super::filters;
use super::objects::take_attributes;
use super::section::Section;
use crate::classes::{self, MEMORY};
use crate::error::ConfigError;
use crate::handler::Handler;
use crate::handlers::Arguments;
use crate::level;
use crate::references::References;
use crate::value::{Object, Value};

/// What can go wrong with one handler.
pub(crate) enum Problem {
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

/// Makes the handler that a section describes, and says which attributes it is given once it is open.
pub(crate) fn configure(
    references: &mut References,
    section: &Section,
    name: &str,
) -> Result<(Handler, Vec<(String, Value)>), Problem> {
    let before = section.snapshot(references);
    let formatter = match section.take(references, "formatter")?.filter(Value::truthy) {
        None => None,
        Some(name) => {
            let found = section.look_up(references, "formatters", &name, "formatter")?;
            let Value::Object(Object::Formatter(number)) = found else {
                let message = format!("{} is no formatter", name.repr());
                return Err(section.error("formatter", message).into());
            };
            Some(number)
        }
    };
    let level = match section.take(references, "level")? {
        None | Some(Value::None) => 0,
        Some(level) => level::parse(&level).map_err(|error| section.error("level", error))?,
    };
    let names = section.take(references, "filters")?;
    let passes = filters::all_pass(references, section, names)?;
    let (key, class) = if let Some(class) = section.take(references, "()")? {
        ("()", class)
    } else {
        let missing = || {
            let message = format!("is missing; there are {}", classes::handlers());
            section.error("class", message)
        };
        (
            "class",
            section.take(references, "class")?.ok_or_else(missing)?,
        )
    };
    let by_factory = key == "()";
    let found = match &class {
        Value::Str(name) => classes::handler(name),
        Value::Object(Object::Class(name)) if by_factory => classes::handler(name),
        _ => None,
    };
    let (class, make) =
        found.ok_or_else(|| section.error(key, classes::foreign(&class, &classes::handlers())))?;
    let mut target = None;
    if class == MEMORY && !by_factory && section.has(references, "target") {
        let name = section.get(references, "target")?.unwrap_or(Value::None);
        let found = section.look_up(references, "handlers", &name, "target")?;
        let Value::Object(Object::Handler(number)) = found else {
            section.restore(references, before)?;
            return Err(Problem::Deferred);
        };
        target = Some(number);
        section.take(references, "target")?;
    }
    let mut values = Vec::new();
    for key in section.keys(references) {
        if key == "." {
            continue;
        }
        let identifier = key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !identifier || key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(section.error(&key, "not the name of an argument").into());
        }
        let value = section.get(references, &key)?.unwrap_or(Value::None);
        values.push((key.into_owned(), value));
    }
    let path = section.own_path().to_owned();
    let mut arguments = Arguments::new(path, values, by_factory, target);
    let kind = make(&mut arguments)?;
    arguments.finish()?;
    let attributes = take_attributes(references, section)?;
    let handler = Handler::new(name.to_owned(), level, passes, formatter, kind);
    Ok((handler, attributes))
}
