//! What POSIX gives every Unix: the hostname, the system's text files and the default configuration; files, processes and the
//! alarm are in files of their own.
//!
//! Name-service modules take no part in finding the name: getaddrinfo may block on a dead server, and in a static glibc
//! binary it may crash.

mod alarm;
mod files;
mod processes;

pub(crate) use alarm::{Alarm, outlive_size_limit};
pub(crate) use files::{
    Folder, Found, Kind, exposure, how_to_hide, is_out_of_descriptors, is_same_file, open_trusted,
    try_lock,
};
pub(crate) use processes::{describe, lock_holder};

use super::{DNS_PORT, MAX_TEXT, check_regular, config_folder, read_text, unreadable};
use crate::hosts;
use crate::name::{NameSource, complete};
use crate::resolv_conf;
use rustls::pki_types::CertificateDer;
use std::ffi::CString;
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{env, io};

/// Whether interfaces are called by name without regard to case.
pub(crate) const NAMES_IGNORE_CASE: bool = false;

/// A resolv.conf of more bytes than this makes no sense.
const MAX_RESOLV_CONF: u64 = 4 << 20;

/// Where an administrator looks for the name servers.
pub(crate) const NAME_SERVERS: &str = "/etc/resolv.conf";

/// This computer's name, with its domain if the system knows one, and where that was found.
///
/// # Errors
/// There is no hostname; or a file that would tell more can't be read, with its name. That does not count as empty: a guess
/// would register, and delete, another name.
pub(crate) fn full_name() -> io::Result<(String, NameSource)> {
    complete(
        &hostname()?,
        |hostname| {
            let read = |file| hosts::full_name(file, hostname);
            read_text(&hosts_file(), read).map(Option::flatten)
        },
        || Ok(resolv_conf::domain(&resolv_conf()?).map(str::to_owned)),
    )
}

/// The system's name servers in the order to ask them. The local machine, where the file names none or does not exist.
///
/// # Errors
/// The file can't be read, with its name.
pub(crate) fn name_servers() -> io::Result<Vec<SocketAddr>> {
    let text = resolv_conf()?;
    let mut servers: Vec<_> = resolv_conf::name_servers(&text)
        .into_iter()
        .map(|server| match server.ip {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => (Ipv4Addr::LOCALHOST, DNS_PORT).into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => (Ipv6Addr::LOCALHOST, DNS_PORT).into(),
            IpAddr::V4(ip) => (ip, DNS_PORT).into(),
            IpAddr::V6(ip) => {
                let scope = server.scope.and_then(interface_index).unwrap_or_default();
                SocketAddrV6::new(ip, DNS_PORT, 0, scope).into()
            }
        })
        .collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, DNS_PORT).into());
    }
    Ok(servers)
}

/// Where the hosts file is.
pub(super) fn hosts_file() -> PathBuf {
    PathBuf::from("/etc/hosts")
}

/// Opens a text file of the system's; none if there is none. Links are usual here (systemd-resolved), so they are
/// followed; but nothing that could keep a reader waiting is read.
///
/// # Errors
/// What open answers, or that it is anything but a regular file, or an endless one.
pub(super) fn open_text(path: &Path) -> io::Result<Option<File>> {
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    match opened {
        Ok(file) => match file.metadata()? {
            found if !found.is_file() => Err(unreadable("it is not a regular file")),
            found if found.len() > MAX_TEXT => Err(unreadable("it is larger than 1 GiB")),
            _ => Ok(Some(file)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file to read it, and gives its length.
///
/// # Errors
/// What stat and open answer; `InvalidData` if it is anything else.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    // Before it is opened, which a FIFO would block and a device might take for a command.
    let found = fs::metadata(path)?;
    check_regular(found.is_dir(), found.is_file())?;
    Ok((File::open(path)?, found.len()))
}

/// The index of an interface, by any of its names or by that number itself.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    if let Ok(index) = name.parse() {
        return Some(index);
    }
    let name = CString::new(name).ok()?;
    // SAFETY: the name is ended by a zero and lives until the call returns.
    #[allow(unsafe_code)]
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
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

/// Whether stderr is read by systemd's journal: `JOURNAL_STREAM` has the device and inode of the socket that systemd gave
/// us, and what we have now may be another (systemd.exec(5)).
pub(crate) fn stderr_is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let own = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|stderr| File::from(stderr).metadata());
    own.is_ok_and(|own| stream == format!("{}:{}", own.dev(), own.ino()))
}

/// Whether somebody may read what is written to stderr: always, since there is nowhere else to tell it.
pub(crate) fn stderr_has_reader() -> bool {
    true
}

/// The kernel's hostname.
fn hostname() -> io::Result<String> {
    let mut buffer = [0_u8; 257];
    // SAFETY: the buffer is ours, and its length less one leaves the last byte zero whatever happens.
    #[allow(unsafe_code)]
    let answer = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    let name = buffer.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// resolv.conf; empty if there is none.
fn resolv_conf() -> io::Result<Vec<u8>> {
    let read = |file: File| {
        let mut text = Vec::new();
        file.take(MAX_RESOLV_CONF + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_RESOLV_CONF {
            return Err(io::Error::other("it is larger than 4 MiB"));
        }
        Ok(text)
    };
    read_text(Path::new(NAME_SERVERS), read).map(Option::unwrap_or_default)
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

/// `pydyndns.cache`: for root in `/run/pydyndns` if there is such a folder (the systemd service makes it), else in `/run`
/// (`/var/run` where there is none); for another user in the runtime folder.
///
/// # Errors
/// A user has no runtime folder, neither by `XDG_RUNTIME_DIR` nor, as for cron jobs, in `/run/user`.
pub(crate) fn default_cache() -> io::Result<PathBuf> {
    let folder = if is_root() {
        ["/run/pydyndns", "/run"]
            .map(PathBuf::from)
            .into_iter()
            .find(|folder| folder.is_dir())
            .unwrap_or_else(|| "/var/run".into())
    } else {
        let by_uid = || {
            Some(PathBuf::from(format!("/run/user/{}", effective_uid())))
                .filter(|folder| folder.is_dir())
        };
        // A service has this variable and no HOME.
        std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(by_uid)
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, "this user has no runtime folder")
            })?
    };
    Ok(folder.join("pydyndns.cache"))
}

/// Makes a folder, and those above it, for this user alone.
///
/// # Errors
/// What mkdir answers, but not that it is there already.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The certificate authorities that the system trusts; none if it has no list of them.
pub(crate) fn authorities() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}
