//! The configuration file: JSON to a validated [`Config`], or an error that names file, place, fault and remedy.
//!
//! Everything is checked before anything is done: a configuration that loads has no surprises left but the network's.
//! Values of the `tsig` object are never repeated in an error.

mod section;

use crate::addresses::Rules;
use crate::dns::tsig::{Algorithm, Key};
use crate::dns::zone::Server;
use crate::host;
use crate::logging;
use crate::name;
use crate::registration::Replace;
use crate::secret::{KeyFile, Secret};
use hickory_proto::rr::Name;
use ipnet::IpNet;
use section::{At, Fault, Section, boolean, fault, kind, object, quoted, section, string};
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// No configuration needs more bytes than this; 16 MiB.
const LARGEST: u64 = 16 << 20;

/// How long the network work of one run may take unless the configuration says.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// No key file needs more bytes than this; 64 KiB.
const LARGEST_KEY_FILE: u64 = 64 << 10;

/// The keys of the configuration's object.
const KEYS: [&str; 13] = [
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
];

/// A validated configuration.
pub(crate) struct Config {
    /// Where the last confirmed registration is remembered.
    pub(crate) cache: CacheFile,
    /// Which addresses to register.
    pub(crate) rules: Rules,
    /// The records' time to live in seconds.
    pub(crate) ttl: u32,
    /// The key that signs updates.
    pub(crate) key: Option<Key>,
    /// The file that the key's secret is in.
    pub(crate) secret_file: Option<PathBuf>,
    /// The logging section.
    pub(crate) logging: Option<logging::Configuration>,
    /// The name to register in place of the computer's own.
    pub(crate) hostname: Option<Name>,
    /// The apex in place of looking it up.
    pub(crate) zone: Option<Name>,
    /// Where to send in place of the SOA's primary.
    pub(crate) server: Option<Server>,
    /// Which records of the name give way.
    pub(crate) replace: Replace,
    /// After how long to send again though nothing changed.
    pub(crate) refresh: Option<Duration>,
    /// How long the network work of one run may take.
    pub(crate) timeout: Duration,
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
    /// Reads and checks a configuration file, and the key file if it names one.
    ///
    /// # Errors
    /// The first fault that was found.
    pub(crate) fn load(file: &Path) -> Result<Self, Error> {
        read(file, LARGEST)
            .map_err(|error| fault("", error.to_string()))
            .and_then(|text| Self::from_json(&text, file))
            .map_err(|fault| Error {
                file: file.to_owned(),
                fault,
            })
    }

    /// Checks the text of the configuration file `file`.
    ///
    /// # Errors
    /// The first fault that was found.
    pub(crate) fn from_json(text: &[u8], file: &Path) -> Result<Self, Fault> {
        let mut top = Section::new(String::new(), object(text)?, &KEYS)?;
        let rules = rules(&mut top)?;
        let (key, secret_file) = match top.optional("tsig") {
            Some(tsig) => key(
                section(tsig, &["algorithm", "key", "keyname", "keyfile"])?,
                file,
            )
            .map(|(key, file)| (Some(key), Some(file)))?,
            None => (None, None),
        };
        let hostname = top
            .optional("hostname")
            .map(|value| name(value, name::host_name))
            .transpose()?;
        let zone = top
            .optional("zone")
            .map(|value| name(value, name::domain_name))
            .transpose()?;
        if let (Some(hostname), Some(zone)) = (&hostname, &zone)
            && !zone.zone_of(hostname)
        {
            return Err(fault(
                "zone",
                format!("{zone} is no parent of the hostname {hostname}"),
            ));
        }
        Ok(Self {
            cache: top
                .optional("cache")
                .map_or(Ok(CacheFile::Off), cache_file)?,
            rules,
            ttl: top.required("ttl").and_then(ttl)?,
            key,
            secret_file,
            logging: top.optional("logging").map(logging_section).transpose()?,
            hostname,
            zone,
            server: top.optional("server").map(server).transpose()?,
            replace: top.optional("replace").map_or(Ok(Replace::All), replace)?,
            refresh: top.optional("refresh").map(seconds).transpose()?,
            timeout: top
                .optional("timeout")
                .map_or(Ok(DEFAULT_TIMEOUT), seconds)?,
        })
    }
}

impl Config {
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

/// The bytes of a regular file of at most `largest` bytes, wiped when dropped.
fn read(path: &Path, largest: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(invalid("is not a regular file".into()));
    }
    if metadata.len() > largest {
        return Err(invalid(format!("is larger than {} KiB", largest >> 10)));
    }
    // One byte more than the file has lets the reading end without a larger buffer, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or_default() + 1,
    ));
    File::open(path)?.take(largest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The `ipv4`, `ipv6` and `addresses` keys.
fn rules(top: &mut Section) -> Result<Rules, Fault> {
    let ipv4 = top.required("ipv4").and_then(boolean)?;
    let mut ipv6 = top
        .required("ipv6")
        .and_then(|value| section(value, &["enable", "teredo"]))?;
    let mut rules = Rules {
        ipv4,
        ipv6: ipv6.required("enable").and_then(boolean)?,
        teredo: ipv6.required("teredo").and_then(boolean)?,
        ..Rules::default()
    };
    if !rules.ipv4 && !rules.ipv6 {
        return Err(fault(
            "ipv4",
            "neither ipv4 nor ipv6.enable is true, so there is nothing to register",
        ));
    }
    if let Some(addresses) = top.optional("addresses") {
        let mut addresses = section(addresses, &["include", "exclude"])?;
        rules.include = addresses
            .optional("include")
            .map_or(Ok(Vec::new()), networks)?;
        rules.exclude = addresses
            .optional("exclude")
            .map_or(Ok(Vec::new()), networks)?;
        if let Some(both) = rules
            .include
            .iter()
            .find(|network| rules.exclude.contains(network))
        {
            return Err(fault(
                "addresses.exclude",
                format!("{both} is in `include` as well"),
            ));
        }
    }
    Ok(rules)
}

/// The `cache` key.
fn cache_file((path, value): At) -> Result<CacheFile, Fault> {
    match value {
        Value::Bool(true) => Ok(CacheFile::Default),
        Value::Bool(false) => Ok(CacheFile::Off),
        Value::String(file) if file.is_empty() => {
            Err(fault(path, "is empty; name a file, or give true or false"))
        }
        Value::String(file) if file.contains('\0') => {
            Err(fault(path, "has a NUL in it, which no file's name can"))
        }
        Value::String(file) => Ok(CacheFile::At(file.into())),
        other => Err(fault(
            path,
            format!("must be a file's name, true or false, not {}", kind(&other)),
        )),
    }
}

/// The `ttl` key: RFC 2181, section 8, allows 31 bits. A fraction is cut off, as Python's int does.
fn ttl((path, value): At) -> Result<u32, Fault> {
    let Value::Number(number) = &value else {
        return Err(fault(
            path,
            format!("must be a number of seconds, not {}", kind(&value)),
        ));
    };
    let seconds = number.as_f64().unwrap_or(f64::NAN).trunc();
    if !(0.0..=f64::from(i32::MAX)).contains(&seconds) {
        return Err(fault(path, "must be from 0 to 2147483647 seconds"));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked"
    )]
    Ok(seconds as u32)
}

/// A number of seconds above zero.
fn seconds((path, value): At) -> Result<Duration, Fault> {
    let Value::Number(number) = &value else {
        return Err(fault(
            path,
            format!("must be a number of seconds, not {}", kind(&value)),
        ));
    };
    let seconds = number.as_f64().unwrap_or(f64::NAN);
    if !(0.001..=f64::from(i32::MAX)).contains(&seconds) {
        return Err(fault(
            path,
            "must be a number of seconds from 0.001 to 2147483647",
        ));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A list of networks; a bare address is a network of itself.
fn networks((path, value): At) -> Result<Vec<IpNet>, Fault> {
    let Value::Array(items) = value else {
        return Err(fault(
            path,
            format!("must be a list of networks, not {}", kind(&value)),
        ));
    };
    let parse = |(index, item): (usize, Value)| {
        let (path, text) = string((format!("{path}[{index}]"), item))?;
        let network = text.parse::<IpNet>().or_else(|error| {
            text.parse::<std::net::IpAddr>()
                .map(IpNet::from)
                .map_err(|_| error)
        });
        let network = network.map_err(|_| {
            fault(
                &*path,
                format!(
                    "{} is no network; write it like \"192.0.2.0/24\"",
                    quoted(&text)
                ),
            )
        })?;
        if network.addr() != network.network() {
            return Err(fault(
                path,
                format!(
                    "{} has bits set behind the prefix; did you mean \"{}\"?",
                    quoted(&text),
                    network.trunc()
                ),
            ));
        }
        Ok(network)
    };
    items.into_iter().enumerate().map(parse).collect()
}

/// A name that `parse` accepts.
fn name(value: At, parse: fn(&str) -> Result<Name, &'static str>) -> Result<Name, Fault> {
    let (path, text) = string(value)?;
    parse(&text).map_err(|wrong| fault(path, format!("{} {wrong}", quoted(&text))))
}

/// The `server` key.
fn server(value: At) -> Result<Server, Fault> {
    let (path, text) = string(value)?;
    Server::parse(&text).map_err(|wrong| fault(path, format!("{} {wrong}", quoted(&text))))
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

/// The `logging` section.
fn logging_section((path, value): At) -> Result<logging::Configuration, Fault> {
    if !value.is_object() {
        return Err(fault(
            path,
            format!("must be an object, not {}", kind(&value)),
        ));
    }
    logging::Configuration::from_json(&value).map_err(|error| fault(error.path, error.message))
}

/// The `tsig` section: the key, and the file that its secret is in.
fn key(mut tsig: Section, config_file: &Path) -> Result<(Key, PathBuf), Fault> {
    if let Some(keyfile) = tsig.optional("keyfile") {
        if let Some(other) = ["algorithm", "key", "keyname"]
            .into_iter()
            .find(|key| tsig.has(key))
        {
            return Err(fault(
                format!("tsig.{other}"),
                "is in the key file already; give either `keyfile` or the other three",
            ));
        }
        let (path, text) = string(keyfile)?;
        let file = config_file.parent().unwrap_or(Path::new("")).join(text);
        let key = key_from_file(&file)
            .map_err(|what| fault(path, format!("{}: {what}", file.display())))?;
        return Ok((key, file));
    }
    let (path, text) = tsig.required("algorithm").and_then(string)?;
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.as_str() == text);
    let algorithm = algorithm.ok_or_else(|| fault(path, unknown_algorithm(&text)))?;
    let (path, text) = tsig.required("key").and_then(string)?;
    let text = Zeroizing::new(text);
    let secret =
        Secret::from_base64(&text).map_err(|wrong| fault(path, format!("the secret {wrong}")))?;
    let (path, text) = tsig.required("keyname").and_then(string)?;
    let name =
        name::domain_name(&text).map_err(|wrong| fault(path, format!("the key's name {wrong}")))?;
    Ok((Key::new(&name, algorithm, secret), config_file.to_owned()))
}

/// Reads a key file.
fn key_from_file(file: &Path) -> Result<Key, String> {
    let bytes = read(file, LARGEST_KEY_FILE).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not text in UTF-8")?;
    let read = KeyFile::parse(text)?;
    let plain = read.algorithm.to_ascii_lowercase();
    let plain = plain
        .trim_end_matches('.')
        .trim_end_matches(".sig-alg.reg.int");
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.as_str() == plain);
    let algorithm = algorithm.ok_or_else(|| unknown_algorithm(plain))?;
    let name = name::domain_name(&read.name).map_err(|wrong| format!("the key's name {wrong}"))?;
    Ok(Key::new(&name, algorithm, read.secret))
}

/// That an algorithm is none of those there are, without repeating it: it may be the secret in the wrong place.
fn unknown_algorithm(text: &str) -> String {
    let names = Algorithm::ALL.map(Algorithm::as_str);
    // To measure how near two words are takes memory by the product of their lengths.
    let lower: String = text.to_ascii_lowercase().chars().take(16).collect();
    let near = names
        .iter()
        .find(|name| strsim::damerau_levenshtein(&lower, name) <= 1);
    match near {
        Some(name) => format!("no such algorithm; did you mean `{name}`?"),
        None => format!("no such algorithm; there are {}", names.join(", ")),
    }
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
                "nonsense: no such key; there are cache, ipv4, ipv6, ttl, tsig, logging, hostname, zone, server, replace, addresses, refresh, timeout",
            ),
            (
                r#", "ttl": 1"#,
                "line 1 column 77: the key `ttl` is given twice",
            ),
            (
                r#", "cache": """#,
                "cache: is empty; name a file, or give true or false",
            ),
            (
                r#", "cache": 1"#,
                "cache: must be a file's name, true or false, not a number",
            ),
            (
                r#", "tsig": "c2VjcmV0""#,
                "tsig: must be an object, not a string",
            ),
            (
                r#", "tsig": {"algorithm": "HMAC-SHA256", "key": "c2VjcmV0", "keyname": "k"}"#,
                "tsig.algorithm: no such algorithm; did you mean `hmac-sha256`?",
            ),
            (
                r#", "tsig": {"algorithm": "c2VjcmV0", "key": "c2VjcmV0", "keyname": "k"}"#,
                "tsig.algorithm: no such algorithm; there are hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512",
            ),
            (
                r#", "tsig": {"algorithm": "hmac-sha256", "key": "c2VjcmV0!", "keyname": "k"}"#,
                "tsig.key: the secret is not base64",
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
                "hostname: \"host\" has no domain",
            ),
            (r#", "zone": ".""#, "zone: \".\" has an empty label"),
            (
                r#", "hostname": "a.example.com", "zone": "example.net""#,
                "zone: example.net. is no parent of the hostname a.example.com.",
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
        assert_eq!(top("{}"), "ipv4: is missing and required");
        assert_eq!(
            top(r#"{"ipv4": false, "ipv6": {"enable": false, "teredo": true}, "ttl": 1}"#),
            "ipv4: neither ipv4 nor ipv6.enable is true, so there is nothing to register"
        );
        assert!(top("{\n \"ipv4\": trx\n}").starts_with("line 2 column"));
        assert!(top(&"[".repeat(100_000)).contains("recursion limit exceeded"));
    }

    #[test]
    fn reads_a_byte_order_mark() {
        assert!(
            Config::from_json(format!("\u{feff}{{{LEAST}}}").as_bytes(), Path::new("")).is_ok()
        );
    }
}
