//! `--status` and `--unregister`: what they show and do on four servers, and whatever the zone, the cache and the network
//! are like.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::program::{Program, Run};

#[cfg(target_os = "linux")]
mod servers;

/// The schema in `docs/`.
const SCHEMA: &str = include_str!("../../docs/status.schema.json");

/// The JSON of a run with this exit status, which fits the schema.
#[track_caller]
fn json_of(run: &Run, status: i32) -> Value {
    assert_eq!(run.status, Some(status), "{run:?}");
    assert_eq!(run.stderr, "", "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).expect("--json prints JSON");
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("file:///status.schema.json", schema)
        .expect("the schema can be taken");
    let index = compiler
        .compile("file:///status.schema.json", &mut schemas)
        .expect("the schema is one");
    if let Err(error) = schemas.validate(&found, index) {
        panic!("{error:#}\n{found:#}");
    }
    assert_eq!(found["ok"], status == 0, "{found:#}");
    found
}

/// The program with `--status --json`.
fn status(program: Program) -> Program {
    program.args(["--status", "--json"])
}

/// What the local primary's configuration gives.
fn of(local: &Local, keys: Value) -> Program {
    status(local.program(keys))
}

/// The problems of a status.
fn problems(status: &Value) -> Vec<String> {
    let problems = status["problems"].as_array().expect("a list");
    problems
        .iter()
        .map(|problem| problem.as_str().expect("a line").to_owned())
        .collect()
}

#[test]
fn a_zone_that_is_right_is_ok_and_nothing_is_sent_or_written() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let (files, zone, updates) = (local.files(), local.primary.zone(), local.primary.updates());
    let found = json_of(&of(&local, json!({})).run(), 0);
    assert_eq!(problems(&found), [""; 0]);
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(found["name"], "host.example.com.");
    assert_eq!(found["name_from"], "configuration");
    assert_eq!(found["zone"]["apex"], "example.com.");
    assert_eq!(found["zone"]["addresses"], json!(["127.0.0.1"]));
    assert_eq!(found["zone"]["ttl"], 3600);
    assert_eq!(found["zone"]["server"], local.primary.address().to_string());
    assert_eq!(found["cache"]["state"], "confirms");
    assert_eq!(found["cache"]["file"], json!(local.cache()));
    assert!(found["cache"]["confirmed"].is_string());
    let wanted: Vec<&Value> = found["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|address| address["wanted"] == true)
        .collect();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0]["address"], "127.0.0.1");
    assert_eq!(local.files(), files);
    assert_eq!(
        (local.primary.zone(), local.primary.updates()),
        (zone, updates)
    );
}

#[test]
fn a_zone_that_somebody_else_changed_is_told_with_the_way_out() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let other = json!({"cache": false, "ipv4": false});
    local.program(other).run();
    let found = json_of(&of(&local, json!({})).run(), 1);
    assert_eq!(found["cache"]["state"], "confirms");
    assert_eq!(found["zone"]["addresses"], json!([]));
    assert_eq!(found["zone"]["ttl"], Value::Null);
    let problems = problems(&found);
    assert!(problems[0].contains("--force"), "{problems:?}");
}

#[test]
fn a_name_that_is_not_registered_yet_is_told() {
    let local = Local::new();
    let found = json_of(&of(&local, json!({})).run(), 1);
    assert_eq!(found["cache"]["state"], "none");
    assert_eq!(found["cache"]["confirmed"], Value::Null);
    assert!(problems(&found)[0].contains("the zone has no address for host.example.com"));
}

#[test]
fn interfaces_that_do_not_exist_are_the_one_problem_since_the_records_stay() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let found = json_of(&of(&local, json!({})).args(["nowhere0"]).run(), 1);
    let problems = problems(&found);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("no interface nowhere0 exists, so the records stay"),
        "{problems:?}"
    );
}

#[test]
fn each_state_of_the_cache_is_told() {
    let local = Local::with(&["host 60 A 127.0.0.1"]);
    let state = |keys: Value| json_of(&of(&local, keys).run(), 0)["cache"].clone();
    assert_eq!(state(json!({"cache": false}))["state"], "off");
    assert_eq!(state(json!({"cache": false}))["file"], Value::Null);
    assert_eq!(state(json!({}))["state"], "none");
    let python =
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}}"#;
    for (text, expected) in [
        (python, "confirms"),
        (
            r#"{"hostname": "other.example.com.", "addresses": {}}"#,
            "differs",
        ),
        ("{", "unreadable"),
        ("no cache at all", "unreadable"),
    ] {
        write_private(&local.cache(), text);
        let found = state(json!({}));
        assert_eq!(found["state"], expected, "{text}");
        assert_eq!(found["confirmed"], Value::Null, "{text}");
    }
    // Confirmed too long ago.
    local
        .program(json!({"cache": local.path().join("own")}))
        .run()
        .succeeds();
    let own = json!({"cache": local.path().join("own"), "refresh": 0.001});
    std::thread::sleep(std::time::Duration::from_millis(10));
    assert_eq!(state(own)["state"], "differs");
}

/// Writes a file that is its owner's alone.
fn write_private(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).expect("the file can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, mode).expect("the mode can be set");
    }
}

#[test]
fn needs_no_right_key() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    for tsig in [
        Value::Null,
        json!({"algorithm": "hmac-sha256", "key": "d3Jvbmc=", "keyname": "wrong"}),
    ] {
        json_of(&of(&local, json!({"tsig": tsig})).run(), 0);
    }
}

#[test]
fn a_weak_key_is_a_problem_even_if_the_zone_is_right() {
    let local = Local::with(&["host 60 A 127.0.0.1"]);
    let weak = json!({"algorithm": "hmac-md5", "key": "d3Jvbmc=", "keyname": "k"});
    let found = json_of(&of(&local, json!({"tsig": weak})).run(), 0);
    assert!(problems(&found)[0].contains("hmac-md5"));
    assert!(!found.to_string().contains("d3Jvbmc"), "no secret is in it");
}

#[test]
fn a_primary_that_cannot_be_asked_is_null_with_the_reason() {
    let local = Local::new();
    let refused = json!({"server": "127.0.0.1:1", "timeout": 2});
    let found = json_of(&of(&local, refused).run(), 1);
    assert_eq!(found["zone"], Value::Null);
    assert!(problems(&found)[0].contains("127.0.0.1:1"), "{found:#}");
    // The rest is there all the same.
    assert_eq!(found["name"], "host.example.com.");
    assert!(!found["addresses"].as_array().unwrap().is_empty());
}

#[test]
fn a_name_outside_the_zone_of_the_configuration_is_an_error_of_the_configuration() {
    let local = Local::new();
    let run = of(&local, json!({"zone": "example.net"})).run();
    run.fails(2, "pydyndns: *zone*");
}

#[test]
fn a_wrong_configuration_or_command_line_exits_with_2() {
    let local = Local::new();
    of(&local, json!({"ttl": -1}))
        .run()
        .fails(2, "pydyndns: *ttl*");
    for words in [
        &["--json"][..],
        &["--status", "--unregister"],
        &["--status", "-f"],
        &["--status", "--json", "--force"],
    ] {
        let run = local.program(json!({})).args(words).run();
        assert_eq!(run.status, Some(2), "{words:?}: {run:?}");
        assert_eq!(run.stdout, "");
        assert!(run.stderr.starts_with("pydyndns: "), "{run:?}");
    }
    assert!(!local.cache().exists());
}

#[test]
fn writes_no_log_file() {
    let local = Local::new();
    let log = local.path().join("log");
    let section = json!({
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": log}},
        "root": {"level": "DEBUG", "handlers": ["file"]},
    });
    let run = of(&local, json!({"logging": section})).run();
    assert_eq!(run.status, Some(1));
    assert!(!log.exists());
}

#[test]
fn the_text_shows_each_part_under_its_heading() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    local.program(json!({})).arg("--status").run().is(
        0,
        "configuration  *pydyndns.conf\n\
         name           host.example.com (from configuration)\n\
         addresses      *\n\
         ...\n\
         cache          *cache: confirms these addresses (confirmed *Z)\n\
         zone           example.com, primary *\n\
         \x20              127.0.0.1:* says: 127.0.0.1, TTL 3600\n\
         problems       none",
        "",
    );
}

#[test]
fn unregistering_removes_the_addresses_alone_whatever_replace_says_and_forgets_the_cache() {
    for replace in ["all", "addresses"] {
        let local = Local::with(&[
            "host 60 TXT kept",
            "host 60 AAAA 2001:db8::1",
            "www 60 A 192.0.2.1",
        ]);
        let keys = json!({"replace": replace});
        local
            .program(json!({"replace": "addresses"}))
            .run()
            .succeeds();
        assert!(local.cache().exists());
        local
            .program(keys.clone())
            .arg("--unregister")
            .run()
            .succeeds();
        assert_eq!(
            local.primary.zone(),
            [
                "host.example.com. 60 TXT kept",
                "www.example.com. 60 A 192.0.2.1"
            ],
            "{replace}"
        );
        assert!(!local.cache().exists(), "{replace}");
        // And a second time, it is as before.
        local
            .program(keys.clone())
            .arg("--unregister")
            .run()
            .succeeds();
        // The next run registers again.
        local
            .program(json!({"replace": "addresses"}))
            .run()
            .succeeds();
        assert!(
            local
                .primary
                .zone()
                .contains(&"host.example.com. 3600 A 127.0.0.1".to_owned())
        );
    }
}

#[test]
fn unregistering_that_is_not_confirmed_fails_and_leaves_no_cache() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let wrong = json!({"algorithm": "hmac-sha256", "key": "d3Jvbmc=", "keyname": local.key.name});
    let run = local
        .program(json!({"tsig": wrong}))
        .arg("--unregister")
        .run();
    run.fails(1, "*host.example.com is not confirmed*BADSIG*");
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
    assert!(!local.cache().exists());
}

#[test]
fn a_dry_run_of_unregistering_prints_the_script_and_sends_nothing() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let files = local.files();
    let address = local.primary.address();
    let run = local.program(json!({})).args(["--unregister", "-n"]).run();
    run.is(
        0,
        &format!(
            "server {} {}\nzone example.com.\nupdate delete host.example.com. A\nupdate delete host.example.com. AAAA\nsend",
            address.ip(),
            address.port()
        ),
        "",
    );
    assert_eq!(local.files(), files);
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn what_a_server_says_reaches_the_terminal_escaped() {
    let local = Local::new();
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    // An MNAME with an escape sequence in it.
    local.primary.lie(Arc::new(move |request| {
        *count.lock().unwrap() += 1;
        crate::harness::primary::Answer::Message(hostile_soa(&request.unsigned))
    }));
    let run = local.program(json!({})).arg("--status").run();
    assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
    assert!(*seen.lock().unwrap() > 0);
}

/// An answer to whatever was asked: an SOA whose MNAME would clear a terminal.
fn hostile_soa(query: &[u8]) -> Vec<u8> {
    use hickory_proto::op::{Message, MessageType};
    use hickory_proto::rr::rdata::SOA;
    use hickory_proto::rr::{Name, RData, Record};
    let mut answer = Message::from_vec(query).expect("a query");
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.authoritative = true;
    let mname = Name::from_labels([&b"\x1b[2J"[..], b"example"]).expect("a name");
    let apex = Name::from_ascii("example.com.").expect("a name");
    let soa = SOA::new(mname, apex.clone(), 1, 1, 1, 1, 1);
    answer.add_answer(Record::from_rdata(apex, 1, RData::SOA(soa)));
    answer.to_vec().expect("an answer")
}

#[test]
fn a_run_that_would_leave_the_records_is_not_said_to_remove_them() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let found = json_of(&of(&local, json!({})).arg("nope0").run(), 1);
    let problems = problems(&found);
    assert!(
        problems.len() == 1
            && problems[0].starts_with("no interface nope0 exists, so the records stay"),
        "{problems:?}"
    );
}

#[test]
fn a_cache_that_is_anothers_or_none_is_told_with_the_remedy() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let found = json_of(
        &of(&local, json!({"hostname": "other.example.com"})).run(),
        1,
    );
    assert_eq!(found["cache"]["state"], "differs");
    assert!(
        problems(&found)[0].contains("is about host.example.com., not other.example.com: "),
        "{found:#}"
    );
    std::fs::write(local.cache(), "precious").unwrap();
    let found = json_of(&of(&local, json!({})).run(), 0);
    assert_eq!(found["cache"]["state"], "unreadable");
    assert!(
        problems(&found)[0].ends_with("is no cache and is left alone; name another file"),
        "{found:#}"
    );
    #[cfg(unix)]
    {
        std::fs::remove_file(local.cache()).unwrap();
        std::os::unix::fs::symlink("elsewhere", local.cache()).unwrap();
        let found = json_of(&of(&local, json!({})).run(), 0);
        assert!(
            problems(&found)[0].ends_with("counts as absent: it is a symbolic link"),
            "{found:#}"
        );
    }
}
