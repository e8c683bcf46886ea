//! Linux: interfaces and addresses with the kernel's flags, by rtnetlink, of this process's network namespace; and where
//! a user's configuration lies.
//!
//! getifaddrs asks the kernel the same but drops the flags. To list the interfaces takes the kernel longest, some four
//! microseconds for each. So that is done only where every name has to be known; else each interface that has an address
//! is asked for its flags alone, and for its name only if no label tells it.

mod netlink;
#[cfg(target_os = "linux")]
pub(super) mod start;

use self::netlink::{Attributes, Netlink, Question, attribute, number};
use super::{Address, Interface, Link, Marks};
use std::collections::BTreeMap;
use std::env;
use std::ffi::{c_int, c_short};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

/// An interface's name or an address's label, with zeros behind.
type Label = [u8; libc::IFNAMSIZ];

/// What the kernel says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    /// Its interface's index.
    index: u32,
    /// Its label, which only IPv4 addresses have: the interface's name, or that with a colon and more behind.
    label: Option<Label>,
    /// The address and its marks.
    address: Address,
}

/// What the kernel says of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Device {
    /// Its name.
    name: Label,
    /// Its alternative names, where they were asked for.
    other_names: Vec<String>,
    /// Whether it can carry packets.
    link: Link,
}

/// Every interface that has an address, without its alternative names.
///
/// # Errors
/// What the kernel answers.
pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let mut kernel = Netlink::open()?;
    let found = kernel.ask(Question::Addresses, address)?;
    let mut devices = BTreeMap::new();
    for address in &found {
        if devices.contains_key(&address.index) {
            continue;
        }
        let device = match device_of(&kernel, address) {
            Ok(device) => Some(device),
            // It is gone meanwhile, and so are its addresses.
            Err(error) if is_gone(&error) => None,
            // Old kernels don't take such questions on such a socket.
            Err(_) => {
                devices.extend(kernel.ask(Question::Interfaces, device)?);
                continue;
            }
        };
        devices.insert(address.index, device);
    }
    let mut interfaces = BTreeMap::new();
    distribute(&found, &devices, &mut interfaces);
    Ok(interfaces.into_values().collect())
}

/// Every interface, also those without an address, under every name.
///
/// # Errors
/// What the kernel answers.
pub(crate) fn all_interfaces() -> io::Result<Vec<Interface>> {
    let mut kernel = Netlink::open()?;
    let devices: BTreeMap<_, _> = kernel
        .ask(Question::Interfaces, device)?
        .into_iter()
        .collect();
    let found = kernel.ask(Question::Addresses, address)?;
    let mut interfaces = BTreeMap::new();
    for (index, device) in &devices {
        if let Some(device) = device {
            interfaces.insert((*index, device.name), device.under(device.name));
        }
    }
    distribute(&found, &devices, &mut interfaces);
    Ok(interfaces.into_values().collect())
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

/// Gives each address to the interface under the name that is its label. getifaddrs, which the Python program asked, does
/// the same.
fn distribute(
    found: &[Found],
    devices: &BTreeMap<u32, Option<Device>>,
    interfaces: &mut BTreeMap<(u32, Label), Interface>,
) {
    for found in found {
        if let Some(Some(device)) = devices.get(&found.index) {
            let label = found.label.unwrap_or(device.name);
            interfaces
                .entry((found.index, label))
                .or_insert_with(|| device.under(label))
                .addresses
                .push(found.address);
        }
    }
}

impl Device {
    /// The interface that goes by a label. Alternative names are those of the interface itself.
    fn under(&self, label: Label) -> Interface {
        Interface {
            name: text(&label),
            other_names: if label == self.name {
                self.other_names.clone()
            } else {
                Vec::new()
            },
            link: self.link,
            addresses: Vec::new(),
        }
    }
}

/// A name without the zeros behind it.
fn text(label: &[u8]) -> String {
    let end = label.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&label[..end.unwrap_or(label.len())]).into_owned()
}

/// A name out of an attribute, if it is none too long.
fn label(content: &[u8]) -> Option<Label> {
    let mut label = [0; libc::IFNAMSIZ];
    label.get_mut(..content.len())?.copy_from_slice(content);
    Some(label)
}

/// An interface with its index.
fn device(message: &[u8]) -> Option<(u32, Option<Device>)> {
    let attributes = message.get(size_of::<libc::ifinfomsg>()..)?;
    let names = attribute(attributes, libc::IFLA_PROP_LIST).unwrap_or_default();
    let device = Device {
        name: label(attribute(attributes, libc::IFLA_IFNAME)?)?,
        other_names: Attributes(names)
            .filter(|(kind, _)| *kind == libc::IFLA_ALT_IFNAME)
            .map(|(_, name)| text(name))
            .collect(),
        link: link(number(message, 8)?.cast_signed()),
    };
    Some((number(message, 4)?, Some(device)))
}

/// An address.
fn address(message: &[u8]) -> Option<Found> {
    let &[family, _, flags, ..] = message else {
        return None;
    };
    let attributes = message.get(size_of::<libc::ifaddrmsg>()..)?;
    // Where a link is between two, IFA_ADDRESS is the other side's.
    let octets = attribute(attributes, libc::IFA_LOCAL)
        .or_else(|| attribute(attributes, libc::IFA_ADDRESS))?;
    let (ip, marks) = match i32::from(family) {
        libc::AF_INET => (<[u8; 4]>::try_from(octets).ok()?.into(), Marks::default()),
        libc::AF_INET6 => (<[u8; 16]>::try_from(octets).ok()?.into(), marks(flags)),
        _ => return None,
    };
    Some(Found {
        index: number(message, 4)?,
        label: attribute(attributes, libc::IFA_LABEL).and_then(label),
        address: Address { ip, marks },
    })
}

/// What the flags of an IPv6 address mean; with IPv4 the same bits mean other things. An optimistic address (RFC 4429) is
/// tentative too: another host may still own it. One that failed stays marked tentative, but its detection has ended.
fn marks(flags: u8) -> Marks {
    let is = |flag| u32::from(flags) & flag != 0;
    Marks {
        temporary: is(libc::IFA_F_TEMPORARY),
        deprecated: is(libc::IFA_F_DEPRECATED),
        tentative: is(libc::IFA_F_TENTATIVE) && !is(libc::IFA_F_DADFAILED),
        duplicate: is(libc::IFA_F_DADFAILED),
        ..Marks::default()
    }
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

/// The interface that has an address. A label tells its name as a rule; but anything may be one.
fn device_of(kernel: &Netlink, found: &Found) -> io::Result<Device> {
    if let Some(label) = found.label {
        let mut name = label;
        let end = name.iter().position(|&byte| byte == b':');
        name[end.unwrap_or(libc::IFNAMSIZ)..].fill(0);
        match device_named(kernel, name) {
            Err(error) if is_gone(&error) => {}
            known => return known,
        }
    }
    let request = Request::new(Label::default(), found.index);
    device_named(kernel, request.ask(kernel, libc::SIOCGIFNAME)?.name)
}

/// The interface of a name.
fn device_named(kernel: &Netlink, name: Label) -> io::Result<Device> {
    let Request { value, .. } = Request::new(name, 0).ask(kernel, libc::SIOCGIFFLAGS)?;
    Ok(Device {
        name,
        other_names: Vec::new(),
        link: link(c_short::from_ne_bytes([value[0], value[1]]).into()),
    })
}

/// Whether the kernel knows no such interface.
fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENODEV)
}

/// A `struct ifreq`: an interface's name, and a union that is its index or its flags.
#[repr(C, align(8))]
struct Request {
    /// The name.
    name: Label,
    /// The union.
    value: [u8; size_of::<libc::ifreq>() - libc::IFNAMSIZ],
}

const _: () = assert!(size_of::<Request>() == size_of::<libc::ifreq>());

impl Request {
    /// A request about the interface of a name or of an index.
    fn new(name: Label, index: u32) -> Self {
        let mut value = [0; size_of::<libc::ifreq>() - libc::IFNAMSIZ];
        value[..4].copy_from_slice(&index.to_ne_bytes());
        Self { name, value }
    }

    /// Asks `SIOCGIFNAME` or `SIOCGIFFLAGS`.
    fn ask(mut self, kernel: &Netlink, question: libc::c_ulong) -> io::Result<Self> {
        // SAFETY: both questions read and write a `struct ifreq`; the request has its layout and is ours.
        #[allow(unsafe_code)]
        let answer = unsafe {
            libc::ioctl(
                kernel.as_fd().as_raw_fd(),
                question as libc::Ioctl,
                &raw mut self,
            )
        };
        if answer == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    /// An attribute as the kernel writes it.
    fn attribute_of(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + content.len()).unwrap();
        let mut octets = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        octets.extend(content);
        octets.resize(octets.len().next_multiple_of(4), 0);
        octets
    }

    /// An address message on the interface 2.
    fn message(family: i32, flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let flags = flags.to_ne_bytes()[0];
        let mut octets = vec![u8::try_from(family).unwrap(), 64, flags, 0];
        octets.extend(2_u32.to_ne_bytes());
        octets.extend(attributes.concat());
        octets
    }

    /// An interface message.
    fn link_message(index: u32, flags: c_int, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut octets = vec![0; 4];
        octets.extend(index.to_ne_bytes());
        octets.extend(flags.to_ne_bytes());
        octets.extend([0; 4]);
        octets.extend(attributes.concat());
        octets
    }

    /// A label with zeros behind.
    fn padded(name: &str) -> Label {
        label(name.as_bytes()).unwrap()
    }

    #[test]
    fn reads_each_flag_of_an_ipv6_address() {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let of = |flags| {
            let attributes = [
                attribute_of(libc::IFA_FLAGS, &[0; 4]),
                attribute_of(libc::IFA_ADDRESS, &ip.octets()),
            ];
            let found = address(&message(libc::AF_INET6, flags, &attributes)).unwrap();
            assert_eq!((found.index, found.address.ip), (2, ip.into()));
            assert_eq!(found.label, None);
            found.address.marks
        };
        let none = Marks::default();
        for (flags, marks) in [
            (libc::IFA_F_PERMANENT | libc::IFA_F_NODAD, none),
            (
                libc::IFA_F_TEMPORARY,
                Marks {
                    temporary: true,
                    ..none
                },
            ),
            (
                libc::IFA_F_DEPRECATED,
                Marks {
                    deprecated: true,
                    ..none
                },
            ),
            (
                libc::IFA_F_TENTATIVE,
                Marks {
                    tentative: true,
                    ..none
                },
            ),
            (
                libc::IFA_F_TENTATIVE | libc::IFA_F_OPTIMISTIC,
                Marks {
                    tentative: true,
                    ..none
                },
            ),
            (libc::IFA_F_OPTIMISTIC, none),
            (
                libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED,
                Marks {
                    duplicate: true,
                    ..none
                },
            ),
            (libc::IFA_F_HOMEADDRESS, none),
        ] {
            assert_eq!(of(flags), marks, "{flags:#x}");
        }
    }

    #[test]
    fn the_same_bits_mean_nothing_with_ipv4() {
        let attributes = [attribute_of(libc::IFA_LOCAL, &[192, 0, 2, 1])];
        let found = address(&message(libc::AF_INET, 0xff, &attributes)).unwrap();
        assert_eq!(found.address.marks, Marks::default());
    }

    #[test]
    fn takes_this_side_of_a_link_between_two() {
        let attributes = [
            attribute_of(libc::IFA_ADDRESS, &[192, 0, 2, 1]),
            attribute_of(libc::IFA_LOCAL, &[192, 0, 2, 2]),
            attribute_of(libc::IFA_LABEL, b"eth0:1\0"),
        ];
        let found = address(&message(libc::AF_INET, 0x01, &attributes)).unwrap();
        assert_eq!(found.address.ip, IpAddr::from([192, 0, 2, 2]));
        assert_eq!(found.label, Some(padded("eth0:1")));
    }

    #[test]
    fn what_is_torn_says_nothing() {
        let message = message(
            libc::AF_INET,
            0,
            &[
                attribute_of(9, &[1, 2, 3]),
                attribute_of(libc::IFA_LOCAL, &[192, 0, 2, 2]),
            ],
        );
        for length in 0..message.len() {
            assert_eq!(address(&message[..length]), None, "{length}");
        }
        assert!(address(&message).is_some());
        let link = link_message(2, 0, &[attribute_of(libc::IFLA_IFNAME, b"eth0\0")]);
        for length in 0..link.len() - 3 {
            assert_eq!(device(&link[..length]), None, "{length}");
        }
        assert!(device(&link).is_some());
        assert_eq!(attribute(&[0; 8], libc::IFLA_IFNAME), None);
        assert_eq!(attribute(&[3, 0, 3, 0], libc::IFLA_IFNAME), None);
    }

    #[test]
    fn reads_every_name_of_an_interface() {
        let names = [
            attribute_of(libc::IFLA_ALT_IFNAME, b"enp0s31f6\0"),
            attribute_of(1, b"something else"),
            attribute_of(
                libc::IFLA_ALT_IFNAME,
                b"a-name-longer-than-fifteen-characters\0",
            ),
        ];
        let attributes = [
            attribute_of(libc::IFLA_IFNAME, b"eth0\0"),
            // As the kernel writes it: marked as nested.
            attribute_of(libc::IFLA_PROP_LIST | 0x8000, &names.concat()),
        ];
        let flags = libc::IFF_UP | libc::IFF_RUNNING;
        let (index, found) = device(&link_message(7, flags, &attributes)).unwrap();
        assert_eq!(index, 7);
        assert_eq!(
            found,
            Some(Device {
                name: padded("eth0"),
                other_names: ["enp0s31f6", "a-name-longer-than-fifteen-characters"]
                    .map(String::from)
                    .into(),
                link: Link::Running,
            })
        );
    }

    #[test]
    fn an_interface_is_down_only_if_it_is_switched_off() {
        for (flags, expected) in [
            (0, Link::Down),
            (libc::IFF_RUNNING, Link::Down),
            (libc::IFF_UP, Link::NoCarrier),
            (
                libc::IFF_UP | libc::IFF_RUNNING | libc::IFF_BROADCAST,
                Link::Running,
            ),
        ] {
            assert_eq!(link(flags), expected, "{flags:#x}");
        }
    }

    #[test]
    fn addresses_go_to_the_interface_of_their_label() {
        let found = |index, label: Option<&str>, ip: [u8; 4]| Found {
            index,
            label: label.map(padded),
            address: Address {
                ip: ip.into(),
                marks: Marks::default(),
            },
        };
        let device = |name, other_names: &[&str]| {
            Some(Device {
                name: padded(name),
                other_names: other_names.iter().map(ToString::to_string).collect(),
                link: Link::Running,
            })
        };
        let devices = BTreeMap::from([
            (1, device("lo", &[])),
            (2, device("eth0", &["enp1s0"])),
            (3, None),
        ]);
        let mut interfaces = BTreeMap::new();
        distribute(
            &[
                found(2, Some("eth0:1"), [192, 0, 2, 2]),
                found(2, Some("eth0"), [192, 0, 2, 1]),
                found(2, None, [192, 0, 2, 4]),
                found(3, Some("gone"), [192, 0, 2, 5]),
                found(4, Some("new"), [192, 0, 2, 6]),
                found(2, Some("eth0:1"), [192, 0, 2, 3]),
            ],
            &devices,
            &mut interfaces,
        );
        let shown: Vec<_> = interfaces
            .values()
            .map(|interface: &Interface| {
                let last = |address: &Address| match address.ip {
                    IpAddr::V4(ip) => ip.octets()[3],
                    IpAddr::V6(_) => 0,
                };
                (
                    interface.name.as_str(),
                    interface.other_names.len(),
                    interface.addresses.iter().map(last).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(shown, [("eth0", 1, vec![1, 4]), ("eth0:1", 0, vec![2, 3])]);
    }

    #[test]
    fn the_kernel_says_the_same_of_loopback_both_ways() {
        let is_loopback = |interface: &Interface| {
            let addresses = &interface.addresses;
            addresses
                .iter()
                .any(|address| address.ip == Ipv4Addr::LOCALHOST)
        };
        let with_addresses = interfaces().unwrap();
        let all = all_interfaces().unwrap();
        let loopback = with_addresses.iter().find(|found| is_loopback(found));
        assert_eq!(loopback, all.iter().find(|found| is_loopback(found)));
        assert!(all.iter().any(|interface| interface.name == "lo"));
    }
}
