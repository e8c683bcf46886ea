//! The Windows program under Wine, against name servers on the Linux side, in a sandbox with its own addresses.
//!
//! `PYDYNDNS_WINDOWS_EXE` is the program to test and `WINEPREFIX` a prefix to run it in, which stays as it is: each
//! sandbox works in a layer over it, with a Wine server of its own.
//!
//! What Wine 8 can't show, and what stands in for it:
//! - temporary, deprecated, tentative and duplicate addresses: Wine reports all as permanent and preferred; what each
//!   origin and state means is a unit test of `host::windows`.
//! - links and junctions: to a Windows program, Wine shows what a Unix link points to; devices and folders are tested.
//! - a file replaced while another program has it open: Windows 10 does it, Wine refuses. Nothing here depends on it.
//! - what the event viewer shows: Wine stores no events; what is reported, and the message file, are asserted.
//! - the Task Scheduler and Local Service: Wine has no real ones. The task files are read by rule (`tests/examples`),
//!   their command lines are run, and a registry key that can't be written stands in for the account's lack of rights.
//! - access lists: Wine makes them of a file's Unix mode, which is how they are tested.
//! - power cuts: nothing on this side of a virtual machine can show them. A removed entry is emptied and flushed first.
//! - a console, and a session that no user sees: what each means is a unit test of `host::windows::stderr`; without a
//!   console at all, and with `NUL` in its place, the program is run (`unread`).
//! - PowerShell: what stands in for each statement of the scripts is said in `installed`.
//!
//! Where a promise to Windows' administrators is tested, if not here: triggers, accounts and limits of the tasks, the
//! editor that is waited for, and access lists of the installer in `tests/examples`; adapters by each of their names and in
//! each state, the order and the scopes of name servers in `host::windows::adapters`; who may write a cache in
//! `host::windows::access`; what another program holds for a moment, and the order of a removal in `host::windows::files`.

mod installed;
mod unread;
mod zip;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_proto::op::ResponseCode;
use serde_json::{Value, json};

use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::primary::{Answer, Primary, Request};
use crate::harness::program::{Program, config, logging, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Setup};
use crate::harness::{installed, key, skipped, wait_until};

/// Where an administrator puts the program, as Windows sees it.
const HOME: &str = r"C:\Program Files\PyDynDNS";

/// Where event sources are registered, below `HKEY_LOCAL_MACHINE`.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog";

/// A Windows computer in a sandbox, with the program installed.
struct Windows<'a> {
    /// The sandbox.
    sandbox: &'a Sandbox,
    /// The folder that Windows knows as [`HOME`].
    home: PathBuf,
}

impl<'a> Windows<'a> {
    /// Installs the program; none, with a line that says why, where there is no Wine or no program.
    fn start(sandbox: &'a Sandbox) -> Option<Self> {
        let (Some(program), Some(prefix)) = (
            std::env::var_os("PYDYNDNS_WINDOWS_EXE"),
            std::env::var_os("WINEPREFIX"),
        ) else {
            skipped("PYDYNDNS_WINDOWS_EXE and WINEPREFIX are not set");
            return None;
        };
        if !installed("wine") {
            skipped("wine is not installed");
            return None;
        }
        let home = PathBuf::from("/run/windows/prefix/drive_c/Program Files/PyDynDNS");
        sandbox.shell(&format!(
            "set -e
             mkdir -p /run/windows/upper /run/windows/work /run/windows/prefix
             mount -t overlay overlay /run/windows/prefix \
                 -o 'lowerdir={},upperdir=/run/windows/upper,workdir=/run/windows/work'
             mkdir -p '{home}' && cp '{}' '{home}/pydyndns.exe'
             mkdir /run/windows/project && mount --bind '{project}' /run/windows/project
             mount -t tmpfs none /tmp
             # The project may lie in there.
             mkdir -p '{project}' && mount --bind /run/windows/project '{project}'",
            prefix.display(),
            PathBuf::from(program).display(),
            home = home.display(),
            project = env!("CARGO_MANIFEST_DIR"),
        ));
        let windows = Self { sandbox, home };
        // The Wine server, and the services that come with the first program, would keep a run's output open.
        // That program forgets the event source, which the prefix may know from elsewhere.
        let source = format!(r"HKLM\{SOURCES}\Application\PyDynDNS");
        for words in [
            &["wineserver", "-p"][..],
            &["wine", "reg", "delete", &source, "/f"],
        ] {
            let status = windows
                .wine(words)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(status.is_ok(), "Wine can be started");
        }
        // Windows makes it with the account, Wine has it elsewhere.
        std::fs::create_dir_all(windows.cache().parent().unwrap()).unwrap();
        Some(windows)
    }

    /// A command in Wine's environment.
    fn wine(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .envs(environment())
            .current_dir(&self.home)
            .stdin(Stdio::null());
        command
    }

    /// Runs a Windows command, which must succeed; its output.
    fn command(&self, words: &[&str]) -> String {
        let words: Vec<&str> = ["wine"].into_iter().chain(words.iter().copied()).collect();
        let output = self.wine(&words).output().expect("Wine can be started");
        let stdout = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        assert!(output.status.success(), "{words:?}: {stdout}");
        stdout
    }

    /// Compiles a helper, which is `NAME.c` here; its path as Windows knows it. None, with a line that says why, where
    /// there is no compiler.
    fn helper(&self, name: &str) -> Option<String> {
        if !installed("x86_64-w64-mingw32-gcc") {
            skipped("x86_64-w64-mingw32-gcc is not installed");
            return None;
        }
        let helper = self.sandbox.path().join(format!("{name}.exe"));
        self.sandbox.shell(&format!(
            "x86_64-w64-mingw32-gcc -municode -o {} '{}/tests/windows/{name}.c' -lversion",
            helper.display(),
            env!("CARGO_MANIFEST_DIR"),
        ));
        Some(windows_path(&helper))
    }

    /// The program without any argument.
    fn program(&self) -> Program {
        self.under_wine().arg(format!(r"{HOME}\pydyndns.exe"))
    }

    /// Whatever Windows program is the first argument.
    fn under_wine(&self) -> Program {
        let program = Program::new(&self.home).replaced_by("wine");
        environment()
            .into_iter()
            .fold(program, |program, (name, value)| program.env(name, value))
    }

    /// A batch file of these lines and, last, the program with the batch file's arguments and these words behind them.
    fn batch(&self, name: &str, lines: &str, behind: &str) -> Program {
        let text = format!(
            "@echo off\r\n{lines}\r\n\"{HOME}\\pydyndns.exe\" %* {behind}\r\nexit /b %errorlevel%\r\n"
        );
        let file = self.sandbox.write(format!("{name}.cmd"), text);
        self.under_wine().args(["cmd", "/c", &windows_path(&file)])
    }

    /// The program with a configuration beside it, where it looks for it by itself.
    fn with(&self, keys: Value) -> Program {
        let text = serde_json::to_string_pretty(&config(keys)).unwrap();
        std::fs::write(self.home.join("pydyndns.conf"), text)
            .expect("the configuration can be written");
        self.mode("600");
        self.program()
    }

    /// Sets the mode of the configuration.
    fn mode(&self, mode: &str) {
        self.sandbox.shell(&format!(
            "chmod {mode} '{}/pydyndns.conf'",
            self.home.display()
        ));
    }

    /// The default cache.
    fn cache(&self) -> PathBuf {
        let users = self.home.join("../../users");
        let name = std::fs::read_dir(&users)
            .expect("Windows has users")
            .map(|entry| entry.expect("the folder can be listed").file_name())
            .find(|name| name != "Public")
            .expect("Windows has a user");
        users.join(name).join("AppData/Local/Temp/pydyndns.cache")
    }
}

/// What Wine needs to know.
fn environment() -> [(&'static str, &'static str); 4] {
    [
        ("WINEPREFIX", "/run/windows/prefix"),
        ("WINEDEBUG", "-all"),
        ("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=d"),
        ("HOME", "/run/windows"),
    ]
}

/// A Unix path as Windows knows it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}

/// A primary of our own in the sandbox, and the configuration that leads there.
fn embedded(algorithm: Algorithm) -> (Primary, Key, Value) {
    let key = key(algorithm);
    let primary = Primary::start("example.com.", std::slice::from_ref(&key), &[], &[]).unwrap();
    let keys = json!({
        "cache": true,
        "zone": "example.com",
        "server": primary.address().to_string(),
        "tsig": tsig(&key),
    });
    (primary, key, keys)
}

/// The configuration's keys with others in their place.
fn and(keys: &Value, others: Value) -> Value {
    let (Value::Object(mut keys), Value::Object(others)) = (keys.clone(), others) else {
        panic!("a configuration is an object");
    };
    keys.extend(others);
    Value::Object(keys)
}

#[test]
fn registers_changes_forces_and_stays_unchanged_against_bind() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface(
            "eth0",
            &[
                "192.0.2.10/24",
                "2001:db8::10/64",
                "100.64.0.1/10",
                "fe80::1/64",
            ],
        );
        let Some(bind) = Server::start(Kind::Bind, sandbox, &Setup::new(&["host 60 TXT old"]))
        else {
            return;
        };
        let records = |addresses: &[&str]| {
            let line = |ip: &&str| {
                let kind = if ip.contains(':') { "AAAA" } else { "A" };
                format!("host.example.com. 3600 {kind} {ip}")
            };
            addresses.iter().map(line).collect::<Vec<_>>()
        };
        let keys = json!({"cache": true, "tsig": tsig(&key(Algorithm::Sha256))});
        let program = windows.with(keys.clone());

        program.run().succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            records(&["192.0.2.10", "2001:db8::10"])
        );
        let cache: Value =
            serde_json::from_slice(&std::fs::read(windows.cache()).unwrap()).unwrap();
        assert_eq!(cache["hostname"], "host.example.com.");
        assert_eq!(
            cache["addresses"],
            json!({"ipv4": ["192.0.2.10"], "ipv6": ["2001:db8::10"]})
        );

        let serial = bind.serial();
        let modified = || {
            std::fs::metadata(windows.cache())
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = modified();
        sandbox.settle();
        let packets = sandbox.packets();
        for _ in 0..3 {
            program.run().succeeds();
        }
        assert_eq!(
            sandbox.packets(),
            packets,
            "an unchanged run sends no packet"
        );
        assert_eq!((bind.serial(), modified()), (serial, before));

        sandbox.ip("addr add 192.0.2.11/24 dev eth0");
        sandbox.ip("addr del 2001:db8::10/64 dev eth0");
        program.run().succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            records(&["192.0.2.10", "192.0.2.11"])
        );

        // Another operating system on this computer has registered something else.
        let other = windows.with(and(
            &keys,
            json!({"cache": false, "addresses": {"exclude": ["192.0.2.11/32"]}}),
        ));
        other.run().succeeds();
        assert_eq!(bind.at("host.example.com."), records(&["192.0.2.10"]));
        let program = windows.with(keys.clone());
        program.run().succeeds();
        assert_eq!(bind.at("host.example.com."), records(&["192.0.2.10"]));
        program.clone().arg("-f").run().succeeds();
        assert_eq!(
            bind.at("host.example.com."),
            records(&["192.0.2.10", "192.0.2.11"])
        );

        for algorithm in Algorithm::ALL {
            let keys = json!({"cache": false, "ttl": 60, "tsig": tsig(&key(algorithm))});
            let run = windows.with(keys).run();
            let weak = matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1);
            run.is(0, "", if weak { "WARNING: *which is weak*" } else { "" });
        }
        let wrong = Key {
            secret: vec![1; 32],
            ..key(Algorithm::Sha256)
        };
        windows
            .with(json!({"cache": true, "ttl": 1, "tsig": tsig(&wrong)}))
            .run()
            .fails(1, "ERROR: *BADSIG*");
        assert!(!windows.cache().exists());
    });
}

#[test]
fn chooses_interfaces_by_the_names_that_windows_gives_them() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        sandbox.interface("docker0", &["172.17.0.1/16"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let program = windows.with(and(
            &keys,
            json!({"ipv6": {"enable": false, "teredo": false}}),
        ));
        for (interfaces, expected) in [
            (&["eth0"][..], &["192.0.2.10"][..]),
            (&["!docker*"], &["192.0.2.10"]),
            (&[], &["172.17.0.1", "192.0.2.10"]),
        ] {
            program.clone().args(interfaces).run().succeeds();
            let expected: Vec<_> = expected
                .iter()
                .map(|ip| format!("host.example.com. 3600 A {ip}"))
                .collect();
            assert_eq!(primary.zone(), expected, "{interfaces:?}");
        }
        let run = program.arg("Ethernet 7").run();
        run.fails(1, "ERROR: no interface Ethernet 7 exists*");
        assert_eq!(primary.zone().len(), 2);
    });
}

#[test]
fn believes_no_liar() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, key, keys) = embedded(Algorithm::Sha256);
        let program = windows.with(and(&keys, json!({"timeout": 5})));
        let spoiled = |request: &Request| {
            let mut answer = request.honest.clone();
            // The last bytes are the error, the length of other data, and before them the original id; the MAC is before.
            let at = answer.len() - 10;
            answer[at] ^= 1;
            Answer::Message(answer)
        };
        let lies: [(&str, crate::harness::primary::Script); 5] = [
            (
                "unsigned success",
                Arc::new(|request| Answer::Message(request.unsigned.clone())),
            ),
            ("a spoiled signature", Arc::new(spoiled)),
            ("silence", Arc::new(|_| Answer::Silence)),
            ("a closed connection", Arc::new(|_| Answer::Close)),
            ("no message", Arc::new(|_| Answer::Raw(vec![0, 3, 1, 2, 3]))),
        ];
        for (lie, script) in lies {
            primary.lie(script);
            program
                .run()
                .fails(1, "ERROR: host.example.com is not confirmed: *");
            assert!(!windows.cache().exists(), "{lie}");
        }
        primary.lie(Arc::new(move |request| {
            let mut refusal = hickory_proto::op::Message::from_vec(&request.unsigned).unwrap();
            refusal.metadata.response_code = ResponseCode::Refused;
            let tsig = request.tsig.expect("the request is signed");
            Answer::Message(key.sign(&refusal.to_vec().unwrap(), &tsig.mac, tsig.time, 0, &[]))
        }));
        program.run().fails(1, "ERROR: *REFUSED*");
        primary.repent();
        program.run().succeeds();
        assert!(windows.cache().exists());
    });
}

#[test]
fn a_killed_run_leaves_no_cache_and_the_next_one_sends() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let program = windows.with(keys);
        program.run().succeeds();
        sandbox.ip("addr add 192.0.2.11/24 dev eth0");
        primary.lie(Arc::new(|_| Answer::Silence));
        let mut killed = program
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the update has arrived", || primary.updates() == 2);
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert!(!windows.cache().exists());
        primary.repent();
        // The system has let go of the killed run's lock.
        program.run().succeeds();
        assert_eq!(primary.updates(), 3);
        assert!(windows.cache().exists());
        assert_eq!(primary.zone().len(), 2);
    });
}

#[test]
fn two_at_once_send_one_update() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let release = Arc::new(AtomicBool::new(false));
        let hold = release.clone();
        primary.lie(Arc::new(move |request| {
            wait_until("the test lets the answer go", || {
                hold.load(Ordering::SeqCst)
            });
            Answer::Message(request.honest.clone())
        }));
        let program = windows.with(and(&keys, json!({"logging": logging("INFO")})));
        let spawn = || {
            program
                .command()
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let first = spawn();
        wait_until("the first has sent", || primary.updates() == 1);
        let mut second = spawn();
        // It has come as far as to the lock when it still runs after a run that finds everything done would have ended.
        let unchanged = program.clone().arg("-n").run();
        assert_eq!(unchanged.status, Some(0));
        assert!(second.try_wait().unwrap().is_none());
        release.store(true, Ordering::SeqCst);
        for child in [first, second] {
            let output = child.wait_with_output().unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        assert_eq!(primary.updates(), 1);
        assert!(windows.cache().exists());
    });
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        for cache in [r"C:\missing\cache", r"C:\windows"] {
            let before = primary.updates();
            let program = windows.with(and(&keys, json!({"cache": cache})));
            for _ in 0..2 {
                let warnings =
                    "WARNING: cannot lock the cache *\nWARNING: cannot write the cache *";
                program.run().is(0, "", warnings);
            }
            assert_eq!(primary.updates(), before + 2, "{cache}");
        }
    });
}

#[test]
fn a_lock_that_cannot_be_made_keeps_nothing_from_the_cache() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        std::fs::create_dir_all(sandbox.path().join("cache.lock")).unwrap();
        let cache = windows_path(&sandbox.write("cache", ""));
        for ttl in [60, 61] {
            let before = primary.updates();
            let program = windows.with(and(&keys, json!({"cache": cache, "ttl": ttl})));
            let warning = "WARNING: cannot lock the cache *";
            program.run().is(0, "", warning);
            program.run().succeeds();
            assert_eq!(primary.updates(), before + 1);
        }
    });
}

#[test]
fn a_cache_may_lie_anywhere_and_its_junk_counts_as_absent() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let file = sandbox.write("own cache", "");
        let program = windows.with(and(&keys, json!({"cache": windows_path(&file)})));
        for (junk, updates) in [("", 1), ("{\"hostname\":", 2), ("{[[[[", 3)] {
            std::fs::write(&file, junk).unwrap();
            program.run().succeeds();
            program.run().succeeds();
            assert_eq!(primary.updates(), updates, "{junk:?}");
        }
        // What cannot be a cache is somebody's file.
        for other in ["[[[[", "\u{feff}null"] {
            std::fs::write(&file, other).unwrap();
            program.run().fails(1, "ERROR: cannot remove the cache *");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
        }
    });
}

#[test]
fn the_default_caches_folder_is_made_where_it_is_missing() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        std::fs::remove_dir_all(windows.cache().parent().unwrap()).unwrap();
        let program = windows.with(keys);
        program.run().succeeds();
        program.run().succeeds();
        assert_eq!(primary.updates(), 1);
        assert!(windows.cache().exists());
    });
}

#[test]
fn a_cache_that_others_may_write_is_not_believed() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let program = windows.with(keys);
        program.run().succeeds();
        for updates in [2, 3] {
            sandbox.shell(&format!("chmod 666 '{}'", windows.cache().display()));
            program.run().succeeds();
            assert_eq!(primary.updates(), updates);
        }
        sandbox.shell(&format!("chmod 644 '{}'", windows.cache().display()));
        program.run().succeeds();
        assert_eq!(
            primary.updates(),
            3,
            "what others can only read is believed"
        );
    });
}

#[test]
fn a_missing_or_wrong_configuration_is_one_line_and_touches_nothing() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        let expected = r"pydyndns: C:\Program Files\PyDynDNS\pydyndns.conf: *";
        windows.program().run().fails(2, expected);
        windows
            .program()
            .args(["-c", r"Z:\nowhere\pydyndns.conf"])
            .run()
            .fails(2, r"pydyndns: Z:\nowhere\pydyndns.conf: *");
        windows
            .program()
            .args(["-c", "NUL"])
            .run()
            .fails(2, "pydyndns: NUL: *");
        std::fs::write(windows.cache(), "kept").unwrap();
        let run = windows
            .with(json!({"cache": true, "ttll": 1}))
            .arg("-f")
            .run();
        run.fails(
            2,
            r"pydyndns: C:\Program Files\PyDynDNS\pydyndns.conf: ttll: *did you mean `ttl`*",
        );
        windows
            .program()
            .arg("--nonsense")
            .run()
            .fails(2, "pydyndns: *--nonsense*");
        assert_eq!(std::fs::read(windows.cache()).unwrap(), b"kept");
    });
}

#[test]
fn a_configuration_as_notepad_saves_it_is_read() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        // With the mark that says UTF-8, and CRLF.
        let text = serde_json::to_string_pretty(&config(keys))
            .unwrap()
            .replace('\n', "\r\n");
        let text = format!("\u{feff}{text}");
        std::fs::write(windows.home.join("pydyndns.conf"), text).unwrap();
        windows.mode("600");
        windows.program().run().succeeds();
        assert_eq!(primary.updates(), 1);
    });
}

#[test]
fn warns_when_others_may_read_the_secret_and_only_when_it_sends() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (_primary, _, keys) = embedded(Algorithm::Sha256);
        let program = windows.with(keys);
        windows.mode("644");
        program.run().is(0, "", r"WARNING: C:\Program Files\PyDynDNS\pydyndns.conf has a secret in it and is readable by others*");
        program.run().succeeds();
        windows.mode("600");
        program.arg("-f").run().succeeds();
    });
}

#[test]
fn a_dry_run_prints_and_sends_nothing() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24", "2001:db8::10/64"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        let run = windows.with(keys).arg("-n").run();
        let port = primary.address().port();
        let script = format!(
            "server 127.0.0.1 {port}\nzone example.com.\nupdate delete host.example.com.\n\
             update add host.example.com. 3600 A 192.0.2.10\nupdate add host.example.com. 3600 AAAA 2001:db8::10\nsend\n"
        );
        run.is(0, &script, "");
        assert!(primary.seen().is_empty() && !windows.cache().exists());
    });
}

/// A logging section as in the manual, with everything from the level up.
fn event_log(level: &str, handler: Value) -> Value {
    let class = json!({"class": "logging.handlers.NTEventLogHandler", "formatter": "eventlog"});
    json!({
        "version": 1,
        "formatters": {"eventlog": {"format": "%(message)s"}},
        "handlers": {"eventlog": and(&class, handler)},
        "root": {"level": level, "handlers": ["eventlog"]},
    })
}

/// The lines that have something to say of the event log, in a run that ends with this status: what Wine was asked for,
/// as `TYPE SOURCE ID: TEXT`, where the text may be cut off.
fn events(windows: &Windows, program: &Program, status: i32) -> Vec<String> {
    // Of all the calls that could be traced, the two that name the source, the type and the number.
    windows.command(&[
        "reg",
        "add",
        r"HKCU\Software\Wine\Debug",
        "/f",
        "/v",
        "RelayInclude",
        "/d",
        "advapi32.RegisterEventSourceW;advapi32.ReportEventW",
    ]);
    let run = program
        .clone()
        .env("WINEDEBUG", "-all,+eventlog,+relay")
        .run();
    assert_eq!(run.status, Some(status), "{}", run.stderr);
    let (mut source, mut call, mut events) = ("", Vec::new(), Vec::new());
    for line in run.stderr.lines() {
        if let Some((_, arguments)) = line.split_once("Call advapi32.RegisterEventSourceW(") {
            source = between(arguments, "L\"", "\"");
        } else if let Some((_, arguments)) = line.split_once("Call advapi32.ReportEventW(") {
            call = arguments.split(',').collect();
        } else if let Some((_, text)) = line.split_once(":eventlog:ReportEventW L\"") {
            // The trace shows whole registers, of which a type is 16 bits and a number 32.
            let argument = |index: usize| u64::from_str_radix(call[index], 16).unwrap();
            let kind = match argument(1) & 0xffff {
                1 => "error",
                2 => "warning",
                4 => "information",
                other => panic!("type {other}"),
            };
            let id = argument(3) & 0xffff_ffff;
            let text = text
                .trim_end_matches("...")
                .trim_end_matches('"')
                .replace("\\\\", "\\");
            events.push(format!("{kind} {source} {id}: {text}"));
        }
    }
    events
}

/// What is in the text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, text) = text.split_once(start).expect("the start is there");
    text.split_once(end).expect("the end is there").0
}

/// What the registry says of a source.
fn source(windows: &Windows, log: &str, name: &str) -> String {
    windows.command(&["reg", "query", &format!(r"HKLM\{SOURCES}\{log}\{name}")])
}

#[test]
fn each_level_reaches_the_event_log_under_its_type() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Md5);
        let log = |level| json!({"logging": event_log(level, json!({"appname": "PyDynDNS"}))});
        primary.lie(Arc::new(|request| {
            Answer::Message(request.unsigned.clone())
        }));
        let program = windows.with(and(&keys, log("DEBUG")));
        let events = |program: &Program, status| events(&windows, program, status);
        let server = primary.address();
        let mut reported = events(&program, 1);
        // What the run works with is told too, once each time that it looks.
        reported.retain(|event| {
            !event.contains("is left out") && !event.contains("the configuration is")
        });
        let last = reported.pop().unwrap();
        let failed = format!("error PyDynDNS 1: host.example.com is not confirmed: {server}: ");
        assert!(last.starts_with(&failed), "{last}");
        assert_eq!(
            reported,
            [
                "warning PyDynDNS 1: the key hmac-md5.key. uses hmac-md5, which is weak; make one for hmac-sha256",
                "information PyDynDNS 1: updating host.example.com in example.com to 192.0.2.10",
                &format!("information PyDynDNS 1: sending the update to {server}"),
            ]
        );
        primary.repent();
        let program = windows.with(and(&keys, log("WARNING")));
        assert_eq!(events(&program, 0).len(), 1);
        assert_eq!(
            events(&program, 0),
            [""; 0],
            "an unchanged run has nothing to say"
        );
    });
}

#[test]
fn registers_its_event_source_for_the_event_viewer() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (_primary, _, keys) = embedded(Algorithm::Sha256);
        let with = |handler| {
            windows.with(and(
                &keys,
                json!({"logging": event_log("WARNING", handler)}),
            ))
        };
        with(json!({"appname": "PyDynDNS"})).run().succeeds();
        let registered = source(&windows, "Application", "PyDynDNS");
        let has = |name: &str, kind: &str, value: &str| {
            let line = [name, kind, value];
            registered
                .lines()
                .any(|found| found.split_whitespace().eq(line))
        };
        assert!(
            has(
                "EventMessageFile",
                "REG_EXPAND_SZ",
                r"%SystemRoot%\System32\EventCreate.exe"
            ),
            "{registered}"
        );
        // Errors, warnings and information.
        assert!(has("TypesSupported", "REG_DWORD", "0x7"), "{registered}");

        with(json!({"appname": "Other", "dllname": r"C:\own.dll", "logtype": "System"}))
            .run()
            .succeeds();
        let registered = source(&windows, "System", "Other");
        assert!(registered.contains(r"C:\own.dll"), "{registered}");
    });
}

#[test]
fn writes_to_the_event_log_without_the_right_to_register() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        let Some(helper) = windows.helper("read_only_key") else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (_primary, _, keys) = embedded(Algorithm::Md5);
        windows.command(&[&helper, &format!(r"{SOURCES}\Application\PyDynDNS")]);
        let handler = json!({"appname": "PyDynDNS"});
        let program = windows.with(and(
            &keys,
            json!({"logging": event_log("WARNING", handler)}),
        ));
        program.clone().arg("-f").run().succeeds();
        let reported = events(&windows, &program.arg("-f"), 0);
        assert_eq!(reported.len(), 1, "{reported:?}");
        assert!(
            reported[0].starts_with("warning PyDynDNS 1: the key "),
            "{reported:?}"
        );
        let registered = source(&windows, "Application", "PyDynDNS");
        assert!(!registered.contains("EventMessageFile"), "{registered}");
    });
}

#[test]
fn the_scheduled_jobs_command_lines_run() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, _, keys) = embedded(Algorithm::Sha256);
        windows.with(keys);
        for (job, updates) in [("Normal", 1), ("Normal", 1), ("Force", 2), ("Normal", 2)] {
            let task = crate::examples::task(job);
            let mut words = vec![between(&task, "<Command>", "</Command>")];
            if task.contains("<Arguments>") {
                words.push(between(&task, "<Arguments>", "</Arguments>"));
            }
            assert_eq!(windows.command(&words), "");
            assert_eq!(primary.updates(), updates, "{job}");
        }
    });
}
