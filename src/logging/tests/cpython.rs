//! Compared with `CPython`: `compare.py` applies the configurations of `cases.py` to both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The package's folder.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The probe, which is another test of the same build and so stands beside this one.
fn probe() -> PathBuf {
    let folder = std::env::current_exe().unwrap();
    let folder = folder.parent().unwrap();
    let candidates = std::fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name()?.to_str()?;
        let is_program = path.extension().is_none_or(|extension| extension == "exe");
        (name.starts_with("probe-") && is_program)
            .then(|| Some((path.metadata().ok()?.modified().ok()?, path)))?
    });
    let (built, probe) = candidates
        .max()
        .expect("cargo builds the probe with the tests");
    for folder in ["", "format", "handlers", "schema", "system"] {
        for source in std::fs::read_dir(package().join(folder)).unwrap() {
            let source = source.unwrap();
            assert!(
                source.path().extension().is_none_or(|is| is != "rs")
                    || source.metadata().unwrap().modified().unwrap() <= built,
                "the probe is old: run the whole `cargo test`"
            );
        }
    }
    probe
}

/// Runs one part of the comparison and returns how many configurations it has tried, or None if there is no Python.
fn compare(part: &str) -> Option<usize> {
    let python = Command::new("python3")
        .args([
            "-c",
            "import sys; sys.exit(sys.version_info[:2] != (3, 11))",
        ])
        .stderr(Stdio::null())
        .status();
    if !python.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("DICTCONFIG_TEST_NO_SKIP").is_none(),
            "python3 of version 3.11 is missing"
        );
        println!("skipped: python3 of version 3.11 is missing");
        return None;
    }
    let script = package().join("tests/compare.py");
    let output = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(probe())
        .arg(part)
        .env("TZ", "America/New_York")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures = text.lines().last().unwrap();
    Some(figures.split(' ').nth(1).unwrap().parse().unwrap())
}

#[test]
fn prints_what_cpython_prints_for_every_configuration() {
    assert!(compare("accepted").is_none_or(|count| count >= 500));
}

#[test]
fn rejects_what_cpython_rejects_and_names_the_key() {
    assert!(compare("rejected").is_none_or(|count| count >= 150));
}

#[cfg(unix)]
#[test]
fn says_one_line_about_a_destination_that_fails_and_goes_on() {
    assert!(compare("broken").is_none_or(|count| count >= 30));
}

#[cfg(target_os = "linux")]
#[test]
fn writes_to_the_journal_by_its_native_protocol() {
    compare("journal");
}
