//! One object of the configuration, and where it stands: what is taken out of it, and how errors point at it.

use std::borrow::Cow;

use crate::error::ConfigError;
use crate::references::References;
use crate::tree::{Entries, Id, Tree};

use crate::value::{Object, Value};

/// One object of the configuration.
pub(crate) struct Section {
    /// the object
    id: Id,
    /// its path, empty for the configuration itself
    path: String,
}

impl Section {
    /// The configuration itself.
    pub(crate) fn root() -> Self {
        Self {
            id: Tree::ROOT,
            path: String::new(),
        }
    }

    /// Where it stands.
    pub(crate) fn own_path(&self) -> &str {
        &self.path
    }

    /// The path of a key.
    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            [&self.path, ".", key].concat()
        }
    }

    /// An error about a key.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.path(key), message)
    }

    /// Whether there is such a key.
    pub(crate) fn has(&self, references: &References, key: &str) -> bool {
        references.tree.entry(self.id, key).is_some()
    }

    /// The keys.
    pub(crate) fn keys<'a>(&self, references: &References<'a>) -> Vec<Cow<'a, str>> {
        references.tree.keys(self.id)
    }

    /// A key's value, references looked up.
    pub(crate) fn get(
        &self,
        references: &mut References,
        key: &str,
    ) -> Result<Option<Value>, ConfigError> {
        let found = references.get(self.id, key);
        let found = found.map_err(|error| self.error(key, error))?;
        Ok(found.map(|id| references.tree.value(id)))
    }

    /// A key's value, which is taken out.
    pub(crate) fn take(
        &self,
        references: &mut References,
        key: &str,
    ) -> Result<Option<Value>, ConfigError> {
        let found = references.pop(self.id, key);
        let found = found.map_err(|error| self.error(key, error))?;
        Ok(found.map(|id| references.tree.value(id)))
    }

    /// A key's value, which must be an object.
    pub(crate) fn object(
        &self,
        references: &mut References,
        key: &str,
    ) -> Result<Self, ConfigError> {
        let found = references.get(self.id, key);
        found
            .map_err(|error| self.error(key, error))?
            .filter(|id| references.tree.is_dict(*id))
            .map(|id| Self {
                id,
                path: self.path(key),
            })
            .ok_or_else(|| self.error(key, "must be an object"))
    }

    /// A key's value, which must be an object if it is there and not empty.
    pub(crate) fn part(
        &self,
        references: &mut References,
        key: &str,
    ) -> Result<Option<Self>, ConfigError> {
        let found = references.get(self.id, key);
        let Some(id) = found.map_err(|error| self.error(key, error))? else {
            return Ok(None);
        };
        if references.tree.is_dict(id) {
            return self.object(references, key).map(Some);
        }
        match references.tree.value(id) {
            // Python walks over these without noticing what they are.
            Value::List(items) if items.is_empty() => Ok(None),
            Value::Str(text) if text.is_empty() => Ok(None),
            _ => Err(self.error(key, "must be an object")),
        }
    }

    /// Puts what has been made of a key's value in its place.
    pub(crate) fn put(&self, references: &mut References, key: &str, object: Object) {
        let leaf = references.tree.leaf(Value::Object(object));
        references.tree.set(self.id, key, leaf);
    }

    /// A copy of all entries, to be put back by `restore`.
    pub(crate) fn snapshot<'a>(&self, references: &References<'a>) -> Entries<'a> {
        references.tree.copy(self.id)
    }

    /// Puts back what has been taken out since.
    pub(crate) fn restore<'a>(
        &self,
        references: &mut References<'a>,
        copy: Entries<'a>,
    ) -> Result<(), ConfigError> {
        references
            .restore(self.id, copy)
            .map_err(|error| ConfigError::new(self.path.clone(), error))
    }

    /// The object that stands for `name` in a main part: `self.config["formatters"][name]`. `key` is that which named it.
    pub(crate) fn look_up(
        &self,
        references: &mut References,
        part: &'static str,
        name: &Value,
        key: &str,
    ) -> Result<Value, ConfigError> {
        let what = part.trim_end_matches('s');
        let missing = |known: &[Cow<str>]| {
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            self.error(
                key,
                format!("there is no {what} {}; there are: {known}", name.repr()),
            )
        };
        let Some(section) = Section::root().part(references, part)? else {
            return Err(missing(&[]));
        };
        let found = match name {
            Value::Str(name) => references
                .get(section.id, name)
                .map_err(|error| self.error(key, error))?,
            _ => None,
        };
        match found {
            Some(id) => Ok(references.tree.value(id)),
            None => Err(missing(&section.keys(references))),
        }
    }

    /// The values that Python's `for name in names` yields.
    pub(crate) fn iterate(&self, key: &str, names: &Value) -> Result<Vec<Value>, ConfigError> {
        match names {
            names if !names.truthy() => Ok(Vec::new()),
            Value::List(items) => Ok(items.clone()),
            Value::Str(text) => Ok(text.chars().map(|c| Value::Str(c.to_string())).collect()),
            Value::Dict(entries) => Ok(entries
                .iter()
                .map(|(key, _)| Value::Str(key.clone()))
                .collect()),
            _ => Err(self.error(
                key,
                format!("must be a list of names, not {}", names.repr()),
            )),
        }
    }
}
