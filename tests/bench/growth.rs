//! What more of everything costs: addresses, interfaces, and lines of the files that a run reads.

use crate::measure::{self, Row, Table};
use crate::programs::Programs;
use crate::world;
use std::path::Path;

/// How often a command runs.
const ROUNDS: u32 = 100;

/// Prints for each kind of thing what a run takes with more and more of them, and the slope from row to row of what it takes
/// of the processor: the rest of a changed run is the name server's.
pub(crate) fn items(programs: &Programs) {
    let ours = programs.best();
    println!("\n## Growth\n");
    println!("| | ms | of that on the CPU | per item more than in the row above, µs | peak KiB |");
    println!("|---|--:|--:|--:|--:|");
    let series = |what: &str, arguments: &[&str], counts: &[u32], set: &dyn Fn(u32)| {
        let mut above = None;
        for &count in counts {
            set(count);
            if what.contains("unchanged") {
                world::run(ours, &[&["-f"], arguments].concat());
            }
            let Row {
                wall, cpu, memory, ..
            } = measure::one(programs, ROUNDS, ours, arguments);
            let slope = above.map_or(String::new(), |(fewer, shorter): (u32, f64)| {
                let slope = 1000.0 * (cpu - shorter) / f64::from(count - fewer);
                format!("{slope:.3}")
            });
            println!("| {count} {what} | {wall:.3} | {cpu:.3} | {slope} | {memory} |");
            above = Some((count, cpu));
        }
    };
    let config = world::config("growth", &[]);
    let [unchanged, changed] = [&["-c", &*config][..], &["-f", "-c", &config]];
    let thousand = [1, 10, 100, 1000];
    let addresses = &world::set_addresses;
    series("addresses, unchanged", unchanged, &thousand, addresses);
    series("addresses, changed", changed, &thousand, addresses);
    let interfaces = &world::set_interfaces;
    series("interfaces, unchanged", unchanged, &thousand, interfaces);
    world::set_interfaces(0);
    world::set_addresses(1);
    // Told where to send, a dry run asks nobody.
    let strange = world::config("strange", &world::where_to_send());
    series(
        "bytes of somebody else's keys in the cache",
        &["-n", "-c", &strange],
        &[0, 100_000, 1_000_000, 10_000_000],
        &|bytes| world::set_strange_cache("/run/strange.cache", bytes),
    );
    series(
        "lines of the hosts file, unchanged",
        unchanged,
        &[0, 1500, 15_000, 150_000],
        &world::set_hosts,
    );
    world::set_hosts(0);
}

/// What large files cost, beside reading them.
pub(crate) fn files(programs: &Programs) {
    let ours = programs.best();
    let plain = world::config("plain", &[]);
    let thousand = world::config("thousand", &world::comments(1000, 20));
    let large = world::config("large", &world::comments(10_000, 1000));
    let log = world::config("log", &[world::logging_to_a_large_file()]);
    world::run(ours, &["-f", "-c", &plain]);
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
    table.measure(programs, ROUNDS);
    table.print();
}
