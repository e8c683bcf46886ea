//! The parts of a configuration as nodes in one list, which are shared by number: Python's configurator changes
//! dictionaries as it goes, and a `cfg://` reference shares what it refers to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::value::Value;
use serde_json::Value as Json;

/// The number of a node.
pub(crate) type Id = usize;

/// The entries of an object.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, Id)>;

/// One node.
enum Node<'a> {
    /// anything that holds no other node, as it was written
    Written(&'a Json),
    /// the same, as it has come of something
    Leaf(Value),
    /// a list
    List(Vec<Id>),
    /// an object
    Dict(Dict<'a>),
}

/// An object of any size.
struct Dict<'a> {
    /// its entries, in order
    entries: Entries<'a>,
    /// whether they are many, and in the order of their keys, so that one is found sooner by halves
    sorted: bool,
}

/// All nodes.
pub(crate) struct Tree<'a> {
    /// the nodes; the first is the configuration itself
    nodes: Vec<Node<'a>>,
    /// how large the configuration is as it was written
    written: usize,
}

/// How large a value is, what it shares with others counted each time.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// how many values it is made of
    pub(crate) size: usize,
    /// how deep they are nested
    pub(crate) depth: usize,
}

/// How many bytes of text count as one value.
const WORD: usize = 64;

/// So many entries are looked through as fast as they are halved.
const FEW: usize = 16;

impl<'a> Tree<'a> {
    /// The configuration itself.
    pub(crate) const ROOT: Id = 0;

    /// Takes over a JSON value.
    ///
    /// # Errors
    /// It is nested deeper than allowed.
    pub(crate) fn new(section: &'a Json, max_depth: usize) -> Result<Self, String> {
        let mut tree = Tree {
            // More than most configurations have.
            nodes: Vec::with_capacity(64),
            written: 0,
        };
        tree.add(section, max_depth)?;
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
                let sorted =
                    added.len() > FEW && added.is_sorted_by(|(one, _), (next, _)| one < next);
                Node::Dict(Dict {
                    entries: added,
                    sorted,
                })
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

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How large the configuration is as it was written.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// The value of a node with everything in it, references left as they are.
    pub(crate) fn value(&self, id: Id) -> Value {
        match &self.nodes[id] {
            Node::Written(json) => leaf(json),
            Node::Leaf(value) => value.clone(),
            Node::List(items) => Value::List(items.iter().map(|item| self.value(*item)).collect()),
            Node::Dict(dict) => {
                let entries = dict.entries.iter();
                let entries =
                    entries.map(|(key, value)| (key.clone().into_owned(), self.value(*value)));
                Value::Dict(entries.collect())
            }
        }
    }

    /// The text of a node that is nothing else.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match &self.nodes[id] {
            Node::Written(Json::String(text)) | Node::Leaf(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether the node is an object.
    pub(crate) fn is_dict(&self, id: Id) -> bool {
        matches!(self.nodes[id], Node::Dict(_))
    }

    /// Whether a node is so small that it doesn't matter how often it is shared.
    pub(crate) fn is_word(&self, id: Id) -> bool {
        match &self.nodes[id] {
            Node::Written(_) | Node::Leaf(_) => self.text(id).is_none_or(|text| text.len() < WORD),
            Node::List(_) | Node::Dict(_) => false,
        }
    }

    /// An object's keys.
    pub(crate) fn keys(&self, id: Id) -> Vec<Cow<'a, str>> {
        match &self.nodes[id] {
            Node::Dict(dict) => dict.entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// An object's value as it was written.
    pub(crate) fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        match &self.nodes[dict] {
            Node::Dict(dict) => dict.position(key).map(|at| dict.entries[at].1),
            _ => None,
        }
    }

    /// `dict[key] = value`
    pub(crate) fn set(&mut self, dict: Id, key: &str, value: Id) {
        if let Node::Dict(dict) = &mut self.nodes[dict] {
            if let Some(at) = dict.position(key) {
                dict.entries[at].1 = value;
            } else {
                dict.entries.push((Cow::Owned(key.to_owned()), value));
                dict.sorted = false;
            }
        }
    }

    /// `dict.pop(key, None)`
    pub(crate) fn remove(&mut self, dict: Id, key: &str) -> Option<Id> {
        match &mut self.nodes[dict] {
            Node::Dict(dict) => dict.position(key).map(|at| dict.entries.remove(at).1),
            _ => None,
        }
    }

    /// `dict(dict)`
    pub(crate) fn copy(&self, dict: Id) -> Entries<'a> {
        match &self.nodes[dict] {
            Node::Dict(dict) => dict.entries.clone(),
            _ => Vec::new(),
        }
    }

    /// `list[number]`
    pub(crate) fn item(&self, list: Id, number: usize) -> Option<Id> {
        match &self.nodes[list] {
            Node::List(items) => items.get(number).copied(),
            _ => None,
        }
    }

    /// `list[number] = value`
    pub(crate) fn set_item(&mut self, list: Id, number: usize, value: Id) {
        if let Node::List(items) = &mut self.nodes[list]
            && let Some(item) = items.get_mut(number)
        {
            *item = value;
        }
    }

    /// How large the value of a node is, or None if it holds another node. No value may hold itself, so this has an end.
    pub(crate) fn extent(&self, id: Id, other: Option<Id>) -> Option<Extent> {
        self.extent_of(id, other, &mut BTreeMap::new())
    }

    /// As `extent`, with the nodes that are measured already.
    fn extent_of(
        &self,
        id: Id,
        other: Option<Id>,
        known: &mut BTreeMap<Id, Extent>,
    ) -> Option<Extent> {
        if Some(id) == other {
            return None;
        }
        if let Some(extent) = known.get(&id) {
            return Some(*extent);
        }
        let mut whole = Extent { size: 1, depth: 1 };
        let mut add = |part: Id| {
            let part = self.extent_of(part, other, known)?;
            whole.size = whole.size.saturating_add(part.size);
            whole.depth = whole.depth.max(part.depth + 1);
            Some(())
        };
        match &self.nodes[id] {
            Node::Written(_) | Node::Leaf(_) => {
                whole.size += self.text(id).map_or(0, str::len) / WORD;
            }
            Node::List(items) => items.iter().try_for_each(|item| add(*item))?,
            Node::Dict(dict) => dict.entries.iter().try_for_each(|(_, value)| add(*value))?,
        }
        known.insert(id, whole);
        Some(whole)
    }
}

impl Dict<'_> {
    /// Where a key is.
    fn position(&self, key: &str) -> Option<usize> {
        if self.sorted {
            let found = self.entries.binary_search_by(|(name, _)| (**name).cmp(key));
            found.ok()
        } else {
            self.entries.iter().position(|(name, _)| name == key)
        }
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
