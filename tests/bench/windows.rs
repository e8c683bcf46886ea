//! The Windows program under Wine.

use crate::measure::Table;
use crate::programs::Programs;
use crate::world;
use std::path::Path;
use std::process::{Command, Stdio};

/// How often a command runs.
const ROUNDS: u32 = 100;

/// The Windows program's size, and its unchanged run under Wine beside a program that does nothing, as they are built by
/// `.ci/release-windows`.
pub(crate) fn windows(programs: &Programs) {
    let (Some(ours), Some(_)) = (
        std::env::var_os("PYDYNDNS_WINDOWS_EXE"),
        std::env::var_os("WINEPREFIX"),
    ) else {
        println!("\nleft out: Windows, since PYDYNDNS_WINDOWS_EXE and WINEPREFIX are not set");
        return;
    };
    let ours = Path::new(&ours);
    let empty = ours.with_file_name("empty.exe");
    println!("\n## Size on Windows\n\n| | bytes |\n|---|--:|");
    for (name, file) in [
        ("pydyndns.exe", ours),
        ("empty Rust program", empty.as_path()),
    ] {
        let bytes = file.metadata().map_or(0, |file| file.len());
        println!("| {name} | {bytes} |");
    }
    // With the server and its services up, a run is no more than the program itself.
    for words in [&["wineserver", "-p"][..], &["wine", "cmd", "/c", "exit"]] {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "Wine starts");
    }
    let config = world::config("windows", &[]);
    let (ours, empty) = (ours.to_string_lossy(), empty.to_string_lossy());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let wine = std::env::split_paths(&path)
        .map(|folder| folder.join("wine"))
        .find(|file| file.is_file())
        .expect("Wine has just run");
    world::run(&wine, &[&ours, "-f", "-c", &config]);
    let mut table = Table::new("Unchanged on Windows, under Wine");
    let empty = table.command("empty Rust program", &wine, &[&empty]);
    let ours = table.command("pydyndns.exe", &wine, &[&*ours, "-c", &config]);
    table.compare(ours, empty);
    table.measure(programs, ROUNDS);
    table.print();
    drop(Command::new("wineserver").arg("-k").status());
}
