//! What `--status` shows: the machine's addresses, the cache and the zone side by side, and what to do where they differ.
//!
//! Only values and their two forms, text and JSON, stand here; `run` collects them. `docs/status.schema.json` describes
//! the JSON: keys may be added, none renamed.

mod look;

pub(crate) use look::look;

use crate::dns::tls::Security;
use crate::escape;
use crate::name::NameSource;
use hickory_proto::rr::Name;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is so, and why.
#[derive(Debug)]
pub(crate) struct Status {
    /// The configuration file in use.
    pub(crate) configuration: PathBuf,
    /// The name to register and where it came from, if one could be found.
    pub(crate) name: Option<(Name, NameSource)>,
    /// Every address of the machine.
    pub(crate) addresses: Vec<Address>,
    /// What the cache says.
    pub(crate) cache: Cache,
    /// What the zone has, if its primary could be asked.
    pub(crate) zone: Option<Zone>,
    /// Whether a run would end before it compares anything: without a name, or without the interfaces that it was told of.
    pub(crate) is_stuck: bool,
    /// Whose ticket signs updates, as `name@REALM`, if they are signed by Kerberos and the keytab can be read.
    pub(crate) gss: Option<Principal>,
    /// What is worth a warning: one line each, in the order in which they came up.
    pub(crate) problems: Vec<String>,
}

/// One address of the machine.
#[derive(Debug)]
pub(crate) struct Address {
    /// The address.
    pub(crate) ip: IpAddr,
    /// The interface that has it.
    pub(crate) interface: String,
    /// Why it is left out; none if it is to be registered.
    pub(crate) reason: Option<&'static str>,
}

/// What the cache says.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Its file; none if the configuration has no cache.
    pub(crate) file: Option<PathBuf>,
    /// Whether it confirms what is wanted.
    pub(crate) state: CacheState,
    /// When a server confirmed its entry, if that is known.
    pub(crate) confirmed: Option<SystemTime>,
}

/// Whether the cache confirms what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheState {
    /// It does.
    Confirms,
    /// It holds something else, or what it holds is too old.
    Differs,
    /// It is not there.
    None,
    /// It is there and cannot be used.
    Unreadable,
    /// The configuration has none.
    Off,
}

impl CacheState {
    /// The word for it in the JSON.
    fn as_str(self) -> &'static str {
        match self {
            Self::Confirms => "confirms",
            Self::Differs => "differs",
            Self::None => "none",
            Self::Unreadable => "unreadable",
            Self::Off => "off",
        }
    }
}

/// Whose ticket signs updates.
#[derive(Debug)]
pub(crate) struct Principal {
    /// As `name@REALM`.
    pub(crate) name: String,
    /// The realm.
    pub(crate) realm: String,
}

/// What the zone has now, by its primary's own word.
#[derive(Debug)]
pub(crate) struct Zone {
    /// The apex.
    pub(crate) apex: Name,
    /// The primary's name, fully qualified; the server as the configuration has it where the zone does not say.
    pub(crate) primary: String,
    /// Who answered.
    pub(crate) server: SocketAddr,
    /// The name's addresses.
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// Their time to live; none without records.
    pub(crate) ttl: Option<u32>,
    /// How the connection is secured; none without TLS.
    pub(crate) tls: Option<Security>,
}

impl Status {
    /// The addresses that the zone should have.
    pub(crate) fn wanted(&self) -> BTreeSet<IpAddr> {
        self.addresses
            .iter()
            .filter(|address| address.reason.is_none())
            .map(|address| address.ip)
            .collect()
    }

    /// Whether the zone has exactly the wanted addresses.
    pub(crate) fn is_ok(&self) -> bool {
        !self.is_stuck
            && self
                .zone
                .as_ref()
                .is_some_and(|zone| zone.addresses == self.wanted())
    }

    /// Whether the zone has this address.
    fn is_in_the_zone(&self, ip: IpAddr) -> bool {
        self.zone
            .as_ref()
            .is_some_and(|zone| zone.addresses.contains(&ip))
    }

    /// Adds what is to be said of a zone that differs.
    pub(crate) fn compare(&mut self) {
        if self.is_stuck {
            return;
        }
        let (Some(zone), Some((name, _))) = (&self.zone, &self.name) else {
            return;
        };
        let wanted = self.wanted();
        if zone.addresses == wanted {
            return;
        }
        let way_out = if self.cache.state == CacheState::Confirms {
            "the cache was confirmed, so somebody else has changed the zone since: run pydyndns --force"
        } else {
            "run pydyndns, and read what it says if it fails"
        };
        self.problems.push(format!(
            "the zone has {} for {} instead of {}; {way_out}",
            list(&zone.addresses),
            escape::domain(name),
            list(&wanted)
        ));
    }

    /// The JSON object.
    pub(crate) fn json(&self) -> Value {
        let addresses: Vec<Value> = self
            .addresses
            .iter()
            .map(|address| {
                json!({
                    "address": address.ip.to_string(),
                    "interface": address.interface,
                    "wanted": address.reason.is_none(),
                    "reason": address.reason,
                })
            })
            .collect();
        let zone = self.zone.as_ref().map(|zone| {
            json!({
                "apex": zone.apex.to_ascii(),
                "primary": zone.primary,
                "server": zone.server.to_string(),
                "addresses": texts(&zone.addresses),
                "ttl": zone.ttl,
                "tls": zone.tls.as_ref().map(|tls| {
                    json!({
                        "version": tls.version,
                        "name": tls.name,
                        "not_after": tls.not_after.and_then(timestamp),
                    })
                }),
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ok": self.is_ok(),
            "configuration": self.configuration.to_string_lossy(),
            "name": self.name.as_ref().map(|(name, _)| name.to_ascii()),
            "name_from": self.name.as_ref().map(|(_, source)| source.as_str()),
            "addresses": addresses,
            "cache": {
                "file": self.cache.file.as_deref().map(Path::to_string_lossy),
                "state": self.cache.state.as_str(),
                "confirmed": self.cache.confirmed.and_then(timestamp),
            },
            "zone": zone,
            "gss": self.gss.as_ref().map(|principal| {
                json!({"principal": principal.name, "realm": principal.realm})
            }),
            "problems": self.problems,
        })
    }

    /// The same for people: a heading at the left of each part.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |heading: &str, what: &str| {
            // Nothing that others wrote reaches the terminal as it is. Writing to a string cannot fail.
            let _ = writeln!(text, "{heading:<14} {}", escape::one_line(what));
        };
        line("configuration", &self.configuration.to_string_lossy());
        match &self.name {
            Some((name, source)) => line(
                "name",
                &format!("{} (from {})", escape::domain(name), source.as_str()),
            ),
            None => line("name", "unknown"),
        }
        let width = |of: fn(&Address) -> usize| self.addresses.iter().map(of).max().unwrap_or(0);
        let ip_width = width(|address| address.ip.to_string().len());
        let interface_width = width(|address| address.interface.chars().count());
        for (index, address) in self.addresses.iter().enumerate() {
            let verdict = match address.reason {
                None if self.is_in_the_zone(address.ip) => "registered".to_owned(),
                None => "to be registered".to_owned(),
                Some(reason) => format!("left out: {reason}"),
            };
            line(
                if index == 0 { "addresses" } else { "" },
                &format!(
                    "{:<ip_width$}  {:<interface_width$}  {verdict}",
                    address.ip.to_string(),
                    address.interface
                ),
            );
        }
        if self.addresses.is_empty() {
            line("addresses", "none");
        }
        line("cache", &self.cache.text());
        match &self.zone {
            None => line("zone", "unknown"),
            Some(zone) => {
                let apex = escape::domain(&zone.apex);
                line(
                    "zone",
                    &format!("{apex}, primary {}", zone.primary.trim_end_matches('.')),
                );
                let ttl = zone.ttl.map(|ttl| format!(", TTL {ttl}"));
                line(
                    "",
                    &format!(
                        "{} says: {}{}",
                        zone.server,
                        list(&zone.addresses),
                        ttl.unwrap_or_default()
                    ),
                );
                if let Some(tls) = &zone.tls {
                    let end = tls.not_after.and_then(timestamp);
                    line(
                        "",
                        &format!(
                            "{} as {}, whose certificate ends {}",
                            tls.version,
                            tls.name,
                            end.as_deref().unwrap_or("at an unknown time")
                        ),
                    );
                }
            }
        }
        if let Some(principal) = &self.gss {
            line(
                "gss",
                &format!("signed as {}, realm {}", principal.name, principal.realm),
            );
        }
        for (index, problem) in self.problems.iter().enumerate() {
            line(if index == 0 { "problems" } else { "" }, problem);
        }
        if self.problems.is_empty() {
            line("problems", "none");
        }
        text
    }
}

impl Cache {
    /// The cache for people.
    fn text(&self) -> String {
        let Some(file) = &self.file else {
            return "off, so every run sends".to_owned();
        };
        let says = match self.state {
            CacheState::Confirms => "confirms these addresses",
            CacheState::Differs => "holds something else, so the next run sends",
            CacheState::Unreadable => "cannot be used, so the next run sends",
            CacheState::None | CacheState::Off => "not there, so the next run sends",
        };
        match self.confirmed.and_then(timestamp) {
            Some(time) => format!("{}: {says} (confirmed {time})", file.display()),
            None => format!("{}: {says}", file.display()),
        }
    }
}

/// A time as RFC 3339 writes it, in UTC and whole seconds.
fn timestamp(time: SystemTime) -> Option<String> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let seconds = i64::try_from(since.as_secs()).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

/// Addresses as texts, in their order.
fn texts(addresses: &BTreeSet<IpAddr>) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

/// Addresses for people.
fn list(addresses: &BTreeSet<IpAddr>) -> String {
    if addresses.is_empty() {
        "no address".to_owned()
    } else {
        texts(addresses).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// An address of eth0.
    fn on_eth0(ip: &str, reason: Option<&'static str>) -> Address {
        Address {
            ip: ip.parse().unwrap(),
            interface: "eth0".into(),
            reason,
        }
    }

    /// A machine whose zone has these addresses.
    fn with_zone(addresses: &[&str], state: CacheState) -> Status {
        let name = |text| crate::name::domain_name(text).unwrap();
        Status {
            configuration: "/etc/pydyndns.conf".into(),
            name: Some((name("host.example.com"), NameSource::Hosts)),
            addresses: vec![
                on_eth0("192.0.2.7", None),
                on_eth0("fe80::1", Some("link-local")),
            ],
            cache: Cache {
                file: Some("/run/pydyndns.cache".into()),
                state,
                confirmed: Some(SystemTime::UNIX_EPOCH + Duration::from_hours(490_016)),
            },
            zone: Some(Zone {
                apex: name("example.com"),
                primary: "ns1.example.com.".into(),
                server: "192.0.2.53:53".parse().unwrap(),
                addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
                ttl: (!addresses.is_empty()).then_some(300),
                tls: None,
            }),
            is_stuck: false,
            gss: None,
            problems: Vec::new(),
        }
    }

    #[test]
    fn is_ok_if_the_zone_has_exactly_the_wanted_addresses() {
        for (addresses, ok) in [
            (&["192.0.2.7"][..], true),
            (&[], false),
            (&["192.0.2.8"], false),
            (&["192.0.2.7", "2001:db8::1"], false),
        ] {
            let mut status = with_zone(addresses, CacheState::Confirms);
            status.compare();
            assert_eq!(status.is_ok(), ok, "{addresses:?}");
            assert_eq!(status.problems.is_empty(), ok, "{addresses:?}");
        }
        let mut unknown = with_zone(&["192.0.2.7"], CacheState::Confirms);
        unknown.zone = None;
        assert!(!unknown.is_ok());
    }

    #[test]
    fn the_way_out_depends_on_what_the_cache_says() {
        let problem = |state| {
            let mut status = with_zone(&["192.0.2.8"], state);
            status.compare();
            status.problems.remove(0)
        };
        assert_eq!(
            problem(CacheState::Confirms),
            "the zone has 192.0.2.8 for host.example.com instead of 192.0.2.7; the cache was confirmed, so \
             somebody else has changed the zone since: run pydyndns --force"
        );
        assert!(
            problem(CacheState::None)
                .ends_with("; run pydyndns, and read what it says if it fails")
        );
    }

    #[test]
    fn the_json_has_every_key_of_the_contract() {
        assert_eq!(
            with_zone(&["192.0.2.7"], CacheState::Confirms).json(),
            json!({
                "version": env!("CARGO_PKG_VERSION"), "ok": true, "configuration": "/etc/pydyndns.conf",
                "name": "host.example.com.", "name_from": "hosts",
                "addresses": [
                    {"address": "192.0.2.7", "interface": "eth0", "wanted": true, "reason": null},
                    {"address": "fe80::1", "interface": "eth0", "wanted": false, "reason": "link-local"}
                ],
                "cache": {"file": "/run/pydyndns.cache", "state": "confirms", "confirmed": "2025-11-25T08:00:00Z"},
                "zone": {"apex": "example.com.", "primary": "ns1.example.com.", "server": "192.0.2.53:53",
                         "addresses": ["192.0.2.7"], "ttl": 300, "tls": null},
                "gss": null,
                "problems": []
            })
        );
    }

    #[test]
    fn the_text_shows_each_address_with_its_reason_and_passes_nothing_hostile_on() {
        let mut status = with_zone(&["192.0.2.7"], CacheState::Confirms);
        status.addresses[1].interface = "e\u{1b}[2Jh1".into();
        let text = status.text();
        for line in [
            "name           host.example.com (from hosts)",
            "addresses      192.0.2.7  eth0",
            "left out: link-local",
            "cache          /run/pydyndns.cache: confirms these addresses (confirmed 2025-11-25T08:00:00Z)",
            "               192.0.2.53:53 says: 192.0.2.7, TTL 300",
            "problems       none",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
