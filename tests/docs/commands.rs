//! The commands of the pages: each is run on a computer of its own, or by another test or script that takes it from the page.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::computer::Computer;
use super::pages;
use super::registration::{bind, configure, make_key, secret_of};
use crate::harness::installed;
use crate::harness::sandbox::sandbox;

/// The page whose commands are run here, in its order.
const OPERATING: &str = "docs/operating.md";

/// Blocks that are run elsewhere: the page, words before the block, and who takes it from the page by these words.
const ELSEWHERE: [(&str, &str, &str); 9] = [
    ("README.md", "**Debian, Ubuntu**", ".ci/boot"),
    ("README.md", "**From source**", "tests/docs/computer.rs"),
    ("README.md", "**Make a key**", "tests/docs/registration.rs"),
    ("README.md", "In PowerDNS", "tests/docs/registration.rs"),
    (
        "README.md",
        "**Open the firewall**",
        "tests/docs/failures.rs",
    ),
    (
        "README.md",
        "**Look, then send.**",
        "tests/docs/registration.rs",
    ),
    ("README.md", "With systemd:", ".ci/boot"),
    ("README.md", "With cron", "tests/docs/registration.rs"),
    ("README.md", "**Fedora", "tests/docs/commands.rs"),
];

#[test]
fn every_command_is_run() {
    for block in pages::in_language("sh") {
        let elsewhere = ELSEWHERE.iter().find(|(page, words, _)| {
            *page == block.page && pages::after(page, words) == block.text
        });
        if let Some((_, words, file)) = elsewhere {
            let by = pages::text(file);
            assert!(
                by.contains(&format!("\"{words}\"")) || by.contains(&format!("'{words}'")),
                "{words}: {file}"
            );
            continue;
        }
        for line in block.text.lines() {
            match line {
                // tests/sandbox runs the example, and .ci/run the tests.
                "cargo run --example sandbox" => {
                    assert!(pages::path("examples/sandbox/main.rs").exists());
                }
                "cargo bench" => assert!(pages::text("Cargo.toml").contains("[[bench]]")),
                "cargo test" => {
                    assert!(pages::text(".ci/run").ends_with("cargo test\n\nstep \"Done\"\n"));
                }
                line => assert_eq!(block.page, OPERATING, "{block}: nothing runs {line:?}"),
            }
        }
    }
}

#[test]
fn the_rpm_is_called_as_the_readme_has_it() {
    // No dnf runs here, so this is all.
    let command = pages::after("README.md", "**Fedora");
    assert_eq!(command, "dnf install ./pydyndns-*.rpm\n");
    let cargo = pages::text("Cargo.toml");
    assert!(cargo.contains("[package.metadata.generate-rpm]"));
    assert!(cargo.contains("\nname = \"pydyndns\"\n"));
}

/// What `install [-D] -m MODE FILE... TO` makes: the mode, and each file with where it goes, a pattern being its files.
fn installs(line: &str) -> Option<(u32, Vec<(PathBuf, PathBuf)>)> {
    let words = line.strip_prefix("install ")?;
    let words = words.strip_prefix("-D ").unwrap_or(words);
    let words: Vec<&str> = words.strip_prefix("-m ")?.split(' ').collect();
    let (to, words) = words.split_last()?;
    let (mode, files) = words.split_first()?;
    let source = Path::new("/run/source");
    let files = files.iter().flat_map(|file| match file.strip_suffix('*') {
        None => vec![source.join(file)],
        Some(begin) => {
            let (folder, begin) = begin.rsplit_once('/').expect("a pattern in a folder");
            let entries = std::fs::read_dir(source.join(folder)).unwrap();
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| {
                    path.file_name()
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .starts_with(begin)
                })
                .collect()
        }
    });
    let place = |file: PathBuf| {
        let to = if to.ends_with('/') {
            Path::new(to).join(file.file_name().unwrap())
        } else {
            PathBuf::from(to)
        };
        (file, to)
    };
    Some((
        u32::from_str_radix(mode, 8).ok()?,
        files.map(place).collect(),
    ))
}

#[test]
fn the_commands_of_the_operating_page_do_what_it_says() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        for program in ["tsig-keygen", "systemctl", "systemd-sysusers"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        let key = make_key(sandbox);
        let Some(server) = bind(sandbox, &key) else {
            return;
        };
        configure(sandbox, &computer, secret_of(&key));
        // What the packages bring.
        sandbox.shell("cp /run/source/examples/systemd/pydyndns* /usr/lib/systemd/system/");
        let mut blocks = pages::of(OPERATING);
        blocks.retain(|block| block.language == "sh");
        for block in &blocks {
            for line in block.text.lines() {
                let made = installs(line);
                for (_, to) in made.iter().flat_map(|(_, files)| files) {
                    // What a system has that has the client; what is ours, the command makes.
                    if !line.contains(" -D ") {
                        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                    }
                }
                // Nothing is booted here; .ci/boot starts the timer so.
                let said =
                    computer.run(&line.replace("systemctl enable --now ", "systemctl enable "));
                let is_good = said.status == 0 || (line.contains("--status") && said.status == 1);
                assert!(is_good, "{block}: {line}: {said:?}");
                if let Some((mode, files)) = made {
                    for (file, to) in files {
                        assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&to).unwrap());
                        let has = std::fs::metadata(&to).unwrap().permissions().mode() & 0o7777;
                        assert_eq!(has, mode, "{}", to.display());
                    }
                }
                if line.ends_with(" /etc/pydyndns.conf") {
                    // "Edit", the page says.
                    configure(sandbox, &computer, secret_of(&key));
                }
                if line == "pydyndns --force" {
                    assert_eq!(server.at("host.example.com.").len(), 3);
                }
            }
        }
        // The last of them takes the addresses away again.
        assert_eq!(
            server.at("host.example.com."),
            ["host.example.com. 60 TXT kept"]
        );
        let wants = Path::new("/etc/systemd/system/timers.target.wants/pydyndns.timer");
        assert!(wants.is_symlink());
        assert!(
            sandbox
                .shell("getent passwd _pydyndns")
                .starts_with("_pydyndns:")
        );
    });
}

#[test]
fn every_text_is_compared_with_what_it_shows() {
    let map = pages::text("src/lib.rs").replace("//! ", "");
    for block in pages::in_language("text") {
        let is_checked = match block.page.as_str() {
            // registration.rs
            "README.md" => pages::after("README.md", "## At work") == block.text,
            // failures.rs
            OPERATING => block.text.starts_with("pydyndns: "),
            "docs/architecture.md" => map.contains(&block.text),
            _ => false,
        };
        assert!(is_checked, "{block}");
    }
    let failures = pages::of(OPERATING);
    assert_eq!(
        failures
            .iter()
            .filter(|block| block.language == "text")
            .count(),
        12
    );
}
