//! Commands run in turn, and the table of what they took.

use crate::programs::Programs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// What a command took: the medians of its times and its page faults, the most of its memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    /// From the start to the end, in milliseconds.
    pub(crate) wall: f64,
    /// Of that on a processor.
    pub(crate) cpu: f64,
    /// Page faults, of which starting any program takes three.
    faults: u64,
    /// Peak memory in KiB.
    pub(crate) memory: u64,
    /// How many runs failed.
    failures: u64,
    /// How many system calls it made, where strace is installed.
    calls: Option<u64>,
    /// How many instructions it executed itself, without the kernel, where valgrind is installed.
    instructions: Option<u64>,
}

/// A table that is printed.
pub(crate) struct Table {
    /// Its heading.
    title: String,
    /// What the commands are called, and their words.
    commands: Vec<(String, Vec<String>)>,
    /// Which command is compared with which other.
    compared: Vec<(usize, usize)>,
    /// What each command took.
    rows: Vec<Row>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            commands: Vec::new(),
            compared: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a command and gives its number.
    pub(crate) fn command(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[impl AsRef<str>],
    ) -> usize {
        let mut words = vec![text_of(program)];
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.commands.push((name.to_owned(), words));
        self.commands.len() - 1
    }

    /// Has a command's time compared with another's.
    pub(crate) fn compare(&mut self, command: usize, other: usize) {
        self.compared.push((command, other));
    }

    /// Runs all commands in turn.
    pub(crate) fn measure(&mut self, programs: &Programs, rounds: u32) {
        let mut arguments = Vec::new();
        for (_, words) in &self.commands {
            if !arguments.is_empty() {
                arguments.push("--");
            }
            arguments.extend(words.iter().map(String::as_str));
        }
        self.rows = run_in_turn(programs, rounds, &arguments);
    }

    /// Counts each command's system calls and instructions: they do not depend on what else the machine does.
    pub(crate) fn count(&mut self) {
        for ((_, words), row) in self.commands.iter().zip(&mut self.rows) {
            row.calls = calls(words);
            row.instructions = instructions(words);
        }
    }

    /// Prints what was measured.
    pub(crate) fn print(&self) {
        println!("\n## {}\n", self.title);
        println!(
            "| | ms | of that on the CPU | peak KiB | page faults | system calls | instructions | ratio |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|---|");
        for (index, ((name, _), row)) in self.commands.iter().zip(&self.rows).enumerate() {
            let [calls, instructions] = [row.calls, row.instructions]
                .map(|count| count.map(|count| count.to_string()).unwrap_or_default());
            let ratios: Vec<String> = self
                .compared
                .iter()
                .filter(|(command, _)| *command == index)
                .map(|(_, other)| ratio(row, &self.rows[*other], &self.commands[*other].0))
                .collect();
            let failed = match row.failures {
                0 => String::new(),
                failures => format!(" ({failures} FAILED)"),
            };
            println!(
                "| {name}{failed} | {:.3} | {:.3} | {} | {} | {calls} | {instructions} | {} |",
                row.wall,
                row.cpu,
                row.memory,
                row.faults,
                ratios.join("; ")
            );
        }
    }
}

/// One time in terms of another: the smaller of both ways to say it that is easy to read.
fn ratio(row: &Row, other: &Row, name: &str) -> String {
    let ratio = row.wall / other.wall;
    if ratio < 0.05 {
        format!("{:.0} × faster than {name}", 1.0 / ratio)
    } else {
        format!("{ratio:.2} × {name}")
    }
}

/// What one command takes.
pub(crate) fn one(programs: &Programs, rounds: u32, program: &Path, arguments: &[&str]) -> Row {
    let program = text_of(program);
    let mut words = vec![program.as_str()];
    words.extend(arguments);
    let row = run_in_turn(programs, rounds, &words)[0];
    assert_eq!(row.failures, 0, "{words:?} failed");
    row
}

/// Has the runner run commands, with `--` between them.
fn run_in_turn(programs: &Programs, rounds: u32, commands: &[&str]) -> Vec<Row> {
    let output = Command::new(&programs.runner)
        .arg(rounds.to_string())
        .args(commands)
        .stderr(Stdio::inherit())
        .output()
        .expect("the runner starts");
    assert!(output.status.success(), "the runner: {}", output.status);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .map(|line| {
            let numbers: Vec<u32> = line
                .split(' ')
                .map(|number| number.parse().expect("a number"))
                .collect();
            Row {
                wall: f64::from(numbers[0]) / 1e6,
                cpu: f64::from(numbers[1]) / 1e6,
                faults: numbers[2].into(),
                memory: numbers[3].into(),
                failures: numbers[4].into(),
                ..Row::default()
            }
        })
        .collect()
}

/// How many system calls a command and what it starts make; none where strace can't tell.
fn calls(words: &[String]) -> Option<u64> {
    let summary = PathBuf::from("/run/strace");
    let traced = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(&summary)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    traced.ok().filter(ExitStatus::success)?;
    // The last line: "100.00  0.001  22  85  3 total", where the third last word but one is the number of errors, if any.
    let text = std::fs::read_to_string(summary).ok()?;
    let total = text.lines().rfind(|line| line.ends_with(" total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}

/// A path as a word of a command.
fn text_of(path: &Path) -> String {
    path.to_str().expect("the path is UTF-8").to_owned()
}

/// How many instructions a command executes; none where valgrind can't tell.
fn instructions(words: &[String]) -> Option<u64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    let (_, count) = text.split_once("Collected :")?;
    count.split_whitespace().next()?.parse().ok()
}
