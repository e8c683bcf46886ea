//! Facts that only the operating system knows: this computer's name, its interfaces' addresses with the system's
//! own marks, where files lie by default, and how a file is opened without being led astray.
//!
//! The only place with `cfg(target_os)` and with unsafe code. A platform is one file that provides the functions
//! re-exported below; the two Unix families share what POSIX gives both in `unix.rs`, which asks them for the user's
//! `config_folder`. To add a platform, write that file and name it here. No decisions are taken in this module: which
//! addresses to register is `addresses`' choice.
//!
//! | function | what it answers |
//! |---|---|
//! | `interfaces` | every interface that has an address, with the addresses and their marks |
//! | `all_interfaces` | the same with every name that an interface has, also those without an address |
//! | `interface_index` | the number of an interface, which an IPv6 scope needs |
//! | `NAMES_IGNORE_CASE` | whether interfaces are called by name without regard to case |
//! | `full_name` | what this computer is called, with its domain if the system knows one, and where that stands |
//! | `name_servers` | the servers to ask in DNS, in order |
//! | `NAME_SERVERS` | where an administrator looks for them, in words |
//! | `authorities` | the certificate authorities that the system trusts |
//! | `addresses_in_hosts` | a name's addresses in the hosts file |
//! | `default_configs`, `default_cache` | where the configuration and the cache lie when nobody says |
//! | `is_same_file` | whether two paths lead to the same file |
//! | `Folder` | a folder in which files are found, made, given away, replaced and removed without being led astray |
//! | `open_trusted` | a file to read, if nobody but those we trust can have written it |
//! | `open_regular` | a file to read, if it is a regular one |
//! | `make_folder` | a folder that may be missing |
//! | `try_lock`, `lock_holder`, `describe` | the lock of a file, which process has it, and what that is |
//! | `exposure`, `how_to_hide` | who else may read or change a file with a secret, and what to do about it, in words |
//! | `is_out_of_descriptors` | whether an error says that no more files can be opened |
//! | `begin`, `command_line` | the way in, and what the program was called with |
//! | `Alarm` | an end to this process whatever blocks it |
//! | `outlive_size_limit` | a write beyond the limit of a file's size fails, and does not end this process |
//! | `stderr_has_reader` | whether somebody may read what is written to stderr |
//! | `stderr_is_journal` | whether systemd's journal reads what is written to stderr |

pub mod allocator;
#[cfg(any(
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
))]
mod bsd;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(unix)]
pub(crate) mod unix;
#[cfg(windows)]
mod windows;

#[cfg(any(
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
))]
use bsd::config_folder;
#[cfg(any(
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
))]
pub(crate) use bsd::{interfaces, interfaces as all_interfaces};
#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::config_folder;
#[cfg(target_os = "linux")]
pub use linux::start::begin;
#[cfg(target_os = "linux")]
pub(crate) use linux::start::command_line;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{all_interfaces, interfaces};
#[cfg(unix)]
pub(crate) use unix::{
    Alarm, Folder, Found, Kind, NAME_SERVERS, NAMES_IGNORE_CASE, authorities, default_cache,
    default_configs, describe, exposure, full_name, how_to_hide, interface_index,
    is_out_of_descriptors, is_same_file, lock_holder, make_folder, name_servers, open_regular,
    open_trusted, outlive_size_limit, stderr_has_reader, stderr_is_journal, try_lock,
};
#[cfg(windows)]
pub(crate) use windows::{
    Alarm, Folder, Found, Kind, NAME_SERVERS, NAMES_IGNORE_CASE, authorities, default_cache,
    default_configs, describe, exposure, full_name, how_to_hide, interface_index, interfaces,
    interfaces as all_interfaces, is_out_of_descriptors, is_same_file, lock_holder, make_folder,
    name_servers, open_regular, open_trusted, outlive_size_limit, stderr_has_reader,
    stderr_is_journal, try_lock,
};

use crate::{escape, hosts};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::Path;
#[cfg(unix)]
use unix::{hosts_file, open_text};
#[cfg(windows)]
use windows::{hosts_file, open_text};

/// What the program was called with, its own name first.
#[cfg(not(target_os = "linux"))]
pub(crate) fn command_line() -> Vec<std::ffi::OsString> {
    std::env::args_os().collect()
}

/// A hosts file of more bytes than this is none: to read it would take all of a run's time, and one full of holes has any
/// length.
const MAX_TEXT: u64 = 1 << 30;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// An interface under the name that an administrator gives it, with the addresses that go by that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The name: `eth0`, or the label of IPv4 addresses on it, `eth0:1`; on Windows the friendly name, "Ethernet 2".
    pub(crate) name: String,
    /// What else it may be called: on Windows its description and its GUID, on Linux its alternative names, which
    /// only `all_interfaces` asks for.
    pub(crate) other_names: Vec<String>,
    /// Whether it can carry packets.
    pub(crate) link: Link,
    /// Its addresses.
    pub(crate) addresses: Vec<Address>,
}

/// Whether an interface can carry packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Switched off.
    Down,
    /// Switched on, but without a carrier: a cable that is not plugged in.
    #[cfg_attr(windows, allow(dead_code, reason = "there it counts as switched off"))]
    NoCarrier,
    /// Switched on and connected.
    Running,
}

/// One address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// The address, without its scope.
    pub(crate) ip: IpAddr,
    /// What the system says of it.
    pub(crate) marks: Marks,
}

/// What the operating system says of an address. On Unix, all are false for IPv4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent flags of the system, in its own terms"
)]
pub(crate) struct Marks {
    /// On Windows: a cluster's address, which moves to another computer.
    pub(crate) transient: bool,
    /// On Windows: not eligible for DNS, which `SkipAsSource` causes.
    pub(crate) ineligible: bool,
    /// A temporary address for privacy (RFC 8981).
    pub(crate) temporary: bool,
    /// Past its preferred lifetime (RFC 4862, 5.5.4).
    pub(crate) deprecated: bool,
    /// Duplicate address detection has not ended (RFC 4862, 5.4).
    pub(crate) tentative: bool,
    /// Duplicate address detection has found another owner.
    pub(crate) duplicate: bool,
}

/// The addresses that the hosts file gives a name, which has no final dot, in the file's order. None if there is no such
/// file.
///
/// # Errors
/// The file can't be read, with its name.
pub(crate) fn addresses_in_hosts(name: &str) -> io::Result<Vec<IpAddr>> {
    read_text(&hosts_file(), |file| hosts::addresses(file, name)).map(Option::unwrap_or_default)
}

/// That a file is nothing to read, and why.
fn unreadable(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Sees that a file that somebody named is a regular one, in words that follow its name.
///
/// # Errors
/// `InvalidData`: it is a folder or anything else.
fn check_regular(is_folder: bool, is_file: bool) -> io::Result<()> {
    let what = match (is_folder, is_file) {
        (true, _) => "is a folder; name the file in it",
        (false, false) => "is not a regular file",
        (false, true) => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// What `read` makes of a text file of the system's; none if there is no such file.
///
/// # Errors
/// The file can't be read, with its name.
fn read_text<T>(path: &Path, read: impl FnOnce(File) -> io::Result<T>) -> io::Result<Option<T>> {
    open_text(path)
        .and_then(|file| file.map(read).transpose())
        .map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot read {}: {}", path.display(), escape::system(&error)),
            )
        })
}
