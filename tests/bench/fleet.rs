//! A fleet: 1,000 hosts that register with one primary, and what it saw of them.

use crate::programs::Programs;
use crate::world::{self, Seen, World};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How many hosts.
const HOSTS: u32 = 1000;

/// Runs the fleet: spread over a minute, as the timer spreads it, and all at once, as cron would.
pub(crate) fn fleet(programs: &Programs, world: &World) {
    world::set_addresses(HOSTS);
    let configs: Vec<String> = (0..HOSTS).map(world::config_of_host).collect();
    println!("\n## A fleet of {HOSTS} hosts and one primary\n");
    println!(
        "| | succeeded at the first try | at the second | never | the slowest, ms | queries | connections | changes of the zone | bytes both ways | the primary's processor time, ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (what, spread, force) in [
        ("every host changed, within a minute", 60, true),
        ("none changed, within a minute", 60, false),
        ("every host changed, all at once", 0, true),
    ] {
        let before = world.seen();
        let first = Instant::now();
        let spread = Duration::from_secs(spread);
        let (failed, slowest) = runs(programs.best(), &configs, force, spread);
        // Each host's next timer would try again.
        let (never, slower) = runs(programs.best(), &failed, false, spread / HOSTS);
        let Seen {
            queries,
            connections,
            updates,
            bytes,
            processor,
        } = world.seen().since(&before);
        println!(
            "| {what} ({:.0} s) | {} | {} | {} | {:.1} | {queries} | {connections} | {updates} | {bytes} | {processor} |",
            first.elapsed().as_secs_f64(),
            configs.len() - failed.len(),
            failed.len() - never.len(),
            never.len(),
            1000.0 * slowest.max(slower).as_secs_f64(),
        );
    }
    world::set_addresses(1);
}

/// Starts a run for each configuration, evenly spread, and gives the configurations of those that failed and how long the
/// slowest took.
fn runs(
    program: &Path,
    configs: &[String],
    force: bool,
    spread: Duration,
) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let mut running: Vec<(&String, Instant, Child)> = Vec::new();
    let (mut failed, mut slowest) = (Vec::new(), Duration::ZERO);
    let mut reap = |running: &mut Vec<(&String, Instant, Child)>| {
        running.retain_mut(|(config, started, child)| {
            let Some(status) = child.try_wait().expect("it is our child") else {
                return true;
            };
            slowest = slowest.max(started.elapsed());
            if !status.success() {
                failed.push((*config).clone());
            }
            false
        });
    };
    let hosts = u32::try_from(configs.len()).unwrap_or(1).max(1);
    for (index, config) in (0..).zip(configs) {
        let at = start + spread * index / hosts;
        while Instant::now() < at {
            reap(&mut running);
            thread::sleep(Duration::from_millis(1).min(at - Instant::now().min(at)));
        }
        let mut command = Command::new(program);
        command.args(force.then_some("-f")).args(["-c", config]);
        let child = command.stderr(Stdio::null()).spawn().expect("it starts");
        running.push((config, Instant::now(), child));
    }
    while !running.is_empty() {
        reap(&mut running);
        thread::sleep(Duration::from_millis(1));
    }
    (failed, slowest)
}
