//! The value that everything turns around: what a zone should say of this computer, and under which settings.

use crate::host::is_localhost;
use hickory_proto::rr::Name;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A name with its addresses, and the settings that a change of which is a reason to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registration {
    /// The name, fully qualified.
    pub(crate) name: Name,
    /// The addresses by family.
    pub(crate) addresses: Addresses,
    /// The records' time to live in seconds.
    pub(crate) ttl: u32,
    /// The zone's apex where the configuration gives it.
    pub(crate) zone: Option<Name>,
    /// Where to send, where the configuration gives it, as written there.
    pub(crate) server: Option<String>,
    /// Which of the name's records give way.
    pub(crate) replace: Replace,
}

/// Addresses by family; none for a family that is not registered, which is not the same as an empty set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// For A records.
    pub(crate) ipv4: Option<BTreeSet<Ipv4Addr>>,
    /// For AAAA records.
    pub(crate) ipv6: Option<BTreeSet<Ipv6Addr>>,
}

impl Addresses {
    /// Whether there is none of any family.
    pub(crate) fn is_empty(&self) -> bool {
        self.ipv4.as_ref().is_none_or(BTreeSet::is_empty)
            && self.ipv6.as_ref().is_none_or(BTreeSet::is_empty)
    }
}

impl fmt::Display for Addresses {
    /// The addresses with commas between, or "no address".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ipv4 = self
            .ipv4
            .iter()
            .flatten()
            .map(|address| address as &dyn fmt::Display);
        let ipv6 = self
            .ipv6
            .iter()
            .flatten()
            .map(|address| address as &dyn fmt::Display);
        let mut any = false;
        for address in ipv4.chain(ipv6) {
            write!(f, "{}{address}", if any { ", " } else { "" })?;
            any = true;
        }
        if any {
            Ok(())
        } else {
            f.write_str("no address")
        }
    }
}

/// Which of the name's records an update deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Every record.
    All,
    /// The A and AAAA records.
    Addresses,
}

impl Replace {
    /// As the configuration writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Addresses => "addresses",
        }
    }
}

/// A domain name in letters, digits, hyphens and underscores, made fully qualified.
///
/// # Errors
/// What is wrong with it, without the name.
pub(crate) fn domain_name(text: &str) -> Result<Name, &'static str> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if !text.is_ascii() {
        return Err("has letters outside ASCII; write it in its xn-- form");
    }
    if text.split('.').any(str::is_empty) {
        return Err("has an empty label");
    }
    if text.split('.').any(|label| label.len() > 63) {
        return Err("has a label of more than 63 characters");
    }
    // On the wire each label has a length before it, and the root is one more.
    if text.len() + 2 > 255 {
        return Err("is longer than a domain name can be");
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    {
        return Err("has characters other than letters, digits, hyphens and underscores");
    }
    let mut name = Name::from_ascii(text).map_err(|_| "is not a domain name")?;
    name.set_fqdn(true);
    Ok(name)
}

/// A name that a computer can register: a domain name with a dot, not `localhost` in any form, not below `local`.
///
/// # Errors
/// What is wrong with it, without the name.
pub(crate) fn host_name(text: &str) -> Result<Name, &'static str> {
    let name = domain_name(text)?;
    if is_localhost(text) {
        return Err("is a form of localhost, which no zone has");
    }
    if name.num_labels() < 2 {
        return Err("has no domain");
    }
    if name
        .iter()
        .next_back()
        .is_some_and(|label| label.eq_ignore_ascii_case(b"local"))
    {
        return Err("is below local, which is for multicast DNS");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_with_or_without_the_last_dot() {
        assert_eq!(
            host_name("Host_1.example-x.com").unwrap().to_ascii(),
            "Host_1.example-x.com."
        );
        assert_eq!(host_name("a.b.").unwrap().to_ascii(), "a.b.");
        assert!(host_name("box.localdomain").is_ok());
    }

    #[test]
    fn refuses_what_no_zone_can_have() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = ["a"; 130].join(".");
        for text in [
            "",
            ".",
            "host",
            "host.",
            "a..b",
            ".a.b",
            "a.b..",
            "localhost",
            "LocalHost.",
            "localhost.example.com",
            "localhost6.localdomain6",
            "x.localhost",
            "printer.local",
            "printer.LOCAL.",
            "b\u{fc}ro.example",
            "a b.example",
            "*.example",
            "a\\.b.example",
            "\u{0}.example",
            &long,
            &longer,
        ] {
            assert!(host_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_addresses_for_people() {
        let mut addresses = Addresses {
            ipv4: Some(BTreeSet::new()),
            ipv6: None,
        };
        assert_eq!(addresses.to_string(), "no address");
        assert!(addresses.is_empty());
        addresses.ipv6 = Some(
            ["2001:db8::2", "2001:db8::1"]
                .map(|a| a.parse().unwrap())
                .into(),
        );
        addresses.ipv4 = Some(["192.0.2.1".parse().unwrap()].into());
        assert_eq!(addresses.to_string(), "192.0.2.1, 2001:db8::1, 2001:db8::2");
    }
}
