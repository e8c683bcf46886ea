//! The last confirmed registration: compared, forgotten, written, and the lock by which runs take turns.
//!
//! The file says only what a server has confirmed. It is removed, durably, before an update is sent, and written whole
//! after a confirmed success; whatever happens in between ends in "no cache", and the next run sends. It is the Python
//! program's file, `{"hostname": ..., "addresses": {"ipv4": [...], "ipv6": [...]}}`, with keys of ours beside.
//!
//! | file | owns |
//! |---|---|
//! | `entry` | what the text says, and which registration it confirms |
//! | `file` | the durable file: forgetting the entry, and putting a new one in its place |
//! | `lock` | when a lock counts, waiting for it, and who holds it |
//!
//! Nothing that stands in the cache's place can hurt: links are not followed, what is no regular file is left alone, what
//! cannot be a cache is neither removed nor overwritten, what others may have written is not believed, and neither the
//! time nor the memory to read it depends on its content.
//!
//! To send an update takes two locks, each on a file that others cannot open: `CACHE.lock`, which stays, and `CACHE.new`,
//! the draft of the entry to be. Who removes one of them while it is held has not freed the other, so two runs never
//! change the zone at once.

mod entry;
mod file;
mod lock;

pub use entry::Entry;
pub(crate) use lock::LockError;

use crate::escape;
use crate::host::{self, Folder};
use crate::registration::Registration;
use file::Names;
use lock::Held;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// A cache file that may or may not be there.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Where it lies.
    path: PathBuf,
    /// Whether its folder is the system's choice, and so made where it is missing.
    makes_folder: bool,
}

/// What a cache file says.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A registration was confirmed.
    Confirmed(Entry),
    /// There is no file.
    Absent,
    /// There is something that can't be taken for a registration, and why.
    Unusable(String),
}

/// The right to change the cache and the zone: as long as this lives, other runs wait.
#[derive(Debug)]
pub(crate) struct CacheLock {
    /// The folder, if it exists.
    folder: Option<Folder>,
    /// The names of the files in it.
    names: Names,
    /// The lock file, or the cache itself where no other file can be made; none if no lock can be had.
    held: Option<Held>,
    /// The new entry's file, locked too, or why it can't be made. There is none either once it has become the cache.
    draft: Result<File, String>,
    /// Why other runs may not be kept out.
    flaw: Option<String>,
    /// Whether the entry was removed and nothing is written yet, so that an update may be under way.
    is_open: bool,
    /// Until when to wait for other runs.
    deadline: Instant,
}

impl Cache {
    /// The cache in this file.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self {
            path,
            makes_folder: false,
        }
    }

    /// The cache in the system's default place, whose folder may have to be made.
    pub(crate) fn at_default(path: PathBuf) -> Self {
        Self {
            path,
            makes_folder: true,
        }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file. It never fails: what can't be used is as good as absent.
    pub(crate) fn read(&self) -> Reading {
        match file::read(&self.path) {
            Ok(entry) => Reading::Confirmed(entry),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Reading::Absent,
            Err(error) => Reading::Unusable(escape::system(&error)),
        }
    }

    /// Sees that a run may remove and replace what is in the cache's place.
    ///
    /// # Errors
    /// It is somebody's file that was named by mistake.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = Names::of(&self.path).cache;
        let Ok(folder) = Folder::open(folder_of(&self.path)) else {
            return Ok(());
        };
        let Ok(found) = folder.look(&name) else {
            return Ok(());
        };
        file::check_replaceable(&folder, &name, &found)
            .map_err(|error| self.cannot_forget(&LockError::Failed(error)))
    }

    /// That the entry can't be removed, in words.
    pub(crate) fn cannot_forget(&self, why: &LockError) -> String {
        format!(
            "cannot remove the cache {}, so nothing is sent that it would contradict: {why}",
            self.path.display()
        )
    }

    /// Waits for the right to send an update. Where no lock can be had the answer is one that says so.
    ///
    /// # Errors
    /// Another run still has it at the deadline, or there is no file descriptor left.
    pub(crate) fn lock(&self, deadline: Instant) -> Result<CacheLock, LockError> {
        let names = Names::of(&self.path);
        if self.makes_folder
            && let Some(folder) = self.path.parent()
        {
            // If that fails, what is tried next tells why.
            let _ = host::make_folder(folder);
        }
        let mut lock = CacheLock {
            folder: None,
            names,
            held: None,
            draft: Err(String::new()),
            flaw: None,
            is_open: false,
            deadline,
        };
        lock.acquire(folder_of(&self.path))?;
        Ok(lock)
    }
}

impl CacheLock {
    /// Takes both locks, as far as they can be had.
    fn acquire(&mut self, folder: &Path) -> Result<(), LockError> {
        let folder = match Folder::open(folder) {
            Ok(folder) => folder,
            // No run of this user's can find an entry there.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                self.flaw = Some(format!(
                    "its folder can't be opened: {}",
                    escape::system(&error)
                ));
                return Ok(());
            }
            Err(error) => return Err(LockError::Failed(error)),
        };
        match Held::take(&folder, &self.names, self.deadline) {
            Ok(held) => {
                if !held.is_the_cache() {
                    self.draft = lock::draft(&folder, &self.names, self.deadline)?;
                }
                self.held = Some(held);
            }
            Err(LockError::Unavailable(why)) => {
                self.flaw = Some(why);
                self.draft = lock::draft(&folder, &self.names, self.deadline)?;
            }
            Err(other) => return Err(other),
        }
        self.folder = Some(folder);
        Ok(())
    }

    /// Why other runs can't be kept out, if so.
    pub(crate) fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }

    /// Removes the entry so that not even a power cut brings it back.
    ///
    /// # Errors
    /// It is still there, may come back, or is no cache. To send an update then could leave a cache that disagrees with
    /// the zone.
    pub(crate) fn forget(&mut self) -> Result<(), LockError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        // After an entry was written the next one needs a draft of its own.
        if self.draft.is_err() && !self.held.as_ref().is_some_and(Held::is_the_cache) {
            self.draft = lock::draft(folder, &self.names, self.deadline)?;
        }
        file::forget(folder, &self.names.cache).map_err(LockError::Failed)?;
        self.is_open = true;
        Ok(())
    }

    /// Writes a confirmed registration: into the draft, which then takes the cache's place, so that at no instant half an
    /// entry is there.
    ///
    /// # Errors
    /// It could not be written, and there is no entry.
    pub(crate) fn save(&mut self, registration: &Registration, now: SystemTime) -> io::Result<()> {
        let text = entry::text(registration, now);
        let Some(folder) = &self.folder else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "its folder does not exist or can't be opened",
            ));
        };
        if let Some(Held::Cache(cache)) = &self.held {
            file::write_in_place(cache, &text)?;
        } else {
            let draft = self
                .draft
                .as_ref()
                .map_err(|why| io::Error::other(why.as_str()))?;
            file::fill(folder, &self.names, draft, &text)?;
            if !self.is_intact(folder) {
                return Err(io::Error::other(
                    "its lock was removed or replaced while this run held it",
                ));
            }
            folder.rename(&self.names.draft, &self.names.cache)?;
            self.draft = Err(String::new());
        }
        self.is_open = false;
        Ok(())
    }

    /// Whether the paths still name the locked files, so that no other run can have come in between.
    fn is_intact(&self, folder: &Folder) -> bool {
        let lock = self.held.as_ref().is_none_or(|held| match held {
            Held::Lock(file) => lock::is_at(folder, file, &self.names.lock),
            Held::Cache(_) => true,
        });
        lock && self
            .draft
            .as_ref()
            .map_or(true, |draft| lock::is_at(folder, draft, &self.names.draft))
    }
}

impl Drop for CacheLock {
    /// Leaves the lock file, empty, and nothing else.
    fn drop(&mut self) {
        let Some(folder) = &self.folder else {
            return;
        };
        // Another run may have come in between and confirmed what this one's unconfirmed update contradicts.
        if self.is_open && !self.is_intact(folder) {
            let _ = file::forget(folder, &self.names.cache);
        }
        if let Ok(draft) = &self.draft
            && lock::is_at(folder, draft, &self.names.draft)
        {
            let _ = folder.remove(&self.names.draft);
        }
        if let Some(Held::Lock(file)) = &self.held {
            lock::sign_off(file);
        }
    }
}

/// The folder that a cache lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
