//! macOS, FreeBSD, NetBSD and OpenBSD: addresses from getifaddrs (crate if-addrs), IPv6 flags from the ioctl
//! `SIOCGIFAFLAG_IN6`, which all four have from KAME with the same number and the same flags.

use super::{Address, Interface, Link, Marks};
use directories::BaseDirs;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int};
use std::io;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::ptr;

/// `IN6_IFF_TENTATIVE` of netinet6/in6_var.h.
const TENTATIVE: i32 = 0x02;
/// `IN6_IFF_DUPLICATED`.
const DUPLICATED: i32 = 0x04;
/// `IN6_IFF_DEPRECATED`.
const DEPRECATED: i32 = 0x10;
/// `IN6_IFF_TEMPORARY`.
const TEMPORARY: i32 = 0x80;

/// How large a `struct in6_ifreq` is after the interface's name. Its union's largest member is the ICMPv6 statistics,
/// 34 numbers of 64 bits; OpenBSD keeps none there, and the largest is an address, rounded up to 8.
const UNION: usize = if cfg!(target_os = "openbsd") { 32 } else { 272 };

/// `SIOCGIFAFLAG_IN6`: `_IOWR('i', 73, struct in6_ifreq)`.
const SIOCGIFAFLAG_IN6: libc::c_ulong = 0xc000_0000
    | ((size_of::<Request>() as libc::c_ulong) << 16)
    | ((b'i' as libc::c_ulong) << 8)
    | 73;

/// A `struct in6_ifreq`: an interface's name and a union that goes in as an address and comes back as flags.
#[repr(C, align(8))]
struct Request {
    /// The interface's name, ended by a zero.
    name: [u8; libc::IFNAMSIZ],
    /// The union.
    value: [u8; UNION],
}

/// The user's configuration folder.
pub(super) fn config_folder() -> Option<PathBuf> {
    BaseDirs::new().map(|folders| folders.config_dir().to_owned())
}

/// Every interface, also those without an address. None has another name.
///
/// # Errors
/// What getifaddrs, or asking for an address's flags, answers.
pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let mut interfaces: BTreeMap<String, Interface> = links()?
        .into_iter()
        .map(|(name, link)| {
            let interface = Interface {
                name: name.clone(),
                other_names: Vec::new(),
                link,
                addresses: Vec::new(),
            };
            (name, interface)
        })
        .collect();
    let mut socket = None;
    for found in if_addrs::get_if_addrs()? {
        // One that is not there came or went between the two readings.
        let Some(interface) = interfaces.get_mut(&found.name) else {
            continue;
        };
        let ip = found.ip();
        let marks = match ip {
            IpAddr::V4(_) => Marks::default(),
            IpAddr::V6(ip) => {
                let socket = match &mut socket {
                    Some(socket) => socket,
                    // A socket of the family is all that the ioctl needs; it is bound to loopback and sends nothing.
                    none => none.insert(UdpSocket::bind((Ipv6Addr::LOCALHOST, 0))?),
                };
                match flags(socket, &found.name, ip, found.index.unwrap_or_default()) {
                    Ok(flags) => marks(flags),
                    // An address that went between the two readings.
                    Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => continue,
                    Err(error) => return Err(error),
                }
            }
        };
        interface.addresses.push(Address { ip, marks });
    }
    Ok(interfaces.into_values().collect())
}

/// Every interface's name and whether it can carry packets.
fn links() -> io::Result<BTreeMap<String, Link>> {
    let mut list = ptr::null_mut();
    // SAFETY: it fills in the pointer that it is given, to a list of ours to free.
    #[allow(unsafe_code)]
    let answer = unsafe { libc::getifaddrs(&raw mut list) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut links = BTreeMap::new();
    let mut entry = list;
    // SAFETY: the list ends with a null pointer; every name in it is ended by a zero, and lives until the list is freed,
    // which happens once and after the last use.
    #[allow(unsafe_code)]
    unsafe {
        while !entry.is_null() {
            let name = CStr::from_ptr((*entry).ifa_name).to_string_lossy();
            links.insert(name.into_owned(), link((*entry).ifa_flags.cast_signed()));
            entry = (*entry).ifa_next;
        }
        libc::freeifaddrs(list);
    }
    Ok(links)
}

/// What an interface's flags mean.
fn link(flags: c_int) -> Link {
    if flags & libc::IFF_UP == 0 {
        Link::Down
    } else if flags & libc::IFF_RUNNING == 0 {
        Link::NoCarrier
    } else {
        Link::Running
    }
}

/// The flags of an address.
fn flags(socket: &UdpSocket, interface: &str, ip: Ipv6Addr, index: u32) -> io::Result<i32> {
    let mut request = Request {
        name: [0; libc::IFNAMSIZ],
        value: [0; UNION],
    };
    // The last byte stays zero; no interface has a longer name.
    for (to, from) in request.name[..libc::IFNAMSIZ - 1]
        .iter_mut()
        .zip(interface.bytes())
    {
        *to = from;
    }
    // SAFETY: every field of a sockaddr_in6 is a number, for which zero is a value.
    #[allow(unsafe_code)]
    let mut address: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    address.sin6_len = u8::try_from(size_of::<libc::sockaddr_in6>()).unwrap_or_default();
    address.sin6_family = u8::try_from(libc::AF_INET6).unwrap_or_default();
    address.sin6_addr.s6_addr = ip.octets();
    if ip.is_unicast_link_local() {
        address.sin6_scope_id = index;
    }
    const { assert!(size_of::<libc::sockaddr_in6>() <= UNION && offset_of!(Request, value) % 8 == 0) };
    // SAFETY: the union is large and aligned enough for an address, as the line above has made sure; the request has the
    // size that is part of the ioctl's number, and is ours for the kernel to write to.
    #[allow(unsafe_code)]
    let answer = unsafe {
        request
            .value
            .as_mut_ptr()
            .cast::<libc::sockaddr_in6>()
            .write(address);
        libc::ioctl(socket.as_raw_fd(), SIOCGIFAFLAG_IN6, &raw mut request)
    };
    if answer == -1 {
        return Err(io::Error::last_os_error());
    }
    let [a, b, c, d, ..] = request.value;
    Ok(i32::from_ne_bytes([a, b, c, d]))
}

/// What the flags say.
fn marks(flags: i32) -> Marks {
    Marks {
        temporary: flags & TEMPORARY != 0,
        deprecated: flags & DEPRECATED != 0,
        tentative: flags & TENTATIVE != 0,
        duplicate: flags & DUPLICATED != 0,
        ..Marks::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ioctls_number_is_the_systems() {
        let number = if cfg!(target_os = "openbsd") {
            0xc030_6949
        } else {
            0xc120_6949
        };
        assert_eq!(SIOCGIFAFLAG_IN6, number);
    }

    #[test]
    fn reads_each_flag_of_an_ipv6_address() {
        assert_eq!(marks(0), Marks::default());
        assert_eq!(
            marks(0x80),
            Marks {
                temporary: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            marks(0x12),
            Marks {
                deprecated: true,
                tentative: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            marks(0x04 | 0x40),
            Marks {
                duplicate: true,
                ..Marks::default()
            }
        );
    }

    #[test]
    fn the_loopback_address_has_no_marks() {
        let found = interfaces().unwrap();
        let mut addresses = found.iter().flat_map(|interface| &interface.addresses);
        let loopback = addresses.find(|address| address.ip == IpAddr::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(loopback.unwrap().marks, Marks::default());
    }
}
