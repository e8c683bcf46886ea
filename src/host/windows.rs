//! Windows: adapters with their addresses' origin and state from `GetAdaptersAddresses`, the fully qualified DNS name
//! from `GetComputerNameExW`; files, who may open them, and the alarm are in files of their own.
//!
//! Every call into the system stands in a function of its own that gives back owned, checked values; the rest is safe.

mod access;
mod alarm;
mod files;

pub(crate) use access::exposure;
pub(crate) use alarm::Alarm;
pub(crate) use files::{
    Folder, Found, HOW_TO_HIDE, Kind, default_cache, describe, is_out_of_descriptors, lock_holder,
    make_folder, open_trusted, try_lock,
};

use super::{InterfaceAddress, Marks};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::{env, io, iter, ptr, slice};
use windows_sys::Win32::Foundation::{
    ERROR_ADDRESS_NOT_ASSOCIATED, ERROR_BUFFER_OVERFLOW, ERROR_MORE_DATA, ERROR_NO_DATA,
    ERROR_SUCCESS, WIN32_ERROR,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_UNICAST_ADDRESS_LH,
};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, IpDadStateDeprecated, IpDadStateDuplicate, IpDadStateInvalid,
    IpDadStateTentative, IpSuffixOriginRandom, NL_DAD_STATE, NL_SUFFIX_ORIGIN, SOCKADDR_IN,
    SOCKADDR_IN6, SOCKET_ADDRESS,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW,
};
use windows_sys::core::PWSTR;

/// How often a list that grew between asking for its size and for itself is asked for again.
const ATTEMPTS: usize = 8;

/// Every address of every adapter, under the adapter's friendly name ("Ethernet 2").
///
/// # Errors
/// What `GetAdaptersAddresses` answers.
pub(crate) fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let adapters = Adapters::read()?;
    let addresses = adapters.iter().flat_map(|adapter| {
        let interface = friendly_name(adapter);
        unicast_addresses(adapter).filter_map(move |address| {
            let ip = ip_of(&address.Address)?;
            let marks = marks(ip, address.SuffixOrigin, address.DadState);
            Some(InterfaceAddress {
                interface: interface.clone(),
                ip,
                marks,
            })
        })
    });
    Ok(addresses.collect())
}

/// The friendly name of every adapter, also of those without an address.
///
/// # Errors
/// What `GetAdaptersAddresses` answers.
pub(crate) fn interface_names() -> io::Result<Vec<String>> {
    Ok(Adapters::read()?.iter().map(friendly_name).collect())
}

/// The fully qualified DNS name of this computer (not of a cluster that it carries); without a primary DNS suffix, its
/// bare DNS name.
///
/// # Errors
/// What `GetComputerNameExW` answers, or that the name is no Unicode.
pub(crate) fn full_name() -> io::Result<String> {
    let mut buffer = vec![0_u16; 256];
    for _ in 0..ATTEMPTS {
        let mut length = length_of(&buffer);
        // SAFETY: the buffer is ours and `length` is its true length.
        #[allow(unsafe_code)]
        let found = unsafe {
            GetComputerNameExW(
                ComputerNamePhysicalDnsFullyQualified,
                buffer.as_mut_ptr(),
                &raw mut length,
            )
        };
        let length = length as usize;
        if found != 0 {
            let name = buffer.get(..length).unwrap_or_default();
            return String::from_utf16(name)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let error = io::Error::last_os_error();
        if !is(&error, ERROR_MORE_DATA) {
            return Err(error);
        }
        buffer.resize(length, 0);
    }
    Err(keeps_growing("the computer's name"))
}

/// `pydyndns.conf` beside the executable.
pub(crate) fn default_config() -> PathBuf {
    let executable = env::current_exe().unwrap_or_default();
    executable.with_file_name("pydyndns.conf")
}

/// What the system says of an address, out of where its interface identifier comes from and its state. Windows looks
/// for duplicates of IPv4 addresses too, but makes up no temporary ones.
fn marks(ip: IpAddr, suffix: NL_SUFFIX_ORIGIN, state: NL_DAD_STATE) -> Marks {
    Marks {
        temporary: ip.is_ipv6() && suffix == IpSuffixOriginRandom,
        deprecated: state == IpDadStateDeprecated,
        // Invalid is an address about to go.
        tentative: state == IpDadStateTentative || state == IpDadStateInvalid,
        duplicate: state == IpDadStateDuplicate,
    }
}

/// The list of adapters as the system writes it: structures that point to each other within one block of memory.
struct Adapters {
    /// That block, aligned for the structures; empty if there is no adapter.
    block: Vec<u64>,
}

impl Adapters {
    /// Asks the system for the list.
    fn read() -> io::Result<Self> {
        // What Microsoft recommends to begin with, so that one call is enough nearly always.
        let mut size = 15_360;
        for _ in 0..ATTEMPTS {
            let mut block = vec![0_u64; (size as usize).div_ceil(size_of::<u64>())];
            // SAFETY: the block is ours, writable, aligned to 8, and at least `size` bytes long.
            #[allow(unsafe_code)]
            let answer = unsafe {
                GetAdaptersAddresses(
                    AF_UNSPEC.into(),
                    GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER,
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

/// The name by which administrators know an adapter.
fn friendly_name(adapter: &IP_ADAPTER_ADDRESSES_LH) -> String {
    wide_text(adapter.FriendlyName)
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

/// The IP address in a socket address; none if it is of another family.
fn ip_of(address: &SOCKET_ADDRESS) -> Option<IpAddr> {
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
                let address = pointer
                    .cast::<SOCKADDR_IN>()
                    .read_unaligned()
                    .sin_addr
                    .S_un
                    .S_addr;
                Some(Ipv4Addr::from(address.to_ne_bytes()).into())
            }
            AF_INET6 if length >= size_of::<SOCKADDR_IN6>() => {
                let address = pointer
                    .cast::<SOCKADDR_IN6>()
                    .read_unaligned()
                    .sin6_addr
                    .u
                    .Byte;
                Some(Ipv6Addr::from(address).into())
            }
            _ => None,
        }
    }
}

/// A buffer's length as the system takes it.
fn length_of(buffer: &[u16]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

/// Whether an error is this one of Windows.
fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// An error code of Windows.
fn os_error(code: WIN32_ERROR) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed())
}

/// The error for something that had outgrown its buffer each time.
fn keeps_growing(what: &str) -> io::Error {
    io::Error::other(format!("{what} keeps growing while it is read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Networking::WinSock::{
        IpDadStatePreferred, IpSuffixOriginDhcp, IpSuffixOriginLinkLayerAddress,
        IpSuffixOriginManual,
    };

    #[test]
    fn lists_the_loopback_address_under_an_adapters_name() {
        let found = interface_addresses().unwrap();
        let loopback = found
            .iter()
            .find(|address| address.ip == IpAddr::V4(Ipv4Addr::LOCALHOST))
            .unwrap();
        assert_eq!(loopback.marks, Marks::default());
        assert!(interface_names().unwrap().contains(&loopback.interface));
    }

    #[test]
    fn every_address_belongs_to_a_named_interface() {
        let names = interface_names().unwrap();
        for address in interface_addresses().unwrap() {
            assert!(
                !address.interface.is_empty() && names.contains(&address.interface),
                "{address:?}"
            );
        }
    }

    #[test]
    fn a_random_interface_identifier_is_temporary_but_only_in_ipv6() {
        let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        assert!(marks(v6, IpSuffixOriginRandom, IpDadStatePreferred).temporary);
        assert_eq!(
            marks(v4, IpSuffixOriginRandom, IpDadStatePreferred),
            Marks::default()
        );
        for suffix in [
            IpSuffixOriginDhcp,
            IpSuffixOriginLinkLayerAddress,
            IpSuffixOriginManual,
        ] {
            assert_eq!(marks(v6, suffix, IpDadStatePreferred), Marks::default());
        }
    }

    #[test]
    fn only_a_preferred_address_has_no_mark_of_state() {
        let of = |state| marks(Ipv6Addr::LOCALHOST.into(), IpSuffixOriginManual, state);
        assert_eq!(
            of(IpDadStateDeprecated),
            Marks {
                deprecated: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(IpDadStateTentative),
            Marks {
                tentative: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(IpDadStateInvalid),
            Marks {
                tentative: true,
                ..Marks::default()
            }
        );
        assert_eq!(
            of(IpDadStateDuplicate),
            Marks {
                duplicate: true,
                ..Marks::default()
            }
        );
        assert_eq!(of(IpDadStatePreferred), Marks::default());
    }

    #[test]
    fn this_computer_has_a_name() {
        assert!(!full_name().unwrap().is_empty());
    }

    #[test]
    fn the_configuration_lies_beside_the_executable() {
        assert_eq!(
            default_config().parent(),
            env::current_exe().unwrap().parent()
        );
        assert_eq!(default_config().file_name().unwrap(), "pydyndns.conf");
    }

    #[test]
    fn a_system_error_keeps_its_kind() {
        assert_eq!(os_error(2).kind(), io::ErrorKind::NotFound);
        assert!(is(&os_error(ERROR_MORE_DATA), ERROR_MORE_DATA));
    }
}
