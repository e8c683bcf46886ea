//! Other processes, as far as `/proc` tells: which one holds a lock, and what it is. Where there is no such file system
//! nothing is known of them.

use super::effective_uid;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

/// The process that holds the lock of an open file, by `/proc/locks`.
pub(crate) fn lock_holder(file: &File) -> Option<u32> {
    let metadata = file.metadata().ok()?;
    // These numbers have another type on each system.
    let (major, minor) = (libc::major(metadata.dev()), libc::minor(metadata.dev()));
    let at = format!("{major:02x}:{minor:02x}:{}", metadata.ino());
    holder_in(&fs::read_to_string("/proc/locks").ok()?, &at)
}

/// Finds the holder of a file in the lines of `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 2045 08:02:1234 0 EOF`, device
/// numbers in hexadecimal. A line with `->` is about a process that waits.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words[..] {
            [_, "FLOCK" | "POSIX" | "OFDLCK", _, _, process, at, ..] if at == file => {
                process.parse().ok()
            }
            _ => None,
        }
    })
}

/// The user that a process acts as, if it is there to be seen.
pub(super) fn user_of(process: u32) -> Option<u32> {
    Some(fs::metadata(format!("/proc/{process}")).ok()?.uid())
}

/// Whether a process is known to act as somebody other than this user, root, or `folder_owner`.
pub(super) fn is_strangers(process: u32, folder_owner: u32) -> bool {
    user_of(process)
        .is_some_and(|user| user != 0 && user != effective_uid() && user != folder_owner)
}

/// What a process does, for people: its number, its program, and if it is stopped, the way out.
pub(crate) fn describe(process: u32, does: &str) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    match program_and_state(&stat) {
        Some((program, 'T' | 't')) => format!(
            "process {process} ({program}) {does}, and is stopped: let it go on (kill -CONT {process}) or end it"
        ),
        Some((program, _)) => format!("process {process} ({program}) {does}"),
        None => format!("process {process} {does}"),
    }
}

/// The program's name and the state's letter out of `/proc/PID/stat`: `2045 (name) S 1 ...`. A process can call itself
/// anything, so only plain characters are kept.
fn program_and_state(stat: &str) -> Option<(String, char)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let name = name
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect();
    Some((name, after.trim_start().chars().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_who_holds_a_lock_and_not_who_waits_for_it() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fd:00:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 22 00:2a:1234 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 33 00:2a:1234 0 EOF\n\
                     3: FLOCK  ADVISORY  READ  44 00:2b:1234 0 EOF\n";
        assert_eq!(holder_in(locks, "00:2a:1234"), Some(22));
        assert_eq!(holder_in(locks, "00:2b:1234"), Some(44));
        assert_eq!(holder_in(locks, "fd:00:77"), Some(11));
        assert_eq!(holder_in(locks, "00:2a:123"), None);
        assert_eq!(holder_in("no sense\n\n1: FLOCK", "00:2a:1234"), None);
    }

    #[test]
    fn a_process_that_calls_itself_something_odd_cannot_break_the_line() {
        let of = |stat| program_and_state(stat);
        assert_eq!(of("7 (pydyndns) S 1 2"), Some(("pydyndns".into(), 'S')));
        assert_eq!(of("7 (a) b\n(\x1b) T 1"), Some(("a)?b?(?".into(), 'T')));
        assert_eq!(of(""), None);
        assert_eq!(of("7 (x)"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_the_lock_that_it_holds() {
        let path = std::env::temp_dir().join(format!("pydyndns-lock-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        assert_eq!(lock_holder(&file), None);
        file.lock().unwrap();
        assert_eq!(lock_holder(&file), Some(std::process::id()));
        fs::remove_file(path).unwrap();
        assert!(!is_strangers(std::process::id(), 0));
        let ours = describe(std::process::id(), "runs");
        assert!(
            ours.starts_with("process ") && ours.ends_with(" runs"),
            "{ours}"
        );
    }
}
