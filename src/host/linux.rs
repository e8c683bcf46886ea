//! Linux: addresses from getifaddrs (crate if-addrs), IPv6 flags from `/proc/net/if_inet6`, interfaces from
//! `/proc/net/dev`. All three are of this process's network namespace.

use super::{InterfaceAddress, Marks};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr};

/// `IFA_F_TEMPORARY` of linux/if_addr.h.
const TEMPORARY: u8 = 0x01;
/// `IFA_F_DADFAILED`.
const DAD_FAILED: u8 = 0x08;
/// `IFA_F_DEPRECATED`.
const DEPRECATED: u8 = 0x20;
/// `IFA_F_TENTATIVE`.
const TENTATIVE: u8 = 0x40;

/// Room for what `/proc/net/if_inet6` says on most machines, so that one read takes it all: the kernel does not tell
/// the length of its files, and without room they are read in crumbs.
const ROOM: usize = 1024;

/// Every address of every interface.
///
/// # Errors
/// What getifaddrs or reading the flags answers. A kernel without IPv6 has no flags file and no IPv6 addresses.
pub(crate) fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let found = if_addrs::get_if_addrs()?;
    let flags = if found.iter().any(|interface| interface.ip().is_ipv6()) {
        let mut text = String::with_capacity(ROOM);
        match File::open("/proc/net/if_inet6").and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => ipv6_flags(&text),
            Err(error) => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("/proc/net/if_inet6: {error}"),
                ));
            }
        }
    } else {
        BTreeMap::new()
    };
    Ok(found
        .into_iter()
        .filter_map(|interface| {
            let ip = interface.ip();
            let marks = match ip {
                IpAddr::V4(_) => Marks::default(),
                // An address that came between the two readings has no flags yet: it is left for the next run.
                IpAddr::V6(ip) => *flags.get(&(interface.index?, ip))?,
            };
            Some(InterfaceAddress {
                interface: without_label(interface.name),
                ip,
                marks,
            })
        })
        .collect())
}

/// Every interface, also those without an address.
///
/// # Errors
/// What reading `/proc/net/dev` answers.
pub(crate) fn interface_names() -> io::Result<Vec<String>> {
    let table = fs::read_to_string("/proc/net/dev")?;
    Ok(table
        .lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect())
}

/// The interface of an IPv4 label: getifaddrs names `eth0:1` where the kernel has eth0, whose name can't hold a colon.
fn without_label(mut name: String) -> String {
    if let Some(colon) = name.find(':') {
        name.truncate(colon);
    }
    name
}

/// The marks in the text of `/proc/net/if_inet6`, by interface index and address. A line is the address in 32
/// hexadecimal digits, then index, prefix length, scope and flags in hexadecimal, then the interface's name.
fn ipv6_flags(text: &str) -> BTreeMap<(u32, Ipv6Addr), Marks> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let address = Ipv6Addr::from_bits(u128::from_str_radix(fields.next()?, 16).ok()?);
            let index = u32::from_str_radix(fields.next()?, 16).ok()?;
            // The kernel prints at least two digits: flags above 0xff (managed, no prefix route) come with more.
            let flags = u32::from_str_radix(fields.nth(2)?, 16).ok()?.to_le_bytes()[0];
            let marks = Marks {
                temporary: flags & TEMPORARY != 0,
                deprecated: flags & DEPRECATED != 0,
                tentative: flags & TENTATIVE != 0,
                duplicate: flags & DAD_FAILED != 0,
            };
            Some(((index, address), marks))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_flag_of_an_ipv6_address() {
        let text = "20010db8000000000000000000000001 02 40 00 80     eth0\n\
                    20010db8000000000000000000000002 02 40 00 01     eth0\n\
                    20010db8000000000000000000000003 02 40 00 a8     eth0\n\
                    20010db8000000000000000000000004 0a 40 00 1c0  veth10\n\
                    torn 02\n";
        let flags = ipv6_flags(text);
        let of = |index, host| flags[&(index, Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host))];
        assert_eq!(flags.len(), 4);
        assert_eq!(of(2, 1), Marks::default());
        assert_eq!(
            of(2, 2),
            Marks {
                temporary: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(2, 3),
            Marks {
                deprecated: true,
                duplicate: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(10, 4),
            Marks {
                tentative: true,
                ..Marks::default()
            }
        );
    }

    #[test]
    fn a_label_belongs_to_its_interface() {
        assert_eq!(without_label("eth0:1".into()), "eth0");
        assert_eq!(without_label("eth0".into()), "eth0");
    }
}
