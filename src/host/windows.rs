//! Windows: the fully qualified DNS name from `GetComputerNameExW`, and the system's text files; files, who may open
//! them, the alarm, stderr's reader and the network adapters are in files of their own.
//!
//! Every call into the system stands in a function of its own that gives back owned, checked values; the rest is safe.

mod access;
mod adapters;
mod alarm;
mod authorities;
mod files;
mod nature;
mod stderr;

pub(crate) use access::{exposure, how_to_hide};
pub(crate) use adapters::{interface_index, interfaces, name_servers};
pub(crate) use alarm::Alarm;
pub(crate) use authorities::authorities;
pub(crate) use files::{
    Folder, Found, describe, is_out_of_descriptors, is_same_file, lock_holder, make_folder,
    open_trusted, try_lock,
};
pub(crate) use nature::Kind;
pub(crate) use stderr::stderr_has_reader;

use super::{MAX_TEXT, check_regular, unreadable};
use crate::name::NameSource;
use nature::Nature;
use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::{env, io};
use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, WIN32_ERROR};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW,
};

/// Whether stderr is read by systemd's journal: there is none.
pub(crate) fn stderr_is_journal() -> bool {
    false
}

/// Has a write beyond the limit of a file's size fail: there is no such limit.
pub(crate) fn outlive_size_limit() {}

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

/// Opens a regular file to read it, and gives its length.
///
/// # Errors
/// What `CreateFileW` answers; `InvalidData` if it is anything else.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .read(true)
        // A folder, too, so that it can be told from a file that may not be read.
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .security_qos_flags(SECURITY_IDENTIFICATION)
        .open(path)?;
    let nature = Nature::of(&file)?;
    check_regular(nature.is_folder, nature.kind == Kind::File)?;
    Ok((file, nature.len))
}

/// Opens a text file of the system's; none if there is none.
///
/// # Errors
/// What `CreateFileW` answers, or that it is anything but a regular file, or an endless one.
pub(super) fn open_text(path: &Path) -> io::Result<Option<File>> {
    match open_regular(path) {
        Ok((_, len)) if len > MAX_TEXT => Err(unreadable("it is larger than 1 GiB")),
        Ok((file, _)) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(unreadable("it is not a regular file"))
        }
        Err(error) => Err(error),
    }
}

/// Where a configuration may lie: `pydyndns.conf` beside the executable.
pub(crate) fn default_configs() -> Vec<PathBuf> {
    let executable = env::current_exe().unwrap_or_default();
    vec![executable.with_file_name("pydyndns.conf")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_has_a_name() {
        assert!(!full_name().unwrap().0.is_empty());
    }

    #[test]
    fn the_configuration_lies_beside_the_executable() {
        let [file] = default_configs().try_into().unwrap();
        assert_eq!(file.parent(), env::current_exe().unwrap().parent());
        assert_eq!(file.file_name().unwrap(), "pydyndns.conf");
    }

    #[test]
    fn a_system_error_keeps_its_kind() {
        assert_eq!(os_error(2).kind(), io::ErrorKind::NotFound);
        assert!(is(&os_error(ERROR_MORE_DATA), ERROR_MORE_DATA));
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
}
