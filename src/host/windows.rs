//! Windows: the fully qualified DNS name from `GetComputerNameExW`, where files lie, and how they are opened; who may
//! read a file is in `access.rs`, and the network adapters are in `adapters.rs`.
//!
//! Every call into the system stands in a function of its own that gives back owned, checked values; the rest is safe.

mod access;
mod adapters;

pub(crate) use access::readable_by_others;
pub(crate) use adapters::{interface_index, interfaces, name_servers};

use crate::name::NameSource;
use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::{env, io};
use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, WIN32_ERROR};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_OPEN_REPARSE_POINT, FILE_TYPE_DISK,
    GetFileInformationByHandle, GetFileType, SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW,
};

/// How to take the right to read a file from others.
pub(crate) const HOW_TO_HIDE: &str = "take that right from them (icacls FILE /inheritance:r /grant *S-1-5-18:F *S-1-5-32-544:F *S-1-5-19:R)";

/// Whether a file can be written while another handle has its lock: here locks are mandatory.
pub(crate) const LOCKS_LET_WRITE: bool = false;

/// Whether stderr is read by systemd's journal: there is none.
pub(crate) fn stderr_is_journal() -> bool {
    false
}

/// Whether interfaces are called by name without regard to case.
pub(crate) const NAMES_IGNORE_CASE: bool = true;

/// Where an administrator looks for the name servers.
pub(crate) const NAME_SERVERS: &str = "the settings of the network adapters";

/// How often a list that grew between asking for its size and for itself is asked for again.
const ATTEMPTS: usize = 8;

/// The fully qualified DNS name of this computer (not of a cluster that it carries); without a primary DNS suffix, its
/// bare DNS name.
///
/// # Errors
/// What `GetComputerNameExW` answers, or that the name is no Unicode.
pub(crate) fn full_name() -> io::Result<(String, NameSource)> {
    let mut buffer = vec![0_u16; 256];
    for _ in 0..ATTEMPTS {
        let mut length = length_of(&buffer);
        // SAFETY: the buffer is ours and `length` is its true length.
        #[allow(unsafe_code)]
        let found = unsafe {
            GetComputerNameExW(
                ComputerNamePhysicalDnsFullyQualified,
                buffer.as_mut_ptr(),
                &raw mut length,
            )
        };
        let length = length as usize;
        if found != 0 {
            let name = buffer.get(..length).unwrap_or_default();
            return String::from_utf16(name)
                .map(|name| (name, NameSource::System))
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let error = io::Error::last_os_error();
        if !is(&error, ERROR_MORE_DATA) {
            return Err(error);
        }
        buffer.resize(length, 0);
    }
    Err(keeps_growing("the computer's name"))
}

/// Where the hosts file is.
pub(super) fn hosts_file() -> PathBuf {
    let windows =
        env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    windows.join(r"System32\drivers\etc\hosts")
}

/// Opens a text file of the system's; none if there is none.
///
/// # Errors
/// What `CreateFileW` answers, or that it is anything but a regular file.
pub(super) fn open_text(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) if is_regular(&file)? => Ok(Some(file)),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a configuration may lie: `pydyndns.conf` beside the executable.
pub(crate) fn default_configs() -> Vec<PathBuf> {
    let executable = env::current_exe().unwrap_or_default();
    vec![executable.with_file_name("pydyndns.conf")]
}

/// `%LOCALAPPDATA%\Temp\pydyndns.cache`, or in `%USERPROFILE%\AppData\Local` where that variable is missing. They are
/// read here since asking the system loads the whole graphical shell into the process: a run that changes nothing would
/// take a third longer.
///
/// # Errors
/// The account has neither.
pub(crate) fn default_cache() -> io::Result<PathBuf> {
    let folder = |name: &str| {
        let path = env::var_os(name).map(PathBuf::from)?;
        path.is_absolute().then_some(path)
    };
    folder("LOCALAPPDATA")
        .or_else(|| Some(folder("USERPROFILE")?.join(r"AppData\Local")))
        .map(|folder| folder.join(r"Temp\pydyndns.cache"))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "neither LOCALAPPDATA nor USERPROFILE is set",
            )
        })
}

/// Opens a regular file with `options`: a link or junction in the last place is not followed but refused, and so are
/// pipes and devices (`NUL`, `COM1`). A pipe's server learns who opens it, but can't act as that account.
///
/// # Errors
/// What `CreateFileW` answers; `InvalidInput` if it is anything but a regular file.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .security_qos_flags(SECURITY_IDENTIFICATION)
        .open(path)?;
    if is_regular(&file)? {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Whether two paths lead to the same file, by whatever links; not if one of them leads nowhere.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let (one, other) = (File::open(one), File::open(other));
    // Both stay open while they are compared: a number may be used again once its file is closed.
    let (Ok(one), Ok(other)) = (one, other) else {
        return false;
    };
    matches!((file_id(&one), file_id(&other)), (Some(one), Some(other)) if one == other)
}

/// The volume of an open file and its number there.
fn file_id(file: &File) -> Option<(u32, u32, u32)> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` lives, and the structure is ours.
    #[allow(unsafe_code)]
    let answer = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    (answer != 0).then_some((
        found.dwVolumeSerialNumber,
        found.nFileIndexHigh,
        found.nFileIndexLow,
    ))
}

/// Whether an open file is a regular one, and not a folder, a pipe or a device.
fn is_regular(file: &File) -> io::Result<bool> {
    // SAFETY: the handle is open as long as `file` lives.
    #[allow(unsafe_code)]
    let kind = unsafe { GetFileType(file.as_raw_handle()) };
    Ok(kind == FILE_TYPE_DISK && file.metadata()?.is_file())
}

/// Nothing: Windows has no way to flush a folder on its own, and NTFS logs each change of a folder before it answers.
///
/// # Errors
/// None.
#[allow(
    clippy::unnecessary_wraps,
    reason = "the interface that all platforms share"
)]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A buffer's length as the system takes it.
fn length_of(buffer: &[u16]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

/// Whether an error is this one of Windows.
fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// An error code of Windows.
fn os_error(code: WIN32_ERROR) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed())
}

/// The error for something that had outgrown its buffer each time.
fn keeps_growing(what: &str) -> io::Error {
    io::Error::other(format!("{what} keeps growing while it is read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder of its own, gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("pydyndns-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn this_computer_has_a_name() {
        assert!(!full_name().unwrap().0.is_empty());
    }

    #[test]
    fn the_configuration_lies_beside_the_executable() {
        let beside = env::current_exe().unwrap().with_file_name("pydyndns.conf");
        assert_eq!(default_configs(), [beside]);
    }

    #[test]
    fn a_file_is_the_same_by_whatever_link() {
        let folder = Folder::new("same");
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
    fn the_cache_lies_in_temp_below_local_application_data() {
        let cache = default_cache().unwrap();
        assert!(
            cache.is_absolute() && cache.ends_with(r"Temp\pydyndns.cache"),
            "{}",
            cache.display()
        );
        let local = PathBuf::from(env::var_os("LOCALAPPDATA").unwrap());
        assert!(cache.starts_with(local), "{}", cache.display());
    }

    #[test]
    fn opens_regular_files_and_nothing_else() {
        let folder = Folder::new("regular");
        let path = folder.0.join("file");
        fs::write(&path, "text").unwrap();
        assert_eq!(
            io::read_to_string(open_regular(&path, File::options().read(true)).unwrap()).unwrap(),
            "text"
        );
        open_regular(&folder.0, File::options().read(true)).unwrap_err();
        let missing =
            open_regular(&folder.0.join("missing"), File::options().read(true)).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let device = open_regular(Path::new(r"\\.\NUL"), File::options().read(true)).unwrap_err();
        assert_eq!(device.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_system_error_keeps_its_kind() {
        assert_eq!(os_error(2).kind(), io::ErrorKind::NotFound);
        assert!(is(&os_error(ERROR_MORE_DATA), ERROR_MORE_DATA));
    }
}
