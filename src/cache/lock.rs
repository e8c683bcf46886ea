//! When a lock counts, waiting for it, and who holds it.
//!
//! A lock counts if its path still names the locked file, which is looked at again once the lock is had: a file that was
//! removed or replaced meanwhile keeps nobody out. Whoever can open a file can lock it, so what others can open is
//! replaced by a file of our own as soon as nobody has its lock, and one that a stranger holds is replaced at once.

use super::file::{Names, first_byte};
use crate::escape;
use crate::host::{self, Folder, Found, Kind};
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait before a lock is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// How long to wait before an update if the run before was killed: what it may have sent an instant ago is to reach the
/// server and be applied first.
const AFTER_A_KILL: Duration = Duration::from_millis(200);

/// A lock file holds the number of the process that has it, and a line feed: this many octets at most.
const MAX_LENGTH: u64 = 16;

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another run, described, still has it at the deadline.
    Held(String),
    /// None can be had here, and why.
    Unavailable(String),
    /// Something failed that must not be passed over.
    Failed(io::Error),
}

impl std::error::Error for LockError {}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(who) => write!(f, "timed out waiting for another run: {who}"),
            Self::Unavailable(why) => f.write_str(why),
            Self::Failed(error) => f.write_str(&escape::system(error)),
        }
    }
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        if host::is_out_of_descriptors(&error) {
            Self::Failed(error)
        } else {
            Self::Unavailable(escape::system(&error))
        }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub(super) enum Held {
    /// The lock file's.
    Lock(File),
    /// The cache's own, which was made for a user in a folder where they can't make others.
    Cache(File),
}

impl Held {
    /// Waits for a cache's lock.
    ///
    /// # Errors
    /// See [`LockError`].
    pub(super) fn take(
        folder: &Folder,
        names: &Names,
        deadline: Instant,
    ) -> Result<Self, LockError> {
        match take(folder, &names.lock, Purpose::Lock, deadline) {
            Ok(file) => {
                // Who ends in order takes its number back.
                if signed_by(&file).is_some() {
                    thread::sleep(AFTER_A_KILL);
                }
                sign(&file);
                Ok(Self::Lock(file))
            }
            Err(LockError::Unavailable(why)) if folder.look(&names.lock).is_err() => {
                match take(folder, &names.cache, Purpose::Cache, deadline) {
                    Ok(file) => Ok(Self::Cache(file)),
                    Err(LockError::Unavailable(_)) => Err(LockError::Unavailable(why)),
                    Err(other) => Err(other),
                }
            }
            Err(other) => Err(other),
        }
    }

    /// Whether it is the cache's own.
    pub(super) fn is_the_cache(&self) -> bool {
        matches!(self, Self::Cache(_))
    }
}

/// Makes the new entry's file and locks it, or says why it can't be made.
///
/// # Errors
/// Another run still has it at the deadline, or there is no file descriptor left.
pub(super) fn draft(
    folder: &Folder,
    names: &Names,
    deadline: Instant,
) -> Result<Result<File, String>, LockError> {
    match take(folder, &names.draft, Purpose::Draft, deadline) {
        Ok(file) => Ok(Ok(file)),
        Err(LockError::Unavailable(why)) => Ok(Err(why)),
        Err(other) => Err(other),
    }
}

/// What a file that is locked is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Only to be locked.
    Lock,
    /// To be written and to take the cache's place.
    Draft,
    /// It is the cache, where no other file can be made.
    Cache,
}

/// Waits for the lock of the file with that name. All but the cache itself is made where it is missing, and anew where
/// others could open it or it is none of ours.
fn take(
    folder: &Folder,
    name: &OsStr,
    purpose: Purpose,
    deadline: Instant,
) -> Result<File, LockError> {
    let may_replace = purpose != Purpose::Cache;
    let unavailable = |why: &str| LockError::Unavailable(format!("{}: {why}", name.display()));
    loop {
        let is_late = Instant::now() >= deadline;
        let file = match open(folder, name, may_replace) {
            Ok(Some(file)) => file,
            Ok(None) if is_late => return Err(unavailable("it keeps being replaced")),
            Ok(None) => continue,
            Err(error) => {
                return Err(match error.into() {
                    LockError::Unavailable(why) => unavailable(&why),
                    other => other,
                });
            }
        };
        let found = folder.examine(&file)?;
        let is_file = found.kind == Kind::File;
        let may_replace = may_replace && is_file && (is_ours(&file) || found.has_other_names());
        if purpose == Purpose::Draft && is_file && !may_replace {
            return Err(unavailable(
                "there is a file of that name which is no entry, and is left alone",
            ));
        }
        // That others can write to it is no flaw of what is about to be replaced.
        if let Some(flaw) = folder.distrust(&found.without_others()) {
            if may_replace && !is_late && folder.remove(name).is_ok() {
                continue;
            }
            return Err(unavailable(flaw));
        }
        if host::try_lock(&file)? {
            if !is_at(folder, &file, name) {
                continue;
            }
            if !found.is_private() {
                if may_replace && !is_late && folder.remove(name).is_ok() {
                    continue;
                }
                let _ = folder.make_private(&file);
            }
            return Ok(file);
        }
        let holder = host::lock_holder(&file);
        if let Some(process) = holder.filter(|&process| folder.distrusts_process(process)) {
            if !may_replace || is_late || folder.remove(name).is_err() {
                return Err(unavailable(&host::describe(
                    process,
                    "of another user has locked it",
                )));
            }
        } else if is_late {
            if may_replace && !found.is_private() {
                // Who holds it can't be told, and may be someone who could merely read it: not a second time.
                let _ = folder.remove(name);
            }
            return Err(LockError::Held(who(&file, holder)));
        } else {
            thread::sleep(RETRY);
        }
    }
}

/// Opens a file to be locked, or makes it; none if something else was there that is gone now.
fn open(folder: &Folder, name: &OsStr, may_replace: bool) -> io::Result<Option<File>> {
    let error = match folder.open_to_write(name) {
        Ok(file) => return Ok(Some(file)),
        Err(error) => error,
    };
    if !may_replace {
        return Err(error);
    }
    if error.kind() == io::ErrorKind::NotFound {
        return match folder.create(name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        };
    }
    let is_worthless = folder.look(name).is_ok_and(|found| match found.kind {
        Kind::Link => true,
        // Root's, say, from before what root makes was given to the folder's owner, who may remove it.
        Kind::File => {
            error.kind() == io::ErrorKind::PermissionDenied
                && folder.is_ours()
                && found.len <= MAX_LENGTH
        }
        Kind::Other => false,
    });
    if is_worthless && folder.remove(name).is_ok() {
        Ok(None)
    } else {
        Err(error)
    }
}

/// Whether a name still is this open file's.
pub(super) fn is_at(folder: &Folder, file: &File, name: &OsStr) -> bool {
    let (Ok(there), Ok(ours)) = (folder.look(name), folder.examine(file)) else {
        return false;
    };
    Found::is(&there, &ours)
}

/// Whether a lock file or draft is one that this program makes, and not somebody's file of the same name: it is empty,
/// or holds a number or the beginning of an entry.
fn is_ours(file: &File) -> bool {
    matches!(first_byte(file), Ok(None | Some(b'{' | b'0'..=b'9')))
}

/// Writes into the lock file which process has it, for systems that don't tell. Whether that works is no matter.
fn sign(mut file: &File) {
    if is_ours(file) {
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(format!("{}\n", process::id()).as_bytes()));
    }
}

/// Takes that back.
pub(super) fn sign_off(file: &File) {
    if is_ours(file) {
        let _ = file.set_len(0);
    }
}

/// The process that a lock file says has it.
fn signed_by(mut file: &File) -> Option<u32> {
    file.rewind().ok()?;
    let mut text = String::new();
    file.take(MAX_LENGTH).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

/// Who holds a lock, for people: by what the system says, else by what the file says.
fn who(file: &File, holder: Option<u32>) -> String {
    match holder.or_else(|| signed_by(file)) {
        Some(process) => host::describe(process, "holds the lock"),
        None => "a process that can't be seen from here holds the lock".to_owned(),
    }
}
