//! The certificate authorities that Windows trusts.
//!
//! `crypt32.dll` is loaded only here and only when it is needed: linked to the program, it and what it brings would double the
//! time of every start.

use rustls::pki_types::CertificateDer;
use std::{mem, ptr, slice};
use windows_sys::Win32::Security::Cryptography::{CERT_CONTEXT, HCERTSTORE, HCRYPTPROV_LEGACY};
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};
use windows_sys::core::{BOOL, PCWSTR, s, w};

/// `CertOpenSystemStoreW`.
type OpenStore = unsafe extern "system" fn(HCRYPTPROV_LEGACY, PCWSTR) -> HCERTSTORE;
/// `CertEnumCertificatesInStore`.
type NextCertificate =
    unsafe extern "system" fn(HCERTSTORE, *const CERT_CONTEXT) -> *mut CERT_CONTEXT;
/// `CertCloseStore`.
type CloseStore = unsafe extern "system" fn(HCERTSTORE, u32) -> BOOL;

/// The authorities in the system's store `ROOT`; none if it cannot be opened.
pub(crate) fn authorities() -> Vec<CertificateDer<'static>> {
    let mut found = Vec::new();
    // SAFETY: the library comes from the system's folder alone, and its functions have the types that Microsoft documents
    // for them. A certificate is valid until it is handed back to the next call, and its octets are copied before.
    #[allow(unsafe_code)]
    unsafe {
        let library = LoadLibraryExW(
            w!("crypt32.dll"),
            ptr::null_mut(),
            LOAD_LIBRARY_SEARCH_SYSTEM32,
        );
        if library.is_null() {
            return found;
        }
        let (Some(open), Some(next), Some(close)) = (
            GetProcAddress(library, s!("CertOpenSystemStoreW")),
            GetProcAddress(library, s!("CertEnumCertificatesInStore")),
            GetProcAddress(library, s!("CertCloseStore")),
        ) else {
            return found;
        };
        let open: OpenStore = mem::transmute(open);
        let next: NextCertificate = mem::transmute(next);
        let close: CloseStore = mem::transmute(close);
        let store = open(0, w!("ROOT"));
        if store.is_null() {
            return found;
        }
        let mut certificate = next(store, ptr::null());
        while let Some(context) = certificate.as_ref() {
            let length = context.cbCertEncoded as usize;
            let octets = slice::from_raw_parts(context.pbCertEncoded, length);
            found.push(CertificateDer::from(octets.to_vec()));
            certificate = next(store, certificate);
        }
        close(store, 0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authority_is_a_certificate() {
        // Wine takes them from the machine that it runs on, which may have none.
        for authority in authorities() {
            assert_eq!(authority[0], 0x30, "a certificate is a sequence");
        }
    }
}
