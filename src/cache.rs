//! The last confirmed registration: compared, forgotten, written, and the lock by which runs take turns.
//!
//! The file says only what a server has confirmed. It is removed, durably, before an update is sent, and written whole
//! after a confirmed success; whatever happens in between ends in "no cache", and the next run sends. It is the Python
//! program's file, `{"hostname": ..., "addresses": {"ipv4": [...], "ipv6": [...]}}`, with keys of ours beside.
//!
//! Nothing that stands in its place can hurt: links are not followed, what is no regular file is left alone, and
//! neither the time nor the memory to read it depends on its content.

use crate::host;
use crate::registration::{Addresses, Registration};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// More bytes than any registration takes that fits into a DNS message; 256 KiB.
const LARGEST: u64 = 256 << 10;

/// How long to wait before the lock is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// A cache file that may or may not be there.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Where it lies.
    path: PathBuf,
}

/// What a cache file says.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A registration was confirmed, at this time by the file system's clock.
    Confirmed(Entry, SystemTime),
    /// There is no file.
    Absent,
    /// There is something that can't be taken for a registration, and why.
    Unusable(String),
}

/// The registration that a cache file holds.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name, fully qualified.
    hostname: String,
    /// The addresses, whatever order and spelling they are in.
    addresses: Addresses,
    /// What else is there: the settings, if ours wrote it.
    settings: Map<String, Value>,
}

/// The right to update: as long as this lives, other runs wait.
#[derive(Debug)]
pub(crate) struct Turn(#[allow(dead_code, reason = "the lock goes with the file")] Option<File>);

impl Cache {
    /// The cache in this file.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file. It never fails: what can't be used is as good as absent.
    pub(crate) fn read(&self) -> Reading {
        match self.try_read() {
            Ok((entry, time)) => Reading::Confirmed(entry, time),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Reading::Absent,
            Err(error) => Reading::Unusable(error.to_string()),
        }
    }

    /// Reads the file and sees that it is a registration.
    fn try_read(&self) -> io::Result<(Entry, SystemTime)> {
        let mut file = host::open_regular(&self.path, OpenOptions::new().read(true))?;
        let metadata = file.metadata()?;
        if metadata.len() > LARGEST {
            return Err(invalid("too large"));
        }
        // With room for one byte more than there are, one read takes all and the next one finds the end.
        let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        Read::by_ref(&mut file)
            .take(LARGEST)
            .read_to_end(&mut text)?;
        Ok((Entry::parse(&text)?, metadata.modified()?))
    }

    /// Waits for the right to update. Where no lock can be made there is none to wait for.
    ///
    /// # Errors
    /// Another run still has it at the deadline.
    pub(crate) fn take_turn(&self, deadline: Instant) -> io::Result<Turn> {
        let lock = host::open_regular(
            &self.beside(".lock"),
            OpenOptions::new().write(true).create(true),
        )
        .or_else(|error| {
            // A file that was made for a user in a folder where they can't make others serves as its own lock.
            if host::LOCKS_LET_WRITE {
                host::open_regular(&self.path, OpenOptions::new().write(true))
            } else {
                Err(error)
            }
        });
        let Ok(lock) = lock else {
            return Ok(Turn(None));
        };
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Turn(Some(lock))),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(_)) => return Ok(Turn(None)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "another run has not ended in time",
                    ));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(RETRY),
            }
        }
    }

    /// Removes the entry so that not even a power cut brings it back.
    ///
    /// # Errors
    /// It is still there, or may come back. To send an update then could leave a cache that disagrees with the zone.
    pub(crate) fn forget(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.path) {
            // A folder or a device is no entry, and not ours to remove.
            Ok(found) if !found.is_file() && !found.is_symlink() => return Ok(()),
            _ => {}
        }
        match fs::remove_file(&self.path) {
            // Also where nothing is left to remove: a run that was killed may not have come to this.
            Ok(()) => sync(host::sync_folder(self.folder())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match sync(host::sync_folder(self.folder())) {
                    // No folder, no entry.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    other => other,
                }
            }
            // The folder may be closed to us, and the file open.
            Err(error) => match self.open_in_place().and_then(|file| sync(file.sync_all())) {
                Ok(()) => Ok(()),
                Err(_) if self.can_never_be_read() => Ok(()),
                Err(_) => Err(error),
            },
        }
    }

    /// Whether no run of this user will take what is in the file's place for an entry.
    fn can_never_be_read(&self) -> bool {
        match self.try_read() {
            Ok(_) => false,
            Err(error) => {
                matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::InvalidData
                        | io::ErrorKind::UnexpectedEof
                ) || self.path.is_symlink()
            }
        }
    }

    /// Writes a confirmed registration: into a new file that then takes the old one's place, so that at no instant half
    /// an entry is there.
    ///
    /// # Errors
    /// It could not be written, and there is no entry.
    pub(crate) fn save(&self, registration: &Registration) -> io::Result<()> {
        if fs::symlink_metadata(&self.path)
            .is_ok_and(|found| !found.is_file() && !found.is_symlink())
        {
            return Err(invalid("not a regular file, left alone"));
        }
        let text = text(registration);
        let new = self.beside(".new");
        // Only a run that was killed leaves one, and only the holder of the lock comes here.
        let created = match File::create_new(&new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&new).and_then(|()| File::create_new(&new))
            }
            other => other,
        };
        match created {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes());
                drop(file);
                let placed = written.and_then(|()| fs::rename(&new, &self.path));
                if placed.is_err() {
                    // The error to tell of is the first one.
                    let _ = fs::remove_file(&new);
                }
                placed
            }
            // The folder may be closed to us, and the file open. Half an entry is none, since its last brace is missing.
            Err(error) => match self.open_in_place() {
                Ok(mut file) => file.write_all(text.as_bytes()),
                Err(_) => Err(error),
            },
        }
    }

    /// Opens the file that is there to write into it, emptied.
    fn open_in_place(&self) -> io::Result<File> {
        let file = host::open_regular(&self.path, OpenOptions::new().write(true))?;
        file.set_len(0)?;
        Ok(file)
    }

    /// The cache's path with a suffix.
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(suffix);
        path.into()
    }

    /// The folder that the cache lies in.
    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

/// Passes over that a folder may not be opened to sync it: then the system's own time to do so has to do.
fn sync(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// An error about a file's content.
fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Entry {
    /// Reads a file's text.
    ///
    /// # Errors
    /// It is no JSON, or says nothing of a registration.
    pub(crate) fn parse(text: &[u8]) -> io::Result<Self> {
        let mut keys: Map<String, Value> = serde_json::from_slice(text)?;
        match (keys.remove("hostname"), keys.remove("addresses")) {
            (Some(Value::String(hostname)), Some(Value::Object(mut families))) => {
                let addresses = Addresses {
                    ipv4: family(families.remove("ipv4"))?,
                    ipv6: family(families.remove("ipv6"))?,
                };
                Ok(Self {
                    hostname,
                    addresses,
                    settings: keys,
                })
            }
            _ => Err(invalid("no registration")),
        }
    }

    /// Whether this is what is wanted now. A setting that is not there counts as unchanged.
    pub(crate) fn confirms(&self, wanted: &Registration) -> bool {
        self.hostname.eq_ignore_ascii_case(&wanted.name.to_ascii())
            && self.addresses == wanted.addresses
            && settings(wanted)
                .iter()
                .all(|(setting, now)| self.settings.get(*setting).is_none_or(|then| then == now))
    }
}

/// The addresses of a family, if it is registered.
fn family<A: FromStr + Ord>(list: Option<Value>) -> io::Result<Option<BTreeSet<A>>> {
    let Some(list) = list else {
        return Ok(None);
    };
    let parse = |address: &Value| address.as_str()?.parse().ok();
    list.as_array()
        .and_then(|list| list.iter().map(parse).collect())
        .map(Some)
        .ok_or_else(|| invalid("no list of addresses"))
}

/// What a file says of a registration.
fn text(registration: &Registration) -> String {
    let Addresses { ipv4, ipv6 } = &registration.addresses;
    let mut addresses = Map::new();
    if let Some(ipv4) = ipv4 {
        addresses.insert(
            "ipv4".into(),
            ipv4.iter().map(ToString::to_string).collect(),
        );
    }
    if let Some(ipv6) = ipv6 {
        addresses.insert(
            "ipv6".into(),
            ipv6.iter().map(ToString::to_string).collect(),
        );
    }
    let mut keys = Map::new();
    keys.insert("hostname".into(), registration.name.to_ascii().into());
    keys.insert("addresses".into(), addresses.into());
    keys.extend(settings(registration).map(|(setting, now)| (setting.to_owned(), now)));
    Value::Object(keys).to_string()
}

/// The settings by key, null where the configuration leaves them out.
fn settings(registration: &Registration) -> [(&'static str, Value); 4] {
    [
        ("ttl", registration.ttl.into()),
        (
            "zone",
            registration.zone.as_ref().map(ToString::to_string).into(),
        ),
        ("server", registration.server.clone().into()),
        ("replace", registration.replace.as_str().into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::Replace;

    /// A registration with both families.
    fn registration() -> Registration {
        Registration {
            name: crate::name::host_name("Host.example.com").unwrap(),
            addresses: Addresses {
                ipv4: Some(
                    ["192.0.2.10", "192.0.2.9"]
                        .map(|a| a.parse().unwrap())
                        .into(),
                ),
                ipv6: Some(["2001:db8::1"].map(|a| a.parse().unwrap()).into()),
            },
            ttl: 3600,
            zone: None,
            server: Some("192.0.2.1".into()),
            replace: Replace::All,
        }
    }

    /// Whether this text confirms the registration.
    fn text_confirms(text: &str) -> bool {
        Entry::parse(text.as_bytes()).is_ok_and(|entry| entry.confirms(&registration()))
    }

    #[test]
    fn the_python_programs_entry_confirms_in_any_order_and_spelling() {
        assert!(text_confirms(
            r#"{"hostname": "host.example.com.", "addresses": {"ipv6": ["2001:0db8::0:1"], "ipv4": ["192.0.2.10", "192.0.2.9"]}}"#
        ));
        for other in [
            r#"{"hostname": "host.example.com", "addresses": {"ipv6": ["2001:db8::1"], "ipv4": ["192.0.2.9", "192.0.2.10"]}}"#,
            r#"{"hostname": "host.example.com.", "addresses": {"ipv4": ["192.0.2.9", "192.0.2.10"]}}"#,
            r#"{"hostname": "host.example.com.", "addresses": {"ipv6": [], "ipv4": ["192.0.2.9", "192.0.2.10"]}}"#,
            r#"{"hostname": "host.example.com.", "addresses": {"ipv6": ["2001:db8::1"], "ipv4": ["192.0.2.9"]}}"#,
            r#"{"hostname": "host.example.com.", "addresses": {"ipv6": ["2001:db8::1"], "ipv4": [9]}}"#,
            r#"{"hostname": 1, "addresses": {}}"#,
            "{}",
            "[]",
            "null",
        ] {
            assert!(!text_confirms(other), "{other}");
        }
    }

    #[test]
    fn our_own_entry_confirms_until_a_setting_changes() {
        let entry = Entry::parse(text(&registration()).as_bytes()).unwrap();
        assert!(entry.confirms(&registration()));
        let zone = crate::name::domain_name("example.com").ok();
        for changed in [
            Registration {
                ttl: 60,
                ..registration()
            },
            Registration {
                zone,
                ..registration()
            },
            Registration {
                server: None,
                ..registration()
            },
            Registration {
                replace: Replace::Addresses,
                ..registration()
            },
            Registration {
                addresses: Addresses {
                    ipv6: None,
                    ..registration().addresses
                },
                ..registration()
            },
        ] {
            assert!(!entry.confirms(&changed));
        }
    }

    #[test]
    fn writes_sorted_addresses_as_the_python_program_compares_them() {
        assert_eq!(
            text(&registration()),
            r#"{"addresses":{"ipv4":["192.0.2.9","192.0.2.10"],"ipv6":["2001:db8::1"]},"hostname":"Host.example.com.","replace":"all","server":"192.0.2.1","ttl":3600,"zone":null}"#
        );
    }
}
