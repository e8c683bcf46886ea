//! Windows: who may read or change a file, by its access list from `GetKernelObjectSecurity` and this process's account.

use std::ffi::c_void;
use std::fs::File;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::{io, ptr};
use windows_sys::Win32::Foundation::{
    ERROR_INSUFFICIENT_BUFFER, GENERIC_ALL, GENERIC_READ, GENERIC_WRITE,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, EqualSid, GetAce,
    GetKernelObjectSecurity, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    GetSidIdentifierAuthority, GetSidSubAuthority, GetSidSubAuthorityCount, GetTokenInformation,
    INHERIT_ONLY_ACE, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PSID, SECURITY_NT_AUTHORITY,
    TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid, WinCreatorOwnerRightsSid,
    WinLocalServiceSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::{
    ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The rights by which a file's content can be read.
const READING: u32 = FILE_READ_DATA | GENERIC_READ | GENERIC_ALL;

/// The rights by which it can be changed, if only after giving oneself the others.
const WRITING: u32 =
    FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_WRITE | GENERIC_ALL | WRITE_DAC | WRITE_OWNER;

/// `NT SERVICE\TrustedInstaller`, which Windows itself is installed by, as the numbers of its identifier.
const TRUSTED_INSTALLER: [u32; 6] = [
    80,
    956_008_885,
    3_418_522_649,
    1_831_038_044,
    1_853_292_631,
    2_271_478_464,
];

/// What is wrong with who may read or change the file that a secret is in, in words that follow the file's name.
///
/// # Errors
/// What `GetKernelObjectSecurity` or reading this process's account answers.
pub(crate) fn exposure(file: &File) -> io::Result<Option<&'static str>> {
    Ok(if grants_others(file, WRITING)? {
        Some("can be written by others")
    } else if grants_others(file, READING)? {
        Some("is readable by others")
    } else {
        None
    })
}

/// Whether others can change the file.
///
/// # Errors
/// What `GetKernelObjectSecurity` or reading this process's account answers.
pub(super) fn is_writable_by_others(file: &File) -> io::Result<bool> {
    grants_others(file, WRITING)
}

/// Whether the file's access list gives one of these rights to others; see [`Security::grants_others`].
fn grants_others(file: &File, rights: u32) -> io::Result<bool> {
    Ok(Security::of(file)?.grants_others(&Account::current()?, rights))
}

/// The owner and the access list of a file.
struct Security {
    /// A security descriptor that holds all of itself, aligned for it.
    descriptor: Vec<u64>,
}

impl Security {
    /// Reads them.
    fn of(file: &File) -> io::Result<Self> {
        // Most take less than a fourth of that.
        let mut descriptor = vec![0_u64; 64];
        loop {
            let length = u32::try_from(size_of_val(&*descriptor)).unwrap_or(u32::MAX);
            let mut needed = 0;
            // SAFETY: the handle is open as long as `file` lives; the block is ours, aligned, and of that length.
            #[allow(unsafe_code)]
            let answer = unsafe {
                GetKernelObjectSecurity(
                    file.as_raw_handle(),
                    OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                    descriptor.as_mut_ptr().cast(),
                    length,
                    &raw mut needed,
                )
            };
            if answer != 0 {
                return Ok(Self { descriptor });
            }
            let error = io::Error::last_os_error();
            if !super::is(&error, ERROR_INSUFFICIENT_BUFFER) || needed <= length {
                return Err(error);
            }
            descriptor.resize(needed.div_ceil(8) as usize, 0);
        }
    }

    /// The owner; null if there is none.
    fn owner(&self) -> PSID {
        let (mut owner, mut defaulted) = (ptr::null_mut(), 0);
        // SAFETY: the descriptor is a valid one, which the call only reads; the rest are places of ours.
        #[allow(unsafe_code)]
        unsafe {
            GetSecurityDescriptorOwner(
                self.descriptor.as_ptr().cast_mut().cast(),
                &raw mut owner,
                &raw mut defaulted,
            );
        }
        owner
    }

    /// The access list; null if there is none.
    fn list(&self) -> *mut ACL {
        let (mut list, mut present, mut defaulted) = (ptr::null_mut(), 0, 0);
        // SAFETY: as in `owner`.
        #[allow(unsafe_code)]
        unsafe {
            GetSecurityDescriptorDacl(
                self.descriptor.as_ptr().cast_mut().cast(),
                &raw mut present,
                &raw mut list,
                &raw mut defaulted,
            );
        }
        list
    }

    /// Whether one of these rights is given to anyone besides the owner, SYSTEM, Administrators, TrustedInstaller, this
    /// account and Local Service, which the scheduled jobs run as. Entries that deny access are passed over: to keep others
    /// out by them is fragile.
    fn grants_others(&self, account: &Account, rights: u32) -> bool {
        let owner = self.owner();
        // Without a list everyone has every right; file systems that know no accounts answer so too.
        self.entries().is_none_or(|entries| {
            entries
                .into_iter()
                .any(|entry| entry.grants(rights) && !is_trusted(entry.sid, owner, account))
        })
    }

    /// The entries that allow something; none at all if there is no list.
    fn entries(&self) -> Option<Vec<AllowEntry>> {
        let list = self.list();
        // SAFETY: null, or a list within the descriptor, which lives as long as `self`.
        #[allow(unsafe_code)]
        let count = unsafe { list.as_ref() }?.AceCount;
        Some(
            (0..count.into())
                .filter_map(|index| allow_entry(list, index))
                .collect(),
        )
    }
}

/// The entry of that index of a valid list, if it allows something.
fn allow_entry(list: *mut ACL, index: u32) -> Option<AllowEntry> {
    let mut entry: *mut c_void = ptr::null_mut();
    // SAFETY: GetAce gives a pointer to a whole entry; the two types read below share their first three fields, and the
    // identifier begins at the third.
    #[allow(unsafe_code)]
    unsafe {
        if GetAce(list, index, &raw mut entry) == 0 {
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
    /// Whether it gives someone one of these rights to the file itself.
    fn grants(&self, rights: u32) -> bool {
        !self.only_inherited && self.mask & rights != 0
    }
}

/// Whether an account may do what it likes with the file; see [`Security::grants_others`].
fn is_trusted(sid: PSID, owner: PSID, account: &Account) -> bool {
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
            || (!owner.is_null() && EqualSid(sid, owner) != 0)
            || EqualSid(sid, account.sid()) != 0
            || is_trusted_installer(sid)
    }
}

/// Whether an identifier is TrustedInstaller's.
///
/// # Safety
/// It is a valid one.
#[allow(unsafe_code)]
unsafe fn is_trusted_installer(sid: PSID) -> bool {
    // SAFETY: a valid identifier has as many numbers as it says, at the places that the system points to.
    unsafe {
        (*GetSidIdentifierAuthority(sid)).Value == SECURITY_NT_AUTHORITY.Value
            && usize::from(*GetSidSubAuthorityCount(sid)) == TRUSTED_INSTALLER.len()
            && (0..)
                .zip(TRUSTED_INSTALLER)
                .all(|(index, number)| *GetSidSubAuthority(sid, index) == number)
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

/// How to take the right to read or change a file from others. What somebody was granted beside what is inherited goes
/// by `/reset` alone.
pub(crate) fn how_to_hide(file: &Path) -> String {
    let file = file.display();
    format!(
        "run install.ps1 again, which secures pydyndns.conf, or take that right from them: \
         icacls \"{file}\" /reset, then \
         icacls \"{file}\" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-19:R"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Foundation::LocalFree;
    use windows_sys::Win32::Security::Authorization::{
        ConvertStringSecurityDescriptorToSecurityDescriptorW, ConvertStringSidToSidW,
        SDDL_REVISION_1,
    };

    #[test]
    fn this_process_runs_as_a_valid_account() {
        // SAFETY: the account owns the memory that its identifier points into.
        #[allow(unsafe_code)]
        let valid =
            unsafe { windows_sys::Win32::Security::IsValidSid(Account::current().unwrap().sid()) };
        assert_ne!(valid, 0);
    }

    /// Whether the identifier with this text is TrustedInstaller's.
    fn is_installer(text: &str) -> bool {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut sid = ptr::null_mut();
        // SAFETY: the text ends with a zero; the identifier is valid until it is freed, once and at the end.
        #[allow(unsafe_code)]
        unsafe {
            assert_ne!(ConvertStringSidToSidW(text.as_ptr(), &raw mut sid), 0);
            let answer = is_trusted_installer(sid);
            LocalFree(sid);
            answer
        }
    }

    #[test]
    fn the_trusted_installer_is_known_by_all_of_its_numbers() {
        let installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert!(is_installer(installer));
        for other in [
            "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478465",
            "S-1-5-80-956008885-3418522649-1831038044-1853292631",
            "S-1-1-80-956008885-3418522649-1831038044-1853292631-2271478464",
            "S-1-5-32-545",
        ] {
            assert!(!is_installer(other), "{other}");
        }
    }

    /// Owner and access list as this text has them.
    fn security(sddl: &str) -> Security {
        let text: Vec<u16> = sddl.encode_utf16().chain([0]).collect();
        let (mut made, mut length) = (ptr::null_mut(), 0);
        // SAFETY: the text ends with a zero; the descriptor has that length, and is freed once and at the end.
        #[allow(unsafe_code)]
        unsafe {
            let answer = ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made,
                &raw mut length,
            );
            assert_ne!(answer, 0, "{sddl}");
            let mut descriptor = vec![0_u64; length.div_ceil(8) as usize];
            ptr::copy_nonoverlapping(
                made.cast::<u8>(),
                descriptor.as_mut_ptr().cast(),
                length as usize,
            );
            LocalFree(made);
            Security { descriptor }
        }
    }

    #[test]
    fn who_others_are_and_what_counts_as_writing() {
        const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        const OWNER: &str = "S-1-5-21-1-2-3-1001";
        const OTHER: &str = "S-1-5-21-1-2-3-1002";
        let account = Account::current().unwrap();
        for (entries, read, written) in [
            // As install.ps1 secures the configuration, and the cache's folder.
            (
                "(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)".to_owned(),
                false,
                false,
            ),
            (
                "(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1301bf;;;LS)".to_owned(),
                false,
                false,
            ),
            // Program Files.
            (
                format!("(A;;FA;;;{INSTALLER})(A;;FA;;;SY)(A;;FA;;;BA)"),
                false,
                false,
            ),
            (format!("(A;;FA;;;{OWNER})(A;;FA;;;S-1-3-4)"), false, false),
            // Users read what lies in Program Files.
            ("(A;;FA;;;BA)(A;;0x1200a9;;;BU)".to_owned(), true, false),
            ("(A;;GR;;;WD)".to_owned(), true, false),
            ("(A;;FA;;;WD)".to_owned(), true, true),
            ("(A;;GA;;;AU)".to_owned(), true, true),
            (format!("(A;;FW;;;{OTHER})"), false, true),
            // To append, and to give oneself the rest.
            (format!("(A;;0x4;;;{OTHER})"), false, true),
            (format!("(A;;WD;;;{OTHER})"), false, true),
            (format!("(A;;WO;;;{OTHER})"), false, true),
            // Attributes, and deletion: no content.
            (format!("(A;;0x110180;;;{OTHER})"), false, false),
            // Denied, or for what lies below alone.
            (format!("(D;;FA;;;{OTHER})"), false, false),
            (format!("(A;OICIIO;FA;;;{OTHER})"), false, false),
            (String::new(), false, false),
        ] {
            let security = security(&format!("O:{OWNER}G:BAD:P{entries}"));
            assert_eq!(security.grants_others(&account, READING), read, "{entries}");
            assert_eq!(
                security.grants_others(&account, WRITING),
                written,
                "{entries}"
            );
        }
        // No list at all: everyone may do everything.
        let none = security(&format!("O:{OWNER}G:BA"));
        assert!(none.grants_others(&account, WRITING));
    }

    #[test]
    fn how_to_hide_a_file_names_it_and_removes_explicit_entries_first() {
        let how = how_to_hide(Path::new(r"C:\Keys\own key.conf"));
        let reset = how.find(r#"icacls "C:\Keys\own key.conf" /reset"#).unwrap();
        let grant = how
            .find(r#"icacls "C:\Keys\own key.conf" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-19:R"#)
            .unwrap();
        assert!(reset < grant && how.contains("install.ps1"), "{how}");
    }
}
