//! The embedded primary on loopback, with a configuration that registers there: works on any machine.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Folder;
use super::primary::Primary;
use super::primary::tsig::{Algorithm, Key};
use super::program::{Program, config, merged, tsig};

/// A primary for example.com, and a folder for the program's files.
pub(crate) struct Local {
    /// The folder.
    folder: Folder,
    /// The primary.
    pub(crate) primary: Primary,
    /// The key that may update the zone.
    pub(crate) key: Key,
}

impl Local {
    /// An empty zone.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A zone with these records: `host 60 A 192.0.2.1`.
    pub(crate) fn with(records: &[&str]) -> Self {
        Self::with_algorithm(Algorithm::Sha256, records)
    }

    /// The same, with a key of this algorithm.
    pub(crate) fn with_algorithm(algorithm: Algorithm, records: &[&str]) -> Self {
        let key = super::key(algorithm);
        let primary = Primary::start("example.com.", std::slice::from_ref(&key), records, &[])
            .expect("a primary on loopback can be started");
        Self {
            folder: Folder::new(),
            primary,
            key,
        }
    }

    /// The folder for the program's files.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The cache's path in configurations from here.
    pub(crate) fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// A configuration that registers 127.0.0.1 for host.example.com at the primary, with further keys.
    pub(crate) fn config(&self, keys: Value) -> Value {
        let own = json!({
            "cache": self.cache(),
            "hostname": "host.example.com",
            "zone": "example.com",
            "server": self.primary.address().to_string(),
            "tsig": tsig(&self.key),
            // What else this machine has for addresses is no matter here.
            "addresses": {"include": ["127.0.0.1/32"], "exclude": ["0.0.0.0/0", "::/0"]},
        });
        // In two steps, so that a key that is to go is gone from both.
        merged(config(own), keys)
    }

    /// The program with that configuration.
    pub(crate) fn program(&self, keys: Value) -> Program {
        Program::new(self.path()).config(&self.config(keys))
    }

    /// What is in the folder, sorted, with the contents.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.path())
            .expect("the folder can be listed")
            .map(|entry| entry.expect("the folder can be listed"))
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, std::fs::read(entry.path()).unwrap_or_default())
            })
            .collect();
        files.sort();
        files
    }
}
