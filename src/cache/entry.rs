//! What a cache's text says, and which registration it confirms.

use crate::registration::{Addresses, Registration};
use hickory_proto::rr::Name;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The key of ours that says when a server confirmed the entry, in seconds since 1970.
const CONFIRMED: &str = "confirmed";

/// The registration that a cache file holds.
#[derive(Debug)]
pub struct Entry {
    /// The name, fully qualified.
    hostname: String,
    /// The addresses, whatever order and spelling they are in.
    addresses: Addresses,
    /// What else is there: the settings, if ours wrote it.
    settings: Map<String, Value>,
    /// When the file was written, by the file system's clock.
    written: SystemTime,
}

impl Entry {
    /// Reads the text of a file that was written then.
    ///
    /// # Errors
    /// It is not JSON, or says nothing of a registration.
    pub fn parse(text: &[u8], written: SystemTime) -> io::Result<Self> {
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
                    written,
                })
            }
            _ => Err(invalid("no registration")),
        }
    }

    /// Whether this is what is wanted now. A setting that is not there counts as unchanged.
    #[must_use]
    pub fn confirms(&self, wanted: &Registration) -> bool {
        self.is_for(&wanted.name)
            && self.addresses == wanted.addresses
            && settings(wanted)
                .iter()
                .all(|(setting, now)| self.settings.get(*setting).is_none_or(|then| then == now))
    }

    /// Whether it has the wanted name.
    pub(crate) fn is_for(&self, name: &Name) -> bool {
        self.hostname.eq_ignore_ascii_case(&name.to_ascii())
    }

    /// The name, as somebody wrote it.
    pub(crate) fn hostname(&self) -> &str {
        &self.hostname
    }

    /// When a server confirmed it; unknown if the Python program wrote it.
    pub(crate) fn confirmed(&self) -> Option<SystemTime> {
        let seconds = self.settings.get(CONFIRMED)?.as_u64()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Whether it was confirmed less than `limit` ago. A time to come says that a clock was set, and nothing of the age.
    pub(crate) fn is_fresh(&self, limit: Duration, now: SystemTime) -> bool {
        // A file that was copied is younger than what it says; one that was put back is older.
        let since = self
            .confirmed()
            .map_or(self.written, |confirmed| confirmed.min(self.written));
        now.duration_since(since).is_ok_and(|age| age < limit)
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

/// What a file says of a registration that was confirmed now.
pub(super) fn text(registration: &Registration, now: SystemTime) -> String {
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
    if let Ok(since) = now.duration_since(UNIX_EPOCH) {
        keys.insert(CONFIRMED.into(), since.as_secs().into());
    }
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

/// An error about a file's content.
fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
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

    /// So many seconds after 1970.
    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Whether this text confirms the registration.
    fn text_confirms(text: &str) -> bool {
        Entry::parse(text.as_bytes(), UNIX_EPOCH).is_ok_and(|entry| entry.confirms(&registration()))
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
        let entry = Entry::parse(text(&registration(), at(7)).as_bytes(), at(9)).unwrap();
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
            text(&registration(), at(1_764_057_600)),
            r#"{"addresses":{"ipv4":["192.0.2.9","192.0.2.10"],"ipv6":["2001:db8::1"]},"confirmed":1764057600,"hostname":"Host.example.com.","replace":"all","server":"192.0.2.1","ttl":3600,"zone":null}"#
        );
    }

    #[test]
    fn an_entry_is_as_old_as_the_earlier_of_what_it_says_and_its_file() {
        let age = |text: &str, written| Entry::parse(text.as_bytes(), at(written)).unwrap();
        let python = r#"{"hostname": "h.example.com.", "addresses": {}}"#;
        let ours = r#"{"hostname": "h.example.com.", "addresses": {}, "confirmed": 5000}"#;
        let hour = Duration::from_hours(1);
        assert_eq!(age(python, 5000).confirmed(), None);
        assert_eq!(age(ours, 9000).confirmed(), Some(at(5000)));
        for (entry, now, is_fresh) in [
            (age(python, 5000), 8599, true),
            (age(python, 5000), 8600, false),
            (age(ours, 5000), 8599, true),
            (age(ours, 9000), 8600, false),
            (age(ours, 1000), 5001, false),
            (age(ours, 5000), 4999, false),
        ] {
            assert_eq!(
                entry.is_fresh(hour, at(now)),
                is_fresh,
                "{entry:?} at {now}"
            );
        }
    }

    #[test]
    fn a_time_that_makes_no_sense_is_unknown() {
        for time in [
            "-1",
            "\"x\"",
            "1.5",
            "1e300",
            "null",
            "18446744073709551615",
        ] {
            let text = format!(r#"{{"hostname": "h.", "addresses": {{}}, "confirmed": {time}}}"#);
            let entry = Entry::parse(text.as_bytes(), UNIX_EPOCH).unwrap();
            assert_eq!(entry.confirmed(), None, "{time}");
        }
    }
}
