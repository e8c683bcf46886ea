//! The keytab: MIT's file format 0x0502, and which of its principals and keys a host uses.
//!
//! Nothing in this module, its errors included, ever shows an octet of a key.

use crate::crypto::{Enctype, Key, enctype_name};
use crate::messages::{PrincipalName, Text, name_type};
use std::fmt;
use zeroize::Zeroizing;

/// How keytabs of today begin.
const VERSION: [u8; 2] = [5, 2];

/// The keys of some principals.
#[derive(Debug)]
pub struct Keytab {
    /// In the file's order.
    entries: Vec<Entry>,
}

/// One key.
struct Entry {
    /// Whose.
    principal: Principal,
    /// The key's version.
    kvno: u32,
    /// Its enctype, which need not be one that can be used here.
    enctype: i32,
    /// The key itself.
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kvno {} enctype {}",
            self.principal, self.kvno, self.enctype
        )
    }
}

/// A name in a realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The name.
    pub(crate) name: PrincipalName,
    /// The realm.
    pub(crate) realm: Text,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.realm)
    }
}

/// What a host's principal is chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The principal, without its realm, if it is given.
    pub principal: Option<&'a str>,
    /// The realm, if it is given.
    pub realm: Option<&'a str>,
    /// The host's full name, without a final dot.
    pub host: &'a str,
}

/// A principal with its newest keys, the strongest first; there is at least one.
#[derive(Debug)]
pub struct Credentials {
    /// Who logs in.
    pub(crate) principal: Principal,
    /// The keys' version.
    pub(crate) kvno: u32,
    /// The keys, each of another enctype.
    pub(crate) keys: Vec<Key>,
}

impl Credentials {
    /// The principal, as `name@REALM`.
    #[must_use]
    pub fn principal(&self) -> String {
        self.principal.to_string()
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.principal.realm.as_str()
    }
}

/// Why a keytab is of no use. Its text completes "the keytab FILE ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeytabError {
    /// It is something else.
    #[error("is not a keytab: it does not begin with the octets 05 02")]
    Foreign,
    /// It is cut short, or was overwritten.
    #[error("is damaged at octet {0}: export it anew")]
    Damaged(usize),
    /// It has no entries.
    #[error("has no keys in it: join the domain, or export it anew")]
    Empty,
    /// It has keys of others only.
    #[error("has no key for {wanted}; it has keys for {}", others.join(", "))]
    NoPrincipal {
        /// Whom it should have a key for.
        wanted: String,
        /// Whom it has keys for.
        others: Vec<String>,
    },
    /// It has no key that can be used.
    #[error(
        "has no AES key for {principal}, kvno {kvno}, only {}: allow AES for the account and export its keys anew",
        enctypes.join(", ")
    )]
    NoUsableKey {
        /// Whose.
        principal: String,
        /// The newest version there is.
        kvno: u32,
        /// The enctypes that there are.
        enctypes: Vec<String>,
    },
}

impl Keytab {
    /// Reads a keytab.
    ///
    /// # Errors
    /// It is none, is damaged or is empty.
    pub fn parse(octets: &[u8]) -> Result<Self, KeytabError> {
        let mut file = Octets { octets, at: 0 };
        if file.take(2) != Some(&VERSION) {
            return Err(KeytabError::Foreign);
        }
        let mut entries = Vec::new();
        while file.at < octets.len() {
            let at = file.at;
            let damaged = || KeytabError::Damaged(at);
            let size = file.i32().ok_or_else(damaged)?;
            let length = usize::try_from(size.unsigned_abs()).map_err(|_| damaged())?;
            let record = file.take(length).ok_or_else(damaged)?;
            // What was removed leaves a hole of negative size.
            if size > 0 {
                let entry = Entry::parse(record).ok_or_else(damaged)?;
                entries.extend(entry);
            }
        }
        if entries.is_empty() {
            return Err(KeytabError::Empty);
        }
        Ok(Self { entries })
    }

    /// The principal to log in as, with its newest keys: the one that is given; else the machine account `NAME$`, which
    /// is the only one that may log in to Active Directory; else `host/` and the full name; else the first.
    ///
    /// # Errors
    /// There is no such principal, or it has no key that can be used.
    pub fn credentials(&self, choice: Choice<'_>) -> Result<Credentials, KeytabError> {
        let in_realm = |entry: &&Entry| {
            choice
                .realm
                .is_none_or(|realm| entry.principal.realm.as_str() == realm)
        };
        let find = |wanted: &dyn Fn(&Principal) -> bool| {
            self.entries
                .iter()
                .filter(in_realm)
                .map(|entry| &entry.principal)
                .find(|principal| wanted(principal))
        };
        let is_machine = |principal: &Principal| matches!(principal.name.name_string.as_slice(), [name] if name.as_str().ends_with('$'));
        let machine = format!("{}$", choice.host.split('.').next().unwrap_or_default());
        let host = format!("host/{}", choice.host);
        let principal = match choice.principal {
            Some(wanted) => find(&|principal| is_named(principal, wanted)),
            None => find(&|principal| is_named(principal, &machine))
                .or_else(|| find(&is_machine))
                .or_else(|| find(&|principal| is_named(principal, &host)))
                .or_else(|| find(&|_| true)),
        };
        principal
            .ok_or_else(|| self.no_principal(choice))
            .and_then(|principal| self.newest_keys(principal))
    }

    /// The newest keys of a principal.
    fn newest_keys(&self, principal: &Principal) -> Result<Credentials, KeytabError> {
        let own = || {
            self.entries
                .iter()
                .filter(|entry| entry.principal == *principal)
        };
        let kvno = own().map(|entry| entry.kvno).max().unwrap_or_default();
        let newest = || own().filter(|entry| entry.kvno == kvno);
        let keys: Vec<_> = Enctype::ALL
            .into_iter()
            .filter_map(|enctype| {
                newest()
                    .filter(|entry| entry.enctype == enctype.number())
                    .find_map(|entry| Key::new(enctype, &entry.key))
            })
            .collect();
        if keys.is_empty() {
            return Err(KeytabError::NoUsableKey {
                principal: principal.to_string(),
                kvno,
                enctypes: newest()
                    .map(|entry| {
                        enctype_name(entry.enctype)
                            .map_or_else(|| format!("enctype {}", entry.enctype), str::to_owned)
                    })
                    .collect(),
            });
        }
        Ok(Credentials {
            principal: principal.clone(),
            kvno,
            keys,
        })
    }

    /// That nobody in it is meant.
    fn no_principal(&self, choice: Choice<'_>) -> KeytabError {
        let mut others: Vec<String> = Vec::new();
        for entry in &self.entries {
            let name = entry.principal.to_string();
            if !others.contains(&name) {
                others.push(name);
            }
        }
        let wanted = match (choice.principal, choice.realm) {
            (Some(principal), Some(realm)) => format!("{principal}@{realm}"),
            (Some(principal), None) => principal.to_owned(),
            (None, realm) => format!("the realm {}", realm.unwrap_or_default()),
        };
        KeytabError::NoPrincipal { wanted, others }
    }
}

/// Whether a principal is called so; case is ignored, as Active Directory does.
fn is_named(principal: &Principal, wanted: &str) -> bool {
    let name: Vec<_> = principal
        .name
        .name_string
        .iter()
        .map(Text::as_str)
        .collect();
    name.join("/").eq_ignore_ascii_case(wanted)
}

impl Entry {
    /// Reads one record; an inner nothing stands for a name that is not UTF-8, which nobody here can be called.
    #[allow(
        clippy::option_option,
        reason = "damaged, and of no use, are two different things"
    )]
    fn parse(record: &[u8]) -> Option<Option<Self>> {
        let mut record = Octets {
            octets: record,
            at: 0,
        };
        let count = record.u16()?;
        let realm = record.counted()?;
        let names = (0..count)
            .map(|_| record.counted())
            .collect::<Option<Vec<_>>>()?;
        // The kind of name, and when the key was written.
        record.take(8)?;
        let short_kvno = record.u8()?;
        let enctype = record.u16()?;
        let key = Zeroizing::new(record.counted()?.to_vec());
        // Keys of a version above 255 say it here. A zero is padding.
        let kvno = match record.u32() {
            None | Some(0) => short_kvno.into(),
            Some(kvno) => kvno,
        };
        let text = |octets| std::str::from_utf8(octets).ok().map(Text::from);
        let (Some(realm), Some(name_string)) = (
            text(realm),
            names.into_iter().map(text).collect::<Option<Vec<_>>>(),
        ) else {
            return Some(None);
        };
        Some(Some(Self {
            principal: Principal {
                name: PrincipalName {
                    name_type: name_type::PRINCIPAL,
                    name_string,
                },
                realm,
            },
            kvno,
            enctype: enctype.into(),
            key,
        }))
    }
}

/// What is left to read; every step checks that it is there.
struct Octets<'a> {
    /// All of it.
    octets: &'a [u8],
    /// How much has been read.
    at: usize,
}

impl<'a> Octets<'a> {
    /// The next octets.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.octets.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// The next octets, so many as there are to be.
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One octet.
    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two octets.
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four octets.
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Four octets with a sign.
    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// Octets with their number before them.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of a keytab.
    fn entry(principal: &str, kvno: u32, enctype: u16, key: &[u8]) -> Vec<u8> {
        let counted = |octets: &[u8]| {
            let length = u16::try_from(octets.len()).unwrap();
            [&length.to_be_bytes(), octets].concat()
        };
        let (name, realm) = principal.split_once('@').unwrap();
        let parts: Vec<_> = name.split('/').collect();
        let mut record = u16::try_from(parts.len()).unwrap().to_be_bytes().to_vec();
        record.extend(counted(realm.as_bytes()));
        for part in parts {
            record.extend(counted(part.as_bytes()));
        }
        record.extend([0, 0, 0, 1, 0, 0, 0, 0, kvno.to_le_bytes()[0]]);
        record.extend(enctype.to_be_bytes());
        record.extend(counted(key));
        record.extend(kvno.to_be_bytes());
        [
            u32::try_from(record.len()).unwrap().to_be_bytes().to_vec(),
            record,
        ]
        .concat()
    }

    /// A keytab with these entries.
    fn keytab(entries: &[Vec<u8>]) -> Vec<u8> {
        [VERSION.to_vec(), entries.concat()].concat()
    }

    /// A choice by the host's name alone.
    const BY_HOST: Choice<'_> = Choice {
        principal: None,
        realm: None,
        host: "host.example.com",
    };

    /// Whom a keytab is for.
    fn chosen(file: &[u8], choice: Choice<'_>) -> Result<String, String> {
        Keytab::parse(file)
            .and_then(|keytab| keytab.credentials(choice))
            .map(|credentials| credentials.principal())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn chooses_the_machine_account_then_the_host_then_the_first() {
        let key = [7; 32];
        let entries = |names: &[&str]| {
            let entries: Vec<_> = names
                .iter()
                .map(|name| entry(&format!("{name}@EXAMPLE.COM"), 3, 18, &key))
                .collect();
            keytab(&entries)
        };
        for (names, expected) in [
            (&["host/host.example.com", "OTHER$", "HOST$"][..], "HOST$"),
            (&["host/host.example.com", "OTHER$"], "OTHER$"),
            (
                &["nfs/host.example.com", "host/HOST", "host/Host.example.com"],
                "host/Host.example.com",
            ),
            (
                &["nfs/host.example.com", "host/other.example.com"],
                "nfs/host.example.com",
            ),
        ] {
            assert_eq!(
                chosen(&entries(names), BY_HOST),
                Ok(format!("{expected}@EXAMPLE.COM"))
            );
        }
    }

    #[test]
    fn takes_the_principal_and_the_realm_that_are_given() {
        let file = keytab(&[
            entry("HOST$@EXAMPLE.COM", 3, 18, &[7; 32]),
            entry("dyndns@EXAMPLE.COM", 3, 18, &[7; 32]),
            entry("dyndns@EXAMPLE.ORG", 3, 18, &[7; 32]),
        ]);
        let choose = |principal, realm| {
            chosen(
                &file,
                Choice {
                    principal,
                    realm,
                    ..BY_HOST
                },
            )
        };
        assert_eq!(
            choose(Some("dyndns"), None),
            Ok("dyndns@EXAMPLE.COM".into())
        );
        assert_eq!(
            choose(Some("dyndns"), Some("EXAMPLE.ORG")),
            Ok("dyndns@EXAMPLE.ORG".into())
        );
        assert_eq!(
            choose(None, Some("EXAMPLE.ORG")),
            Ok("dyndns@EXAMPLE.ORG".into())
        );
        let has = "it has keys for HOST$@EXAMPLE.COM, dyndns@EXAMPLE.COM, dyndns@EXAMPLE.ORG";
        assert_eq!(
            choose(Some("me"), None),
            Err(format!("has no key for me; {has}"))
        );
        assert_eq!(
            choose(Some("me"), Some("X")),
            Err(format!("has no key for me@X; {has}"))
        );
        assert_eq!(
            choose(None, Some("X")),
            Err(format!("has no key for the realm X; {has}"))
        );
    }

    #[test]
    fn takes_the_newest_keys_and_the_strongest_first() {
        let name = "HOST$@EXAMPLE.COM";
        let file = keytab(&[
            entry(name, 300, 17, &[1; 16]),
            entry(name, 299, 20, &[2; 32]),
            entry(name, 300, 23, &[3; 16]),
            entry(name, 300, 19, &[4; 16]),
            entry(name, 300, 18, &[5; 32]),
            // Too short for what it says it is.
            entry(name, 300, 20, &[6; 31]),
        ]);
        let credentials = Keytab::parse(&file).unwrap().credentials(BY_HOST).unwrap();
        let keys: Vec<_> = credentials
            .keys
            .iter()
            .map(|key| key.enctype().number())
            .collect();
        assert_eq!((credentials.kvno, keys), (300, vec![18, 19, 17]));
    }

    #[test]
    fn says_which_keys_there_are_when_none_is_of_use() {
        let file = keytab(&[
            entry("HOST$@EXAMPLE.COM", 4, 23, &[1; 16]),
            entry("HOST$@EXAMPLE.COM", 4, 99, &[1; 16]),
            entry("HOST$@EXAMPLE.COM", 3, 18, &[1; 32]),
        ]);
        assert_eq!(
            chosen(&file, BY_HOST).unwrap_err(),
            "has no AES key for HOST$@EXAMPLE.COM, kvno 4, only rc4-hmac, enctype 99: allow AES for the account and export its keys anew"
        );
    }

    #[test]
    fn passes_over_holes_and_names_that_are_no_text() {
        let mut hole = entry("GONE$@EXAMPLE.COM", 3, 18, &[7; 32]);
        let length = i32::from_be_bytes(hole[..4].try_into().unwrap());
        hole[..4].copy_from_slice(&(-length).to_be_bytes());
        let mut foreign = entry("abc$@EXAMPLE.COM", 3, 18, &[7; 32]);
        let at = foreign.windows(4).position(|four| four == b"abc$").unwrap();
        foreign[at] = 0xFF;
        let file = keytab(&[hole, foreign, entry("HOST$@EXAMPLE.COM", 3, 18, &[7; 32])]);
        assert_eq!(chosen(&file, BY_HOST), Ok("HOST$@EXAMPLE.COM".into()));
    }

    #[test]
    fn refuses_junk_in_words() {
        let good = keytab(&[entry("HOST$@EXAMPLE.COM", 3, 18, &[7; 32])]);
        for (file, error) in [
            (
                &b""[..],
                "is not a keytab: it does not begin with the octets 05 02",
            ),
            (
                b"\x05\x01\0\0",
                "is not a keytab: it does not begin with the octets 05 02",
            ),
            (
                b"[libdefaults]",
                "is not a keytab: it does not begin with the octets 05 02",
            ),
            (
                b"\x05\x02",
                "has no keys in it: join the domain, or export it anew",
            ),
            (
                b"\x05\x02\x80\0\0\0",
                "is damaged at octet 2: export it anew",
            ),
            (
                b"\x05\x02\x7f\xff\xff\xff",
                "is damaged at octet 2: export it anew",
            ),
            (b"\x05\x02\0", "is damaged at octet 2: export it anew"),
        ] {
            assert_eq!(chosen(file, BY_HOST).unwrap_err(), error);
        }
        for end in 3..good.len() {
            assert_eq!(
                Keytab::parse(&good[..end]).unwrap_err(),
                KeytabError::Damaged(2),
                "{end}"
            );
        }
    }

    #[test]
    fn shows_no_key() {
        let file = keytab(&[entry("HOST$@EXAMPLE.COM", 3, 18, &[0xAB; 32])]);
        let keytab = Keytab::parse(&file).unwrap();
        let credentials = keytab.credentials(BY_HOST).unwrap();
        let shown = format!("{keytab:?} {credentials:?}");
        assert!(
            !shown.contains("171") && !shown.contains("ab, ab"),
            "{shown}"
        );
    }
}
