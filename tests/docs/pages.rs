//! The pages and their fenced blocks.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file of the project.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file of the project as text.
pub(super) fn text(name: &str) -> String {
    let text =
        std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.replace("\r\n", "\n")
}

/// The names of all pages.
pub(super) fn pages() -> Vec<String> {
    let mut pages = vec![
        "README.md".to_owned(),
        "CHANGELOG.md".to_owned(),
        "src/logging/README.md".to_owned(),
    ];
    let docs = std::fs::read_dir(path("docs")).expect("the folder can be listed");
    pages.extend(
        docs.map(|entry| entry.expect("the folder can be listed").file_name())
            .map(|name| format!("docs/{}", name.to_string_lossy()))
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "md")),
    );
    pages.sort();
    pages
}

/// One fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// The page's name.
    pub(super) page: String,
    /// The line that it begins on.
    line: usize,
    /// The language after the fence.
    pub(super) language: String,
    /// What stands in it, without the list's indentation.
    pub(super) text: String,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.page, self.line)
    }
}

/// The blocks of a page.
pub(super) fn of(page: &str) -> Vec<Block> {
    let text = text(page);
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let indentation = line.len() - line.trim_start().len();
        let Some(language) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let inside: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line.get(indentation..).unwrap_or_default())
            .take_while(|line| *line != "```")
            .collect();
        blocks.push(Block {
            page: page.to_owned(),
            line: number + 1,
            language: language.to_owned(),
            text: format!("{}\n", inside.join("\n")),
        });
    }
    blocks
}

/// The blocks of all pages.
pub(super) fn all() -> Vec<Block> {
    pages().iter().flat_map(|page| of(page)).collect()
}

/// All blocks of a language.
pub(super) fn in_language(language: &str) -> Vec<Block> {
    let mut blocks = all();
    blocks.retain(|block| block.language == language);
    assert!(!blocks.is_empty(), "no page has a block of {language}");
    blocks
}

/// The first block of a page after some words.
#[cfg(target_os = "linux")]
pub(super) fn after(page: &str, words: &str) -> String {
    let text = text(page);
    let at = text
        .find(words)
        .unwrap_or_else(|| panic!("{page} has no {words:?}"));
    let line = text[..at].lines().count();
    let mut blocks = of(page).into_iter();
    let block = blocks.find(|block| block.line > line);
    block
        .unwrap_or_else(|| panic!("{page} has no block after {words:?}"))
        .text
}
