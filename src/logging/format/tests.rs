//! Random formats and records, written by CPython and by us.

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::doc_markdown,
    clippy::too_many_lines
)]

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

#[test]
fn formats_100_000_random_formats_and_records_as_cpython_does() {
    const SCRIPT: &str = r"
import json, logging, os, sys, time
os.environ['TZ'] = 'UTC'
time.tzset()
for line in sys.stdin:
    case = json.loads(line)
    try:
        formatter = logging.Formatter(case['format'], None, case['style'], case['validate'], defaults=dict(case['defaults']))
    except Exception as e:
        print(json.dumps({'refused': repr(e)}))
        continue
    record = logging.makeLogRecord({})
    record.__dict__.clear()
    fields = dict(case['fields'])
    fields['args'] = ()
    record.__dict__.update(fields)
    try:
        text = formatter.format(record)
        # A lone surrogate, which a native string can't hold, would fail here.
        text.encode('utf-8')
        print(json.dumps({'text': text}))
    except Exception as e:
        print(json.dumps({'failed': repr(e)}))
";
    let seed = std::env::var("PYDYNDNS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x2545_f491_4f6c_dd1d);
    let mut random = Random(seed);
    let defaults = vec![
        ("extra".to_owned(), Value::Str("it's".to_owned())),
        ("number".to_owned(), Value::Int(-1_234_567)),
        ("fraction".to_owned(), Value::Float(-0.000_123_456)),
        ("truth".to_owned(), Value::Bool(true)),
        (
            "list".to_owned(),
            Value::List(vec![
                Value::Int(7),
                Value::Str("é\n".to_owned()),
                Value::None,
            ]),
        ),
        (
            "dict".to_owned(),
            Value::Dict(vec![("a".to_owned(), Value::Float(1e16))]),
        ),
        ("none".to_owned(), Value::None),
    ];
    let mut cases = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..100_000 {
        let (style, sign) = [
            (Style::Percent, "%"),
            (Style::Brace, "{"),
            (Style::Dollar, "$"),
        ][random.below(3)];
        let format = match style {
            Style::Percent => random.percent(),
            Style::Brace => random.brace(),
            Style::Dollar => random.dollar(),
        };
        let validate = !random.once_in(3);
        let mut defaults = if random.once_in(5) {
            Vec::new()
        } else {
            defaults.clone()
        };
        if let Some((_, number)) = defaults.get_mut(1) {
            let magnitude = 10_i64.pow(u32::try_from(random.below(18)).unwrap());
            *number = Value::Int(i64::try_from(random.0 % 1_000_000_000_000).unwrap() % magnitude);
            defaults[2].1 = Value::Float(
                f64::from(i32::try_from(random.below(1 << 30)).unwrap() - (1 << 29)) / 3.0
                    * 10_f64.powi(i32::try_from(random.below(40)).unwrap() - 25),
            );
        }
        let record = random.record();
        cases.push(json!({
            "style": sign, "format": format, "validate": validate,
            "defaults": defaults.iter().map(|(name, value)| json!([name, to_json(value)])).collect::<Json>(),
            "fields": record.fields().iter().map(|(name, value)| json!([name, to_json(value)])).collect::<Json>(),
        }));
        // An empty format stands for the default.
        let used = if format.is_empty() {
            style.default_format().to_owned()
        } else {
            format
        };
        ours.push(match style.validate(&used) {
            Err(_) if validate => None,
            _ => {
                let formatter = Formatter {
                    style,
                    format: Ok(used.into()),
                    defaults: Ok(defaults),
                    ..Formatter::default()
                };
                Some(formatter.format(&record))
            }
        });
    }
    let Some(theirs) = ask_python(SCRIPT, cases.clone()) else {
        return;
    };
    assert_eq!(theirs.len(), ours.len());
    let mut tally = Tally::default();
    for ((case, theirs), ours) in cases.iter().zip(theirs).zip(ours) {
        match (&ours, theirs.get("refused"), theirs["text"].as_str()) {
            (None, Some(_), _) => tally.refused += 1,
            (Some(Err(_)), None, None) => tally.failed += 1,
            (Some(Ok(text)), None, Some(expected)) if text == expected => tally.same += 1,
            _ => tally.different.push(format!(
                "{} {}\n  CPython: {theirs}\n  here: {ours:?}",
                case["style"], case["format"]
            )),
        }
    }
    println!(
        "same text: {}, both refused: {}, both failed: {}",
        tally.same, tally.refused, tally.failed
    );
    assert!(
        tally.different.is_empty(),
        "{} differences, the first:\n{}",
        tally.different.len(),
        tally.different[..tally.different.len().min(12)].join("\n")
    );
    assert!(tally.same > 30_000 && tally.refused > 3_000 && tally.failed > 3_000);
}

#[test]
fn writes_times_as_the_c_library_does() {
    const SCRIPT: &str = r"
import json, os, sys, time
for line in sys.stdin:
    case = json.loads(line)
    if os.environ.get('TZ') != case['zone']:
        os.environ['TZ'] = case['zone']
        time.tzset()
    print(json.dumps(time.strftime(case['format'], time.localtime(case['seconds']))))
";
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut cases = Vec::new();
    let mut ours = Vec::new();
    for zone in [
        "UTC",
        "America/New_York",
        "Asia/Kolkata",
        "Europe/Berlin",
        "Australia/Lord_Howe",
    ] {
        let Ok(known) = jiff::tz::TimeZone::get(zone) else {
            continue;
        };
        for _ in 0..6_000 {
            let seconds = i64::try_from(random.0 % 4_000_000_000).unwrap();
            let mut format = String::new();
            for _ in 0..=random.below(3) {
                format.push_str(random.of(&["", "-", "é", " at "]));
                format.push('%');
                for _ in 0..random.below(2) {
                    format.push_str(random.of(&["_", "-", "0", "^", "#"]));
                }
                if random.once_in(8) {
                    format.push_str(&random.below(14).to_string());
                }
                if random.once_in(10) {
                    format.push_str(random.of(&["E", "O"]));
                }
                let letters = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%fiJKLNoqQv!é";
                let letters: Vec<char> = letters.chars().collect();
                format.push(letters[random.below(letters.len())]);
            }
            if random.once_in(20) {
                format.push('%');
            }
            ours.push(time::strftime(&format, &time::moment(seconds, &known)));
            cases.push(json!({"zone": zone, "seconds": seconds, "format": format}));
        }
    }
    let Some(theirs) = ask_python(SCRIPT, cases.clone()) else {
        return;
    };
    let different: Vec<_> = cases
        .iter()
        .zip(&theirs)
        .zip(&ours)
        .filter(|((_, theirs), ours)| theirs.as_str() != Some(ours))
        .map(|((case, theirs), ours)| format!("{case}: the C library {theirs}, here {ours:?}"))
        .collect();
    println!("{} times the same", ours.len());
    assert!(
        different.is_empty(),
        "{} differences, the first:\n{}",
        different.len(),
        different[..different.len().min(15)].join("\n")
    );
}
