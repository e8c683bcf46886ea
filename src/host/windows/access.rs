//! Windows: who may read a file, by its access list from `GetSecurityInfo` and this process's account.

use super::os_error;
use std::ffi::c_void;
use std::fs::File;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::{io, ptr};
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GENERIC_ALL, GENERIC_READ, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, EqualSid, GetAce,
    GetTokenInformation, INHERIT_ONLY_ACE, IsWellKnownSid, OWNER_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid,
    WinCreatorOwnerRightsSid, WinLocalServiceSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::FILE_READ_DATA;
use windows_sys::Win32::System::SystemServices::{
    ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Whether the file's access list lets anyone read it besides its owner, SYSTEM, Administrators, this process's account
/// and Local Service, which the scheduled jobs run as. Entries that deny access are passed over: the answer leads to no
/// more than a warning, and to keep others out by them is fragile.
///
/// # Errors
/// What `GetSecurityInfo` or reading this process's account answers.
pub(crate) fn readable_by_others(file: &File, _path: &Path) -> io::Result<bool> {
    let security = Security::of(file)?;
    let account = Account::current()?;
    let Some(entries) = security.entries() else {
        // Without a list everyone has every right; file systems that know no accounts answer so too.
        return Ok(true);
    };
    Ok(entries
        .into_iter()
        .any(|entry| entry.grants_reading() && !is_trusted(entry.sid, &security, &account)))
}

/// The owner and the access list of a file.
struct Security {
    /// The block of memory that the two below point into; ours to free.
    descriptor: PSECURITY_DESCRIPTOR,
    /// The owner.
    owner: PSID,
    /// The access list; null if there is none.
    list: *mut ACL,
}

impl Security {
    /// Reads them.
    fn of(file: &File) -> io::Result<Self> {
        let mut security = Self {
            descriptor: ptr::null_mut(),
            owner: ptr::null_mut(),
            list: ptr::null_mut(),
        };
        // SAFETY: the handle is open as long as `file` lives; the pointers are to places of ours that the call sets.
        #[allow(unsafe_code)]
        let answer = unsafe {
            GetSecurityInfo(
                file.as_raw_handle(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &raw mut security.owner,
                ptr::null_mut(),
                &raw mut security.list,
                ptr::null_mut(),
                &raw mut security.descriptor,
            )
        };
        if answer == ERROR_SUCCESS {
            Ok(security)
        } else {
            Err(os_error(answer))
        }
    }

    /// The entries that allow something; none at all if there is no list.
    fn entries(&self) -> Option<Vec<AllowEntry>> {
        // SAFETY: null, or a list within the descriptor, which lives as long as `self`.
        #[allow(unsafe_code)]
        let count = unsafe { self.list.as_ref() }?.AceCount;
        Some(
            (0..count.into())
                .filter_map(|index| self.entry(index))
                .collect(),
        )
    }

    /// The entry of that index, if it allows something.
    fn entry(&self, index: u32) -> Option<AllowEntry> {
        let mut entry: *mut c_void = ptr::null_mut();
        // SAFETY: the list is a valid one within the descriptor. GetAce gives a pointer to a whole entry; the two types
        // read below share their first three fields, and the identifier begins at the third.
        #[allow(unsafe_code)]
        unsafe {
            if GetAce(self.list, index, &raw mut entry) == 0 {
                return None;
            }
            let header = entry.cast::<ACE_HEADER>().read();
            if !matches!(
                u32::from(header.AceType),
                ACCESS_ALLOWED_ACE_TYPE | ACCESS_ALLOWED_CALLBACK_ACE_TYPE
            ) {
                return None;
            }
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            Some(AllowEntry {
                mask: (*entry).Mask,
                only_inherited: u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0,
                sid: (&raw mut (*entry).SidStart).cast(),
            })
        }
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: GetSecurityInfo allocated it for us by LocalAlloc; freeing null does nothing.
        #[allow(unsafe_code)]
        unsafe {
            LocalFree(self.descriptor);
        }
    }
}

/// An entry of an access list that allows something.
struct AllowEntry {
    /// What it allows.
    mask: u32,
    /// Whether it is there to be inherited, and says nothing about the object itself.
    only_inherited: bool,
    /// Whom; within the descriptor that the entry is of.
    sid: PSID,
}

impl AllowEntry {
    /// Whether it lets someone read the file's content.
    fn grants_reading(&self) -> bool {
        !self.only_inherited && self.mask & (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL) != 0
    }
}

/// Whether an account may know what the file says; see `readable_by_others`.
fn is_trusted(sid: PSID, security: &Security, account: &Account) -> bool {
    // "Owner rights" stands for whoever the owner is.
    let known = [
        WinLocalSystemSid,
        WinBuiltinAdministratorsSid,
        WinCreatorOwnerRightsSid,
        WinLocalServiceSid,
    ];
    // SAFETY: each is a valid identifier within memory that the borrowed values own.
    #[allow(unsafe_code)]
    unsafe {
        known.into_iter().any(|kind| IsWellKnownSid(sid, kind) != 0)
            || (!security.owner.is_null() && EqualSid(sid, security.owner) != 0)
            || EqualSid(sid, account.sid()) != 0
    }
}

/// The account that this process runs as.
struct Account {
    /// A `TOKEN_USER` and the identifier that it points to, aligned for it.
    block: Vec<u64>,
}

impl Account {
    /// Reads it from the process's token.
    fn current() -> io::Result<Self> {
        let mut token = ptr::null_mut();
        // SAFETY: the process's own pseudo handle is always valid; `token` is a place of ours.
        #[allow(unsafe_code)]
        if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call just opened it, and nobody else closes it.
        #[allow(unsafe_code)]
        let token = unsafe { OwnedHandle::from_raw_handle(token) };
        // A TOKEN_USER takes 16 bytes, an identifier 68 at most (SECURITY_MAX_SID_SIZE).
        let mut block = vec![0_u64; 16];
        let mut length = 0;
        // SAFETY: the token is open; the block is ours, aligned, and 128 bytes long.
        #[allow(unsafe_code)]
        let found = unsafe {
            GetTokenInformation(
                token.as_raw_handle(),
                TokenUser,
                block.as_mut_ptr().cast(),
                128,
                &raw mut length,
            )
        };
        if found == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self { block })
        }
    }

    /// Its identifier.
    fn sid(&self) -> PSID {
        // SAFETY: `current` had the block filled with a TOKEN_USER.
        #[allow(unsafe_code)]
        unsafe {
            (*self.block.as_ptr().cast::<TOKEN_USER>()).User.Sid
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_as_a_valid_account() {
        // SAFETY: the account owns the memory that its identifier points into.
        #[allow(unsafe_code)]
        let valid =
            unsafe { windows_sys::Win32::Security::IsValidSid(Account::current().unwrap().sid()) };
        assert_ne!(valid, 0);
    }
}
