//! Four processes of two users at one cache, with kills, lock files removed and answers lost, against BIND: at no moment
//! does the cache confirm what the zone has not, and the last run leaves both right.
//!
//! `PYDYNDNS_STRESS_ROUNDS` sets the number of rounds of each process; the default keeps the suite short.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use hickory_proto::rr::{RData, RecordType};
use serde_json::{Value, json};

use super::writable_by_others::{Copy, NOBODY, give, nobody, open};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{config, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{client, key};

/// How many processes run at once.
const PROCESSES: u32 = 4;

/// Rounds of each process, unless the environment says.
const ROUNDS: u32 = 25;

/// BIND.
const SERVER: &str = "127.0.0.1:53";

/// The name that all register.
const NAME: &str = "host.example.com.";

/// Numbers that look random and are the same each time (xorshift).
struct Random(u32);

impl Random {
    /// One below `limit`.
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}

/// Hands requests on to BIND, one after the other as they come in, and now and then loses the answer. That they keep their
/// order is what the program counts on; a relay that lets a later one overtake is a network that does.
fn start_relay(loses: Arc<AtomicBool>, lost: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        let mut random = Random(7);
        for client in listener.incoming().flatten() {
            let loses = loses.load(Ordering::Relaxed) && random.below(5) == 0;
            lost.fetch_add(usize::from(loses), Ordering::Relaxed);
            // What breaks here breaks for the program, which is the point.
            drop(relay(client, loses));
        }
    });
    address
}

/// One request and its answer.
fn relay(mut client: TcpStream, loses: bool) -> std::io::Result<()> {
    let mut server = TcpStream::connect(SERVER)?;
    server.write_all(&message(&mut client)?)?;
    let answer = message(&mut server)?;
    if loses {
        return Ok(());
    }
    client.write_all(&answer)
}

/// A DNS message with the length before it.
fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets)?;
    Ok([&length[..], &octets].concat())
}

/// The TTL that the zone has for the name; each run registers another one.
fn in_zone() -> Option<u32> {
    let answer = client::ask(SERVER.parse().unwrap(), NAME, RecordType::A).ok()?;
    let record = answer.answers.first()?;
    matches!(record.data, RData::A(_)).then_some(record.ttl)
}

/// The TTL that the cache says was confirmed.
fn in_cache(cache: &Path) -> Option<u64> {
    let entry: Value = serde_json::from_slice(&fs::read(cache).ok()?).ok()?;
    entry["ttl"].as_u64()
}

/// What happened.
#[derive(Default)]
struct Counts {
    succeeded: AtomicU32,
    failed: AtomicU32,
    killed: AtomicU32,
    removed: AtomicU32,
    looks: AtomicU32,
}

/// The configuration of a process, with another TTL.
fn configure(sandbox: &Sandbox, process: u32, relay: SocketAddr, ttl: u32) -> std::path::PathBuf {
    let file = sandbox.path().join(format!("{process}.conf"));
    let keys = json!({
        "hostname": "host.example.com", "zone": "example.com", "server": relay.to_string(), "timeout": 5, "ttl": ttl,
        "tsig": tsig(&key(Algorithm::Sha256)), "cache": sandbox.path().join("shared/cache"),
    });
    fs::write(&file, config(keys).to_string()).expect("the configuration can be written");
    open(&file, 0o600);
    give(&file, user(process));
    file
}

/// Half of the processes are root's.
fn user(process: u32) -> u32 {
    if process.is_multiple_of(2) { 0 } else { NOBODY }
}

/// The program as the process's user.
fn program(copy: &Copy, process: u32, config: &Path) -> Command {
    let mut command = if user(process) == 0 {
        Command::new(copy.path())
    } else {
        nobody(&copy.path())
    };
    command.arg("-c").arg(config).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Sees, again and again until all is done, that the cache does not confirm what the zone has not.
fn watch(cache: &Path, is_over: &AtomicBool, counts: &Counts) {
    while !is_over.load(Ordering::Relaxed) {
        // The zone is asked in between two looks at the cache that say the same.
        let before = in_cache(cache);
        let zone = in_zone();
        if before.is_some() && before == in_cache(cache) {
            assert_eq!(
                zone.map(u64::from),
                before,
                "the cache contradicts the zone"
            );
            counts.looks.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn four_processes_of_two_users_with_kills_lost_answers_and_removed_locks_never_leave_a_false_cache()
{
    sandbox(|sandbox| {
        let rounds = std::env::var("PYDYNDNS_STRESS_ROUNDS")
            .ok()
            .and_then(|rounds| rounds.parse().ok())
            .unwrap_or(ROUNDS);
        let Some(copy) = Copy::new() else {
            return;
        };
        let Some(_bind) = Server::start(Kind::Bind, sandbox, &Setup::new(&[])) else {
            return;
        };
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        open(sandbox.path(), 0o755);
        let folder = sandbox.path().join("shared");
        fs::create_dir(&folder).unwrap();
        give(&folder, NOBODY);
        let cache = folder.join("cache");
        let (loses, lost) = (Arc::new(AtomicBool::new(true)), Arc::default());
        let relay = start_relay(Arc::clone(&loses), Arc::clone(&lost));
        let (counts, is_over) = (Counts::default(), AtomicBool::new(false));
        let half = Barrier::new(PROCESSES as usize);
        thread::scope(|scope| {
            let watching = scope.spawn(|| watch(&cache, &is_over, &counts));
            let (half, counts, folder, copy) = (&half, &counts, &folder, &copy);
            let work = |process: u32| {
                let mut random = Random(process + 1);
                for round in 0..rounds {
                    if round == rounds / 2 {
                        half.wait();
                    }
                    let ttl = 100 + round * PROCESSES + process;
                    let file = configure(sandbox, process, relay, ttl);
                    let mut run = program(copy, process, &file).spawn().unwrap();
                    if random.below(4) == 0 {
                        thread::sleep(Duration::from_micros(random.below(60_000).into()));
                        drop(run.kill());
                        counts.killed.fetch_add(1, Ordering::Relaxed);
                    }
                    if random.below(4) == 0 {
                        // One of the two at a time: who removes both at once has freed the lock.
                        let name = if round < rounds / 2 {
                            "cache.lock"
                        } else {
                            "cache.new"
                        };
                        drop(fs::remove_file(folder.join(name)));
                        counts.removed.fetch_add(1, Ordering::Relaxed);
                    }
                    match run.wait_with_output().unwrap().status.code() {
                        Some(0) => &counts.succeeded,
                        _ => &counts.failed,
                    }
                    .fetch_add(1, Ordering::Relaxed);
                }
            };
            let workers: Vec<_> = (0..PROCESSES)
                .map(|process| scope.spawn(move || work(process)))
                .collect();
            let failed = workers
                .into_iter()
                .filter_map(|worker| worker.join().err())
                .count();
            is_over.store(true, Ordering::Relaxed);
            watching
                .join()
                .expect("the cache was right at every moment");
            assert_eq!(failed, 0);
        });
        loses.store(false, Ordering::Relaxed);
        for (process, ttl) in [(0, 7), (1, 8)] {
            let file = configure(sandbox, process, relay, ttl);
            let run = program(&copy, process, &file).output().unwrap();
            assert!(run.status.success(), "{run:?}");
            assert_eq!((in_zone(), in_cache(&cache)), (Some(ttl), Some(ttl.into())));
        }
        eprintln!(
            "| {PROCESSES} processes x {rounds} rounds: {} succeeded, {} failed or were killed ({} kills, {} lost answers, {} lock files removed); {} looks at cache and zone, all right",
            counts.succeeded.load(Ordering::Relaxed),
            counts.failed.load(Ordering::Relaxed),
            counts.killed.load(Ordering::Relaxed),
            lost.load(Ordering::Relaxed),
            counts.removed.load(Ordering::Relaxed),
            counts.looks.load(Ordering::Relaxed),
        );
    });
}
