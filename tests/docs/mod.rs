//! The pages keep their word. Every fenced block is run, or compared with what the program or the server that it is for says
//! about it; its language decides how. A block that nothing checks fails.

#[cfg(target_os = "linux")]
mod commands;
#[cfg(target_os = "linux")]
mod computer;
mod configurations;
#[cfg(target_os = "linux")]
mod failures;
#[cfg(target_os = "linux")]
mod grammars;
mod pages;
#[cfg(target_os = "linux")]
mod registration;

use std::path::Path;

use crate::harness::local::Local;
use crate::harness::program::Program;

/// The languages of blocks, each with the file of the test that takes all its blocks of all pages.
const LANGUAGES: [(&str, &str); 11] = [
    ("json", "configurations.rs"),
    ("sh", "commands.rs"),
    ("text", "commands.rs"),
    ("bind", "grammars.rs"),
    ("yaml", "grammars.rs"),
    ("haproxy", "grammars.rs"),
    ("ini", "grammars.rs"),
    ("powershell", "grammars.rs"),
    ("rust", "mod.rs"),
    ("kadmin", "mod.rs"),
    ("named", "mod.rs"),
];

#[test]
fn every_block_is_in_a_language_that_is_checked() {
    for block in pages::all() {
        assert!(
            LANGUAGES.iter().any(|(known, _)| *known == block.language),
            "{block}: nothing checks {:?}",
            block.language
        );
    }
    // And nothing is checked that no page has.
    for (language, file) in LANGUAGES {
        assert!(!pages::in_language(language).is_empty());
        let source = pages::text(&format!("tests/docs/{file}"));
        assert!(source.contains(&format!("in_language(\"{language}\")")));
    }
}

#[test]
fn examples_in_rust_are_run_as_documentation_of_their_package() {
    for block in pages::in_language("rust") {
        let folder = Path::new(&block.page).parent().unwrap();
        let library = pages::text(&format!("{}/lib.rs", folder.display()));
        assert!(
            library.contains("#[doc = include_str!(\"README.md\")]"),
            "{block}: no documentation test runs it"
        );
    }
}

#[test]
fn what_a_realm_needs_is_run_in_one() {
    let test = pages::text("tests/gss/page.rs");
    for block in pages::in_language("kadmin")
        .iter()
        .chain(&pages::in_language("named"))
    {
        assert_eq!(block.page, "docs/kerberos.md", "{block}");
        assert_eq!(
            pages::of(&block.page)
                .iter()
                .filter(|other| other.language == block.language)
                .count(),
            1
        );
        assert!(test.contains(&format!("\"{}\"", block.language)), "{block}");
    }
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut found = 0;
    for page in pages::pages() {
        let text = pages::text(&page);
        // From the project's folder, wherever it is said.
        for word in text.split(|c: char| c.is_whitespace() || "`()[]<>|\"',;".contains(c)) {
            let word = word.trim_end_matches(['.', ':']);
            if ["examples/", "tests/", ".ci/", "src/", "docs/"]
                .iter()
                .any(|folder| word.starts_with(folder))
            {
                // A pattern stands for at least one.
                let any = word.split('*').next().unwrap_or_default();
                let is_there = if any == word {
                    pages::path(word).exists()
                } else {
                    let (folder, begin) = any.rsplit_once('/').unwrap();
                    std::fs::read_dir(pages::path(folder)).is_ok_and(|mut entries| {
                        entries.any(|entry| {
                            entry
                                .unwrap()
                                .file_name()
                                .to_string_lossy()
                                .starts_with(begin)
                        })
                    })
                };
                assert!(is_there, "{page} names {word}");
                found += 1;
            }
        }
        // And from the page's own, where it leads.
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if !link.contains("://") {
                let folder = pages::path(&page);
                let target = folder.parent().unwrap().join(link);
                assert!(target.exists(), "{page} leads to {link}");
                found += 1;
            }
        }
    }
    assert!(found > 20);
}

#[test]
fn every_option_that_a_page_names_exists() {
    let local = Local::new();
    let help = Program::new(local.path()).arg("--help").run().stdout;
    let mut found = 0;
    for page in pages::pages() {
        for code in pages::text(&page).split('`').skip(1).step_by(2) {
            let words = code.strip_prefix("pydyndns ").unwrap_or(code);
            if words.len() == code.len() && !code.starts_with("--") {
                continue;
            }
            for word in words
                .split_whitespace()
                .filter(|word| word.starts_with('-'))
            {
                assert!(help.contains(word), "{page} names the option {word}");
                found += 1;
            }
        }
    }
    assert!(found > 5);
}

#[test]
fn the_readme_is_short() {
    assert!(pages::text("README.md").lines().count() <= 200);
}
