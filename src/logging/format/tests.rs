//! Random formats and records, written by CPython and by us.

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::doc_markdown,
    clippy::too_many_lines
)]

mod agreement;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Formatter, Style};
use crate::record::Record;
use crate::time;
use crate::value::Value;

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    /// A number below a limit.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A few characters of all sorts.
    fn text(&mut self, longest: usize) -> String {
        const SOME: &str = "abcXYZ 019'\"\\%{}$_-.:!\n\t\0\u{7f}\u{85}\u{a0}\u{ad}é€ſıß\u{301}\u{200b}\u{2028}\u{e000}日😀\u{10ffff}";
        let some: Vec<char> = SOME.chars().collect();
        (0..self.below(longest + 1))
            .map(|_| some[self.below(some.len())])
            .collect()
    }

    /// The name of a field, mostly one that is there.
    fn name(&mut self) -> &'static str {
        self.of(&[
            "message",
            "message",
            "message",
            "levelname",
            "levelname",
            "levelno",
            "levelno",
            "levelno",
            "lineno",
            "name",
            "created",
            "msecs",
            "relativeCreated",
            "args",
            "exc_info",
            "pathname",
            "filename",
            "module",
            "funcName",
            "thread",
            "threadName",
            "process",
            "processName",
            "stack_info",
            "msg",
            "asctime",
            "nothing",
            "extra",
            "number",
            "number",
            "fraction",
            "fraction",
            "truth",
            "list",
            "dict",
            "none",
        ])
    }

    /// A format of the style `%`.
    fn percent(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..=self.below(3) {
            out.push_str(&self.text(3).replace('%', "%%"));
            out.push('%');
            if !self.once_in(40) {
                out.push_str(&format!("({})", self.name()));
            }
            for _ in 0..self.below(3) {
                out.push_str(self.of(&["-", "+", " ", "#", "0"]));
            }
            out.push_str(&self.amount());
            if self.once_in(3) {
                out.push('.');
                out.push_str(&self.amount());
            }
            if self.once_in(30) {
                out.push_str(self.of(&["h", "l", "L", "*"]));
            }
            out.push_str(self.of(&[
                "s", "s", "s", "s", "s", "s", "r", "r", "a", "a", "d", "d", "i", "u", "o", "x",
                "X", "e", "E", "f", "F", "g", "G", "c",
            ]));
            if self.once_in(20) {
                out.pop();
                out.push_str(self.of(&["%", "b", "q", "é", ""]));
            }
        }
        out.push_str(&self.text(2));
        out
    }

    /// A width or a precision, or none.
    fn amount(&mut self) -> String {
        match self.below(8) {
            0..=3 => String::new(),
            4 => self.below(40).to_string(),
            5 if self.once_in(10) => "*".to_owned(),
            _ => self.below(12).to_string(),
        }
    }

    /// A format of the style `{`.
    fn brace(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..=self.below(3) {
            out.push_str(&self.text(3).replace('{', "{{").replace('}', "}}"));
            out.push('{');
            if !self.once_in(60) {
                out.push_str(self.name());
            }
            if self.once_in(15) {
                out.push_str(self.of(&[
                    "[0]", "[1]", "[a]", "[0][0]", "[]", ".real", ".imag", "[0", ".", "[0]x",
                ]));
            }
            if self.once_in(4) {
                out.push('!');
                out.push_str(self.of(&["r", "s", "a", "r", "s", "a", "x", "", "rr"]));
            }
            if !self.once_in(3) {
                out.push(':');
                if self.once_in(3) {
                    out.push_str(self.of(&["*", "é", " ", "0", "x", "{", "<", ""]));
                    out.push_str(self.of(&["<", ">", "^", "="]));
                }
                if self.once_in(5) {
                    out.push_str(self.of(&["+", "-", " ", "z", "?"]));
                }
                if self.once_in(6) {
                    out.push('#');
                }
                if self.once_in(6) {
                    out.push('0');
                }
                out.push_str(&self.nested_amount());
                if self.once_in(5) {
                    out.push_str(self.of(&[",", "_", ",_", "_,"]));
                }
                if self.once_in(5) {
                    out.push('.');
                    out.push_str(&self.nested_amount());
                }
                out.push_str(self.of(&[
                    "", "", "", "s", "d", "d", "b", "c", "o", "x", "X", "n", "e", "f", "F", "g",
                    "G", "%",
                ]));
                if self.once_in(30) {
                    out.push_str(self.of(&["q", "ss", "E"]));
                }
            }
            if !self.once_in(40) {
                out.push('}');
            }
        }
        out.push_str(&self.text(2));
        out
    }

    /// A width or a precision, perhaps in a field of its own.
    fn nested_amount(&mut self) -> String {
        if self.once_in(12) {
            self.of(&[
                "{lineno}",
                "{levelno}",
                "{message}",
                "{truth:d}",
                "{}",
                "{number",
            ])
            .to_owned()
        } else {
            self.amount().replace('*', "")
        }
    }

    /// A format of the style `$`.
    fn dollar(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..=self.below(4) {
            out.push_str(&self.text(3).replace('$', ""));
            let name = self.name();
            out.push_str(&match self.below(12) {
                0 => "$$".to_owned(),
                1 if self.once_in(4) => "$".to_owned(),
                2 if self.once_in(4) => "${".to_owned(),
                3 if self.once_in(4) => format!("${{{name} }}"),
                4 if self.once_in(4) => "$é".to_owned(),
                5..=7 => format!("${name}"),
                _ => format!("${{{name}}}"),
            });
        }
        out
    }

    /// A record.
    fn record(&mut self) -> Record {
        Record {
            logger: "app".into(),
            message: self.text(12),
            level: [5, 10, 20, 30, 40][self.below(5)],
            path: self
                .of(&["src/main.rs", "main", "/a.b/.x", "a/b.c.rs", ""])
                .to_owned(),
            line: u32::try_from(self.below(70)).unwrap(),
            function: "app::dns".to_owned(),
            created: Duration::from_nanos(
                1_700_000_000_000_000_000 + self.0 % 100_000_000_000_000_000,
            ),
            relative: Duration::from_nanos(self.0 % 100_000_000_000),
            thread: (1, "MainThread".to_owned()),
            formatted: AtomicBool::new(true),
            taken: AtomicBool::new(false),
            asctime: Mutex::new(None),
        }
    }
}

/// A value as JSON.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Str(value) => json!(value),
        Value::Tuple => json!([]),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Dict(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect(),
        ),
        _ => Json::Null,
    }
}

/// Gives every case to Python, one JSON line each, and returns its answers. None if there is no Python.
fn ask_python(script: &str, cases: Vec<Json>) -> Option<Vec<Json>> {
    let child = Command::new("python3")
        .args(["-c", script])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(
            std::env::var_os("DICTCONFIG_TEST_NO_SKIP").is_none(),
            "python3 is missing"
        );
        eprintln!("skipped: python3 is missing");
        return None;
    };
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let writer = std::thread::spawn(move || {
        for case in cases {
            writeln!(input, "{case}").unwrap();
        }
    });
    let output = BufReader::new(child.stdout.take().unwrap());
    let answers = output
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    Some(answers)
}

/// What the tests have seen of both sides' results.
#[derive(Default)]
struct Tally {
    /// formats that both have refused
    refused: usize,
    /// formats that have failed with a record on both sides
    failed: usize,
    /// texts that were the same
    same: usize,
    /// descriptions of what differed
    different: Vec<String>,
}
