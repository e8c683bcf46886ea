//! The cache: when a run sends, and what it writes down.

mod model;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::primary::Answer;
use crate::harness::wait_until;

/// The cache's contents.
fn cached(local: &Local) -> Value {
    serde_json::from_slice(&std::fs::read(local.cache()).expect("there is a cache"))
        .expect("the cache is JSON")
}

#[test]
fn is_written_in_the_form_that_the_python_program_reads() {
    let local = Local::new();
    let seconds = || {
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    };
    let before = seconds();
    local.program(json!({})).run().succeeds();
    let mut entry = cached(&local);
    let confirmed = entry.as_object_mut().unwrap().remove("confirmed").unwrap();
    assert!((before..=seconds()).contains(&confirmed.as_u64().unwrap()));
    assert_eq!(
        entry,
        json!({
            "hostname": "host.example.com.",
            "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []},
            "ttl": 3600,
            "zone": "example.com.",
            "server": local.primary.address().to_string(),
            "replace": "all",
        })
    );
    local
        .program(json!({"ipv6": {"enable": false, "teredo": false}}))
        .run()
        .succeeds();
    assert_eq!(cached(&local)["addresses"], json!({"ipv4": ["127.0.0.1"]}));
}

#[test]
fn an_unchanged_run_sends_and_writes_nothing() {
    let local = Local::new();
    let program = local.program(json!({}));
    program.run().succeeds();
    let modified = || {
        std::fs::metadata(local.cache())
            .unwrap()
            .modified()
            .unwrap()
    };
    let (files, time) = (local.files(), modified());
    for _ in 0..3 {
        program.run().succeeds();
    }
    assert_eq!((local.files(), modified()), (files, time));
    assert_eq!(local.primary.seen().len(), 1);
}

#[test]
fn each_setting_that_changes_is_sent() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let port = local.primary.address().port();
    for (index, keys) in [
        json!({"ttl": 60}),
        json!({"ttl": 60, "replace": "addresses"}),
        json!({"ttl": 60, "replace": "addresses", "hostname": "other.example.com"}),
        json!({"ttl": 60, "replace": "addresses", "server": format!("localhost:{port}")}),
        json!({"addresses": {"include": [], "exclude": ["0.0.0.0/0", "::/0"]}, "logging": null}),
        json!({"ipv6": {"enable": false, "teredo": false}}),
        json!({"ipv6": {"enable": true, "teredo": false}}),
    ]
    .into_iter()
    .enumerate()
    {
        let program = local.program(keys.clone());
        assert_eq!(program.run().status, Some(0), "{keys}");
        assert_eq!(local.primary.updates(), index + 2, "{keys}");
        assert_eq!(program.run().status, Some(0), "{keys}");
        assert_eq!(local.primary.updates(), index + 2, "{keys} a second time");
    }
}

#[test]
fn a_key_that_is_absent_counts_as_unchanged() {
    let local = Local::new();
    for text in [
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}}"#,
        r#"{"addresses": {"ipv6": [], "ipv4": ["127.0.0.1"]}, "hostname": "host.example.com.", "ttl": 3600, "later": [1]}"#,
    ] {
        std::fs::write(local.cache(), text).unwrap();
        local.program(json!({})).run().succeeds();
        assert_eq!(local.primary.seen(), [], "{text}");
    }
}

#[test]
fn a_cache_that_says_something_else_is_not_enough() {
    let local = Local::new();
    for (index, text) in [
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"]}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": [], "ipv6": []}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": ["::1"]}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1", "127.0.0.2"], "ipv6": []}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}, "ttl": 60}"#,
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(local.cache(), text).unwrap();
        local.program(json!({})).run().succeeds();
        assert_eq!(local.primary.updates(), index + 1, "{text}");
    }
}

#[test]
fn a_cache_that_cannot_be_understood_is_as_if_there_were_none() {
    let local = Local::new();
    let good =
        br#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}}"#;
    let mut texts: Vec<Vec<u8>> = [
        "", "{", "{}", "{null}", r#"{"hostname": 5}"#, r#"{"hostname": "host.example.com."}"#,
        r#"{"hostname": "host.example.com.", "addresses": []}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": "127.0.0.1", "ipv6": []}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": [2130706433], "ipv6": []}}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}, "ttl": "3600"}"#,
        r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["localhost"], "ipv6": []}}"#,
    ]
    .map(Into::into)
    .to_vec();
    texts.push(good[..good.len() - 1].to_vec());
    texts.push([good, &b"x"[..]].concat());
    texts.push(b"{\xff\xfe".to_vec());
    texts.push([&b"{\"a\":"[..], &b"[".repeat(1_000_000)].concat());
    texts.push([&good[..1], &b" ".repeat(100 << 20), &good[1..]].concat());
    for (index, text) in texts.iter().enumerate() {
        std::fs::write(local.cache(), text).unwrap();
        let run = local.program(json!({})).run();
        run.is(0, "", "...");
        assert!(
            run.stderr.lines().all(|line| line.starts_with("WARNING: ")),
            "{}",
            run.stderr
        );
        let start = String::from_utf8_lossy(&text[..text.len().min(100)]).into_owned();
        assert_eq!(local.primary.updates(), index + 1, "{start}");
        assert_eq!(cached(&local)["hostname"], "host.example.com.", "{start}");
    }
}

#[test]
fn a_file_that_cannot_be_a_cache_is_never_removed_or_overwritten() {
    let local = Local::new();
    for text in [
        &b"precious"[..],
        b"null",
        b"[]",
        b"\"text\"",
        b" {}",
        b"\xff\xfe{",
        b"\0\0",
        b"\xef\xbb\xbf{}",
    ] {
        std::fs::write(local.cache(), text).unwrap();
        for arguments in [&[][..], &["-f"]] {
            local.program(json!({})).args(arguments).run().fails(
                1,
                "ERROR: *cache* no cache and is left alone; name another file",
            );
            assert_eq!(std::fs::read(local.cache()).unwrap(), text);
        }
    }
    assert_eq!(local.primary.seen(), []);
    let names: Vec<_> = local.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cache", "cache.lock", "pydyndns.conf"]);
}

#[test]
fn two_names_in_one_cache_are_told_of_on_runs_that_send() {
    let local = Local::new();
    let one = local.program(json!({}));
    one.run().succeeds();
    let other = json!({"hostname": "other.example.com"});
    let folder = crate::harness::Folder::new();
    let other = crate::harness::program::Program::new(folder.path()).config(&local.config(other));
    other.run().is(
        0,
        "",
        "WARNING: the cache * is about host.example.com., not other.example.com: *give each its own `cache`",
    );
    other.run().succeeds();
    one.run()
        .is(0, "", "WARNING: the cache *other.example.com.*");
    // What a server would not take for a name is shown so that it does no harm.
    let odd = json!({"hostname": "a\u{1b}[2Jb", "addresses": {}});
    std::fs::write(local.cache(), odd.to_string()).unwrap();
    let run = one.run();
    assert!(
        run.status == Some(0)
            && run.stderr.contains("\\u{1b}[2Jb")
            && !run.stderr.contains('\u{1b}'),
        "{run:?}"
    );
}

#[test]
fn a_folder_in_the_caches_place_is_a_warning() {
    let local = Local::new();
    std::fs::create_dir(local.cache()).unwrap();
    for count in 1..3 {
        local
            .program(json!({}))
            .run()
            .is(0, "", "WARNING: *cache*\n...");
        assert_eq!(local.primary.updates(), count);
    }
    assert!(local.cache().is_dir());
}

#[test]
fn without_a_cache_every_run_sends() {
    let local = Local::new();
    for (index, cache) in [json!(false), json!(null), json!(false)]
        .into_iter()
        .enumerate()
    {
        local.program(json!({"cache": cache})).run().succeeds();
        assert_eq!(local.primary.updates(), index + 1);
    }
    assert_eq!(
        local.files().len(),
        1,
        "only the configuration is there: {:?}",
        local.files()
    );
}

#[test]
fn the_old_entry_is_gone_before_the_update_is_sent() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let (cache, was_there) = (local.cache(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let seen = was_there.clone();
    local.primary.lie(Arc::new(move |request| {
        seen.lock().unwrap().push(cache.exists());
        Answer::Message(request.honest.clone())
    }));
    local.program(json!({"ttl": 60})).run().succeeds();
    assert_eq!(*was_there.lock().unwrap(), [false]);
    assert_eq!(cached(&local)["ttl"], 60);
}

#[test]
fn an_update_that_is_not_confirmed_leaves_no_cache() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    local.primary.lie(Arc::new(|_| Answer::Silence));
    local
        .program(json!({"ttl": 60, "timeout": 1}))
        .run()
        .fails(1, "ERROR: *could not confirm*");
    assert!(!local.cache().exists());
    local.primary.repent();
    local.program(json!({})).run().succeeds();
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
    assert_eq!(local.primary.updates(), 3);
}

#[test]
fn a_run_that_is_killed_while_it_waits_for_the_answer_leaves_no_cache() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    local.primary.lie(Arc::new(|_| Answer::Silence));
    let mut child = local.program(json!({"ttl": 60})).command().spawn().unwrap();
    wait_until("the update has arrived", || local.primary.updates() == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!local.cache().exists());
    local.primary.repent();
    local.program(json!({})).run().succeeds();
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_cache_that_cannot_be_written_after_success_is_a_warning() {
    let local = Local::new();
    let cache = local.path().join("nowhere").join("cache");
    local
        .program(json!({"cache": cache}))
        .run()
        .is(0, "", "WARNING: *cache*\n...");
    assert_eq!(local.primary.updates(), 1);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let local = Local::new();
    let victim = local.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, local.cache()).unwrap();
    let run = local.program(json!({})).run();
    run.is(0, "", "...");
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(local.primary.updates(), 1);
    // A link in the lock's place is not followed either.
    std::fs::remove_file(local.path().join("cache.lock")).ok();
    std::os::unix::fs::symlink(&victim, local.path().join("cache.lock")).unwrap();
    assert_eq!(local.program(json!({"ttl": 60})).run().status, Some(0));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}

#[cfg(unix)]
#[test]
fn the_cache_is_a_regular_file_that_replaces_the_old_one() {
    use std::os::unix::fs::MetadataExt;
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let old = std::fs::File::open(local.cache()).unwrap();
    local.program(json!({"ttl": 60})).run().succeeds();
    let new = std::fs::metadata(local.cache()).unwrap();
    assert_ne!(
        old.metadata().unwrap().ino(),
        new.ino(),
        "the old file was written into"
    );
    let names: Vec<_> = local.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cache", "cache.lock", "pydyndns.conf"]);
}

/// Takes the lock beside the cache as another run would.
fn lock(local: &Local) -> std::fs::File {
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(local.path().join("cache.lock"))
        .unwrap();
    file.lock().unwrap();
    file
}

#[test]
fn two_runs_at_once_send_one_update() {
    let local = Local::new();
    local.primary.lie(Arc::new(|request| {
        std::thread::sleep(Duration::from_millis(300));
        Answer::Message(request.honest.clone())
    }));
    let program = local.program(json!({}));
    let mut children: Vec<_> = (0..4).map(|_| program.command().spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(local.primary.updates(), 1);
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_run_waits_for_the_lock_and_looks_at_the_cache_again() {
    let local = Local::new();
    let held = lock(&local);
    let mut child = local.program(json!({})).command().spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it does not wait for the lock"
    );
    // What the other run has confirmed in the meantime.
    let confirmed =
        json!({"hostname": "host.example.com.", "addresses": {"ipv4": ["127.0.0.1"], "ipv6": []}});
    std::fs::write(local.cache(), confirmed.to_string()).unwrap();
    drop(held);
    assert!(child.wait().unwrap().success());
    assert_eq!(local.primary.seen(), []);
}

#[test]
fn waiting_for_the_lock_is_bounded_by_the_timeout() {
    let local = Local::new();
    let mut held = lock(&local);
    let run = local.program(json!({"timeout": 1})).run();
    #[cfg(target_os = "linux")]
    let holder = format!("process {} (*) holds the lock", std::process::id());
    #[cfg(not(target_os = "linux"))]
    let holder = "*holds the lock";
    run.fails(1, &format!("ERROR: cannot lock the cache *: {holder}"));
    assert!(
        (0.9..15.0).contains(&run.took.as_secs_f64()),
        "took {:?}",
        run.took
    );
    assert_eq!(local.primary.seen(), []);
    held.flush().unwrap();
}

#[test]
fn a_run_that_finds_nothing_to_do_takes_no_lock() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let held = lock(&local);
    local.program(json!({"timeout": 5})).run().succeeds();
    drop(held);
    assert_eq!(local.primary.updates(), 1);
}

#[cfg(target_os = "linux")]
mod in_a_sandbox {
    use super::*;
    use crate::harness::program::{Program, config};
    use crate::harness::sandbox::{Sandbox, sandbox};
    use std::path::Path;

    /// The program, with a cache in a folder of the sandbox, at a primary of its own.
    fn registering(sandbox: &Sandbox, cache: &str) -> (Local, Program) {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let local = Local::new();
        let program = local.program(json!({"cache": cache, "addresses": null}));
        (local, program)
    }

    #[test]
    fn a_run_that_waited_for_the_lock_looks_at_the_addresses_again() {
        sandbox(|sandbox| {
            let (local, program) = registering(sandbox, "/run/sandbox/cache");
            sandbox.shell("touch /run/sandbox/cache.lock");
            let held = std::fs::File::open("/run/sandbox/cache.lock").unwrap();
            held.lock().unwrap();
            let mut child = program.command().spawn().unwrap();
            std::thread::sleep(Duration::from_millis(300));
            sandbox.address("lan0", "198.51.100.1/24");
            sandbox.ip("addr del 192.0.2.10/24 dev lan0");
            drop(held);
            assert!(child.wait().unwrap().success());
            assert_eq!(
                local.primary.zone(),
                ["host.example.com. 3600 A 198.51.100.1"]
            );
            program.run().succeeds();
            assert_eq!(local.primary.updates(), 1);
        });
    }

    #[test]
    fn a_cache_of_any_size_takes_little_memory() {
        sandbox(|sandbox| {
            let (local, program) = registering(sandbox, "/run/sandbox/cache");
            sandbox.shell("echo { > /run/sandbox/cache; truncate -s 8G /run/sandbox/cache");
            // 100 MB of address space are plenty for anything else.
            program
                .under(["sh", "-c", "ulimit -v 102400; exec \"$0\" \"$@\""])
                .run()
                .is(0, "", "...");
            assert_eq!(local.primary.updates(), 1);
            assert!(std::fs::metadata("/run/sandbox/cache").unwrap().len() < 1000);
        });
    }

    #[test]
    fn a_cache_that_is_a_pipe_or_unreadable_does_not_hold_up_the_run() {
        sandbox(|sandbox| {
            let (local, program) = registering(sandbox, "/run/sandbox/cache");
            sandbox.shell("mkfifo /run/sandbox/cache");
            let run = program.run();
            run.is(0, "", "...");
            assert!(run.took < Duration::from_secs(5), "took {:?}", run.took);
            assert_eq!(local.primary.updates(), 1);
        });
    }

    #[test]
    fn a_full_disk_ends_in_no_cache_and_a_warning() {
        sandbox(|sandbox| {
            sandbox.shell("mkdir /run/small; mount -t tmpfs -o size=8k none /run/small");
            let (local, program) = registering(sandbox, "/run/small/cache");
            sandbox.shell("touch /run/small/cache.lock; head -c 1000000 /dev/zero > /run/small/fill 2>/dev/null || true");
            program.run().is(0, "", "*cache*");
            assert!(
                !Path::new("/run/small/cache").exists(),
                "a torn cache is left"
            );
            program.run().is(0, "", "*cache*");
            assert_eq!(local.primary.updates(), 2);
            sandbox.shell("rm /run/small/fill");
            program.run().succeeds();
            program.run().succeeds();
            assert_eq!(local.primary.updates(), 3);
        });
    }

    #[test]
    fn the_default_file_is_in_run_or_in_the_users_runtime_folder() {
        sandbox(|sandbox| {
            sandbox.interface("lan0", &["192.0.2.10/24"]);
            let local = Local::new();
            let keys = json!({
                "cache": true, "hostname": "host.example.com", "zone": "example.com", "tsig": crate::harness::program::tsig(&local.key),
                "server": local.primary.address().to_string(),
            });
            let program = Program::new(sandbox.path()).config(&config(keys));
            program.run().succeeds();
            assert!(Path::new("/run/pydyndns.cache").is_file());
            // Inside it is user 1000, whom this process's user stands for.
            let user = program.under(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
            sandbox.shell("mkdir -p /run/sandbox/runtime /run/user/1000");
            let with_folder = user.clone().env("XDG_RUNTIME_DIR", "/run/sandbox/runtime");
            with_folder.run().succeeds();
            assert!(Path::new("/run/sandbox/runtime/pydyndns.cache").is_file());
            // A cron job does not have the variable.
            user.run().succeeds();
            assert!(Path::new("/run/user/1000/pydyndns.cache").is_file());
            assert_eq!(local.primary.updates(), 3);
            with_folder.run().succeeds();
            user.run().succeeds();
            assert_eq!(local.primary.updates(), 3);
        });
    }
}

#[cfg(unix)]
#[test]
fn a_file_in_the_drafts_place_that_is_no_entry_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let local = Local::new();
    let draft = local.path().join("cache.new");
    std::fs::write(&draft, "precious").unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o644)).unwrap();
    for count in 1..3 {
        local.program(json!({})).run().is(
            0,
            "",
            "WARNING: cannot write the cache *, so the next run sends again: cache.new: there is a file of that name which is no entry, and is left alone",
        );
        assert_eq!(local.primary.updates(), count);
    }
    assert_eq!(std::fs::read(&draft).unwrap(), b"precious");
    assert_eq!(
        draft.metadata().unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert!(!local.cache().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_a_files_size_is_as_a_full_disk() {
    let local = Local::new();
    let limited = ["sh", "-c", "ulimit -f 0; exec \"$@\"", "sh"];
    local.program(json!({})).under(limited).run().is(
        0,
        "",
        "WARNING: cannot write the cache *, so the next run sends again: file too large",
    );
    assert!(!local.cache().exists());
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
    // A log file that can't grow costs a line, and not the run.
    let handlers =
        json!({"f": {"class": "logging.FileHandler", "filename": local.path().join("log")}});
    let logging =
        json!({"version": 1, "handlers": handlers, "root": {"level": "INFO", "handlers": ["f"]}});
    let program = local.program(json!({"cache": false, "logging": logging}));
    program.under(limited).run().is(
        0,
        "",
        "pydyndns: logging.handlers.f: *: File too large\n...",
    );
}
