//! The value that everything turns around: what a zone should say of this computer, and under which settings.

use hickory_proto::rr::Name;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A name with its addresses, and the settings that a change of which is a reason to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The name, fully qualified.
    pub name: Name,
    /// The addresses by family.
    pub addresses: Addresses,
    /// The records' time to live in seconds.
    pub ttl: u32,
    /// The zone's apex where the configuration gives it.
    pub zone: Option<Name>,
    /// Where to send, where the configuration gives it, as written there.
    pub server: Option<String>,
    /// Which of the name's records give way.
    pub replace: Replace,
}

/// Addresses by family; none for a family that is not registered, which is not the same as an empty set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For A records.
    pub ipv4: Option<BTreeSet<Ipv4Addr>>,
    /// For AAAA records.
    pub ipv6: Option<BTreeSet<Ipv6Addr>>,
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
pub enum Replace {
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

#[cfg(test)]
mod tests {
    use super::*;

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
