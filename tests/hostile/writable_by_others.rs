//! Files and folders in which others have a say, as root and as an ordinary user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::PROGRAM;
use crate::harness::{Folder, skipped};

/// An ordinary user and their group, by number.
pub(super) const NOBODY: u32 = 65534;

/// Another ordinary user.
pub(super) const STRANGER: u32 = 65533;

/// Whether these tests run as root.
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A copy of the program where everybody can start it: the real one may lie in a folder of root's alone.
pub(super) struct Copy(Folder);

impl Copy {
    /// Makes one; none, with a line that says so, where there is no way to become somebody else.
    pub(super) fn new() -> Option<Self> {
        let mut probe = somebody(NOBODY, Path::new("true"));
        if !probe.status().is_ok_and(|status| status.success()) {
            skipped("setpriv can't make root somebody else");
            return None;
        }
        let folder = Folder::new();
        open(folder.path(), 0o755);
        let copy = Self(folder);
        fs::copy(PROGRAM, copy.path()).expect("the program can be copied");
        open(&copy.path(), 0o755);
        Some(copy)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("pydyndns")
    }
}

/// A program run by root as an ordinary user.
pub(super) fn somebody(user: u32, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let user = user.to_string();
    command
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    command
}

/// A program run by root as nobody.
pub(super) fn nobody(program: &Path) -> Command {
    somebody(NOBODY, program)
}

/// Sets a mode.
pub(super) fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode can be set");
}

/// Makes a file somebody's.
pub(super) fn give(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("a file can be given away");
}

/// The two that a test is run as: this user, which should be root, and nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Whoever runs the tests.
    Myself,
    /// The ordinary user that root becomes.
    Nobody,
}

/// A primary with a folder that belongs to whoever runs the program.
struct Place {
    /// The primary, the folder and the configuration.
    local: Local,
    /// Who runs the program.
    who: Who,
    /// The program, for nobody.
    copy: Option<Copy>,
}

/// Runs a test as root and as an ordinary user; what of that can't be done here is said.
fn as_root_and_as_nobody(test: fn(&Place)) {
    test(&Place {
        local: Local::new(),
        who: Who::Myself,
        copy: None,
    });
    if !is_root() {
        return skipped("the tests run as an ordinary user, so not as root too");
    }
    let Some(copy) = Copy::new() else {
        return;
    };
    let place = Place {
        local: Local::new(),
        who: Who::Nobody,
        copy: Some(copy),
    };
    give(place.local.path(), NOBODY);
    open(place.local.path(), 0o755);
    test(&place);
}

impl Place {
    /// Who runs the program here, by number.
    fn user(&self) -> u32 {
        match self.who {
            Who::Myself => fs::metadata("/proc/self")
                .expect("there is a process")
                .uid(),
            Who::Nobody => NOBODY,
        }
    }

    /// Runs the program with further keys; its warnings and errors.
    fn run(&self, keys: Value, arguments: &[&str]) -> Output {
        let file = self.local.path().join("pydyndns.conf");
        let is_new = !file.exists();
        fs::write(&file, self.local.config(keys).to_string())
            .expect("the configuration can be written");
        if is_new {
            open(&file, 0o600);
            give(&file, self.user());
        }
        let mut command = match &self.copy {
            Some(copy) => nobody(&copy.path()),
            None => Command::new(PROGRAM),
        };
        command
            .arg("-c")
            .arg(&file)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command.output().expect("the program can be started")
    }

    /// Expects success; what was said.
    #[track_caller]
    fn succeeds(&self, keys: Value) -> String {
        let output = self.run(keys, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{:?}: {stderr}", self.who);
        stderr
    }
}

#[test]
fn a_configuration_that_others_can_read_is_a_warning_on_runs_that_send_only() {
    as_root_and_as_nobody(|place| {
        let file = place.local.path().join("pydyndns.conf");
        assert_eq!(place.succeeds(json!({})), "");
        open(&file, 0o604);
        assert_eq!(place.succeeds(json!({})), "", "nothing is sent");
        let output = place.run(json!({}), &["-f"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), said.lines().count()),
            (Some(0), 1),
            "{said}"
        );
        assert!(
            said.contains(&*file.to_string_lossy()) && said.contains("readable by others"),
            "{said}"
        );
        // The file that has the secret is the key file.
        let key_file = place.local.path().join("key.file");
        let key = crate::harness::secret(&place.local.key);
        fs::write(
            &key_file,
            format!("key \"hmac-sha256.key.\" {{ algorithm hmac-sha256; secret \"{key}\"; }};"),
        )
        .unwrap();
        give(&key_file, place.user());
        open(&key_file, 0o600);
        let keys = json!({"tsig": {"keyfile": "key.file"}, "ttl": 60});
        assert_eq!(place.succeeds(keys.clone()), "");
        open(&file, 0o644);
        assert_eq!(
            String::from_utf8_lossy(&place.run(keys.clone(), &["-f"]).stderr),
            ""
        );
        open(&key_file, 0o644);
        let said = String::from_utf8_lossy(&place.run(keys, &["-f"]).stderr).into_owned();
        assert!(
            said.contains("key.file") && said.contains("readable by others"),
            "{said}"
        );
    });
}

#[test]
fn md5_and_sha1_are_a_warning_on_runs_that_send_only() {
    for algorithm in Algorithm::ALL {
        let local = Local::with_algorithm(algorithm, &[]);
        let program = local.program(json!({}));
        let run = program.run();
        let is_weak = matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1);
        assert_eq!(
            (run.status, run.stderr.lines().count()),
            (Some(0), usize::from(is_weak)),
            "{run:?}"
        );
        assert_eq!(run.stderr.contains(algorithm.name()), is_weak, "{run:?}");
        program.run().succeeds();
    }
}

#[test]
fn a_symbolic_link_in_the_caches_place_is_never_followed() {
    as_root_and_as_nobody(|place| {
        let local = &place.local;
        place.succeeds(json!({}));
        let confirmed = fs::read(local.cache()).unwrap();
        let victim = local.path().join("victim");
        // Not even where it leads to what would confirm everything.
        for content in [&confirmed[..], b"precious"] {
            fs::write(&victim, content).unwrap();
            give(&victim, place.user());
            for name in ["cache", "cache.new", "cache.lock"] {
                let link = local.path().join(name);
                fs::remove_file(&link).ok();
                symlink(&victim, &link).unwrap();
                fs::remove_file(local.cache()).ok();
                if name == "cache" {
                    symlink(&victim, &link).unwrap();
                }
                let before = local.primary.updates();
                place.succeeds(json!({}));
                assert_eq!(
                    local.primary.updates(),
                    before + 1,
                    "{name}: a link is believed"
                );
                assert_eq!(
                    fs::read(&victim).unwrap(),
                    content,
                    "{name}: written through a link"
                );
                assert!(fs::symlink_metadata(local.cache()).unwrap().is_file());
                place.succeeds(json!({}));
                assert_eq!(
                    local.primary.updates(),
                    before + 1,
                    "{name}: the new cache is not believed"
                );
                fs::remove_file(local.path().join("cache.lock")).ok();
            }
        }
    });
}

#[test]
fn a_cache_or_lock_of_another_user_is_not_believed_and_does_no_harm() {
    if !is_root() {
        return skipped("only root can make files of other users");
    }
    as_root_and_as_nobody(|place| {
        let local = &place.local;
        place.succeeds(json!({}));
        let forged = fs::read(local.cache()).unwrap();
        for folder_mode in [0o777, 0o1777] {
            // The folder is root's, as /tmp is.
            give(local.path(), 0);
            open(local.path(), folder_mode);
            for name in ["cache", "cache.new", "cache.lock"] {
                for left in ["cache", "cache.new", "cache.lock"] {
                    fs::remove_file(local.path().join(left)).ok();
                }
                let file = local.path().join(name);
                fs::write(&file, &forged).unwrap();
                give(&file, STRANGER);
                open(&file, 0o666);
                // The stranger holds the lock for ever.
                let held = fs::File::options().write(true).open(&file).unwrap();
                held.lock().unwrap();
                let before = local.primary.updates();
                let said = place.succeeds(json!({"timeout": 5}));
                assert_eq!(
                    local.primary.updates(),
                    before + 1,
                    "{name} in {folder_mode:o}: {said}"
                );
                drop(held);
            }
        }
    });
}

#[test]
fn a_second_name_of_another_file_in_the_caches_place_leaves_that_file_as_it_is() {
    as_root_and_as_nobody(|place| {
        let local = &place.local;
        let victim = local.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        give(&victim, place.user());
        for name in ["cache.new", "cache.lock", "cache"] {
            fs::remove_file(local.cache()).ok();
            fs::remove_file(local.path().join("cache.lock")).ok();
            fs::hard_link(&victim, local.path().join(name)).unwrap();
            let output = place.run(json!({}), &[]);
            // What cannot be a cache is an error.
            let status = i32::from(name == "cache");
            assert_eq!(output.status.code(), Some(status), "{name}: {output:?}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
        }
    });
}

#[test]
fn a_cache_in_a_closed_folder_is_rewritten_in_place() {
    if !is_root() {
        return skipped("only root can make a folder that is another's");
    }
    let Some(copy) = Copy::new() else {
        return;
    };
    let place = Place {
        local: Local::new(),
        who: Who::Nobody,
        copy: Some(copy),
    };
    let local = &place.local;
    open(local.path(), 0o755);
    fs::write(local.cache(), "").unwrap();
    give(&local.cache(), NOBODY);
    for ttl in [60, 120] {
        assert_eq!(place.succeeds(json!({"ttl": ttl})), "");
        assert_eq!(super::cached(local).expect("there is an entry")["ttl"], ttl);
        let before = local.primary.updates();
        assert_eq!(place.succeeds(json!({"ttl": ttl})), "");
        assert_eq!(local.primary.updates(), before, "the entry is not believed");
    }
    // Closed too: then nothing is sent that it would contradict.
    give(&local.cache(), 0);
    open(&local.cache(), 0o644);
    let before = local.primary.updates();
    let output = place.run(json!({"ttl": 180}), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot remove the cache"), "{said}");
    assert_eq!(local.primary.updates(), before);
}

#[test]
fn a_folder_or_a_fifo_in_the_caches_place_is_left_alone() {
    as_root_and_as_nobody(|place| {
        let local = &place.local;
        fs::create_dir(local.cache()).unwrap();
        give(&local.cache(), place.user());
        let said = place.succeeds(json!({}));
        assert!(
            said.lines().count() == 1 && said.contains("cache"),
            "{said}"
        );
        fs::remove_dir(local.cache()).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(local.cache())
                .status()
                .unwrap()
                .success()
        );
        give(&local.cache(), place.user());
        let said = place.succeeds(json!({}));
        assert!(
            said.lines().count() == 1 && said.contains("cache"),
            "{said}"
        );
        assert_eq!(local.primary.updates(), 2);
    });
}
