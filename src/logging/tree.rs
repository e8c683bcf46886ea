//! The configuration as `dictConfig` sees it: dictionaries that look up `cfg://` and `ext://` when a value is taken out.
//!
//! Python's configurator changes the dictionaries as it goes (it takes keys out, and puts handlers in the place of their
//! descriptions), and a `cfg://` reference shares what it refers to. So the nodes live in one list and are shared by number.

use super::value::{Object, Value};

/// The number of a node.
pub(super) type Id = usize;

/// One node of the tree.
enum Node {
    /// anything that holds no other node
    Leaf(Value),
    /// a list
    List(Vec<Id>),
    /// an object, in order
    Dict(Vec<(String, Id)>),
}

/// The whole configuration.
pub(super) struct Tree {
    /// all nodes; the first is the configuration itself
    nodes: Vec<Node>,
}

/// How many references may lead to one another before it counts as endless.
const DEEPEST: u32 = 100;

impl Tree {
    /// The configuration itself.
    pub(super) const ROOT: Id = 0;

    /// Takes over a JSON value.
    pub(super) fn new(section: &serde_json::Value) -> Self {
        let mut tree = Tree { nodes: Vec::new() };
        tree.add(section);
        tree
    }

    /// Adds a JSON value and everything in it.
    fn add(&mut self, json: &serde_json::Value) -> Id {
        let id = self.nodes.len();
        self.nodes.push(Node::Leaf(Value::None));
        self.nodes[id] = match json {
            serde_json::Value::Null => Node::Leaf(Value::None),
            serde_json::Value::Bool(value) => Node::Leaf(Value::Bool(*value)),
            serde_json::Value::Number(number) => {
                Node::Leaf(match (number.as_i64(), number.as_u64(), number.as_f64()) {
                    (Some(value), _, _) => Value::Int(value),
                    (_, Some(_), _) => Value::Int(i64::MAX),
                    (_, _, value) => Value::Float(value.unwrap_or(f64::INFINITY)),
                })
            }
            serde_json::Value::String(text) => Node::Leaf(Value::Str(text.clone())),
            serde_json::Value::Array(items) => {
                Node::List(items.iter().map(|item| self.add(item)).collect())
            }
            serde_json::Value::Object(entries) => Node::Dict(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), self.add(value)))
                    .collect(),
            ),
        };
        id
    }

    /// Adds a leaf.
    pub(super) fn leaf(&mut self, value: Value) -> Id {
        self.nodes.push(Node::Leaf(value));
        self.nodes.len() - 1
    }

    /// The value of a node with everything in it, references left as they are.
    pub(super) fn value(&self, id: Id) -> Value {
        match &self.nodes[id] {
            Node::Leaf(value) => value.clone(),
            Node::List(items) => Value::List(items.iter().map(|item| self.value(*item)).collect()),
            Node::Dict(entries) => Value::Dict(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), self.value(*value)))
                    .collect(),
            ),
        }
    }

    /// Whether the node is an object.
    pub(super) fn is_dict(&self, id: Id) -> bool {
        matches!(self.nodes[id], Node::Dict(_))
    }

    /// An object's keys.
    pub(super) fn keys(&self, id: Id) -> Vec<String> {
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
    pub(super) fn has(&self, dict: Id, key: &str) -> bool {
        self.entry(dict, key).is_some()
    }

    /// `dict[key] = value`
    pub(super) fn set(&mut self, dict: Id, key: &str, value: Id) {
        if let Node::Dict(entries) = &mut self.nodes[dict] {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
    }

    /// `dict.get(key)`: references are looked up, and what they stood for takes their place.
    pub(super) fn get(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        self.get_within(dict, key, DEEPEST)
    }

    /// As `get`, with the number of references that may still be followed.
    fn get_within(&mut self, dict: Id, key: &str, depth: u32) -> Result<Option<Id>, String> {
        let Some(raw) = self.entry(dict, key) else {
            return Ok(None);
        };
        let converted = self.convert(raw, depth)?;
        if converted != raw {
            self.set(dict, key, converted);
        }
        Ok(Some(converted))
    }

    /// `dict.pop(key, None)`
    pub(super) fn pop(&mut self, dict: Id, key: &str) -> Result<Option<Id>, String> {
        let found = self.entry(dict, key);
        if let Node::Dict(entries) = &mut self.nodes[dict] {
            entries.retain(|(name, _)| name != key);
        }
        found.map(|raw| self.convert(raw, DEEPEST)).transpose()
    }

    /// A copy of an object's entries, to be put back by `restore`.
    pub(super) fn snapshot(&self, dict: Id) -> Vec<(String, Id)> {
        match &self.nodes[dict] {
            Node::Dict(entries) => entries.clone(),
            _ => Vec::new(),
        }
    }

    /// `dict.update(copy)`
    pub(super) fn restore(&mut self, dict: Id, copy: Vec<(String, Id)>) {
        for (key, value) in copy {
            self.set(dict, &key, value);
        }
    }

    /// What a node stands for: the text `cfg://...` or `ext://...` something else, anything else itself.
    fn convert(&mut self, id: Id, depth: u32) -> Result<Id, String> {
        let Node::Leaf(Value::Str(text)) = &self.nodes[id] else {
            return Ok(id);
        };
        // The pattern's last `$` also matches before a final newline, its `.` never matches one.
        let text = text.strip_suffix('\n').unwrap_or(text);
        if text.contains('\n') {
            return Ok(id);
        }
        if let Some(reference) = text.strip_prefix("cfg://") {
            let reference = reference.to_owned();
            let depth = depth
                .checked_sub(1)
                .ok_or_else(|| format!("\"cfg://{reference}\" leads to itself"))?;
            return self.follow(&reference, depth);
        }
        if let Some(name) = text.strip_prefix("ext://") {
            let value = external(name).ok_or_else(|| unknown_external(name))?;
            return Ok(self.leaf(value));
        }
        Ok(id)
    }

    /// Follows a `cfg://` reference: a word, then `.word` and `[index]`.
    fn follow(&mut self, reference: &str, depth: u32) -> Result<Id, String> {
        let unable =
            || format!("\"cfg://{reference}\" is not like cfg://handlers.file or cfg://list[0]");
        let nothing =
            |key: &str| format!("\"cfg://{reference}\" leads nowhere: there is no {key:?}");
        let (key, mut rest) = word(reference.trim_start()).ok_or_else(unable)?;
        let mut at = self
            .get_within(Tree::ROOT, key, depth)?
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
                    .get_within(at, key, depth)?
                    .ok_or_else(|| nothing(key))?,
                (Node::List(items), Some(number)) => {
                    let raw = *items.get::<usize>(number).ok_or_else(|| nothing(key))?;
                    let converted = self.convert(raw, depth)?;
                    if let Node::List(items) = &mut self.nodes[at] {
                        items[number] = converted;
                    }
                    converted
                }
                (Node::Leaf(Value::Str(text)), Some(number)) => {
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

/// A word at the start of a reference, and what follows it and any space.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

/// The facilities by their names in `SysLogHandler`, with their numbers.
pub(super) const FACILITIES: [(&str, i64); 24] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("ntp", 12),
    ("security", 13),
    ("console", 14),
    ("solaris-cron", 15),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// The priorities by their names in `SysLogHandler`.
pub(super) const PRIORITIES: [(&str, i64); 12] = [
    ("alert", 1),
    ("crit", 2),
    ("critical", 2),
    ("debug", 7),
    ("emerg", 0),
    ("err", 3),
    ("error", 3),
    ("info", 6),
    ("notice", 5),
    ("panic", 0),
    ("warn", 4),
    ("warning", 4),
];

/// What an `ext://` name stands for, if a native program can have it.
fn external(name: &str) -> Option<Value> {
    if let Some(constant) = name.strip_prefix("logging.handlers.SysLogHandler.LOG_") {
        let constant = if constant == "SOLCRON" {
            "solaris-cron".to_owned()
        } else {
            constant.to_ascii_lowercase()
        };
        let known = FACILITIES
            .iter()
            .chain(&PRIORITIES)
            .find(|(name, _)| *name == constant);
        // `LOG_CRITICAL`, `LOG_ERROR`, `LOG_PANIC` and `LOG_WARN` are names of priorities, but no constants.
        let constant =
            known.filter(|(name, _)| !matches!(*name, "critical" | "error" | "panic" | "warn"));
        return constant.map(|(_, number)| Value::Int(*number));
    }
    if let Some(class) = super::classes::CLASSES.iter().find(|class| **class == name) {
        return Some(Value::Object(Object::Class(class)));
    }
    if let Some(level) = name
        .strip_prefix("logging.")
        .and_then(super::level::by_name)
    {
        return Some(Value::Int(level));
    }
    Some(match name {
        "sys.stdout" | "sys.__stdout__" => Value::Object(Object::Stdout),
        "sys.stderr" | "sys.__stderr__" => Value::Object(Object::Stderr),
        "socket.SOCK_STREAM" => Value::Int(1),
        "socket.SOCK_DGRAM" => Value::Int(2),
        "logging.handlers.DEFAULT_TCP_LOGGING_PORT" => Value::Int(9020),
        "logging.handlers.DEFAULT_UDP_LOGGING_PORT" => Value::Int(9021),
        "logging.handlers.DEFAULT_HTTP_LOGGING_PORT" => Value::Int(9022),
        "logging.handlers.DEFAULT_SOAP_LOGGING_PORT" => Value::Int(9023),
        "logging.handlers.SYSLOG_UDP_PORT" | "logging.handlers.SYSLOG_TCP_PORT" => Value::Int(514),
        "logging.BASIC_FORMAT" => Value::Str("%(levelname)s:%(name)s:%(message)s".to_owned()),
        "os.devnull" => Value::Str(if cfg!(windows) { "nul" } else { "/dev/null" }.to_owned()),
        "datetime.time.min" => Value::Object(Object::Time(0)),
        "datetime.time.max" => Value::Object(Object::Time(86_399)),
        _ => return None,
    })
}

/// The complaint about any other name.
fn unknown_external(name: &str) -> String {
    format!(
        "\"ext://{name}\" is not to be had in a native program; there are ext://sys.stdout, ext://sys.stderr, \
         ext://socket.SOCK_STREAM, ext://socket.SOCK_DGRAM, the levels of logging (ext://logging.INFO), the constants \
         of SysLogHandler (ext://logging.handlers.SysLogHandler.LOG_LOCAL0) and of logging.handlers"
    )
}
