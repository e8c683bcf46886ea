//! What POSIX gives every Unix: the name and the default configuration here, files, processes and the alarm in files of
//! their own.
//!
//! The name is found from the kernel's hostname, the hosts file and resolv.conf by reading them. Name-service modules
//! take no part: getaddrinfo may block on a dead server, and in a static glibc binary it may crash.

mod alarm;
mod files;
mod processes;

pub(crate) use alarm::Alarm;
pub(crate) use files::{
    Folder, Found, HOW_TO_HIDE, Kind, default_cache, exposure, is_out_of_descriptors, make_folder,
    open_trusted, try_lock,
};
pub(crate) use processes::{describe, lock_holder};

use super::config_folder;
use crate::name::{in_domain, in_hosts};
use std::fs::File;
use std::path::PathBuf;
use std::{fs, io};

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

/// `/etc/pydyndns.conf`, or for a user other than root `pydyndns.conf` in their configuration folder if it is there.
pub(crate) fn default_config() -> PathBuf {
    if !is_root()
        && let Some(own) = config_folder().map(|folder| folder.join("pydyndns.conf"))
        && own.exists()
    {
        return own;
    }
    PathBuf::from("/etc/pydyndns.conf")
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
