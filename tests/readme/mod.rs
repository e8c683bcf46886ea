//! The README keeps its word: every configuration in it is run, and every file that it names is there.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::program::{Program, tsig};
use crate::harness::secret;

/// The text of the README.
const README: &str = include_str!("../../README.md");

/// The blocks of one language, with the line that each begins on.
fn blocks(language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = README.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == format!("```{language}") {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .collect();
            blocks.push((number + 1, block.join("\n")));
        }
    }
    blocks
}

#[test]
fn every_configuration_of_the_readme_registers() {
    let mut run = 0;
    for (line, text) in blocks("json") {
        let given: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("README line {line}: {error}"));
        let local = Local::new();
        let mut keys = given.clone();
        // What an example can't know: where this test's primary and files are.
        keys["cache"] = json!(local.cache());
        keys["hostname"] = json!("host.example.com");
        keys["zone"] = json!("example.com");
        keys["server"] = json!(local.primary.address().to_string());
        keys["tsig"] = match given["tsig"].get("keyfile") {
            Some(file) => {
                let path = local.path().join(file.as_str().expect("a file's name"));
                let text = format!(
                    "key \"{}\" {{ algorithm {}; secret \"{}\"; }};",
                    local.key.name,
                    local.key.algorithm.name(),
                    secret(&local.key)
                );
                std::fs::write(path, text).expect("the key file can be written");
                json!({"keyfile": file})
            }
            None => tsig(&local.key),
        };
        // A section by itself is for a configuration that one has already.
        let whole = given.get("ipv4").is_some();
        let configuration = if whole { keys } else { local.config(keys) };
        let outcome = Program::new(local.path()).config(&configuration).run();
        let only_windows = text.contains("NTEventLogHandler");
        let only_unix = text.contains("/dev/log");
        let is_refused = if cfg!(windows) {
            only_unix
        } else {
            only_windows
        };
        let expected = if is_refused { 2 } else { 0 };
        assert_eq!(
            outcome.status,
            Some(expected),
            "README line {line}: {outcome:?}"
        );
        run += 1;
    }
    assert!(run >= 5, "only {run} configurations were found");
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for word in README.split(|c: char| c.is_whitespace() || "`()[]<>\"',;".contains(c)) {
        let word = word.trim_end_matches(['.', ':']);
        if ["examples/", "tests/", ".ci/", "src/"]
            .iter()
            .any(|folder| word.starts_with(folder))
        {
            assert!(root.join(word).exists(), "README names {word}");
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn the_readmes_table_has_every_option_of_the_help() {
    let local = Local::new();
    let help = Program::new(local.path()).arg("--help").run().stdout;
    for option in help
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
    {
        let option = option.trim_end_matches([',', '.', ';']);
        assert!(
            README.contains(&format!("`{option}")),
            "README lacks {option}"
        );
    }
}
