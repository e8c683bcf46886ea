//! Windows' network adapters: their names, addresses and name servers, from `GetAdaptersAddresses`.
//!
//! What the system writes is copied into an [`Adapter`] first; what it means is decided over those, so that tests can try
//! every state and flag.

use super::{ATTEMPTS, keeps_growing, os_error};
use crate::host::{Address, DNS_PORT, Interface, Link, Marks};
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::{io, iter, ptr, slice};
use windows_sys::Win32::Foundation::{
    ERROR_ADDRESS_NOT_ASSOCIATED, ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_SUCCESS,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESS_DNS_ELIGIBLE, IP_ADAPTER_ADDRESS_TRANSIENT, IP_ADAPTER_ADDRESSES_LH,
    IP_ADAPTER_DNS_SERVER_ADDRESS_XP, IP_ADAPTER_UNICAST_ADDRESS_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::{IF_OPER_STATUS, IfOperStatusUp};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, IpDadStateDeprecated, IpDadStateDuplicate, IpDadStateInvalid,
    IpDadStateTentative, IpSuffixOriginRandom, NL_DAD_STATE, NL_SUFFIX_ORIGIN, SOCKADDR_IN,
    SOCKADDR_IN6, SOCKET_ADDRESS,
};
use windows_sys::core::{PSTR, PWSTR};

/// What stands for name servers where an adapter has none: `fec0:0:0:ffff::1` to `::3`.
const NO_SERVERS: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfec0, 0, 0, 0xffff, 0, 0, 0, 1),
    Ipv6Addr::new(0xfec0, 0, 0, 0xffff, 0, 0, 0, 2),
    Ipv6Addr::new(0xfec0, 0, 0, 0xffff, 0, 0, 0, 3),
];

/// What the system says of an adapter.
#[derive(Debug, Clone)]
struct Adapter {
    /// The name that administrators give it: "Ethernet 2".
    friendly_name: String,
    /// The card's: "Realtek PCIe GbE Family Controller".
    description: String,
    /// Its GUID in braces.
    guid: String,
    /// Whether it can carry packets.
    status: IF_OPER_STATUS,
    /// The index that a scope in IPv6 is.
    index: u32,
    /// How far behind other adapters it stands, by IPv4 and by IPv6.
    metrics: (u32, u32),
    /// Its addresses.
    addresses: Vec<Unicast>,
    /// Its name servers, with port and scope.
    servers: Vec<SocketAddr>,
}

/// What the system says of an address.
#[derive(Debug, Clone, Copy)]
struct Unicast {
    /// The address.
    ip: IpAddr,
    /// Where its last bits come from.
    suffix: NL_SUFFIX_ORIGIN,
    /// How duplicate address detection stands.
    state: NL_DAD_STATE,
    /// `IP_ADAPTER_ADDRESS_DNS_ELIGIBLE` and `IP_ADAPTER_ADDRESS_TRANSIENT`.
    flags: u32,
}

/// Every adapter, also those without an address.
///
/// # Errors
/// What `GetAdaptersAddresses` answers.
pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let adapters = adapters(GAA_FLAG_SKIP_DNS_SERVER)?;
    Ok(adapters.into_iter().map(Interface::from).collect())
}

/// The system's name servers in the order to ask them.
///
/// # Errors
/// What `GetAdaptersAddresses` answers, or that there is none.
pub(crate) fn name_servers() -> io::Result<Vec<SocketAddr>> {
    let servers = servers_in_order(adapters(0)?);
    if servers.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no network adapter that is up has a DNS server",
        ));
    }
    Ok(servers)
}

/// The index of an adapter, by any of its names or by that number itself.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    if let Ok(index) = name.parse() {
        return Some(index);
    }
    let is_this = |adapter: &Adapter| {
        adapter
            .names()
            .any(|own| own.to_lowercase() == name.to_lowercase())
    };
    let adapters = adapters(GAA_FLAG_SKIP_DNS_SERVER).ok()?;
    Some(adapters.into_iter().find(is_this)?.index)
}

impl Adapter {
    /// Every name that it may be called by. The Python program knew the description, or the GUID; it is written with braces
    /// or without.
    fn names(&self) -> impl Iterator<Item = &str> {
        let bare = self.guid.trim_matches(['{', '}']);
        [
            self.friendly_name.as_str(),
            &self.description,
            &self.guid,
            bare,
        ]
        .into_iter()
    }

    /// Whether it can carry packets.
    fn is_up(&self) -> bool {
        self.status == IfOperStatusUp
    }

    /// The lower of the metrics of the families that it has an address of.
    fn metric(&self) -> u32 {
        let of_family = |address: &Unicast| match address.ip {
            IpAddr::V4(_) => self.metrics.0,
            IpAddr::V6(_) => self.metrics.1,
        };
        self.addresses
            .iter()
            .map(of_family)
            .min()
            .unwrap_or(u32::MAX)
    }
}

impl From<Adapter> for Interface {
    fn from(adapter: Adapter) -> Self {
        Self {
            name: adapter.friendly_name.clone(),
            other_names: adapter.names().skip(1).map(str::to_owned).collect(),
            link: if adapter.is_up() {
                Link::Running
            } else {
                Link::Down
            },
            addresses: adapter
                .addresses
                .iter()
                .map(|address| Address {
                    ip: address.ip,
                    marks: marks(address),
                })
                .collect(),
        }
    }
}

/// What the system says of an address, in our words. Windows looks for duplicates of IPv4 addresses too, but makes up no
/// temporary ones.
fn marks(address: &Unicast) -> Marks {
    Marks {
        transient: address.flags & IP_ADAPTER_ADDRESS_TRANSIENT != 0,
        ineligible: address.flags & IP_ADAPTER_ADDRESS_DNS_ELIGIBLE == 0,
        temporary: address.ip.is_ipv6() && address.suffix == IpSuffixOriginRandom,
        deprecated: address.state == IpDadStateDeprecated,
        // Invalid is an address about to go.
        tentative: [IpDadStateTentative, IpDadStateInvalid].contains(&address.state),
        duplicate: address.state == IpDadStateDuplicate,
    }
}

/// The name servers of the adapters that are up and have an address, the adapters in the order of their metrics, each
/// server once.
fn servers_in_order(mut adapters: Vec<Adapter>) -> Vec<SocketAddr> {
    adapters.retain(|adapter| adapter.is_up() && !adapter.addresses.is_empty());
    adapters.sort_by_key(Adapter::metric);
    let mut servers = Vec::new();
    for server in adapters.into_iter().flat_map(|adapter| adapter.servers) {
        let stands_for_none = matches!(server.ip(), IpAddr::V6(ip) if NO_SERVERS.contains(&ip));
        if !stands_for_none && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

/// Asks the system for all adapters.
fn adapters(skip: u32) -> io::Result<Vec<Adapter>> {
    let list = List::read(skip)?;
    let adapters = list.iter().map(|adapter| Adapter {
        friendly_name: wide_text(adapter.FriendlyName),
        description: wide_text(adapter.Description),
        guid: text(adapter.AdapterName),
        status: adapter.OperStatus,
        index: adapter.Ipv6IfIndex,
        metrics: (adapter.Ipv4Metric, adapter.Ipv6Metric),
        addresses: unicast_addresses(adapter)
            .filter_map(|address| {
                Some(Unicast {
                    ip: socket_address(&address.Address, 0)?.ip(),
                    suffix: address.SuffixOrigin,
                    state: address.DadState,
                    flags: flags(address),
                })
            })
            .collect(),
        servers: server_addresses(adapter)
            .filter_map(|server| socket_address(&server.Address, adapter.Ipv6IfIndex))
            .collect(),
    });
    Ok(adapters.collect())
}

/// The list of adapters as the system writes it: structures that point to each other within one block of memory.
struct List {
    /// That block, aligned for the structures; empty if there is no adapter.
    block: Vec<u64>,
}

impl List {
    /// Asks the system for the list, without what is to be skipped.
    fn read(skip: u32) -> io::Result<Self> {
        // What Microsoft recommends to begin with, so that one call is enough nearly always.
        let mut size = 15_360;
        for _ in 0..ATTEMPTS {
            let mut block = vec![0_u64; (size as usize).div_ceil(size_of::<u64>())];
            // SAFETY: the block is ours, writable, aligned to 8, and at least `size` bytes long.
            #[allow(unsafe_code)]
            let answer = unsafe {
                GetAdaptersAddresses(
                    AF_UNSPEC.into(),
                    GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | skip,
                    ptr::null(),
                    block.as_mut_ptr().cast(),
                    &raw mut size,
                )
            };
            match answer {
                ERROR_SUCCESS => return Ok(Self { block }),
                ERROR_NO_DATA | ERROR_ADDRESS_NOT_ASSOCIATED => {
                    return Ok(Self { block: Vec::new() });
                }
                ERROR_BUFFER_OVERFLOW => {}
                error => return Err(os_error(error)),
            }
        }
        Err(keeps_growing("the list of network adapters"))
    }

    /// Each adapter.
    fn iter(&self) -> impl Iterator<Item = &IP_ADAPTER_ADDRESSES_LH> {
        let first: *const IP_ADAPTER_ADDRESSES_LH = if self.block.is_empty() {
            ptr::null()
        } else {
            self.block.as_ptr().cast()
        };
        // SAFETY: the system filled the block with a list that starts at its beginning and ends with a null pointer;
        // nothing changes it as long as `self` is borrowed.
        #[allow(unsafe_code)]
        iter::successors(unsafe { first.as_ref() }, |adapter| unsafe {
            adapter.Next.cast_const().as_ref()
        })
    }
}

/// An adapter's addresses.
fn unicast_addresses(
    adapter: &IP_ADAPTER_ADDRESSES_LH,
) -> impl Iterator<Item = &IP_ADAPTER_UNICAST_ADDRESS_LH> {
    // SAFETY: as for the adapters: a list within the block that the adapter is borrowed from, ended by a null pointer.
    #[allow(unsafe_code)]
    iter::successors(
        unsafe { adapter.FirstUnicastAddress.cast_const().as_ref() },
        |address| unsafe { address.Next.cast_const().as_ref() },
    )
}

/// An adapter's name servers; none where they were skipped.
fn server_addresses(
    adapter: &IP_ADAPTER_ADDRESSES_LH,
) -> impl Iterator<Item = &IP_ADAPTER_DNS_SERVER_ADDRESS_XP> {
    // SAFETY: as for the addresses.
    #[allow(unsafe_code)]
    iter::successors(
        unsafe { adapter.FirstDnsServerAddress.cast_const().as_ref() },
        |server| unsafe { server.Next.cast_const().as_ref() },
    )
}

/// An address's flags.
fn flags(address: &IP_ADAPTER_UNICAST_ADDRESS_LH) -> u32 {
    // SAFETY: both members of the union are numbers, and the system fills in this one.
    #[allow(unsafe_code)]
    unsafe {
        address.Anonymous.Anonymous.Flags
    }
}

/// A zero-terminated string out of one of the system's lists.
fn wide_text(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the pointer comes from a structure that the system filled, whose strings end with a zero.
    #[allow(unsafe_code)]
    let units = unsafe {
        let mut length = 0;
        while *text.add(length) != 0 {
            length += 1;
        }
        slice::from_raw_parts(text, length)
    };
    String::from_utf16_lossy(units)
}

/// The same with one byte a character.
fn text(text: PSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as for the wide ones.
    #[allow(unsafe_code)]
    let text = unsafe { CStr::from_ptr(text.cast_const().cast()) };
    text.to_string_lossy().into_owned()
}

/// The address in a socket address, with DNS's port; none if it is of another family. A link-local one that lacks its
/// scope is meant on the adapter of this index.
fn socket_address(address: &SOCKET_ADDRESS, index: u32) -> Option<SocketAddr> {
    let pointer = address.lpSockaddr;
    let length = usize::try_from(address.iSockaddrLength).unwrap_or_default();
    if pointer.is_null() || length < size_of::<SOCKADDR_IN>() {
        return None;
    }
    // SAFETY: the system says that `length` bytes are there, which is compared with the structure that the family means
    // before that is read; every bit pattern is a value of its fields. Reading unaligned, nothing more is asked for.
    #[allow(unsafe_code)]
    unsafe {
        match (*pointer).sa_family {
            AF_INET => {
                let address = pointer.cast::<SOCKADDR_IN>().read_unaligned();
                let ip = Ipv4Addr::from(address.sin_addr.S_un.S_addr.to_ne_bytes());
                Some((ip, DNS_PORT).into())
            }
            AF_INET6 if length >= size_of::<SOCKADDR_IN6>() => {
                let address = pointer.cast::<SOCKADDR_IN6>().read_unaligned();
                let ip = Ipv6Addr::from(address.sin6_addr.u.Byte);
                let scope = match address.Anonymous.sin6_scope_id {
                    0 if ip.is_unicast_link_local() => index,
                    scope => scope,
                };
                Some(SocketAddrV6::new(ip, DNS_PORT, 0, scope).into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::NetworkManagement::Ndis::{
        IfOperStatusDormant, IfOperStatusDown, IfOperStatusLowerLayerDown, IfOperStatusNotPresent,
        IfOperStatusTesting, IfOperStatusUnknown,
    };
    use windows_sys::Win32::Networking::WinSock::{
        IpDadStatePreferred, IpSuffixOriginDhcp, IpSuffixOriginLinkLayerAddress,
        IpSuffixOriginManual, IpSuffixOriginOther, IpSuffixOriginWellKnown,
    };

    /// A settled address.
    fn unicast(ip: &str) -> Unicast {
        Unicast {
            ip: ip.parse().unwrap(),
            suffix: IpSuffixOriginDhcp,
            state: IpDadStatePreferred,
            flags: IP_ADAPTER_ADDRESS_DNS_ELIGIBLE,
        }
    }

    /// An adapter that is up.
    fn adapter(name: &str, metrics: (u32, u32), addresses: &[&str], servers: &[&str]) -> Adapter {
        Adapter {
            friendly_name: name.to_owned(),
            description: format!("{name} Controller"),
            guid: "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}".to_owned(),
            status: IfOperStatusUp,
            index: 7,
            metrics,
            addresses: addresses.iter().map(|ip| unicast(ip)).collect(),
            servers: servers
                .iter()
                .map(|server| server.parse().unwrap())
                .collect(),
        }
    }

    /// The servers in order, as text.
    fn order(adapters: &[Adapter]) -> Vec<String> {
        let servers = servers_in_order(adapters.to_vec());
        servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn goes_by_every_name_that_an_administrator_may_know() {
        let interface = Interface::from(adapter("Ethernet 2", (1, 1), &[], &[]));
        assert_eq!(interface.name, "Ethernet 2");
        assert_eq!(
            interface.other_names,
            [
                "Ethernet 2 Controller",
                "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
                "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
            ]
        );
    }

    #[test]
    fn only_an_adapter_that_is_up_is_not_down() {
        for (status, link) in [
            (IfOperStatusUp, Link::Running),
            (IfOperStatusDown, Link::Down),
            (IfOperStatusTesting, Link::Down),
            (IfOperStatusUnknown, Link::Down),
            (IfOperStatusDormant, Link::Down),
            (IfOperStatusNotPresent, Link::Down),
            (IfOperStatusLowerLayerDown, Link::Down),
        ] {
            let adapter = Adapter {
                status,
                ..adapter("Ethernet", (1, 1), &["192.0.2.1"], &["192.0.2.53:53"])
            };
            assert_eq!(
                order(std::slice::from_ref(&adapter)).len(),
                usize::from(link == Link::Running)
            );
            assert_eq!(Interface::from(adapter).link, link, "{status}");
        }
    }

    #[test]
    fn a_random_interface_identifier_is_temporary_but_only_in_ipv6() {
        for (suffix, is_temporary) in [
            (IpSuffixOriginOther, false),
            (IpSuffixOriginManual, false),
            (IpSuffixOriginWellKnown, false),
            (IpSuffixOriginDhcp, false),
            (IpSuffixOriginLinkLayerAddress, false),
            (IpSuffixOriginRandom, true),
        ] {
            let of = |ip| {
                marks(&Unicast {
                    suffix,
                    ..unicast(ip)
                })
            };
            assert_eq!(of("2001:db8::1").temporary, is_temporary, "{suffix}");
            assert_eq!(of("192.0.2.1"), Marks::default(), "{suffix}");
        }
    }

    #[test]
    fn only_a_preferred_address_has_no_mark_of_state() {
        let none = Marks::default();
        for (state, expected) in [
            (IpDadStatePreferred, none),
            (
                IpDadStateDeprecated,
                Marks {
                    deprecated: true,
                    ..none
                },
            ),
            (
                IpDadStateTentative,
                Marks {
                    tentative: true,
                    ..none
                },
            ),
            (
                IpDadStateInvalid,
                Marks {
                    tentative: true,
                    ..none
                },
            ),
            (
                IpDadStateDuplicate,
                Marks {
                    duplicate: true,
                    ..none
                },
            ),
        ] {
            let address = Unicast {
                state,
                ..unicast("2001:db8::1")
            };
            assert_eq!(marks(&address), expected, "{state}");
        }
    }

    #[test]
    fn a_clusters_address_is_transient_and_one_that_is_skipped_as_source_ineligible() {
        for (flags, transient, ineligible) in [
            (IP_ADAPTER_ADDRESS_DNS_ELIGIBLE, false, false),
            (
                IP_ADAPTER_ADDRESS_DNS_ELIGIBLE | IP_ADAPTER_ADDRESS_TRANSIENT,
                true,
                false,
            ),
            (IP_ADAPTER_ADDRESS_TRANSIENT, true, true),
            (0, false, true),
        ] {
            let address = Unicast {
                flags,
                ..unicast("192.0.2.1")
            };
            let expected = Marks {
                transient,
                ineligible,
                ..Marks::default()
            };
            assert_eq!(marks(&address), expected, "{flags}");
        }
    }

    #[test]
    fn name_servers_stand_in_the_order_of_metrics_and_each_once() {
        let vpn = adapter(
            "VPN",
            (5, 40),
            &["10.8.0.2"],
            &["10.8.0.1:53", "192.0.2.53:53"],
        );
        let lan = adapter(
            "LAN",
            (25, 10),
            &["192.0.2.10"],
            &["192.0.2.53:53", "[fe80::1%7]:53", "[fec0:0:0:ffff::1]:53"],
        );
        let six = adapter(
            "Six",
            (1, 20),
            &["2001:db8::10"],
            &["[2001:db8::53]:53", "[fe80::1%9]:53"],
        );
        assert_eq!(
            order(&[lan, six, vpn]),
            [
                "10.8.0.1:53",
                "192.0.2.53:53",
                "[2001:db8::53]:53",
                "[fe80::1%9]:53",
                "[fe80::1%7]:53",
            ]
        );
    }

    #[test]
    fn the_lower_metric_counts_where_an_adapter_has_both_families() {
        let both = adapter(
            "Both",
            (50, 5),
            &["192.0.2.1", "2001:db8::1"],
            &["192.0.2.53:53"],
        );
        let other = adapter("Other", (10, 1), &["198.51.100.1"], &["198.51.100.53:53"]);
        assert_eq!(order(&[other, both]), ["192.0.2.53:53", "198.51.100.53:53"]);
    }

    #[test]
    fn adapters_of_the_same_metric_stay_in_the_systems_order() {
        let first = adapter("First", (9, 9), &["192.0.2.1"], &["192.0.2.53:53"]);
        let second = adapter("Second", (9, 9), &["192.0.2.2"], &["192.0.2.54:53"]);
        assert_eq!(order(&[first, second]), ["192.0.2.53:53", "192.0.2.54:53"]);
    }

    #[test]
    fn an_adapter_without_an_address_and_what_stands_for_no_server_are_passed_over() {
        let idle = adapter("Idle", (1, 1), &[], &["192.0.2.53:53"]);
        let none = adapter(
            "None",
            (1, 1),
            &["192.0.2.1"],
            &[
                "[fec0:0:0:ffff::1]:53",
                "[fec0:0:0:ffff::2]:53",
                "[fec0:0:0:ffff::3]:53",
            ],
        );
        assert_eq!(order(&[idle, none]), [""; 0]);
    }

    #[test]
    fn the_system_lists_loopback_under_a_name() {
        let found = interfaces().unwrap();
        let is_loopback = |address: &Address| address.ip == Ipv4Addr::LOCALHOST;
        let loopback = found
            .iter()
            .find(|interface| interface.addresses.iter().any(is_loopback))
            .unwrap();
        assert_eq!(loopback.link, Link::Running);
        assert!(interface_index(&loopback.name.to_uppercase()).is_some());
        assert!(found.iter().all(|interface| !interface.name.is_empty()));
        assert_eq!(interface_index("12"), Some(12));
        assert_eq!(interface_index("no such adapter"), None);
    }
}
