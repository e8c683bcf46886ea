//! Split DNS: the first name server knows the inside, the second only the world. A hundred runs for each pair.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use serde_json::json;

use crate::harness::announce;
use crate::harness::liar::{Asked, Liar};
use crate::harness::primary::Primary;
use crate::harness::program::{Program, Run, config};
use crate::harness::sandbox::{Sandbox, sandbox};

/// How many runs are made of each case.
const RUNS: usize = 100;

/// How many at a time.
const AT_ONCE: usize = 34;

/// The inside's name server.
const INTERNAL: &str = "127.0.1.1";

/// The world's.
const PUBLIC: &str = "127.0.1.2";

/// Where the primary is, which answers whatever is asked of the inside.
const PRIMARY: &str = "127.0.0.3:53";

/// The primary of the inside's zone, which both name servers know how to reach, and which only one tells of.
fn primary(sandbox: &Sandbox) -> Primary {
    sandbox.interface("lan0", &["192.0.2.10/24"]);
    sandbox.resolvers(&[INTERNAL, PUBLIC]);
    let records = ["ns 60 A 127.0.0.3"];
    Primary::start("example.com.", &[], &records, &[PRIMARY.parse().unwrap()]).unwrap()
}

/// A name server at an address.
fn at(address: &str, script: impl Fn(&Asked) + Send + Sync + 'static) -> Liar {
    Liar::start((address.parse::<IpAddr>().unwrap(), 53).into(), script)
}

/// Tells what the primary knows.
fn inside(asked: &Asked) {
    asked.pass(PRIMARY.parse::<SocketAddr>().unwrap(), |_| {});
}

/// Says of everything that it does not exist, as the world says of the inside.
fn outside(asked: &Asked) {
    asked.code(ResponseCode::NXDomain);
}

/// A hundred runs, some at a time, each with a name of its own: all that went well are in the zone.
fn runs(sandbox: &Sandbox, primary: &Primary, what: &str, limit: f64, timeout: u32) {
    let next = AtomicUsize::new(0);
    let outcome = |number: usize| -> Run {
        let folder = sandbox.path().join(format!("run-{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        let keys = json!({"hostname": format!("h{number}.example.com"), "timeout": timeout});
        Program::new(&folder).config(&config(keys)).run()
    };
    let mut slowest = Duration::ZERO;
    let all = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut runs = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= RUNS {
                            return runs;
                        }
                        runs.push(outcome(number));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect::<Vec<_>>()
    });
    for run in &all {
        run.succeeds();
        slowest = slowest.max(run.took);
    }
    let zone = primary.zone();
    let registered = (0..RUNS)
        .filter(|number| zone.contains(&format!("h{number}.example.com. 3600 A 192.0.2.10")))
        .count();
    assert_eq!(registered, RUNS, "{what}");
    assert!(slowest.as_secs_f64() < limit, "{what}: {slowest:?}");
    announce(&format!(
        "| {what}: {registered} of {RUNS} right, the slowest in {:.1} s\n",
        slowest.as_secs_f64()
    ));
}

#[test]
fn the_first_name_server_is_believed_however_fast_the_second_is() {
    sandbox(|sandbox| {
        for (first, second) in [(0, 0), (20, 0), (0, 20), (200, 0), (0, 200)] {
            let primary = primary(sandbox);
            let wait = |milliseconds| move || thread::sleep(Duration::from_millis(milliseconds));
            let (first_waits, second_waits) = (wait(first), wait(second));
            let _internal = at(INTERNAL, move |asked| {
                first_waits();
                inside(asked);
            });
            let public = at(PUBLIC, move |asked| {
                second_waits();
                outside(asked);
            });
            let what = format!("internal after {first} ms, public after {second} ms");
            runs(sandbox, &primary, &what, 5.0, 30);
            assert_eq!(public.seen(), [""; 0], "{what}: the second was asked");
            sandbox.ip("link del lan0");
        }
    });
}

#[test]
fn a_slow_first_name_server_that_does_answer_wins_over_the_second() {
    sandbox(|sandbox| {
        for milliseconds in [700, 1300] {
            let primary = primary(sandbox);
            let _internal = at(INTERNAL, move |asked| {
                thread::sleep(Duration::from_millis(milliseconds));
                inside(asked);
            });
            let _public = at(PUBLIC, outside);
            let what = format!("internal after {milliseconds} ms, public at once");
            runs(sandbox, &primary, &what, 9.0, 30);
            sandbox.ip("link del lan0");
        }
    });
}

#[test]
fn a_first_name_server_that_fails_leaves_it_to_the_second_at_once() {
    sandbox(|sandbox| {
        type Failing = fn(&Asked);
        let failing: [(&str, Failing); 6] = [
            ("SERVFAIL", |asked| asked.code(ResponseCode::ServFail)),
            ("REFUSED", |asked| asked.code(ResponseCode::Refused)),
            ("FORMERR", |asked| asked.code(ResponseCode::FormErr)),
            ("NOTIMP", |asked| asked.code(ResponseCode::NotImp)),
            ("nonsense", |asked| {
                asked.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }),
            ("the question itself", |asked| asked.send(&asked.bytes)),
        ];
        for (what, script) in failing {
            let primary = primary(sandbox);
            let _first = at(INTERNAL, script);
            let _second = at(PUBLIC, inside);
            runs(
                sandbox,
                &primary,
                &format!("the first says {what}"),
                5.0,
                30,
            );
            sandbox.ip("link del lan0");
        }
        let primary = primary(sandbox);
        let _second = at(PUBLIC, inside);
        runs(sandbox, &primary, "the first has a closed port", 5.0, 30);
        sandbox.ip("route add unreachable 10.9.9.9/32");
        sandbox.resolvers(&["10.9.9.9", PUBLIC]);
        runs(sandbox, &primary, "the first is unreachable", 5.0, 30);
    });
}

#[test]
fn a_dead_first_name_server_costs_about_its_share() {
    sandbox(|sandbox| {
        for (timeout, limit) in [(30, 6.0), (3, 3.0)] {
            let primary = primary(sandbox);
            let asked = Arc::new(AtomicUsize::new(0));
            let count = asked.clone();
            let _first = at(INTERNAL, move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let _second = at(PUBLIC, inside);
            let what = format!("the first is silent, `timeout` is {timeout}");
            runs(sandbox, &primary, &what, limit, timeout);
            assert!(asked.load(Ordering::SeqCst) >= RUNS);
            sandbox.ip("link del lan0");
        }
    });
}
