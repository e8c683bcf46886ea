//! Windows: what an open file is, by the questions that `GetFileInformationByHandleEx` answers.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_BASIC_INFO,
    FILE_INFO_BY_HANDLE_CLASS, FILE_STANDARD_INFO, FILE_TYPE_DISK, FileBasicInfo, FileStandardInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
};

/// What kind of thing lies at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A symbolic link or a junction.
    Link,
    /// A folder, a pipe, a device.
    Other,
}

/// What an open file is by itself. Its volume takes no part: to ask for that takes longer than all of the rest.
pub(super) struct Nature {
    /// What kind of thing it is.
    pub(super) kind: Kind,
    /// Whether it is a folder.
    pub(super) is_folder: bool,
    /// Its length in octets.
    pub(super) len: u64,
    /// How many names it has.
    pub(super) names: u32,
    /// When it was last written.
    pub(super) modified: SystemTime,
}

impl Nature {
    /// Asks for it.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        // SAFETY: the handle is open as long as `file` lives.
        #[allow(unsafe_code)]
        let is_on_disk = unsafe { GetFileType(file.as_raw_handle()) } == FILE_TYPE_DISK;
        if !is_on_disk {
            return Ok(Self {
                kind: Kind::Other,
                is_folder: false,
                len: 0,
                names: 1,
                modified: UNIX_EPOCH,
            });
        }
        // SAFETY: both structures are made of numbers alone, and are what these two questions are answered by.
        #[allow(unsafe_code)]
        let (basic, standard) = unsafe {
            (
                information::<FILE_BASIC_INFO>(file, FileBasicInfo)?,
                information::<FILE_STANDARD_INFO>(file, FileStandardInfo)?,
            )
        };
        // Not each reparse point is a link: those of a cloud or of deduplication are files.
        let is_link = basic.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0
            && file.metadata()?.is_symlink();
        Ok(Self {
            kind: match (is_link, standard.Directory) {
                (true, _) => Kind::Link,
                (false, true) => Kind::Other,
                (false, false) => Kind::File,
            },
            is_folder: standard.Directory,
            len: standard.EndOfFile.try_into().unwrap_or_default(),
            names: standard.NumberOfLinks,
            modified: time(basic.LastWriteTime),
        })
    }
}

/// One kind of information about an open file.
///
/// # Safety
/// `T` is the structure of that kind, and any octets are a valid one.
#[allow(unsafe_code)]
unsafe fn information<T: Default>(file: &File, kind: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let mut found = T::default();
    let length = u32::try_from(size_of::<T>()).unwrap_or_default();
    // SAFETY: the handle is open as long as `file` lives; the structure is ours and of that length.
    let answer = unsafe {
        GetFileInformationByHandleEx(file.as_raw_handle(), kind, (&raw mut found).cast(), length)
    };
    if answer == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(found)
    }
}

/// A time of a file: Windows counts in tenths of a microsecond from the beginning of 1601.
fn time(since_1601: i64) -> SystemTime {
    const SECOND: u64 = 10_000_000;
    const UNTIL_1970: i64 = 116_444_736_000_000_000;
    let tenths = u64::try_from(since_1601.saturating_sub(UNTIL_1970)).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(tenths / SECOND) + Duration::from_nanos(tenths % SECOND * 100)
}

/// The volume of an open file and its number there.
pub(super) fn identify(file: &File) -> io::Result<(u32, u64)> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` lives, and the structure is ours.
    #[allow(unsafe_code)]
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    Ok((found.dwVolumeSerialNumber, index))
}
