//! Linux: interfaces and addresses, with the kernel's flags, by rtnetlink (RFC 3549), of this process's network
//! namespace; and where a user's configuration lies.
//!
//! getifaddrs asks the kernel the same but drops the flags, and the crate if-addrs then asks for the index of each address's
//! interface. With the flags from a file of /proc beside, that took three times as long, and address and flags were of two
//! instants. To list the interfaces takes the kernel longest, since it tells all their counters: that is done where all
//! names are wanted, and else each interface that has an address is asked for its name alone.

use super::{InterfaceAddress, Marks};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netdevice};
use std::collections::BTreeMap;
use std::env;
use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::path::PathBuf;

/// A question for all there are: `NLM_F_REQUEST | NLM_F_DUMP` of linux/netlink.h.
const FOR_ALL: u16 = 0x301;
/// `NLM_F_DUMP_INTR`: something changed while the kernel was answering.
const CHANGED_MEANWHILE: u16 = 0x10;
/// `NLMSG_ERROR`, the answer to a question that can't be answered.
const ERROR: u16 = 2;
/// `NLMSG_DONE`, the end of an answer.
const DONE: u16 = 3;

/// `RTM_GETLINK` of linux/rtnetlink.h: all interfaces.
const INTERFACES: u16 = 18;
/// `RTM_GETADDR`: all addresses.
const ADDRESSES: u16 = 22;

/// `IFLA_IFNAME` of linux/if_link.h: an interface's name.
const NAME: u16 = 3;
/// `IFA_ADDRESS` of linux/if_addr.h: the address, or the other side's where a link is between two.
const ADDRESS: u16 = 1;
/// `IFA_LOCAL`: where a link is between two, this side's address; with IPv4 always.
const LOCAL: u16 = 2;

/// `IFA_F_TEMPORARY` of linux/if_addr.h.
const TEMPORARY: u8 = 0x01;
/// `IFA_F_DADFAILED`.
const DAD_FAILED: u8 = 0x08;
/// `IFA_F_DEPRECATED`.
const DEPRECATED: u8 = 0x20;
/// `IFA_F_TENTATIVE`.
const TENTATIVE: u8 = 0x40;

/// The octets of a netlink message's header: length, type, flags, sequence number, port.
const HEADER: usize = 16;
/// The octets of an address before its attributes: family, prefix length, flags, scope, the interface's index.
const ADDRESS_HEADER: usize = 8;
/// The octets of an interface before its attributes; the index is the second four of them.
const INTERFACE_HEADER: usize = 16;
/// What the kernel says at one go is made to fit what is asked for, of which this is the least.
const ROOM: usize = 8 << 10;
/// How often to ask if something changes meanwhile each time.
const TRIES: usize = 10;

/// Every address of every interface.
///
/// # Errors
/// What the kernel answers.
pub(crate) fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let kernel = kernel()?;
    let mut names = BTreeMap::new();
    let mut addresses = Vec::new();
    for (index, ip, marks) in ask(&kernel, ADDRESSES, address)? {
        if !names.contains_key(&index) {
            match netdevice::index_to_name(&kernel, index) {
                Ok(name) => names.extend([(index, name)]),
                // It is gone meanwhile, and so are its addresses.
                Err(Errno::NODEV) => {}
                // Old kernels don't take this question on such a socket, and a name that is not UTF-8 is not given.
                Err(_) => names.extend(ask(&kernel, INTERFACES, interface)?),
            }
        }
        if let Some(interface) = names.get(&index) {
            addresses.push(InterfaceAddress {
                interface: interface.clone(),
                ip,
                marks,
            });
        }
    }
    Ok(addresses)
}

/// Every interface, also those without an address.
///
/// # Errors
/// What the kernel answers.
pub(crate) fn interface_names() -> io::Result<Vec<String>> {
    let interfaces = ask(&kernel()?, INTERFACES, interface)?;
    Ok(interfaces.into_iter().map(|(_, name)| name).collect())
}

/// The user's configuration folder by the XDG Base Directory Specification, of which relative paths are no part. The crate
/// `directories` would also ask the C library for the account's home, and linked statically that can't work: what
/// nsswitch.conf names (sss, systemd) is loaded then, and crashes.
pub(super) fn config_folder() -> Option<PathBuf> {
    let absolute = |variable| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// A line to the kernel: `NETLINK_ROUTE` is netlink's protocol 0, the one that goes without saying.
fn kernel() -> io::Result<OwnedFd> {
    Ok(net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Index and name of an interface.
fn interface(message: &[u8]) -> Option<(u32, String)> {
    let name = attribute(message.get(INTERFACE_HEADER..)?, NAME)?;
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    Some((
        number(message, 4)?,
        String::from_utf8_lossy(name).into_owned(),
    ))
}

/// An address with the index of its interface.
fn address(message: &[u8]) -> Option<(u32, IpAddr, Marks)> {
    let &[family, _, flags, ..] = message else {
        return None;
    };
    let attributes = message.get(ADDRESS_HEADER..)?;
    let octets = attribute(attributes, LOCAL).or_else(|| attribute(attributes, ADDRESS))?;
    let (ip, marks) = match i32::from(family) {
        libc::AF_INET => (<[u8; 4]>::try_from(octets).ok()?.into(), Marks::default()),
        libc::AF_INET6 => (<[u8; 16]>::try_from(octets).ok()?.into(), marks(flags)),
        _ => return None,
    };
    Some((number(message, 4)?, ip, marks))
}

/// What the flags of an IPv6 address mean; with IPv4 the same bits mean other things.
fn marks(flags: u8) -> Marks {
    Marks {
        temporary: flags & TEMPORARY != 0,
        deprecated: flags & DEPRECATED != 0,
        tentative: flags & TENTATIVE != 0,
        duplicate: flags & DAD_FAILED != 0,
    }
}

/// Asks the kernel for all of a kind, and gives what `read` makes of each message without its header.
fn ask<T>(kernel: &OwnedFd, kind: u16, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    let mut question = [0; HEADER + 4];
    question[..4].copy_from_slice(&20_u32.to_ne_bytes());
    question[4..6].copy_from_slice(&kind.to_ne_bytes());
    question[6..8].copy_from_slice(&FOR_ALL.to_ne_bytes());
    for _ in 0..TRIES {
        retry_on_intr(|| net::send(kernel, &question, SendFlags::empty()))?;
        if let Some(found) = answer(kernel, &read)? {
            return Ok(found);
        }
    }
    Err(io::Error::other("they change all the time"))
}

/// Takes the kernel's answer; none if something changed meanwhile.
fn answer<T>(kernel: &OwnedFd, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Option<Vec<T>>> {
    let malformed = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the kernel's answer makes no sense",
        )
    };
    let mut found = Vec::new();
    let mut is_whole = true;
    let mut room = [MaybeUninit::uninit(); ROOM];
    loop {
        let ((datagram, _), _) = match net::recv(kernel, &mut room, RecvFlags::empty()) {
            Err(Errno::INTR) => continue,
            received => received?,
        };
        let mut rest = &*datagram;
        while !rest.is_empty() {
            let length = number(rest, 0).and_then(|length| usize::try_from(length).ok());
            let message = length
                .and_then(|length| rest.get(HEADER..length))
                .ok_or_else(malformed)?;
            let kind = u16::from_ne_bytes([rest[4], rest[5]]);
            is_whole &= u16::from_ne_bytes([rest[6], rest[7]]) & CHANGED_MEANWHILE == 0;
            if matches!(kind, DONE | ERROR) {
                // A number below zero is an error's.
                return match number(message, 0).map_or(0, u32::cast_signed) {
                    0.. => Ok(is_whole.then_some(found)),
                    error => Err(io::Error::from_raw_os_error(error.saturating_neg())),
                };
            }
            found.extend(read(message));
            rest = rest
                .get((HEADER + message.len()).next_multiple_of(4)..)
                .unwrap_or_default();
        }
    }
}

/// The content of the first attribute of a kind. Each has a length, which counts itself and the kind, and a kind.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let &[a, b, c, d, ..] = attributes {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let content = attributes.get(4..length)?;
        if u16::from_ne_bytes([c, d]) == wanted {
            return Some(content);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// The number in four octets.
fn number(octets: &[u8], at: usize) -> Option<u32> {
    let octets = octets.get(at..at + 4)?;
    octets.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// An attribute as the kernel writes it.
    fn attribute_of(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + content.len()).unwrap();
        let mut octets = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        octets.extend(content);
        octets.resize(octets.len().next_multiple_of(4), 0);
        octets
    }

    /// An address message on the interface 2.
    fn message(family: i32, flags: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut octets = vec![u8::try_from(family).unwrap(), 64, flags, 0];
        octets.extend(2_u32.to_ne_bytes());
        octets.extend(attributes.concat());
        octets
    }

    #[test]
    fn reads_each_flag_of_an_ipv6_address() {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let of = |flags| {
            let message = message(
                libc::AF_INET6,
                flags,
                &[
                    attribute_of(8, &[0; 4]),
                    attribute_of(ADDRESS, &ip.octets()),
                ],
            );
            let (index, found, marks) = address(&message).unwrap();
            assert_eq!((index, found), (2, ip.into()));
            marks
        };
        assert_eq!(of(0x80), Marks::default());
        assert_eq!(
            of(0x01),
            Marks {
                temporary: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(0xa8),
            Marks {
                deprecated: true,
                duplicate: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(0xc0),
            Marks {
                tentative: true,
                ..Marks::default()
            }
        );
    }

    #[test]
    fn takes_this_side_of_a_link_between_two() {
        let message = message(
            libc::AF_INET,
            0x01,
            &[
                attribute_of(ADDRESS, &[192, 0, 2, 1]),
                attribute_of(LOCAL, &[192, 0, 2, 2]),
            ],
        );
        let ip = Ipv4Addr::new(192, 0, 2, 2).into();
        assert_eq!(address(&message), Some((2, ip, Marks::default())));
    }

    #[test]
    fn what_is_torn_says_nothing() {
        let message = message(
            libc::AF_INET,
            0,
            &[
                attribute_of(9, &[1, 2, 3]),
                attribute_of(LOCAL, &[192, 0, 2, 2]),
            ],
        );
        for length in 0..message.len() {
            assert_eq!(address(&message[..length]), None, "{length}");
        }
        assert!(address(&message).is_some());
        assert_eq!(attribute(&[0; 8], NAME), None);
        assert_eq!(attribute(&[3, 0, 3, 0], NAME), None);
    }

    #[test]
    fn the_kernel_knows_loopback() {
        assert!(interface_names().unwrap().contains(&"lo".to_owned()));
        assert!(
            interface_addresses()
                .unwrap()
                .iter()
                .all(|found| !found.interface.is_empty())
        );
    }
}
