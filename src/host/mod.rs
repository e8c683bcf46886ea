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
//! | `interface_addresses` | every address of every interface, with its marks |
//! | `interface_names` | every interface, also those without an address |
//! | `full_name` | what this computer is called, with its domain if the system knows one |
//! | `default_configs`, `default_cache` | where the configuration and the cache lie when nobody says |
//! | `open_regular` | a regular file, never through a symbolic link, never blocking |
//! | `is_same_file` | whether two paths lead to the same file |
//! | `readable_by_others` | whether accounts other than the owner and the administrator may read an open file |
//! | `HOW_TO_HIDE` | what an administrator does about that, in words |
//! | `LOCKS_LET_WRITE` | whether a file can be written while another handle has its lock |
//! | `sync_folder` | makes a removal in a folder survive a power cut |

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
pub(crate) use bsd::{interface_addresses, interface_names};
#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::config_folder;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{interface_addresses, interface_names};
#[cfg(unix)]
pub(crate) use unix::{
    HOW_TO_HIDE, LOCKS_LET_WRITE, default_cache, default_configs, full_name, is_same_file,
    open_regular, readable_by_others, sync_folder,
};
#[cfg(windows)]
pub(crate) use windows::{
    HOW_TO_HIDE, LOCKS_LET_WRITE, default_cache, default_configs, full_name, interface_addresses,
    interface_names, is_same_file, open_regular, readable_by_others, sync_folder,
};

use std::net::IpAddr;

/// One address of one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterfaceAddress {
    /// The interface's name as the administrator writes it: `eth0`, on Windows the friendly name.
    pub(crate) interface: String,
    /// The address, without its zone.
    pub(crate) ip: IpAddr,
    /// What the system says of it.
    pub(crate) marks: Marks,
}

/// What the operating system says of an IPv6 address; all false for IPv4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four independent flags of the system, in its own terms"
)]
pub(crate) struct Marks {
    /// A temporary address for privacy (RFC 8981).
    pub(crate) temporary: bool,
    /// Past its preferred lifetime (RFC 4862, 5.5.4).
    pub(crate) deprecated: bool,
    /// Duplicate address detection has not ended (RFC 4862, 5.4).
    pub(crate) tentative: bool,
    /// Duplicate address detection has found another owner.
    pub(crate) duplicate: bool,
}
