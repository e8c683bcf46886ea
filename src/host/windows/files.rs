//! Files on Windows: found, opened, locked and replaced so that no link leads astray, and tried again while another
//! program (a scanner, a backup) holds them for a moment. Who may write them is a question to `access.rs`.

use super::access;
use super::nature::{Kind, Nature, identify};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::mem;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION,
    ERROR_TOO_MANY_OPEN_FILES,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, READ_CONTROL,
    SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// For how long something is tried again that another program may be in the way of.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long to wait in between.
const RETRY: Duration = Duration::from_millis(20);

/// Where the octet that is locked lies, far behind all that a lock file says: a locked octet can't be read.
const LOCKED_OCTET: u32 = 0x4000_0000;

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Where it lies.
    path: PathBuf,
}

/// What lies at a name or behind an open file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// What kind of thing it is.
    pub(crate) kind: Kind,
    /// Its length in octets.
    pub(crate) len: u64,
    /// The volume's serial number, and the file's within it.
    id: (u32, u64),
    /// How many names it has.
    names: u32,
    /// Whether others may write to it.
    is_writable_by_others: bool,
}

impl Found {
    /// What an open file is.
    fn new(file: &File) -> io::Result<Self> {
        let nature = Nature::of(file)?;
        let (id, names) = match nature.kind {
            Kind::Other => ((0, 0), 1),
            _ => (identify(file)?, nature.names),
        };
        Ok(Self {
            kind: nature.kind,
            len: nature.len,
            id,
            names,
            is_writable_by_others: nature.kind == Kind::File
                && access::is_writable_by_others(file)?,
        })
    }

    /// Whether both are the same file.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The same as if others had no right to it.
    pub(crate) fn without_others(self) -> Self {
        Self {
            is_writable_by_others: false,
            ..self
        }
    }

    /// Whether it is another file by another name.
    pub(crate) fn has_other_names(&self) -> bool {
        self.names > 1
    }

    /// Whether nobody else can open it: that is left to the folder, whose access list a new file inherits.
    #[allow(clippy::unused_self, reason = "the interface that all platforms share")]
    pub(crate) fn is_private(&self) -> bool {
        true
    }
}

/// Why a file may not be trusted, if so.
fn flaw(kind: Kind, names: u32, is_writable_by_others: bool) -> Option<&'static str> {
    if kind != Kind::File {
        Some("it is not a regular file")
    } else if names > 1 {
        Some("it has another name elsewhere")
    } else if is_writable_by_others {
        Some("others can write to it")
    } else {
        None
    }
}

#[allow(clippy::unused_self, reason = "the interface that all platforms share")]
impl Folder {
    /// The folder with this path.
    ///
    /// # Errors
    /// It does not exist, or can't be looked at.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self {
                path: path.to_owned(),
            })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Whether files of others may be removed here though they can't be opened: that is not tried.
    pub(crate) fn is_ours(&self) -> bool {
        false
    }

    /// What lies at a name.
    ///
    /// # Errors
    /// What `CreateFileW` and the questions to the open file answer; `NotFound` if there is nothing.
    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Found> {
        let mut options = OpenOptions::new();
        options.access_mode(FILE_READ_ATTRIBUTES | READ_CONTROL);
        Found::new(&self.open_file(name, &mut options)?)
    }

    /// What an open file is.
    ///
    /// # Errors
    /// What the questions to it answer.
    pub(crate) fn examine(&self, file: &File) -> io::Result<Found> {
        Found::new(file)
    }

    /// Why a file may not be trusted, if so: it is another file by another name, or others can write to it.
    pub(crate) fn distrust(&self, found: &Found) -> Option<&'static str> {
        flaw(found.kind, found.names, found.is_writable_by_others)
    }

    /// Whether a process is known to act as an account that has no business here: never.
    pub(crate) fn distrusts_process(&self, _process: u32) -> bool {
        false
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// What `CreateFileW` answers.
    pub(crate) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true))
    }

    /// Opens a file to read and to write it.
    ///
    /// # Errors
    /// What `CreateFileW` answers.
    pub(crate) fn open_to_write(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true).write(true))
    }

    /// Opens a file, or the link itself.
    fn open_file(&self, name: &OsStr, options: &mut OpenOptions) -> io::Result<File> {
        carefully(&self.path.join(name), options)
    }

    /// Makes a file. Who may open it is what the folder's access list says.
    ///
    /// # Errors
    /// What `CreateFileW` answers; `AlreadyExists` if anything has that name.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(
            name,
            OpenOptions::new().read(true).write(true).create_new(true),
        )
    }

    /// Nothing: the folder's access list decides.
    ///
    /// # Errors
    /// None.
    #[allow(
        clippy::unnecessary_wraps,
        reason = "the interface that all platforms share"
    )]
    pub(crate) fn make_private(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// Removes a file's name.
    ///
    /// # Errors
    /// What `DeleteFileW` answers.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        let path = self.path.join(name);
        patiently(|| fs::remove_file(&path))
    }

    /// Removes a file's name so that not even a power cut brings back what it says. NTFS writes a removal to the disk
    /// in its own time, so the file is emptied on the disk first.
    ///
    /// # Errors
    /// What `DeleteFileW` and flushing answer.
    pub(crate) fn remove_for_good(&self, name: &OsStr) -> io::Result<()> {
        if self.look(name)?.kind == Kind::File {
            let file = self.open_to_write(name)?;
            file.set_len(0)?;
            file.sync_all()?;
        }
        self.remove(name)
    }

    /// Gives a file the name of another one, which it replaces in one step.
    ///
    /// # Errors
    /// What `MoveFileExW` answers.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let (from, to) = (self.path.join(from), self.path.join(to));
        patiently(|| fs::rename(&from, &to))
    }

    /// Nothing: Windows has no way to flush a folder on its own.
    ///
    /// # Errors
    /// None.
    #[allow(
        clippy::unnecessary_wraps,
        reason = "the interface that all platforms share"
    )]
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a file to read what it says, if that may be believed: a regular file with one name that others can't write. Gives
/// its length and when it was last written, too.
///
/// # Errors
/// What `CreateFileW` answers; `InvalidInput` if the file can't be trusted.
pub(crate) fn open_trusted(path: &Path) -> io::Result<(File, u64, SystemTime)> {
    let file = carefully(path, OpenOptions::new().read(true))?;
    let nature = Nature::of(&file)?;
    let is_writable_by_others = nature.kind == Kind::File && access::is_writable_by_others(&file)?;
    match flaw(nature.kind, nature.names, is_writable_by_others) {
        None => Ok((file, nature.len, nature.modified)),
        Some(flaw) => Err(io::Error::new(io::ErrorKind::InvalidInput, flaw)),
    }
}

/// Whether two paths lead to the same file, by whatever links; not if one of them leads nowhere.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let (one, other) = (File::open(one), File::open(other));
    // Both stay open while they are compared: a number may be used again once its file is closed.
    let (Ok(one), Ok(other)) = (one, other) else {
        return false;
    };
    matches!((identify(&one), identify(&other)), (Ok(one), Ok(other)) if one == other)
}

/// Opens what has this path, the link or junction itself if it is one. A pipe's server learns who opens it, but can't act
/// as that account.
fn carefully(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .security_qos_flags(SECURITY_IDENTIFICATION);
    patiently(|| options.open(path))
}

/// Does something again for a while if it fails in a way that passes once another program has let go of a file.
fn patiently<T>(mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut until = None;
    loop {
        match action() {
            Err(error)
                if [
                    ERROR_ACCESS_DENIED,
                    ERROR_SHARING_VIOLATION,
                    ERROR_LOCK_VIOLATION,
                ]
                .into_iter()
                .any(|code| super::is(&error, code))
                    && Instant::now() < *until.get_or_insert_with(|| Instant::now() + PATIENCE) =>
            {
                thread::sleep(RETRY);
            }
            other => return other,
        }
    }
}

/// Takes a file's lock if it is free; whether that was so. The lock goes when the file is closed, however that happens.
/// What the file says can be read meanwhile.
///
/// # Errors
/// The file can't be locked at all.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    // SAFETY: the handle is open as long as `file` lives, and not one for overlapped work, so the structure is only
    // read, and not after the call.
    #[allow(unsafe_code)]
    let locked = unsafe {
        let mut place: OVERLAPPED = mem::zeroed();
        place.Anonymous.Anonymous.OffsetHigh = LOCKED_OCTET;
        LockFileEx(
            file.as_raw_handle(),
            LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
            0,
            1,
            0,
            &raw mut place,
        )
    };
    if locked != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if super::is(&error, ERROR_LOCK_VIOLATION) || super::is(&error, ERROR_IO_PENDING) {
        Ok(false)
    } else {
        Err(error)
    }
}

/// Which process holds a file's lock: Windows does not tell, but the lock file says.
pub(crate) fn lock_holder(_file: &File) -> Option<u32> {
    None
}

/// A process for people.
pub(crate) fn describe(process: u32, does: &str) -> String {
    format!("process {process} {does}")
}

/// Whether the process has no handle left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    super::is(error, ERROR_TOO_MANY_OPEN_FILES)
}

/// Makes a folder, and those above it.
///
/// # Errors
/// What `CreateDirectoryW` answers, but not that it is there already.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, gone when dropped.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pydyndns-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_file_is_the_same_by_whatever_link() {
        let folder = Temporary::new("same");
        let [one, link, copy, gone] =
            ["one", "link", "copy", "gone"].map(|name| folder.0.join(name));
        fs::write(&one, "").unwrap();
        fs::write(&copy, "").unwrap();
        fs::hard_link(&one, &link).unwrap();
        assert!(is_same_file(&one, &link) && is_same_file(&one, &one));
        assert!(!is_same_file(&one, &copy));
        assert!(!is_same_file(&gone, &gone));
    }

    #[test]
    fn opens_regular_files_and_nothing_else() {
        let folder = Temporary::new("regular");
        let path = folder.0.join("file");
        fs::write(&path, "text").unwrap();
        let (file, len, modified) = open_trusted(&path).unwrap();
        assert_eq!(modified, fs::metadata(&path).unwrap().modified().unwrap());
        assert_eq!(
            (io::read_to_string(file).unwrap().as_str(), len),
            ("text", 4)
        );
        open_trusted(&folder.0).unwrap_err();
        let missing = open_trusted(&folder.0.join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let device = open_trusted(Path::new(r"\\.\NUL")).unwrap_err();
        assert_eq!(device.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_file_that_is_locked_can_be_read_replaced_and_removed_but_not_locked_twice() {
        let temporary = Temporary::new("locked");
        let folder = Folder::open(&temporary.0).unwrap();
        let [one, two] = ["one", "two"].map(OsStr::new);
        let first = folder.create(one).unwrap();
        io::Write::write_all(&mut &first, b"text").unwrap();
        assert!(try_lock(&first).unwrap());
        let second = folder.open_to_write(one).unwrap();
        assert!(!try_lock(&second).unwrap());
        assert_eq!(io::read_to_string(&second).unwrap(), "text");
        assert!(
            folder
                .look(one)
                .unwrap()
                .is(&folder.examine(&second).unwrap())
        );
        drop(second);
        folder.create(two).unwrap();
        folder.rename(one, two).unwrap();
        let renamed = folder.open_to_read(two).unwrap();
        assert_eq!(io::read_to_string(&renamed).unwrap(), "text");
        drop((first, renamed));
        assert!(try_lock(&folder.open_to_write(two).unwrap()).unwrap());
        folder.remove_for_good(two).unwrap();
        assert_eq!(
            folder.look(two).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn what_another_program_holds_for_a_moment_is_waited_for() {
        let temporary = Temporary::new("held");
        let path = temporary.0.join("file");
        fs::write(&path, "text").unwrap();
        let held = OpenOptions::new()
            .read(true)
            .share_mode(0)
            .open(&path)
            .unwrap();
        let release = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        open_trusted(&path).unwrap();
        release.join().unwrap();
        let _held = OpenOptions::new()
            .read(true)
            .share_mode(0)
            .open(&path)
            .unwrap();
        let started = Instant::now();
        open_trusted(&path).unwrap_err();
        assert!((PATIENCE..PATIENCE * 5).contains(&started.elapsed()));
    }
}
