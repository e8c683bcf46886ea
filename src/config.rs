//! The configuration file: JSON to a validated [`Config`], or an error that names file, place, fault and remedy.
//!
//! Everything is checked before anything is done: a configuration that loads has no surprises left but the network's.
//! Values of the `tsig` object are never repeated in an error. What a key means in detail is in the room of that key:
//! `rules` for addresses, `servers`, `tsig` and `keyfile`, `tls`, `gss`; `text` and `json` read, `section` takes apart.

mod gss;
mod json;
mod keyfile;
mod logging;
mod path;
mod rules;
mod section;
mod servers;
mod text;
mod tls;
mod tsig;

pub(crate) use gss::Gss;
pub use keyfile::KeyFile;
pub use section::Fault;
pub(crate) use text::read;

use crate::addresses::Rules;
use crate::dns::server::Server;
use crate::dns::tsig::Key;
use crate::escape;
use crate::host;
use crate::name;
use crate::registration::Replace;
use hickory_proto::rr::Name;
use section::{At, Section, fault, kind, quoted, seconds, section, string};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No configuration needs more bytes than this; 16 MiB.
const MAX_FILE: u64 = 16 << 20;

/// How long the network work of one run may take where nobody says.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The keys of the configuration's object.
const KEYS: [&str; 15] = [
    "cache",
    "ipv4",
    "ipv6",
    "ttl",
    "tsig",
    "logging",
    "hostname",
    "zone",
    "server",
    "replace",
    "addresses",
    "refresh",
    "timeout",
    "tls",
    "gss",
];

/// A validated configuration.
pub struct Config {
    /// The file it was read from.
    pub(crate) file: PathBuf,
    /// Where the last confirmed registration is remembered.
    pub(crate) cache: CacheFile,
    /// Which addresses to register.
    pub(crate) rules: Rules,
    /// The records' time to live in seconds: 0 to 2147483647.
    pub(crate) ttl: u32,
    /// The key that signs updates; none if `gss` is there.
    pub(crate) key: Option<Key>,
    /// The file that the key's secret is in: this one or the key file.
    pub(crate) secret_file: Option<PathBuf>,
    /// The logging section.
    pub(crate) logging: Option<dictconfig::Configuration>,
    /// The name to register in place of the computer's own.
    pub(crate) hostname: Option<Name>,
    /// The apex in place of looking it up.
    pub(crate) zone: Option<Name>,
    /// Where to send in place of the SOA's primary, tried in this order; empty for the primary.
    pub(crate) servers: Vec<Server>,
    /// Which records of the name give way.
    pub(crate) replace: Replace,
    /// After how long to send again though nothing changed.
    pub(crate) refresh: Option<Duration>,
    /// How long the network work of one run may take.
    pub(crate) timeout: Duration,
    /// Send over TLS, and how.
    pub(crate) tls: Option<crate::dns::tls::Settings>,
    /// Sign by Kerberos, and as whom.
    pub(crate) gss: Option<Gss>,
}

/// The `cache` key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheFile {
    /// None: every run sends.
    Off,
    /// The platform's.
    Default,
    /// This one.
    At(PathBuf),
}

/// What is wrong with a configuration file, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub(crate) struct Error {
    /// The file.
    file: PathBuf,
    /// The place in it and what is wrong there.
    fault: Fault,
}

impl Config {
    /// Reads and checks the configuration file `given`, or else the first that is where the system keeps them, and the
    /// key file if it names one.
    ///
    /// # Errors
    /// The first fault that was found.
    pub(crate) fn load(given: Option<&Path>) -> Result<Self, Error> {
        let mut places = given.map_or_else(host::default_configs, |file| vec![file.to_owned()]);
        let last = places.pop().unwrap_or_default();
        let file = places.iter().find(|file| file.exists()).unwrap_or(&last);
        text::read(file, MAX_FILE)
            .map_err(|error| fault("", explain(&error, given.is_some(), &places)))
            .and_then(|text| Self::from_json(&text, file))
            .map_err(|fault| Error {
                file: file.clone(),
                fault,
            })
    }

    /// Checks the text of a configuration: UTF-8 with or without a byte order mark, one JSON object. `file` is where it
    /// lies: relative paths start at its folder. Of what the text names, only a key file is opened.
    ///
    /// # Errors
    /// The first fault that was found: its place and what would be right.
    pub fn from_json(text: &[u8], file: &Path) -> Result<Self, Fault> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut top = Section::new(String::new(), json::object(text)?, &KEYS)?;
        let rules = rules::rules(&mut top)?;
        let gss = top
            .optional("gss")
            .map(|value| gss::gss(value, folder))
            .transpose()?
            .flatten();
        let (key, secret_file) = match top.optional("tsig") {
            Some(_) if gss.is_some() => {
                return Err(fault(
                    "gss",
                    "signs updates in place of `tsig`; give only one of them",
                ));
            }
            Some(tsig) => tsig::key(section(tsig, &tsig::KEYS)?, file, folder)
                .map(|(key, file)| (Some(key), Some(file)))?,
            None => (None, None),
        };
        let hostname = top
            .optional("hostname")
            .map(|value| name(value, name::configured_host_name, "host.example.com"))
            .transpose()?;
        let zone = top
            .optional("zone")
            .map(|value| name(value, name::domain_name, "example.com"))
            .transpose()?;
        if let (Some(hostname), Some(zone)) = (&hostname, &zone)
            && !zone.zone_of(hostname)
        {
            return Err(fault(
                "zone",
                format!(
                    "{} is no parent of the hostname {}",
                    escape::domain(zone),
                    escape::domain(hostname)
                ),
            ));
        }
        let config = Self {
            file: file.to_owned(),
            cache: top
                .optional("cache")
                .map_or(Ok(CacheFile::Off), |value| cache_file(value, folder))?,
            rules,
            ttl: top
                .required("ttl", "a number of seconds")
                .and_then(section::ttl)?,
            key,
            secret_file,
            logging: top.optional("logging").map(logging::logging).transpose()?,
            hostname,
            zone,
            servers: top
                .optional("server")
                .map_or(Ok(Vec::new()), servers::servers)?,
            replace: top.optional("replace").map_or(Ok(Replace::All), replace)?,
            refresh: top.optional("refresh").map(seconds).transpose()?,
            timeout: top
                .optional("timeout")
                .map_or(Ok(DEFAULT_TIMEOUT), seconds)?,
            tls: top
                .optional("tls")
                .map(|value| tls::tls(value, folder))
                .transpose()?
                .flatten(),
            gss,
        };
        match &config.cache {
            CacheFile::At(cache) => config.clash(|file| file == cache).map_or(Ok(config), Err),
            CacheFile::Off | CacheFile::Default => Ok(config),
        }
    }

    /// Whether the file `cache` may be written as the cache: it must be none that the configuration needs, by whatever
    /// path or link. Only a run that is about to write it has to ask.
    ///
    /// # Errors
    /// Which one it is.
    pub(crate) fn check_cache(&self, cache: &Path) -> Result<(), Error> {
        let clash = self.clash(|file| host::is_same_file(file, cache));
        clash.map_or(Ok(()), |fault| {
            Err(Error {
                file: self.file.clone(),
                fault,
            })
        })
    }

    /// The error that a file which a key names is wrong: what is found only by a run that needs it.
    pub(crate) fn error(&self, key: &str, what: String) -> Error {
        Error {
            file: self.file.clone(),
            fault: fault(key, what),
        }
    }

    /// That one of the files which the configuration needs is the cache.
    fn clash(&self, is_cache: impl Fn(&Path) -> bool) -> Option<Fault> {
        let tls = self.tls.as_ref();
        let client = tls.and_then(|tls| tls.client.as_ref());
        let needed = [
            ("the configuration itself", Some(&self.file)),
            ("the key file", self.secret_file.as_ref()),
            ("the file of `tls.ca`", tls.and_then(|tls| tls.ca.as_ref())),
            (
                "the file of `tls.certificate`",
                client.map(|client| &client.certificate),
            ),
            ("the file of `tls.key`", client.map(|client| &client.key)),
            ("the keytab", self.gss.as_ref().map(|gss| &gss.keytab)),
        ];
        let (what, _) = needed
            .into_iter()
            .find(|(_, file)| file.is_some_and(|file| is_cache(file)))?;
        Some(fault(
            "cache",
            format!("is {what}, which an update would overwrite; name another file"),
        ))
    }

    /// The files that have a secret in them, which nobody else should read or change.
    pub(crate) fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let client = self.tls.as_ref().and_then(|tls| tls.client.as_ref());
        [
            self.secret_file.as_deref(),
            client.map(|client| client.key.as_path()),
            self.gss.as_ref().map(|gss| gss.keytab.as_path()),
        ]
        .into_iter()
        .flatten()
    }

    /// The cache file that is asked for, if one is.
    ///
    /// # Errors
    /// The platform has no default for this user.
    pub(crate) fn cache_file(&self) -> io::Result<Option<PathBuf>> {
        match &self.cache {
            CacheFile::Off => Ok(None),
            CacheFile::Default => host::default_cache().map(Some),
            CacheFile::At(path) => Ok(Some(path.clone())),
        }
    }
}

/// Why a configuration file cannot be read, and for one that is missing, how to name another.
#[cold]
fn explain(error: &io::Error, is_given: bool, others: &[PathBuf]) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return escape::system(error);
    }
    if is_given {
        return "there is no such file".into();
    }
    let mut places = vec!["there is no such file".to_owned()];
    places.extend(others.iter().map(|file| file.display().to_string()));
    places.join(", nor ") + "; name the configuration with --config"
}

/// The `cache` key.
fn cache_file((at, value): At, folder: &Path) -> Result<CacheFile, Fault> {
    match value {
        Value::Bool(true) => Ok(CacheFile::Default),
        Value::Bool(false) => Ok(CacheFile::Off),
        Value::String(_) => path::path((at, value), folder).map(CacheFile::At),
        other => Err(fault(
            at,
            format!("must be a file's name, true or false, not {}", kind(&other)),
        )),
    }
}

/// A name that `parse` accepts.
fn name(
    value: At,
    parse: fn(&str) -> Result<Name, &'static str>,
    example: &str,
) -> Result<Name, Fault> {
    let (path, text) = string(value)?;
    parse(&text).map_err(|wrong| {
        let what = format!("{} {wrong}", quoted(&text));
        fault(
            path,
            // Some faults have their remedy with them.
            if wrong.contains(';') {
                what
            } else {
                format!("{what}; write it like \"{example}\"")
            },
        )
    })
}

/// The `replace` key.
fn replace(value: At) -> Result<Replace, Fault> {
    let (path, text) = string(value)?;
    [Replace::All, Replace::Addresses]
        .into_iter()
        .find(|replace| replace.as_str() == text)
        .ok_or_else(|| {
            fault(
                path,
                format!("must be \"all\" or \"addresses\", not {}", quoted(&text)),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least that a configuration needs.
    const LEAST: &str = r#""ipv4": true, "ipv6": {"enable": false, "teredo": false}, "ttl": 3600"#;

    /// Loads LEAST with `more` behind.
    fn with(more: &str) -> Result<Config, String> {
        Config::from_json(
            format!("{{{LEAST}{more}}}").as_bytes(),
            Path::new("/etc/pydyndns.conf"),
        )
        .map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_least_configuration_has_the_defaults() {
        let config = with("").unwrap();
        assert_eq!(
            (config.cache, config.ttl, config.replace),
            (CacheFile::Off, 3600, Replace::All)
        );
        assert_eq!(config.timeout, Duration::from_secs(30));
        assert!(config.key.is_none() && config.refresh.is_none() && config.logging.is_none());
    }

    #[test]
    fn comments_are_passed_over_everywhere() {
        assert!(with(r#", "_comment": 1, "addresses": {"_a": 2}, "tsig": {"_b": 3, "algorithm": "hmac-sha256", "key": "aGk=", "keyname": "k"}"#).is_ok());
    }

    #[test]
    fn a_time_to_live_loses_its_fraction() {
        let ttl = |text: &str| {
            Config::from_json(
                format!(
                    r#"{{"ipv4": true, "ipv6": {{"enable": true, "teredo": true}}, "ttl": {text}}}"#
                )
                .as_bytes(),
                Path::new(""),
            )
            .map(|c| c.ttl)
        };
        assert_eq!(ttl("59.9").unwrap(), 59);
        assert_eq!(ttl("-0.9").unwrap(), 0);
        assert_eq!(ttl("2147483647.5").unwrap(), 2_147_483_647);
        assert!(
            ttl("2147483648").is_err()
                && ttl("-1").is_err()
                && ttl("true").is_err()
                && ttl("1e300").is_err()
        );
    }

    #[test]
    fn each_fault_names_its_place_and_remedy() {
        for (more, error) in [
            (r#", "tsgi": {}"#, "tsgi: no such key; did you mean `tsig`?"),
            (
                r#", "nonsense": {}"#,
                "nonsense: no such key; there are cache, ipv4, ipv6, ttl, tsig, logging, hostname, zone, server, replace, addresses, refresh, timeout, tls, gss",
            ),
            (
                r#", "ttl": 1"#,
                "line 1 column 77: the key `ttl` is given twice",
            ),
            (r#", "cache": """#, "cache: is empty; name a file"),
            (
                r#", "cache": 1"#,
                "cache: must be a file's name, true or false, not a number",
            ),
            (
                r#", "tsig": "c2VjcmV0""#,
                "tsig: must be an object with the keys algorithm, key, keyname, keyfile, not a string",
            ),
            (
                r#", "tsig": {"algorithm": "HMAC-SHA256", "key": "c2VjcmV0", "keyname": "k"}"#,
                "tsig.algorithm: no such algorithm; there are hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512",
            ),
            (
                r#", "tsig": {"algorithm": "c2VjcmV0", "key": "c2VjcmV0", "keyname": "k"}"#,
                "tsig.algorithm: no such algorithm; there are hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512",
            ),
            (
                r#", "tsig": {"algorithm": "hmac-sha256", "key": "c2VjcmV0!", "keyname": "k"}"#,
                "tsig.key: the secret is not base64; give it in base64, as tsig-keygen prints it",
            ),
            (
                r#", "tsig": {"algorithm": "hmac-sha256", "key": "c2VjcmV0", "keyname": "c2Vj cmV0"}"#,
                "tsig.keyname: the key's name has characters other than letters, digits, hyphens and underscores",
            ),
            (
                r#", "tsig": {"algorithm": "hmac-sha256", "key_name": "k"}"#,
                "tsig.key_name: no such key; did you mean `keyname`?",
            ),
            (
                r#", "tsig": {"keyfile": "/nonexistent/k", "key": "c2VjcmV0"}"#,
                "tsig.key: is in the key file already; give either `keyfile` or the other three",
            ),
            (
                r#", "hostname": "host""#,
                "hostname: \"host\" has no domain; write it like \"host.example.com\"",
            ),
            (
                r#", "zone": ".""#,
                "zone: \".\" has an empty label; write it like \"example.com\"",
            ),
            (
                r#", "hostname": "a.example.com", "zone": "example.net""#,
                "zone: example.net is no parent of the hostname a.example.com",
            ),
            (
                r#", "replace": "some""#,
                "replace: must be \"all\" or \"addresses\", not \"some\"",
            ),
            (
                r#", "timeout": 0"#,
                "timeout: must be a number of seconds from 0.001 to 2147483647",
            ),
            (
                r#", "addresses": {"include": ["10.0.0.1/8"]}"#,
                "addresses.include[0]: \"10.0.0.1/8\" has bits set behind the prefix; did you mean \"10.0.0.0/8\"?",
            ),
            (
                r#", "addresses": {"exclude": ["x"]}"#,
                "addresses.exclude[0]: \"x\" is no network; write it like \"192.0.2.0/24\"",
            ),
            (
                r#", "addresses": {"exclude": ["010.0.0.0/8"]}"#,
                "addresses.exclude[0]: \"010.0.0.0/8\" is no network; write it like \"192.0.2.0/24\"",
            ),
            (
                r#", "logging": []"#,
                "logging: must be an object, not a list",
            ),
        ] {
            assert_eq!(with(more).err().as_deref(), Some(error));
        }
        let top = |text: &str| {
            Config::from_json(text.as_bytes(), Path::new(""))
                .err()
                .unwrap()
                .to_string()
        };
        assert_eq!(top("[]"), "must be a JSON object: { ... }");
        assert_eq!(
            top("{}"),
            "ipv4: is missing and required; give true or false"
        );
        assert_eq!(
            top(r#"{"ipv4": false, "ipv6": {"enable": false, "teredo": true}, "ttl": 1}"#),
            "ipv4: neither ipv4 nor ipv6.enable is true, so there is nothing to register"
        );
        assert!(top("{\n \"ipv4\": trx\n}").starts_with("line 2 column"));
        assert!(top(&"[".repeat(100_000)).contains("nested too deeply"));
    }

    #[test]
    fn reads_a_byte_order_mark() {
        assert!(
            Config::from_json(format!("\u{feff}{{{LEAST}}}").as_bytes(), Path::new("")).is_ok()
        );
    }
}
