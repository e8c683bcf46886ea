//! Files in folders where others may have a say: who owns them, who can change them, and doing things to them so that
//! nobody can lead this process astray.
//!
//! What runs with the rights of root, or of another account, must not open, empty, remove or give away a file that
//! somebody else slipped in. So a [`Folder`] is opened once and everything is done relative to that descriptor, no
//! symbolic link is followed in the last place, nothing waits for a FIFO's other end, and a new file is made exclusively.

use super::{effective_uid, is_root, processes};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

/// What every file is opened with.
const CAREFULLY: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// The mode of what this program makes: its owner's alone.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The bits that let group or others do anything.
const OTHERS: u32 = 0o077;

/// The bits that let group or others write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A folder, held open.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The folder.
    folder: OwnedFd,
    /// Who owns it, and its group.
    owner: (u32, u32),
}

/// What lies at a name or behind an open file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// What kind of thing it is.
    pub(crate) kind: Kind,
    /// Its length in octets.
    pub(crate) len: u64,
    /// Device and inode.
    id: (u64, u64),
    /// The owner.
    owner: u32,
    /// The permissions.
    mode: u32,
    /// How many names it has.
    names: u64,
}

/// What kind of thing lies at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A folder, a pipe, a device.
    Other,
}

impl Found {
    /// Out of what the kernel says.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        clippy::cast_sign_loss,
        reason = "the fields' types differ from system to system"
    )]
    fn new(stat: &Stat) -> Self {
        Self {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Symlink => Kind::Link,
                _ => Kind::Other,
            },
            len: stat.st_size as u64,
            id: (stat.st_dev as u64, stat.st_ino as u64),
            owner: stat.st_uid,
            mode: stat.st_mode as u32 & 0o7777,
            names: stat.st_nlink as u64,
        }
    }

    /// Whether both are the same file.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The same as if others had no right to it.
    pub(crate) fn without_others(self) -> Self {
        Self {
            mode: self.mode & !WRITABLE_BY_OTHERS,
            ..self
        }
    }

    /// Whether it is another file by another name.
    pub(crate) fn has_other_names(&self) -> bool {
        self.names > 1
    }

    /// Whether nobody but its owner, and root, can open it.
    pub(crate) fn is_private(&self) -> bool {
        self.mode & OTHERS == 0
    }
}

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// What open answers.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::openat(CWD, path, flags | OFlags::RDONLY, Mode::empty()) {
            // One that may be entered but not listed.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Err(Errno::ACCESS) => {
                rustix::fs::openat(CWD, path, flags | OFlags::PATH, Mode::empty())
            }
            other => other,
        }?;
        // What fails here says nothing of the path, which an error of the same kind from above would.
        let found = rustix::fs::fstat(&folder).map_err(io::Error::other)?;
        Ok(Self {
            folder,
            owner: (found.st_uid, found.st_gid),
        })
    }

    /// Whether this process's user owns it, and so may remove what others made in it.
    pub(crate) fn is_ours(&self) -> bool {
        self.owner.0 == effective_uid()
    }

    /// What lies at a name.
    ///
    /// # Errors
    /// What fstatat answers; `NotFound` if there is nothing.
    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Found> {
        let stat = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Found::new(&stat))
    }

    /// What an open file is.
    ///
    /// # Errors
    /// What fstat answers.
    #[allow(clippy::unused_self, reason = "the interface that all platforms share")]
    pub(crate) fn examine(&self, file: &File) -> io::Result<Found> {
        Ok(Found::new(&rustix::fs::fstat(file)?))
    }

    /// Why a file may not be trusted, if so: it is another user's, it is another file by another name, or others can
    /// write to it.
    pub(crate) fn distrust(&self, found: &Found) -> Option<&'static str> {
        flaw(
            found.kind == Kind::File,
            found.owner,
            found.mode,
            found.names,
            effective_uid(),
            || Some(self.owner.0),
        )
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// What open answers; a symbolic link is one.
    pub(crate) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a file to read and to write it.
    ///
    /// # Errors
    /// What open answers; a symbolic link is one.
    pub(crate) fn open_to_write(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR)
    }

    /// Opens a file.
    fn open_file(&self, name: &OsStr, access: OFlags) -> io::Result<File> {
        match rustix::fs::openat(&self.folder, name, access | CAREFULLY, Mode::empty()) {
            Ok(file) => Ok(file.into()),
            // Linux and macOS say ELOOP to a symbolic link, FreeBSD EMLINK, NetBSD EFTYPE.
            Err(_) if self.look(name).is_ok_and(|found| found.kind == Kind::Link) => {
                Err(is_a_link())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file that is its owner's alone, whatever the umask. What root makes in somebody else's folder it gives to
    /// the folder's owner, whose runs share it.
    ///
    /// # Errors
    /// What open answers; `AlreadyExists` if anything has that name.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
        let file = File::from(rustix::fs::openat(&self.folder, name, flags, PRIVATE)?);
        let found = self.examine(&file)?;
        if found.mode != 0o600 {
            rustix::fs::fchmod(&file, PRIVATE)?;
        }
        let (user, group) = self.owner;
        if is_root() && user != 0 {
            // A file system that knows no owners, or an owner unknown in this user namespace: it stays root's, and the
            // folder's owner may still replace it.
            let _ = rustix::fs::fchown(
                &file,
                Some(rustix::fs::Uid::from_raw(user)),
                Some(rustix::fs::Gid::from_raw(group)),
            );
        }
        Ok(file)
    }

    /// Whether a process is known to act as an account that may not own a file here either.
    pub(crate) fn distrusts_process(&self, process: u32) -> bool {
        processes::is_strangers(process, self.owner.0)
    }

    /// Takes a file's other users their rights.
    ///
    /// # Errors
    /// What fchmod answers.
    #[allow(clippy::unused_self, reason = "the interface that all platforms share")]
    pub(crate) fn make_private(&self, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fchmod(file, PRIVATE)?)
    }

    /// Removes a file's name.
    ///
    /// # Errors
    /// What unlink answers.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.folder, name, AtFlags::empty())?)
    }

    /// Removes a file's name so that not even a power cut brings it back.
    ///
    /// # Errors
    /// What unlink and fsync answer.
    pub(crate) fn remove_for_good(&self, name: &OsStr) -> io::Result<()> {
        self.remove(name)?;
        self.sync()
    }

    /// Gives a file the name of another one, which it replaces in one step.
    ///
    /// # Errors
    /// What rename answers.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from, &self.folder, to)?)
    }

    /// Makes what was removed here stay removed after a power cut.
    ///
    /// # Errors
    /// What fsync answers, except that this folder can't be synced: then the kernel's write-back must suffice.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.folder) {
            Err(Errno::INVAL | Errno::NOTSUP | Errno::BADF | Errno::ROFS) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// That a file's name is a symbolic link's.
fn is_a_link() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link")
}

/// Opens a file to read what it says, if that may be believed, by the rules of [`Folder::distrust`]. Gives its length and
/// when it was last written, too.
///
/// # Errors
/// What open answers; `InvalidInput` if the file can't be trusted.
pub(crate) fn open_trusted(path: &Path) -> io::Result<(File, u64, SystemTime)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            // A link in the last place, or links that lead in a circle before it.
            Some(libc::ELOOP | libc::EMLINK) => is_a_link(),
            _ => error,
        })?;
    let found = file.metadata()?;
    let folder_owner = || {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Some(fs::metadata(folder).ok()?.uid())
    };
    let flaw = flaw(
        found.is_file(),
        found.uid(),
        found.mode(),
        found.nlink(),
        effective_uid(),
        folder_owner,
    );
    match flaw {
        None => Ok((file, found.len(), found.modified()?)),
        Some(flaw) => Err(io::Error::new(io::ErrorKind::InvalidInput, flaw)),
    }
}

/// Why a file may not be trusted, if so. Its owner has to be this user, root, or the owner of the folder, who could
/// replace the file anyway.
fn flaw(
    is_file: bool,
    owner: u32,
    mode: u32,
    names: u64,
    user: u32,
    folder_owner: impl FnOnce() -> Option<u32>,
) -> Option<&'static str> {
    if !is_file {
        Some("it is not a regular file")
    } else if owner != user && owner != 0 && folder_owner() != Some(owner) {
        Some("it belongs to another user")
    } else if names > 1 {
        Some("it has another name elsewhere")
    } else if mode & WRITABLE_BY_OTHERS != 0 {
        Some("others can write to it")
    } else {
        None
    }
}

/// Takes a file's lock if it is free; whether that was so. The lock goes when the file is closed, however that happens.
///
/// # Errors
/// The file can't be locked at all.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the process or the system has no file descriptor left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// What is wrong with who may read or change the file that a secret is in, in words that follow the file's name.
///
/// # Errors
/// What fstat answers.
pub(crate) fn exposure(file: &File) -> io::Result<Option<&'static str>> {
    let found = file.metadata()?;
    let mode = found.mode();
    Ok(if found.uid() != 0 && found.uid() != effective_uid() {
        Some("belongs to another user")
    } else if mode & WRITABLE_BY_OTHERS != 0 {
        Some("can be written by others")
    } else if mode & 0o004 != 0 {
        Some("is readable by others")
    } else {
        None
    })
}

/// Whether two paths lead to the same file, by whatever links; not if one of them leads nowhere.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// How to take the right to read or change a file from others.
pub(crate) fn how_to_hide(_file: &Path) -> &'static str {
    "make it yours and chmod 600 it"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flaw of a regular file with one name, for the user 1000 in a folder of the user 2000.
    fn flaw_of(owner: u32, mode: u32) -> Option<&'static str> {
        flaw(true, owner, mode, 1, 1000, || Some(2000))
    }

    #[test]
    fn we_root_and_the_folders_owner_may_own_a_file() {
        for owner in [0, 1000, 2000] {
            assert_eq!(flaw_of(owner, 0o100_600), None, "{owner}");
            assert_eq!(flaw_of(owner, 0o100_644), None, "{owner}");
        }
        assert_eq!(flaw_of(3000, 0o100_600), Some("it belongs to another user"));
        let unknown = flaw(true, 3000, 0o600, 1, 1000, || None);
        assert_eq!(unknown, Some("it belongs to another user"));
    }

    #[test]
    fn what_others_can_write_has_another_name_or_is_no_file_is_not_trusted() {
        for mode in [0o620, 0o602, 0o666] {
            assert_eq!(flaw_of(1000, mode), Some("others can write to it"));
        }
        let two_names = flaw(true, 1000, 0o600, 2, 1000, || None);
        assert_eq!(two_names, Some("it has another name elsewhere"));
        let pipe = flaw(false, 1000, 0o600, 1, 1000, || None);
        assert_eq!(pipe, Some("it is not a regular file"));
    }

    #[test]
    fn who_owns_the_folder_is_asked_only_about_a_stranger() {
        let asked = || panic!("the folder was asked for");
        assert_eq!(flaw(true, 1000, 0o600, 1, 1000, asked), None);
    }
}
