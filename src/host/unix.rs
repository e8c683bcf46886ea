//! What POSIX gives every Unix: the name, the default paths, and careful opening of files.
//!
//! The name is found from the kernel's hostname, the hosts file and resolv.conf by reading them. Name-service modules
//! take no part: getaddrinfo may block on a dead server, and in a static glibc binary it may crash.

use super::config_folder;
use crate::name::{in_domain, in_hosts};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// How to take the right to read a file from others.
pub(crate) const HOW_TO_HIDE: &str = "chmod 600 it";

/// Whether a file can be written while another handle has its lock: here locks are advisory.
pub(crate) const LOCKS_LET_WRITE: bool = true;

/// Reading more of a hosts file or resolv.conf than this makes no sense: 4 MiB.
const LARGEST_TEXT: u64 = 4 << 20;

/// This computer's name, with its domain if the system knows one: the kernel's hostname if it has a dot, else a dotted
/// name on its line of the hosts file, else the hostname in resolv.conf's first domain, else the bare hostname.
///
/// # Errors
/// What gethostname answers. Files that are missing or unreadable count as empty.
pub(crate) fn full_name() -> io::Result<String> {
    let hostname = hostname()?;
    if hostname.contains('.') {
        return Ok(hostname);
    }
    let found = in_hosts(&hostname, &text_of("/etc/hosts"))
        .or_else(|| in_domain(&hostname, &text_of("/etc/resolv.conf")));
    Ok(found.unwrap_or(hostname))
}

/// Where a configuration may lie, the preferred place first and the usual one last: `pydyndns.conf` in the configuration
/// folder of a user other than root, and `/etc/pydyndns.conf`.
pub(crate) fn default_configs() -> Vec<PathBuf> {
    let own = if is_root() { None } else { config_folder() };
    own.map(|folder| folder.join("pydyndns.conf"))
        .into_iter()
        .chain([PathBuf::from("/etc/pydyndns.conf")])
        .collect()
}

/// `pydyndns.cache` in `/run` (`/var/run` where there is none) for root, in the runtime folder for another user.
///
/// # Errors
/// A user has no runtime folder, neither by `XDG_RUNTIME_DIR` nor, as for cron jobs, in `/run/user`.
pub(crate) fn default_cache() -> io::Result<PathBuf> {
    let folder = if is_root() {
        Path::new(if Path::new("/run").is_dir() {
            "/run"
        } else {
            "/var/run"
        })
        .to_owned()
    } else {
        let by_uid = || {
            Some(PathBuf::from(format!("/run/user/{}", effective_uid())))
                .filter(|folder| folder.is_dir())
        };
        // A service has this variable and no HOME.
        env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(by_uid)
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, "this user has no runtime folder")
            })?
    };
    Ok(folder.join("pydyndns.cache"))
}

/// Opens a regular file with `options`, never through a symbolic link in the last place and without waiting on a FIFO.
/// A file that it creates is its owner's alone. Where others can write to the folder they can put a file of theirs in
/// this one's place, or a second name of another file of ours: both are refused.
///
/// # Errors
/// What open answers; `InvalidInput` if it is anything but a regular file with one name that this user or root owns.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let found = file.metadata()?;
    let wrong = if !found.is_file() {
        "not a regular file"
    } else if found.uid() != 0 && found.uid() != effective_uid() {
        "it belongs to another user"
    } else if found.nlink() > 1 {
        "the file has another name elsewhere"
    } else {
        return Ok(file);
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
}

/// Whether the file's mode lets every account read it.
///
/// # Errors
/// What fstat answers.
pub(crate) fn readable_by_others(file: &File, _path: &Path) -> io::Result<bool> {
    Ok(file.metadata()?.mode() & 0o004 != 0)
}

/// Makes what was removed in a folder stay removed after a power cut.
///
/// # Errors
/// What open and fsync answer, except that the file system has no such thing for folders.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// The kernel's hostname.
fn hostname() -> io::Result<String> {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is ours, and its length less one leaves the last byte zero whatever happens.
    #[allow(unsafe_code)]
    let answer = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    let end = buffer
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(buffer.len());
    Ok(String::from_utf8_lossy(&buffer[..end]).into_owned())
}

/// The user this process acts as.
fn effective_uid() -> u32 {
    // SAFETY: geteuid takes nothing and always succeeds.
    #[allow(unsafe_code)]
    unsafe {
        libc::geteuid()
    }
}

/// Whether this process acts as root.
fn is_root() -> bool {
    effective_uid() == 0
}

/// A small text file of the system; empty if it can't be read. Bytes that are no UTF-8 can't be part of a name.
fn text_of(path: &str) -> String {
    let read = || -> io::Result<Vec<u8>> {
        // Links are usual here (systemd-resolved), so this follows them.
        if !fs::metadata(path)?.is_file() {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        io::Read::read_to_end(
            &mut io::Read::take(File::open(path)?, LARGEST_TEXT),
            &mut bytes,
        )?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
