//! How fast and how large the program is, beside the least that the same work can cost and beside those who do it
//! otherwise. `cargo bench` prints tables and judges nothing.
//!
//! The commands of a table run in turn, so that whatever else the machine does hits all of them alike, and the middle of
//! their times counts. They run in namespaces of their own, with BIND on loopback as primary and resolver. What is not
//! installed is left out, with a line that says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on is over"
)]

mod measure;
mod programs;
mod world;

use measure::Table;
use programs::Programs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use world::World;

/// How often the fast commands run.
const ROUNDS: u32 = 500;
/// How often they run under Wine.
const WINE_ROUNDS: u32 = 100;
/// How often they run beside nsupdate or the Python program.
const SLOW_ROUNDS: u32 = 300;

fn main() -> ExitCode {
    if !cfg!(target_os = "linux") {
        println!("The benchmark needs Linux: network namespaces, BIND's way to start, wait4.");
        return ExitCode::SUCCESS;
    }
    let Some(inside) = std::env::args()
        .skip_while(|argument| argument != world::INSIDE)
        .nth(1)
    else {
        let programs = Programs::build();
        programs.print_sizes();
        return world::enter(&programs.folder);
    };
    let programs = Programs::built(Path::new(&inside));
    let world = World::new();
    unchanged(&programs);
    changed(&programs);
    growth(&programs);
    files(&programs);
    windows(&programs);
    drop(world);
    ExitCode::SUCCESS
}

/// A run that finds its registration in the cache, beside programs that do nothing.
fn unchanged(programs: &Programs) {
    let config = world::config("unchanged", &[]);
    world::run(&programs.dynamic, &["-f", "-c", &config]);
    let mut table = Table::new("Unchanged: a run that the cache spares the rest");
    let before = world::packets();
    for linked in programs.linkages() {
        let empty = table.command(
            &format!("empty Rust program, {}", linked.name),
            linked.empty,
            &[""; 0],
        );
        let ours = table.command(
            &format!("pydyndns, {}", linked.name),
            linked.ours,
            &["-c", &config],
        );
        table.compare(ours, empty);
    }
    table.measure(programs, ROUNDS);
    println!(
        "{} packets were sent or received",
        world::packets() - before
    );
    table.count_calls();
    table.print();
    if let Some(original) = &programs.original {
        let mut table = Table::new("Unchanged, beside the Python program");
        let theirs = table.command(
            "pydyndns 1.2.1 in Python",
            original,
            &["-c", &world::original_config("unchanged")],
        );
        for linked in programs.linkages() {
            let ours = table.command(
                &format!("pydyndns, {}", linked.name),
                linked.ours,
                &["-c", &config],
            );
            table.compare(ours, theirs);
        }
        table.measure(programs, SLOW_ROUNDS);
        table.print();
    }
}

/// A forced run: SOA, MNAME's addresses, signed update, cache.
fn changed(programs: &Programs) {
    let config = world::config("changed", &[]);
    let mut table =
        Table::new("Changed: look up the zone and its primary, update, write the cache");
    let floor = table.command(
        "C program, ready-made packets",
        &programs.floor,
        &world::packets_of(&programs.dynamic),
    );
    let nsupdate = world::nsupdate()
        .map(|(nsupdate, arguments)| table.command("nsupdate -v", &nsupdate, &arguments));
    let theirs = programs.original.as_ref().map(|original| {
        table.command(
            "pydyndns 1.2.1 in Python",
            original,
            &["-f", "-c", &world::original_config("changed")],
        )
    });
    for linked in programs.linkages() {
        let ours = table.command(
            &format!("pydyndns, {}", linked.name),
            linked.ours,
            &["-f", "-c", &config],
        );
        for other in [Some(floor), nsupdate, theirs].into_iter().flatten() {
            table.compare(ours, other);
        }
    }
    table.measure(programs, SLOW_ROUNDS);
    table.count_calls();
    table.print();
}

/// What more addresses and more interfaces cost. The name server's own time for an update is in the time of a changed
/// run, and not in that on the CPU.
fn growth(programs: &Programs) {
    let ours = programs.best();
    let config = world::config("growth", &[]);
    println!("\n## Growth\n");
    println!(
        "| | unchanged, ms | per item, µs | changed, ms | of that on the CPU | per item, µs | records to add in the one message |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let row = |what: &str, items: u32| {
        let changed = measure::one(programs, ROUNDS / 5, ours, &["-f", "-c", &config]);
        let unchanged = measure::one(programs, ROUNDS, ours, &["-c", &config]);
        let each = |milliseconds: f64| 1000.0 * milliseconds / f64::from(items);
        // The header's fifth number counts what is to be deleted and added, and one record deletes.
        let update = world::update_of(ours);
        println!(
            "| {items} {what} | {:.2} | {:.1} | {:.2} | {:.2} | {:.1} | {} |",
            unchanged.wall,
            each(unchanged.wall),
            changed.wall,
            changed.cpu,
            each(changed.cpu),
            u16::from_be_bytes([update[8], update[9]]) - 1,
        );
    };
    for addresses in [1, 10, 100, 1000] {
        world::set_addresses(addresses);
        row("addresses", addresses);
    }
    for interfaces in [1, 10, 100] {
        world::set_interfaces(interfaces);
        row("interfaces", interfaces);
    }
    world::set_interfaces(0);
    world::set_addresses(1);
}

/// What large files cost, beside reading them.
fn files(programs: &Programs) {
    let ours = programs.best();
    let plain = world::config("plain", &[]);
    let thousand = world::config("thousand", &world::comments(1000, 20));
    let large = world::config("large", &world::comments(10_000, 1000));
    let log = world::config("log", &[world::logging_to_a_large_file()]);
    world::run(&programs.dynamic, &["-f", "-c", &plain]);
    let mut table = Table::new("Large files");
    let plain_row = table.command("pydyndns", ours, &["-c", &plain]);
    for (what, config) in [
        ("1000 keys more", &thousand),
        ("10 MB of configuration", &large),
        ("logging to a file of 10 MB", &log),
    ] {
        let row = table.command(&format!("pydyndns, {what}"), ours, &["-c", config]);
        table.compare(row, plain_row);
    }
    let cat = Path::new("/bin/cat");
    for (what, file) in [("1000 keys", &thousand), ("10 MB", &large)] {
        table.command(&format!("cat, {what}"), cat, &[file]);
    }
    table.measure(programs, ROUNDS / 5);
    table.print();
}

/// The Windows program's size, and its unchanged run under Wine beside a program that does nothing, as they are built by
/// `.ci/release-windows`.
fn windows(programs: &Programs) {
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
    table.measure(programs, WINE_ROUNDS);
    table.print();
    drop(Command::new("wineserver").arg("-k").status());
}
