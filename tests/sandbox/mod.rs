//! The sandbox in `examples/`: what the README's first command shows.

use std::path::Path;
use std::process::Command;

use crate::harness::program::PROGRAM;

#[test]
fn shows_the_main_job_from_the_zone_before_to_a_changed_address() {
    let folder = Path::new(PROGRAM).parent().unwrap().join("examples");
    let example = folder
        .join("sandbox")
        .with_extension(std::env::consts::EXE_EXTENSION);
    if !example.is_file() {
        skip!(
            "{} was not built; `cargo test` without further words does that",
            example.display()
        );
    }
    // Without cargo it takes the program as it is, which is the one under test.
    let output = Command::new(example).env_remove("CARGO").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let told = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    let mut rest = told.as_str();
    for line in [
        "host.example.com. 3600 A 192.0.2.99",
        "\"server\": \"127.0.0.1:",
        "$ pydyndns -c pydyndns.conf --dry-run",
        "update add host.example.com. 300 A 127.0.0.1",
        "$ pydyndns -c pydyndns.conf --verbose",
        "host.example.com. 300 A 127.0.0.1",
        "$ pydyndns -c pydyndns.conf --verbose",
        "still seen 1 update",
        "$ pydyndns -c pydyndns.conf --verbose",
        "www.example.com. 3600 A 192.0.2.1",
    ] {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("{line} is missing, or too early, in {told}"));
        rest = &rest[at + line.len()..];
    }
}
