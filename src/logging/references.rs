//! What a value stands for: `cfg://` and `ext://` are looked up when a value is taken out of a dictionary, and what they
//! stand for takes their place.
//!
//! A reference to something that it is a part of is refused, and so is one that makes too much of a small file: every value
//! has an end, and fits into memory.

use crate::external::{self, Classes};
use crate::tree::{Entries, Extent, Id, Tree};
use crate::value::Value;
use serde_json::Value as Json;

/// A configuration whose references are looked up.
pub(crate) struct References<'a> {
    /// the configuration
    pub(crate) tree: Tree<'a>,
    /// finds the classes that `ext://` can refer to
    classes: Classes,
    /// how many references to more than a word there have been
    shared: usize,
}

/// How many references may lead to one another before it counts as endless.
const MAX_CHAIN: u32 = 100;

/// How deep lists and objects may be nested, in the file and by what a reference stands for.
const MAX_DEPTH: usize = 200;

/// How much may be gone through to look at all that references share. A usual file gets nowhere near.
const MAX_WORK: usize = 3_000_000;

/// How many values references may add to those that are written out.
const MAX_ADDED: usize = 100_000;

impl<'a> References<'a> {
    /// Takes over a JSON value.
    ///
    /// # Errors
    /// It is nested too deep.
    pub(crate) fn new(section: &'a Json, classes: Classes) -> Result<Self, String> {
        Ok(Self {
            tree: Tree::new(section, MAX_DEPTH)?,
            classes,
            shared: 0,
        })
    }

    /// `dict.get(key)`
    ///
    /// # Errors
    /// What is wrong with the reference.
    pub(crate) fn get(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        self.get_within(dict, key, MAX_CHAIN)
    }

    /// As `get`, with the number of references that may still be followed.
    fn get_within(&mut self, dict: Id, key: &str, chain: u32) -> Result<Option<Id>, String> {
        let Some(raw) = self.tree.entry(dict, key) else {
            return Ok(None);
        };
        let converted = self.convert(raw, dict, chain)?;
        if converted != raw {
            self.tree.set(dict, key, converted);
            self.check_size(converted)?;
        }
        Ok(Some(converted))
    }

    /// `list[number]`, or a character of a text.
    fn item_within(&mut self, list: Id, number: usize, chain: u32) -> Result<Option<Id>, String> {
        let Some(raw) = self.tree.item(list, number) else {
            let text = self.tree.text(list).unwrap_or_default();
            let character = text.chars().nth(number);
            return Ok(character.map(|c| self.tree.leaf(Value::Str(c.to_string()))));
        };
        let converted = self.convert(raw, list, chain)?;
        if converted != raw {
            self.tree.set_item(list, number, converted);
            self.check_size(converted)?;
        }
        Ok(Some(converted))
    }

    /// `dict.pop(key, None)`
    ///
    /// # Errors
    /// What is wrong with the reference.
    pub(crate) fn pop(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        let found = self.tree.remove(dict, key);
        found
            .map(|raw| self.convert(raw, dict, MAX_CHAIN))
            .transpose()
    }

    /// `dict.update(copy)`
    ///
    /// # Errors
    /// Something in the copy has become a part of what it would be put into.
    pub(crate) fn restore(&mut self, dict: Id, copy: Entries<'a>) -> Result<(), String> {
        for (key, value) in copy {
            self.tree
                .extent(value, Some(dict))
                .ok_or_else(|| format!("{key} refers to what it is a part of"))?;
            self.tree.set(dict, &key, value);
        }
        Ok(())
    }

    /// What a node within `container` stands for: the text `cfg://...` or `ext://...` something else, anything else itself.
    fn convert(&mut self, id: Id, container: Id, chain: u32) -> Result<Id, String> {
        let Some(text) = self.tree.text(id) else {
            return Ok(id);
        };
        // The pattern's last `$` also matches before a final newline, its `.` never matches one.
        let text = text.strip_suffix('\n').unwrap_or(text);
        if text.contains('\n') {
            return Ok(id);
        }
        if let Some(reference) = text.strip_prefix("cfg://") {
            let reference = reference.to_owned();
            let chain = chain
                .checked_sub(1)
                .ok_or_else(|| format!("\"cfg://{reference}\" leads to itself"))?;
            let found = self.follow(&reference, chain)?;
            if self.tree.is_word(found) {
                return Ok(found);
            }
            self.shared += 1;
            if self.shared.saturating_mul(self.tree.len()) > MAX_WORK {
                return Err(format!("\"cfg://{reference}\" is one reference too many"));
            }
            self.tree
                .extent(found, Some(container))
                .ok_or_else(|| format!("\"cfg://{reference}\" refers to what it is a part of"))?;
            return Ok(found);
        }
        if let Some(name) = text.strip_prefix("ext://") {
            let value = external::find(name, self.classes)?;
            return Ok(self.tree.leaf(value));
        }
        Ok(id)
    }

    /// Sees that the configuration still fits into memory with one more reference to a node.
    fn check_size(&self, node: Id) -> Result<(), String> {
        let fits = |whole: Extent| {
            whole.size <= self.tree.written() + MAX_ADDED && whole.depth <= 2 * MAX_DEPTH
        };
        if self.tree.is_word(node) || self.tree.extent(Tree::ROOT, None).is_some_and(fits) {
            Ok(())
        } else {
            Err("refers to too much".to_owned())
        }
    }

    /// Follows a `cfg://` reference: a word, then `.word` and `[index]`.
    fn follow(&mut self, reference: &str, chain: u32) -> Result<Id, String> {
        let unable =
            || format!("\"cfg://{reference}\" is not like cfg://handlers.file or cfg://list[0]");
        let nothing =
            |key: &str| format!("\"cfg://{reference}\" leads nowhere: there is no {key:?}");
        let (key, mut rest) = word(reference.trim_start()).ok_or_else(unable)?;
        let mut at = self
            .get_within(Tree::ROOT, key, chain)?
            .ok_or_else(|| nothing(key))?;
        while !rest.is_empty() {
            let (key, after, indexed) = if let Some(after) = rest.strip_prefix('.') {
                let (key, after) = word(after.trim_start()).ok_or_else(unable)?;
                (key, after, false)
            } else {
                let after = rest.strip_prefix('[').ok_or_else(unable)?;
                let (key, after) = word(after.trim_start()).ok_or_else(unable)?;
                let after = after.strip_prefix(']').ok_or_else(unable)?;
                (key, after.trim_start(), true)
            };
            let number = key
                .parse::<usize>()
                .ok()
                .filter(|_| indexed && key.chars().all(|c| c.is_ascii_digit()));
            at = match number {
                None => self
                    .get_within(at, key, chain)?
                    .ok_or_else(|| nothing(key))?,
                Some(number) => self
                    .item_within(at, number, chain)?
                    .ok_or_else(|| nothing(key))?,
            };
            rest = after;
        }
        Ok(at)
    }
}

/// A word at the start of a reference, and what follows it and any space.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}
