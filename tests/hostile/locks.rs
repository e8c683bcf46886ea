//! The lock: removed while held, made by another user, held by a stranger or by a run that is stopped, and not to be had.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cached;
use super::writable_by_others::{Copy, NOBODY, STRANGER, give, is_root, nobody, open, somebody};
use crate::harness::local::Local;
use crate::harness::primary::Answer;
use crate::harness::program::Program;
use crate::harness::sandbox::sandbox;
use crate::harness::{Folder, skipped, wait_until};

/// The program with another configuration than `local`'s usual one, so that both can run at once.
fn other(local: &Local, folder: &Folder, keys: Value) -> Program {
    Program::new(folder.path()).config(&local.config(keys))
}

/// Starts a program and keeps what it says.
fn start(program: &Program) -> Child {
    program
        .command()
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started")
}

/// Waits for a run; its status and what it said.
#[track_caller]
fn ended(run: Child) -> (Option<i32>, String) {
    let output = run.wait_with_output().expect("a run can be waited for");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// Sees that only this user can open a file.
#[track_caller]
fn is_private(file: &Path, owner: u32) {
    let found = fs::metadata(file).unwrap();
    let (mode, uid) = (found.mode() & 0o7777, found.uid());
    assert_eq!((mode, uid), (0o600, owner), "{}", file.display());
}

/// How many updates are being answered at once, at most.
#[derive(Clone, Default)]
struct Crowd(Arc<(AtomicUsize, AtomicUsize)>);

impl Crowd {
    /// Has a primary take its time to answer.
    fn slow(&self, local: &Local) {
        let Self(counts) = self.clone();
        local.primary.lie(Arc::new(move |request| {
            let now = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
            counts.1.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(700));
            counts.0.fetch_sub(1, Ordering::SeqCst);
            Answer::Message(request.honest.clone())
        }));
    }

    /// The most there were.
    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[test]
fn a_lock_file_or_draft_that_is_removed_or_replaced_while_held_lets_nobody_in() {
    for name in ["cache.lock", "cache.new"] {
        for is_replaced in [false, true] {
            let (local, folder) = (Local::new(), Folder::new());
            let crowd = Crowd::default();
            crowd.slow(&local);
            let first = start(&local.program(json!({"ttl": 1})));
            wait_until("the first update has arrived", || {
                local.primary.updates() == 1
            });
            let file = local.path().join(name);
            fs::remove_file(&file).unwrap();
            if is_replaced {
                fs::write(&file, "").unwrap();
            }
            let second = start(&other(&local, &folder, json!({"ttl": 2})));
            assert_eq!(ended(first).0, Some(0));
            assert_eq!(ended(second), (Some(0), String::new()), "{name}");
            assert_eq!(crowd.most(), 1, "{name}: both sent at once");
            assert_eq!(local.primary.zone(), ["host.example.com. 2 A 127.0.0.1"]);
            assert_eq!(cached(&local).expect("there is a cache")["ttl"], 2);
        }
    }
}

#[test]
fn a_lost_answer_of_a_run_whose_lock_file_was_removed_leaves_no_cache_that_contradicts_the_zone() {
    let (local, folder) = (Local::new(), Folder::new());
    // The first update is applied, but its answer never comes.
    let first = Mutex::new(true);
    local.primary.lie(Arc::new(move |request| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            Answer::Silence
        } else {
            Answer::Message(request.honest.clone())
        }
    }));
    let lost = start(&local.program(json!({"ttl": 1, "timeout": 1})));
    wait_until("the first update has arrived", || {
        local.primary.updates() == 1
    });
    fs::remove_file(local.path().join("cache.lock")).unwrap();
    let second = start(&other(&local, &folder, json!({"ttl": 2})));
    assert_eq!(ended(lost).0, Some(1));
    assert_eq!(ended(second).0, Some(0));
    assert_eq!(local.primary.zone(), ["host.example.com. 2 A 127.0.0.1"]);
    assert_eq!(cached(&local).expect("there is a cache")["ttl"], 2);
}

#[test]
fn a_run_that_is_stopped_is_named_to_those_that_wait_for_it() {
    let (local, folder) = (Local::new(), Folder::new());
    Crowd::default().slow(&local);
    let mut first = local.program(json!({"ttl": 1})).command().spawn().unwrap();
    wait_until("the first update has arrived", || {
        local.primary.updates() == 1
    });
    let signal = |signal: &str| {
        let process = first.id().to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    let process = first.id();
    let run = other(&local, &folder, json!({"ttl": 2, "timeout": 1})).run();
    run.fails(
        1,
        &format!("ERROR: cannot lock the cache *process {process} (pydyndns) holds the lock, and is stopped: *kill -CONT {process}*"),
    );
    assert!(run.took < Duration::from_secs(5), "took {:?}", run.took);
    signal("-CONT");
    assert!(first.wait().unwrap().success());
}

#[test]
fn who_holds_the_lock_is_named_though_the_file_says_something_else() {
    let local = Local::new();
    let path = local.path().join("cache.lock");
    fs::write(&path, "1\n").unwrap();
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    let own = std::process::id();
    local
        .program(json!({"timeout": 0.2}))
        .run()
        .fails(1, &format!("ERROR: *process {own} (*) holds the lock"));
}

#[test]
fn whatever_the_umask_files_are_their_owners_alone() {
    for umask in ["000", "022", "077", "777"] {
        let local = Local::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let program = local.program(json!({})).under(["sh", "-c", &script]);
        program.run().succeeds();
        let own = fs::metadata("/proc/self").unwrap().uid();
        for name in ["cache", "cache.lock"] {
            is_private(&local.path().join(name), own);
        }
        program.run().succeeds();
        assert_eq!(local.primary.updates(), 1, "{umask}");
    }
}

#[test]
fn a_cache_that_group_or_others_can_write_is_not_believed() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    for (count, mode) in [(2, 0o620), (3, 0o602), (4, 0o666)] {
        fs::set_permissions(local.cache(), Permissions::from_mode(mode)).unwrap();
        local.program(json!({})).run().succeeds();
        assert_eq!(local.primary.updates(), count, "{mode:o}");
        local.program(json!({})).run().succeeds();
        assert_eq!(local.primary.updates(), count, "{mode:o}");
    }
    // What only can be read, as the Python program makes it, is.
    fs::set_permissions(local.cache(), Permissions::from_mode(0o644)).unwrap();
    local.program(json!({})).run().succeeds();
    assert_eq!(local.primary.updates(), 4);
}

#[test]
fn where_no_lock_can_be_had_a_run_that_sends_warns() {
    let local = Local::new();
    fs::create_dir(local.path().join("cache.lock")).unwrap();
    let warning = "WARNING: cannot lock the cache *cache.lock*";
    local.program(json!({})).run().is(0, "", warning);
    local.program(json!({})).run().succeeds();
    local.program(json!({"ttl": 60})).run().is(0, "", warning);
    assert_eq!(local.primary.updates(), 2);
}

#[test]
fn running_out_of_descriptors_is_an_error() {
    for limit in 3..12 {
        let local = Local::new();
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let run = local
            .program(json!({"ttl": limit}))
            .under(["sh", "-c", &script])
            .run();
        if run.status == Some(0) {
            assert_eq!(run.stderr, "", "{limit}");
            assert_eq!(cached(&local).expect("there is a cache")["ttl"], limit);
            return;
        }
        assert_eq!(cached(&local), None, "{limit}: {run:?}");
        assert!(!run.stderr.is_empty(), "{limit}: {run:?}");
    }
    panic!("a run needs more files than it should");
}

#[test]
fn the_folder_may_be_a_symbolic_link() {
    let local = Local::new();
    let (real, link) = (local.path().join("real"), local.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let program = local.program(json!({"cache": link.join("cache")}));
    program.run().succeeds();
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 1);
    assert!(real.join("cache").is_file() && real.join("cache.lock").is_file());
}

/// A primary, a folder that everybody can enter, and a configuration that root and nobody can read.
struct Shared {
    local: Local,
    copy: Copy,
}

impl Shared {
    /// None, with a line that says so, where there is only one user.
    fn new(owner: u32, mode: u32) -> Option<Self> {
        if !is_root() {
            skipped("only root can be two users");
            return None;
        }
        let copy = Copy::new()?;
        let local = Local::new();
        open(local.path(), 0o755);
        let folder = local.path().join("shared");
        fs::create_dir(&folder).unwrap();
        give(&folder, owner);
        open(&folder, mode);
        Some(Self { local, copy })
    }

    /// A file in the shared folder.
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.local.path().join("shared").join(name)
    }

    /// Runs the program as root or as nobody; status and what it said.
    fn run(&self, user: u32, ttl: u32) -> (Option<i32>, String) {
        let keys = json!({"cache": self.file("cache"), "ttl": ttl, "timeout": 2});
        let config = self.local.path().join(format!("{user}.conf"));
        fs::write(&config, self.local.config(keys).to_string()).unwrap();
        open(&config, 0o600);
        give(&config, user);
        let mut command = if user == 0 {
            Command::new(self.copy.path())
        } else {
            nobody(&self.copy.path())
        };
        command.arg("-c").arg(&config).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        ended(command.spawn().unwrap())
    }
}

#[test]
fn root_and_a_service_account_share_one_cache_and_one_lock_in_the_accounts_folder() {
    let silent = (Some(0), String::new());
    for order in [[0, NOBODY], [NOBODY, 0]] {
        let Some(shared) = Shared::new(NOBODY, 0o755) else {
            return;
        };
        for (count, user) in order.into_iter().cycle().take(4).enumerate() {
            let ttl = u32::try_from(count).unwrap();
            assert_eq!(shared.run(user, ttl), silent, "{order:?}");
            for name in ["cache", "cache.lock"] {
                is_private(&shared.file(name), NOBODY);
            }
            // The other one believes it.
            assert_eq!(shared.run(NOBODY - user, ttl), silent, "{order:?}");
            assert_eq!(shared.local.primary.updates(), count + 1, "{order:?}");
        }
    }
}

#[test]
fn what_root_left_in_the_accounts_folder_in_earlier_days_is_replaced() {
    let Some(shared) = Shared::new(NOBODY, 0o755) else {
        return;
    };
    for name in ["cache", "cache.lock", "cache.new"] {
        let text = if name == "cache" { "{}" } else { "" };
        fs::write(shared.file(name), text).unwrap();
        open(&shared.file(name), 0o600);
    }
    assert_eq!(shared.run(NOBODY, 1), (Some(0), String::new()));
    for name in ["cache", "cache.lock"] {
        is_private(&shared.file(name), NOBODY);
    }
}

#[test]
fn nothing_is_sent_that_a_cache_of_roots_would_contradict() {
    // In a folder of root's, and in one like /tmp.
    for mode in [0o755, 0o1777] {
        let Some(shared) = Shared::new(0, mode) else {
            return;
        };
        assert_eq!(shared.run(0, 1).0, Some(0));
        let (status, said) = shared.run(NOBODY, 2);
        assert_eq!(status, Some(1), "{mode:o}: {said}");
        assert!(said.contains("cannot remove the cache"), "{said}");
        assert!(said.contains("WARNING: cannot lock the cache"), "{said}");
        assert_eq!(shared.run(0, 1), (Some(0), String::new()));
        assert_eq!(shared.local.primary.updates(), 1, "{mode:o}");
    }
}

/// A stranger's process that holds a lock on a file which it can merely read, for a minute at most.
struct Stranger(Child);

impl Stranger {
    /// Starts it, and waits until it has the lock.
    fn locks(file: &Path) -> Self {
        let mut command = somebody(STRANGER, Path::new("flock"));
        command.args(["--shared", "--no-fork"]).arg(file);
        let child = command.args(["sleep", "60"]).spawn().unwrap();
        let own = File::open(file).unwrap();
        wait_until("the stranger has the lock", || {
            own.try_lock().is_err() || own.unlock().is_err()
        });
        Self(child)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn who_can_merely_read_the_cache_or_the_lock_holds_nobody_up() {
    for user in [0, NOBODY] {
        for name in ["cache.lock", "cache.new", "cache"] {
            let Some(shared) = Shared::new(user, 0o755) else {
                return;
            };
            let file = shared.file(name);
            fs::write(&file, if name == "cache" { "{}" } else { "" }).unwrap();
            open(&file, 0o644);
            give(&file, user);
            let _stranger = Stranger::locks(&file);
            let started = Instant::now();
            assert_eq!(shared.run(user, 1), (Some(0), String::new()), "{name}");
            assert!(started.elapsed() < Duration::from_secs(2), "{name}");
            is_private(&shared.file("cache"), user);
        }
    }
}

#[test]
fn who_can_merely_read_a_cache_in_a_closed_folder_holds_nobody_up() {
    let Some(shared) = Shared::new(0, 0o755) else {
        return;
    };
    let file = shared.file("cache");
    fs::write(&file, "").unwrap();
    open(&file, 0o644);
    give(&file, NOBODY);
    let stranger = Stranger::locks(&file);
    let started = Instant::now();
    let (status, said) = shared.run(NOBODY, 1);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("WARNING: cannot lock the cache"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(stranger);
    // After the next run nobody else can open it any more.
    assert_eq!(shared.run(NOBODY, 2), (Some(0), String::new()));
    is_private(&file, NOBODY);
}

#[test]
fn the_services_folder_is_preferred_and_a_runtime_folder_is_made() {
    sandbox(|sandbox| {
        sandbox.interface("lan0", &["192.0.2.10/24"]);
        let local = Local::new();
        let program = local.program(json!({"cache": true, "addresses": null}));
        sandbox.shell("mkdir /run/pydyndns");
        program.run().succeeds();
        assert!(Path::new("/run/pydyndns/pydyndns.cache").is_file());
        program.run().succeeds();
        assert_eq!(local.primary.updates(), 1);
        let user = program.under(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
        let user = user.env("XDG_RUNTIME_DIR", "/run/sandbox/not/yet");
        user.run().succeeds();
        assert!(Path::new("/run/sandbox/not/yet/pydyndns.cache").is_file());
        user.run().succeeds();
        assert_eq!(local.primary.updates(), 2);
    });
}
