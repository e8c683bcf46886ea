//! The manual pages and the completions say what the program says: every option and every key, and no other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::harness::installed;
use crate::harness::local::Local;
use crate::harness::program::Program;

/// The page of the command.
const PROGRAM_PAGE: &str = include_str!("../../docs/pydyndns.8");
/// The page of the configuration.
const CONFIGURATION_PAGE: &str = include_str!("../../docs/pydyndns.conf.5");
/// The completions, by shell.
const COMPLETIONS: [(&str, &str); 3] = [
    (
        "bash",
        include_str!("../../examples/completions/pydyndns.bash"),
    ),
    (
        "zsh",
        include_str!("../../examples/completions/pydyndns.zsh"),
    ),
    (
        "fish",
        include_str!("../../examples/completions/pydyndns.fish"),
    ),
];

/// The options of `--help`, short and long, with their hyphens.
fn options() -> BTreeSet<String> {
    let local = Local::new();
    let help = Program::new(local.path()).arg("--help").run().stdout;
    let (_, table) = help.split_once("Options:").expect("the help has options");
    let options: BTreeSet<String> = table
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'))
        .flat_map(|line| {
            line.split_whitespace()
                .map(|word| word.trim_end_matches(','))
                .take_while(|word| word.starts_with('-') || word.starts_with('<'))
                .filter(|word| word.starts_with('-'))
        })
        .map(str::to_owned)
        .collect();
    assert!(options.contains("--config") && options.contains("-V"));
    options
}

/// What `.It Fl` introduces in the page: a macro `Fl` puts a hyphen before its word.
fn options_of_the_page() -> BTreeSet<String> {
    PROGRAM_PAGE
        .lines()
        .filter_map(|line| line.strip_prefix(".It Fl "))
        .flat_map(|line| line.split(" , Fl "))
        .map(|option| format!("-{}", option.split(' ').next().unwrap_or_default()))
        .collect()
}

#[test]
fn the_page_of_the_program_has_every_option_and_no_other() {
    assert_eq!(options_of_the_page(), options());
    let synopsis = PROGRAM_PAGE
        .split(".Sh ")
        .find(|section| section.starts_with("SYNOPSIS"))
        .expect("the page has a synopsis");
    for option in synopsis.split("Fl ").skip(1) {
        let option = option.split_whitespace().next().unwrap_or_default();
        if let Some(long) = option.strip_prefix('-') {
            assert!(options().contains(&format!("--{long}")), "--{long}");
        } else {
            for short in option.chars() {
                assert!(options().contains(&format!("-{short}")), "-{short}");
            }
        }
    }
}

#[test]
fn the_completions_have_every_option_and_no_other() {
    let options = options();
    for (shell, text) in COMPLETIONS {
        let is_option = |word: &str| {
            let letters = word.trim_start_matches('-');
            word.starts_with('-')
                && !letters.is_empty()
                && letters.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
        };
        let found: BTreeSet<String> = match shell {
            "fish" => text
                .lines()
                .filter_map(|line| line.strip_prefix("complete -c pydyndns "))
                .flat_map(|line| {
                    let words: Vec<&str> = line.split(" -d ").next().unwrap().split(' ').collect();
                    words
                        .windows(2)
                        .filter_map(|pair| match pair {
                            ["-s", short] => Some(format!("-{short}")),
                            ["-l", long] => Some(format!("--{long}")),
                            _ => None,
                        })
                        .collect::<Vec<_>>()
                })
                .collect(),
            "zsh" => text
                .lines()
                .filter(|line| line.starts_with("\t'"))
                .flat_map(|line| line.split(|c: char| "'(){}[], ".contains(c)))
                .filter(|word| is_option(word))
                .map(str::to_owned)
                .collect(),
            _ => {
                let words = text
                    .split("compgen -W \"-")
                    .nth(1)
                    .expect("a list of words");
                let words = words.split('"').next().unwrap();
                format!("-{words}")
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect()
            }
        };
        assert_eq!(found, options, "{shell}");
    }
}

/// The keys that the program knows below a path, as the error about an unknown one lists them; none if what stands there
/// is no object with keys of ours.
fn keys_below(path: &str) -> Vec<String> {
    const UNKNOWN: &str = "qqqqqqqqqqqqqqqq";
    let local = Local::new();
    let unknown = json!({UNKNOWN: 1});
    let config = if path.is_empty() {
        unknown
    } else {
        local.config(json!({path: unknown, "tsig": if path == "tsig" { json!({UNKNOWN: 1}) } else { Value::Null }}))
    };
    let said = Program::new(local.path()).config(&config).run().stderr;
    let prefix = if path.is_empty() {
        format!("{UNKNOWN}: no such key; there are ")
    } else {
        format!("{path}.{UNKNOWN}: no such key; there are ")
    };
    let Some((_, keys)) = said.split_once(&prefix) else {
        return Vec::new();
    };
    let keys = keys.trim_end().split(", ");
    keys.map(|key| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    })
    .collect()
}

#[test]
fn the_page_of_the_configuration_has_every_key_and_no_other() {
    let mut keys = keys_below("");
    assert!(keys.len() > 10, "{keys:?}");
    // What stands in the section of logging is Python's to say.
    for key in keys.clone().iter().filter(|key| *key != "logging") {
        keys.extend(keys_below(key));
    }
    assert!(keys.contains(&"tsig.keyfile".to_owned()), "{keys:?}");
    let keys: BTreeSet<String> = keys.into_iter().collect();
    let page: BTreeSet<String> = CONFIGURATION_PAGE
        .lines()
        .filter_map(|line| line.strip_prefix(".It Cm "))
        .map(str::to_owned)
        .collect();
    assert_eq!(page, keys);
}

#[test]
fn the_sample_of_the_page_is_a_configuration() {
    let (_, sample) = CONFIGURATION_PAGE.split_once("-offset indent\n").unwrap();
    let sample = sample.split(".Ed").next().unwrap();
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    let local = Local::new();
    let keys = json!({"hostname": "host.example.com", "zone": "example.com", "server": "127.0.0.1", "cache": false});
    let config = crate::harness::program::merged(sample, keys);
    let run = Program::new(local.path()).config(&config).arg("-n").run();
    assert_eq!(run.status, Some(0), "{run:?}");
}

/// The pages.
fn pages() -> [PathBuf; 2] {
    ["pydyndns.8", "pydyndns.conf.5"].map(|page| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(page)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn mandoc_has_nothing_against_the_pages() {
    if !installed("mandoc") {
        skip!("mandoc is not installed");
    }
    let output = std::process::Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .args(pages())
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn no_line_of_the_pages_is_wider_than_a_terminal() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut is_literal = false;
        for line in text.lines() {
            match line {
                ".Ed" => is_literal = false,
                _ if line.starts_with(".Bd -literal") => is_literal = true,
                // Indented by five columns for the section and six for the display.
                _ if is_literal => assert!(line.len() <= 80 - 11, "{line}"),
                _ => {}
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bash_completes_options_files_and_interfaces() {
    if !installed("bash") {
        skip!("bash is not installed");
    }
    let completed = |words: &[&str]| {
        let script = format!(
            "compopt() {{ :; }}; . '{}'; COMP_WORDS=(pydyndns {}); COMP_CWORD={}; _pydyndns; echo \"${{COMPREPLY[*]}}\"",
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("examples/completions/pydyndns.bash")
                .display(),
            words.join(" "),
            words.len()
        );
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    };
    assert_eq!(completed(&["--st"]), "--status");
    assert_eq!(completed(&["-v", "--un"]), "--unregister");
    assert_eq!(
        completed(&["--config", "/etc/host"]).split(' ').next(),
        Some("/etc/hosts")
    );
    assert_eq!(completed(&["l"]), "lo");
}
