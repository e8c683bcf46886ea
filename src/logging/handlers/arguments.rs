//! The keyword arguments of a handler's class.

use crate::error::ConfigError;
use crate::late::Late;
use crate::value::Value;

/// The keyword arguments of a handler.
pub(crate) struct Arguments {
    /// the handler's path in the configuration
    path: String,
    /// those not taken yet
    values: Vec<(String, Value)>,
    /// those that the class has been asked for
    known: Vec<&'static str>,
    /// whether the class is called directly, by a factory `()`, so that lists stay lists
    pub(crate) by_factory: bool,
    /// the number of the handler that `target` named, if that has been looked up
    pub(crate) target: Option<usize>,
}

impl Arguments {
    /// Starts with all of them.
    pub(crate) fn new(
        path: String,
        values: Vec<(String, Value)>,
        by_factory: bool,
        target: Option<usize>,
    ) -> Self {
        Arguments {
            path,
            values,
            known: Vec::new(),
            by_factory,
            target,
        }
    }

    /// An argument, if it is given.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.values.iter().position(|(key, _)| key == name)?;
        Some(self.values.swap_remove(at).1)
    }

    /// An argument that must be given.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<Value, ConfigError> {
        self.take(name)
            .ok_or_else(|| self.error(name, "is missing, and the class needs it"))
    }

    /// An argument that must be text, with what it is if not given.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        default: &str,
    ) -> Result<String, ConfigError> {
        match self.take(name) {
            None => Ok(default.to_owned()),
            Some(Value::Str(text)) => Ok(text),
            Some(value) => Err(self.error(name, format!("must be a string, not {}", value.repr()))),
        }
    }

    /// An argument that Python only asks whether it is true.
    pub(crate) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.take(name).map_or(default, |value| value.truthy())
    }

    /// All others, for a class that takes any.
    pub(crate) fn others(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.values)
    }

    /// An error about one argument.
    pub(crate) fn error(&self, name: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::new(format!("{}.{name}", self.path), message)
    }

    /// Turns a complaint about an argument that Python would come upon at once into an error.
    pub(crate) fn now<T>(&self, name: &str, value: Late<T>) -> Result<T, ConfigError> {
        value.map_err(|message| self.error(name, message))
    }

    /// Refuses what the class doesn't know.
    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        match self.values.first() {
            None => Ok(()),
            Some((name, _)) => {
                let known = if self.known.is_empty() {
                    "none".to_owned()
                } else {
                    self.known.join(", ")
                };
                Err(self.error(
                    name,
                    format!("the class takes no such argument; it takes: {known}"),
                ))
            }
        }
    }
}
