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

mod fleet;
mod growth;
mod kerberos;
mod measure;
mod programs;
mod windows;
mod world;

use measure::Table;
use programs::Programs;
use std::path::Path;
use std::process::ExitCode;
use world::World;

/// How often the fast commands run.
const ROUNDS: u32 = 500;
/// How often they run beside BIND, nsupdate or a program in a script language.
const SLOW_ROUNDS: u32 = 200;

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
    kerberos::kerberos(&programs);
    growth::items(&programs);
    growth::files(&programs);
    fleet::fleet(&programs, &world);
    windows::windows(&programs);
    drop(world);
    ExitCode::SUCCESS
}

/// A run that finds its registration in the cache, beside the least that it could be, and beside what else there is to run
/// every minute. nsupdate remembers nothing, so each of its runs sends.
fn unchanged(programs: &Programs) {
    let config = world::config("unchanged", &[]);
    world::run(&programs.dynamic, &["-f", "-c", &config]);
    let mut table = Table::new("Unchanged: a run that the cache spares the rest");
    let cache = "/run/unchanged.cache";
    let least = programs
        .least
        .exists()
        .then(|| table.command("least", &programs.least, &[&*config, cache]));
    if programs.empty.exists() {
        let empty = table.command("empty Rust program", &programs.empty, &[""; 0]);
        if let Some(least) = least {
            table.compare(empty, least);
        }
    }
    for (name, program) in programs.ours() {
        let ours = table.command(name, program, &["-c", &config]);
        if let Some(least) = least {
            table.compare(ours, least);
        }
    }
    let before = world::packets();
    table.measure(programs, ROUNDS);
    println!(
        "{} packets were sent or received",
        world::packets() - before
    );
    table.count();
    table.print();

    let mut table = Table::new("Unchanged, beside others");
    let ours = table.command("pydyndns", programs.best(), &["-c", &config]);
    let mut other = |name: &str, program: &Path, arguments: &[&str]| {
        let other = table.command(name, program, arguments);
        table.compare(ours, other);
    };
    other("/bin/true", Path::new("/bin/true"), &[]);
    if let Some((ddclient, arguments)) = world::ddclient() {
        other("ddclient", &ddclient, &arguments);
    }
    if let Some(original) = &programs.original {
        let config = world::original_config("unchanged");
        other("pydyndns 1.2.1 in Python", original, &["-c", &config]);
    }
    if let Some((nsupdate, arguments)) = world::nsupdate() {
        other("nsupdate -v, which always sends", &nsupdate, &arguments);
    }
    table.measure(programs, SLOW_ROUNDS);
    table.print();
}

/// A forced run: SOA, MNAME's addresses, signed update, cache.
fn changed(programs: &Programs) {
    let config = world::config("changed", &[]);
    let mut table =
        Table::new("Changed: look up the zone and its primary, update, write the cache");
    let packets = world::packets_of(&programs.dynamic);
    let mut others =
        vec![table.command("C program, ready-made packets", &programs.floor, &packets)];
    if let Some((nsupdate, arguments)) = world::nsupdate() {
        others.push(table.command("nsupdate -v", &nsupdate, &arguments));
    }
    if let Some(original) = &programs.original {
        let config = world::original_config("changed");
        let arguments = ["-f", "-c", &*config];
        others.push(table.command("pydyndns 1.2.1 in Python", original, &arguments));
    }
    for (name, program) in programs.ours() {
        let ours = table.command(name, program, &["-f", "-c", &config]);
        for &other in &others {
            table.compare(ours, other);
        }
    }
    table.measure(programs, SLOW_ROUNDS);
    table.count();
    table.print();
}
