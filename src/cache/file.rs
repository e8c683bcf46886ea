//! The durable file: what is read of it, forgetting the entry, and putting a new one in its place.
//!
//! Two things are flushed to the disk, both on runs that send: the folder after the entry was removed, since a power cut
//! must not bring it back; and a new entry before it takes the cache's name, since a name without its content would be
//! something that is no cache. That the new name itself may be lost in a power cut is harmless: then there is none.

use super::entry::Entry;
use crate::host::{self, Folder, Found, Kind};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// More bytes than any registration takes that fits into a DNS message; 256 KiB.
const MAX_LENGTH: u64 = 256 << 10;

/// The names in the cache's folder.
#[derive(Debug)]
pub(super) struct Names {
    /// The cache.
    pub(super) cache: OsString,
    /// The lock file.
    pub(super) lock: OsString,
    /// The new entry's file.
    pub(super) draft: OsString,
}

impl Names {
    /// Those of the cache at this path.
    pub(super) fn of(path: &Path) -> Self {
        let cache = path.file_name().unwrap_or_default();
        let with = |suffix: &str| {
            let mut name = cache.to_owned();
            name.push(suffix);
            name
        };
        Self {
            lock: with(".lock"),
            draft: with(".new"),
            cache: cache.to_owned(),
        }
    }
}

/// Reads a cache, if it may be believed.
///
/// # Errors
/// There is none, or no entry can be read from it.
pub(super) fn read(path: &Path) -> io::Result<Entry> {
    let (file, len, modified) = host::open_trusted(path)?;
    if len > MAX_LENGTH {
        return Err(invalid("too large"));
    }
    let length = usize::try_from(len).unwrap_or_default();
    // What is replaced whole does not grow, so its end need not be asked for.
    let mut text = vec![0; length];
    (&file).read_exact(&mut text)?;
    Entry::parse(&text, modified)
}

/// Removes the entry so that not even a power cut brings it back.
///
/// # Errors
/// It is still there, or may come back, or what is there is no cache.
pub(super) fn forget(folder: &Folder, name: &OsStr) -> io::Result<()> {
    match folder.look(name) {
        // Also where nothing is left to remove: a run that was killed may not have come to this.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return folder.sync(),
        Err(error) => return Err(error),
        // A folder or a device is no entry, and not ours to remove.
        Ok(found) if found.kind == Kind::Other => return Ok(()),
        Ok(found) => check_replaceable(folder, name, &found)?,
    }
    match folder.remove_for_good(name) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder.sync(),
        // The folder may be closed to us, and the file open.
        Err(error) => match empty(folder, name) {
            Ok(()) => Ok(()),
            Err(_) if is_never_believed(folder, name) => Ok(()),
            Err(_) => Err(error),
        },
    }
}

/// Empties the file that is there, durably.
fn empty(folder: &Folder, name: &OsStr) -> io::Result<()> {
    let file = folder.open_to_write(name)?;
    match folder.distrust(&folder.examine(&file)?) {
        Some(flaw) => Err(io::Error::new(io::ErrorKind::InvalidInput, flaw)),
        None => file.set_len(0).and_then(|()| file.sync_all()),
    }
}

/// Whether no run that shares this cache takes what is in its place for an entry: it is a stranger's, or says nothing.
/// What only we can't read, another user's run may.
fn is_never_believed(folder: &Folder, name: &OsStr) -> bool {
    let Ok(found) = folder.look(name) else {
        return false;
    };
    if found.len == 0 || folder.distrust(&found).is_some() {
        return true;
    }
    folder.open_to_read(name).is_ok_and(|file| {
        let mut text = Vec::new();
        file.take(MAX_LENGTH + 1)
            .read_to_end(&mut text)
            .is_ok_and(|_| Entry::parse(&text, std::time::UNIX_EPOCH).is_err())
    })
}

/// Sees that what was found in the cache's place can be one, if it is a file: it is empty or begins with a brace.
///
/// # Errors
/// It is somebody's file that was named by mistake.
pub(super) fn check_replaceable(folder: &Folder, name: &OsStr, found: &Found) -> io::Result<()> {
    if found.kind != Kind::File || found.len == 0 {
        return Ok(());
    }
    match folder.open_to_read(name).and_then(|file| first_byte(&file)) {
        Ok(None | Some(b'{')) => Ok(()),
        Ok(Some(_)) => Err(invalid(
            "the file does not begin with `{`, so it is no cache and is left alone; name another file",
        )),
        // What can't be read counts as no cache at all.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file's first byte; none if it is empty.
pub(super) fn first_byte(mut file: &File) -> io::Result<Option<u8>> {
    let mut byte = [0];
    file.rewind()?;
    Ok((file.read(&mut byte)? == 1).then_some(byte[0]))
}

/// Writes a text into the draft and to the disk, and sees that it may take the cache's place.
///
/// # Errors
/// It can't be written, or something lies there that is not to be replaced.
pub(super) fn fill(folder: &Folder, names: &Names, draft: &File, text: &str) -> io::Result<()> {
    write_in_place(draft, text)?;
    match folder.look(&names.cache) {
        Ok(found) if found.kind == Kind::Other => Err(invalid("not a regular file, left alone")),
        Ok(found) => check_replaceable(folder, &names.cache, &found),
        Err(_) => Ok(()),
    }
}

/// Writes a text over what a file has, and to the disk. Half an entry is none, since its last brace is missing.
///
/// # Errors
/// It can't be written; then the file is empty.
pub(super) fn write_in_place(mut file: &File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data());
    if written.is_err() {
        // The error to tell of is the first one.
        let _ = file.set_len(0);
    }
    written
}

/// An error about a file's content.
fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
