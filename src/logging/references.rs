//! The configuration as `dictConfig` sees it: dictionaries that look up `cfg://` and `ext://` when a value is taken out.
//!
//! Python's configurator changes the dictionaries as it goes (it takes keys out, and puts handlers in the place of their
//! descriptions), and a `cfg://` reference shares what it refers to. So the nodes live in one list and are shared by number.
//! A reference to something that it is a part of is refused, and so is one that makes too much of a small file: every value
//! has an end, and fits into memory.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::external::{self, Classes};
use crate::value::Value;
use serde_json::Value as Json;

/// The number of a node.
pub(crate) type Id = usize;

/// One node of the tree.
enum Node<'a> {
    /// anything that holds no other node, as it was written
    Written(&'a Json),
    /// the same, as it has come of something
    Leaf(Value),
    /// a list
    List(Vec<Id>),
    /// an object, in order
    Dict(Entries<'a>),
}

/// The entries of an object.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, Id)>;

/// The whole configuration.
pub(crate) struct Tree<'a> {
    /// all nodes; the first is the configuration itself
    nodes: Vec<Node<'a>>,
    /// finds the classes that `ext://` can refer to
    classes: Classes,
    /// how many values are written out
    written: usize,
    /// how many references to more than a word there have been
    shared: usize,
}

/// How many references may lead to one another before it counts as endless.
const MAX_CHAIN: u32 = 100;

/// How deep lists and objects may be nested, references followed.
const MAX_DEPTH: usize = 200;

/// How many references to more than a word there may be.
const MAX_SHARED: usize = 1000;

/// How many values references may add to those that are written out.
const MAX_ADDED: usize = 100_000;

/// How many bytes of text count as one value.
const WORD: usize = 64;

/// How large a value is, what it shares with others counted each time.
#[derive(Clone, Copy)]
struct Extent {
    /// how many values it is made of
    size: usize,
    /// how deep they are nested
    depth: usize,
}

impl<'a> Tree<'a> {
    /// The configuration itself.
    pub(crate) const ROOT: Id = 0;

    /// Takes over a JSON value.
    ///
    /// # Errors
    /// It is nested too deep.
    pub(crate) fn new(section: &'a Json, classes: Classes) -> Result<Self, String> {
        let mut tree = Tree {
            // More than most configurations have.
            nodes: Vec::with_capacity(64),
            classes,
            written: 0,
            shared: 0,
        };
        tree.add(section, MAX_DEPTH)?;
        Ok(tree)
    }

    /// Adds a JSON value and everything in it.
    fn add(&mut self, json: &'a Json, depth: usize) -> Result<Id, String> {
        let depth = depth.checked_sub(1).ok_or("is nested too deep")?;
        let id = self.leaf(Value::None);
        self.written += 1 + json.as_str().map_or(0, str::len) / WORD;
        self.nodes[id] = match json {
            Json::Array(items) => {
                let items = items.iter().map(|item| self.add(item, depth));
                Node::List(items.collect::<Result<_, _>>()?)
            }
            Json::Object(entries) => {
                let mut added = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    added.push((key.into(), self.add(value, depth)?));
                }
                Node::Dict(added)
            }
            leaf => Node::Written(leaf),
        };
        Ok(id)
    }

    /// Adds a leaf.
    pub(crate) fn leaf(&mut self, value: Value) -> Id {
        self.nodes.push(Node::Leaf(value));
        self.nodes.len() - 1
    }

    /// The value of a node with everything in it, references left as they are.
    pub(crate) fn value(&self, id: Id) -> Value {
        match &self.nodes[id] {
            Node::Written(json) => leaf(json),
            Node::Leaf(value) => value.clone(),
            Node::List(items) => Value::List(items.iter().map(|item| self.value(*item)).collect()),
            Node::Dict(entries) => Value::Dict(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone().into_owned(), self.value(*value)))
                    .collect(),
            ),
        }
    }

    /// The text of a node that is nothing else.
    fn text(&self, id: Id) -> Option<&str> {
        match &self.nodes[id] {
            Node::Written(Json::String(text)) | Node::Leaf(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether the node is an object.
    pub(crate) fn is_dict(&self, id: Id) -> bool {
        matches!(self.nodes[id], Node::Dict(_))
    }

    /// An object's keys.
    pub(crate) fn keys(&self, id: Id) -> Vec<Cow<'a, str>> {
        match &self.nodes[id] {
            Node::Dict(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// An object's value as it was written.
    fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        match &self.nodes[dict] {
            Node::Dict(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, id)| *id),
            _ => None,
        }
    }

    /// Whether an object has a key.
    pub(crate) fn has(&self, dict: Id, key: &str) -> bool {
        self.entry(dict, key).is_some()
    }

    /// `dict[key] = value`
    pub(crate) fn set(&mut self, dict: Id, key: &str, value: Id) {
        if let Node::Dict(entries) = &mut self.nodes[dict] {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((Cow::Owned(key.to_owned()), value)),
            }
        }
    }

    /// `dict.get(key)`: references are looked up, and what they stood for takes their place.
    ///
    /// # Errors
    /// What is wrong with the reference.
    pub(crate) fn get(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        self.get_within(dict, key, MAX_CHAIN)
    }

    /// As `get`, with the number of references that may still be followed.
    fn get_within(&mut self, dict: Id, key: &str, chain: u32) -> Result<Option<Id>, String> {
        let Some(raw) = self.entry(dict, key) else {
            return Ok(None);
        };
        let converted = self.convert(raw, dict, chain)?;
        if converted != raw {
            self.set(dict, key, converted);
            self.check_size(converted)?;
        }
        Ok(Some(converted))
    }

    /// `dict.pop(key, None)`
    ///
    /// # Errors
    /// What is wrong with the reference.
    pub(crate) fn pop(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        let found = self.entry(dict, key);
        if let Node::Dict(entries) = &mut self.nodes[dict] {
            entries.retain(|(name, _)| name != key);
        }
        found
            .map(|raw| self.convert(raw, dict, MAX_CHAIN))
            .transpose()
    }

    /// A copy of an object's entries, to be put back by `restore`.
    pub(crate) fn snapshot(&self, dict: Id) -> Entries<'a> {
        match &self.nodes[dict] {
            Node::Dict(entries) => entries.clone(),
            _ => Vec::new(),
        }
    }

    /// `dict.update(copy)`
    ///
    /// # Errors
    /// Something in the copy has become a part of what it would be put into.
    pub(crate) fn restore(&mut self, dict: Id, copy: Entries<'a>) -> Result<(), String> {
        for (key, value) in copy {
            self.extent(value, dict, &mut BTreeMap::new())
                .ok_or_else(|| format!("{key} refers to what it is a part of"))?;
            self.set(dict, &key, value);
        }
        Ok(())
    }

    /// What a node within `container` stands for: the text `cfg://...` or `ext://...` something else, anything else itself.
    fn convert(&mut self, id: Id, container: Id, chain: u32) -> Result<Id, String> {
        let Some(text) = self.text(id) else {
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
            self.extent(found, container, &mut BTreeMap::new())
                .ok_or_else(|| format!("\"cfg://{reference}\" refers to what it is a part of"))?;
            return Ok(found);
        }
        if let Some(name) = text.strip_prefix("ext://") {
            let value = external::find(name, self.classes)?;
            return Ok(self.leaf(value));
        }
        Ok(id)
    }

    /// Sees that the configuration still fits into memory with one more reference to a node.
    fn check_size(&mut self, node: Id) -> Result<(), String> {
        let extent = |id| {
            self.extent(id, usize::MAX, &mut BTreeMap::new())
                .unwrap_or(Extent { size: 1, depth: 1 })
        };
        if extent(node).size == 1 {
            return Ok(());
        }
        let whole = extent(Tree::ROOT);
        self.shared += 1;
        if self.shared > MAX_SHARED
            || whole.size > self.written + MAX_ADDED
            || whole.depth > 2 * MAX_DEPTH
        {
            return Err("refers to too much".to_owned());
        }
        Ok(())
    }

    /// How large the value of a node is, or None if `container` is a part of it. Every value that there is already has an
    /// end, so this has one as well.
    fn extent(&self, id: Id, container: Id, known: &mut BTreeMap<Id, Extent>) -> Option<Extent> {
        if id == container {
            return None;
        }
        if let Some(extent) = known.get(&id) {
            return Some(*extent);
        }
        let mut whole = Extent { size: 1, depth: 1 };
        let mut add = |part: Id| {
            let part = self.extent(part, container, known)?;
            whole.size = whole.size.saturating_add(part.size);
            whole.depth = whole.depth.max(part.depth + 1);
            Some(())
        };
        match &self.nodes[id] {
            Node::Written(_) | Node::Leaf(_) => {
                whole.size += self.text(id).map_or(0, str::len) / WORD;
            }
            Node::List(items) => items.iter().try_for_each(|item| add(*item))?,
            Node::Dict(entries) => entries.iter().try_for_each(|(_, value)| add(*value))?,
        }
        known.insert(id, whole);
        Some(whole)
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
                .parse()
                .ok()
                .filter(|_| indexed && key.chars().all(|c| c.is_ascii_digit()));
            at = match (&self.nodes[at], number) {
                (Node::Dict(_), None) => self
                    .get_within(at, key, chain)?
                    .ok_or_else(|| nothing(key))?,
                (Node::List(items), Some(number)) => {
                    let raw = *items.get::<usize>(number).ok_or_else(|| nothing(key))?;
                    let converted = self.convert(raw, at, chain)?;
                    if let Node::List(items) = &mut self.nodes[at] {
                        items[number] = converted;
                    }
                    if converted != raw {
                        self.check_size(converted)?;
                    }
                    converted
                }
                (_, Some(number)) => {
                    let text = self.text(at).unwrap_or_default();
                    let c = text.chars().nth(number).ok_or_else(|| nothing(key))?;
                    self.leaf(Value::Str(c.to_string()))
                }
                _ => return Err(nothing(key)),
            };
            rest = after;
        }
        Ok(at)
    }
}

/// The value of anything that holds no other value.
fn leaf(json: &Json) -> Value {
    match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Value::Int(value),
            (_, Some(_), _) => Value::Int(i64::MAX),
            (_, _, value) => Value::Float(value.unwrap_or(f64::INFINITY)),
        },
        Json::String(text) => Value::Str(text.clone()),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::None,
    }
}

/// A word at the start of a reference, and what follows it and any space.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}
