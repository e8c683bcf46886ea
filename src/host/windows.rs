//! Windows: adapters with their addresses' origin and state from `GetAdaptersAddresses`, the fully qualified DNS name
//! from `GetComputerNameExW`; who may read a file is in `access.rs`.
//!
//! Every call into the system stands in a function of its own that gives back owned, checked values; the rest is safe.

mod access;

pub(crate) use access::readable_by_others;

use super::{InterfaceAddress, Marks};
use std::fs::{File, OpenOptions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
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
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_OPEN_REPARSE_POINT, FILE_TYPE_DISK,
    GetFileInformationByHandle, GetFileType, SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsFullyQualified, GetComputerNameExW,
};
use windows_sys::core::PWSTR;

/// How to take the right to read a file from others.
pub(crate) const HOW_TO_HIDE: &str = "take that right from them (icacls FILE /inheritance:r /grant *S-1-5-18:F *S-1-5-32-544:F *S-1-5-19:R)";

/// Whether a file can be written while another handle has its lock: here locks are mandatory.
pub(crate) const LOCKS_LET_WRITE: bool = false;

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

/// Where a configuration may lie: `pydyndns.conf` beside the executable.
pub(crate) fn default_configs() -> Vec<PathBuf> {
    let executable = env::current_exe().unwrap_or_default();
    vec![executable.with_file_name("pydyndns.conf")]
}

/// `%LOCALAPPDATA%\Temp\pydyndns.cache`, or in `%USERPROFILE%\AppData\Local` where that variable is missing. They are
/// read here since asking the system loads the whole graphical shell into the process: a run that changes nothing would
/// take a third longer.
///
/// # Errors
/// The account has neither.
pub(crate) fn default_cache() -> io::Result<PathBuf> {
    let folder = |name: &str| {
        let path = env::var_os(name).map(PathBuf::from)?;
        path.is_absolute().then_some(path)
    };
    folder("LOCALAPPDATA")
        .or_else(|| Some(folder("USERPROFILE")?.join(r"AppData\Local")))
        .map(|folder| folder.join(r"Temp\pydyndns.cache"))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "neither LOCALAPPDATA nor USERPROFILE is set",
            )
        })
}

/// Opens a regular file with `options`: a link or junction in the last place is not followed but refused, and so are
/// pipes and devices (`NUL`, `COM1`). A pipe's server learns who opens it, but can't act as that account.
///
/// # Errors
/// What `CreateFileW` answers; `InvalidInput` if it is anything but a regular file.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .security_qos_flags(SECURITY_IDENTIFICATION)
        .open(path)?;
    // SAFETY: the handle is open as long as `file` lives.
    #[allow(unsafe_code)]
    let kind = unsafe { GetFileType(file.as_raw_handle()) };
    if kind == FILE_TYPE_DISK && file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Whether two paths lead to the same file, by whatever links; not if one of them leads nowhere.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let (one, other) = (File::open(one), File::open(other));
    // Both stay open while they are compared: a number may be used again once its file is closed.
    let (Ok(one), Ok(other)) = (one, other) else {
        return false;
    };
    matches!((file_id(&one), file_id(&other)), (Some(one), Some(other)) if one == other)
}

/// The volume of an open file and its number there.
fn file_id(file: &File) -> Option<(u32, u32, u32)> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` lives, and the structure is ours.
    #[allow(unsafe_code)]
    let answer = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    (answer != 0).then_some((
        found.dwVolumeSerialNumber,
        found.nFileIndexHigh,
        found.nFileIndexLow,
    ))
}

/// Nothing: Windows has no way to flush a folder on its own, and NTFS logs each change of a folder before it answers.
///
/// # Errors
/// None.
#[allow(
    clippy::unnecessary_wraps,
    reason = "the interface that all platforms share"
)]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
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
    use std::fs;
    use windows_sys::Win32::Networking::WinSock::{
        IpDadStatePreferred, IpSuffixOriginDhcp, IpSuffixOriginLinkLayerAddress,
        IpSuffixOriginManual,
    };

    /// A folder of its own, gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("pydyndns-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

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
    fn the_cache_lies_in_temp_below_local_application_data() {
        let cache = default_cache().unwrap();
        assert!(
            cache.is_absolute() && cache.ends_with(r"Temp\pydyndns.cache"),
            "{}",
            cache.display()
        );
        let local = PathBuf::from(env::var_os("LOCALAPPDATA").unwrap());
        assert!(cache.starts_with(local), "{}", cache.display());
    }

    #[test]
    fn opens_regular_files_and_nothing_else() {
        let folder = Folder::new("regular");
        let path = folder.0.join("file");
        fs::write(&path, "text").unwrap();
        assert_eq!(
            io::read_to_string(open_regular(&path, File::options().read(true)).unwrap()).unwrap(),
            "text"
        );
        open_regular(&folder.0, File::options().read(true)).unwrap_err();
        let missing =
            open_regular(&folder.0.join("missing"), File::options().read(true)).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let device = open_regular(Path::new(r"\\.\NUL"), File::options().read(true)).unwrap_err();
        assert_eq!(device.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_system_error_keeps_its_kind() {
        assert_eq!(os_error(2).kind(), io::ErrorKind::NotFound);
        assert!(is(&os_error(ERROR_MORE_DATA), ERROR_MORE_DATA));
    }
}
