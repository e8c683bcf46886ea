//! Which of the host's addresses to register, and why each other one is left out: pure choice over facts, no system
//! calls.
//!
//! An address passes if its interface is selected and switched on, its family enabled, its range one that others can
//! reach, and the system has nothing against it. `include` overrules ranges, and what Windows marks transient or
//! ineligible; `exclude` leaves out; the longest matching network wins. The other marks can't be overruled: a temporary
//! or duplicate address is never one to publish.

mod selection;

pub(crate) use selection::Selection;

use crate::host::{Address, Interface, Link, Marks};
use crate::registration::Addresses;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The configuration's say in the choice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Whether A records are registered.
    pub(crate) ipv4: bool,
    /// Whether AAAA records are registered.
    pub(crate) ipv6: bool,
    /// Whether Teredo addresses are.
    pub(crate) teredo: bool,
    /// Networks whose addresses are registered, whatever their range.
    pub(crate) include: Vec<IpNet>,
    /// Networks whose addresses are not.
    pub(crate) exclude: Vec<IpNet>,
}

/// Why an address is left out. Where several reasons hold, the first in this order is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The command line does not select the interface.
    Interface,
    /// The interface is switched off.
    Down,
    /// The configuration does not enable the family.
    Family,
    /// A network in `exclude` has it.
    Excluded,
    /// 127.0.0.0/8, ::1.
    Loopback,
    /// 169.254.0.0/16, `fe80::/10`.
    LinkLocal,
    /// 0.0.0.0, ::.
    Unspecified,
    /// 224.0.0.0/4, `ff00::/8`.
    Multicast,
    /// IPv4 within IPv6, `::ffff:0:0/96`.
    Mapped,
    /// Shared behind a carrier's translator, 100.64.0.0/10 (RFC 6598).
    Shared,
    /// A translator's own on this host, the same on every host: 192.0.0.0/29 (RFC 7335).
    Clat,
    /// 2001::/32 (RFC 4380), unless wanted.
    Teredo,
    /// See [`Marks::transient`].
    Transient,
    /// See [`Marks::ineligible`].
    Ineligible,
    /// See [`Marks::temporary`].
    Temporary,
    /// See [`Marks::deprecated`].
    Deprecated,
    /// See [`Marks::tentative`].
    Tentative,
    /// See [`Marks::duplicate`].
    Duplicate,
}

impl Reason {
    /// The word for it, which `--status --json` prints.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Down => "down",
            Self::Family => "family",
            Self::Excluded => "excluded",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Mapped => "mapped",
            Self::Shared => "shared",
            Self::Clat => "clat",
            Self::Teredo => "teredo",
            Self::Transient => "transient",
            Self::Ineligible => "ineligible",
            Self::Temporary => "temporary",
            Self::Deprecated => "deprecated",
            Self::Tentative => "tentative",
            Self::Duplicate => "duplicate",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is decided about one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict<'a> {
    /// The interface that has it.
    pub(crate) interface: &'a Interface,
    /// The address.
    pub(crate) ip: IpAddr,
    /// Why it is left out; none if it is to be registered.
    pub(crate) reason: Option<Reason>,
}

/// Decides about every address.
pub(crate) fn judge<'a>(
    found: &'a [Interface],
    selection: &Selection,
    rules: &Rules,
) -> impl Iterator<Item = Verdict<'a>> {
    found.iter().flat_map(move |interface| {
        let of_interface = if !selection.selects(interface) {
            Some(Reason::Interface)
        } else if interface.link == Link::Down {
            Some(Reason::Down)
        } else {
            None
        };
        interface.addresses.iter().map(move |address| Verdict {
            interface,
            ip: address.ip,
            reason: of_interface.or_else(|| rules.reason(address)),
        })
    })
}

/// The addresses to register, out of all that were found.
pub(crate) fn choose(found: &[Interface], selection: &Selection, rules: &Rules) -> Addresses {
    let mut chosen = Addresses {
        ipv4: rules.ipv4.then(Default::default),
        ipv6: rules.ipv6.then(Default::default),
    };
    for verdict in judge(found, selection, rules).filter(|verdict| verdict.reason.is_none()) {
        match verdict.ip {
            IpAddr::V4(ip) => chosen.ipv4.iter_mut().for_each(|set| _ = set.insert(ip)),
            IpAddr::V6(ip) => chosen.ipv6.iter_mut().for_each(|set| _ = set.insert(ip)),
        }
    }
    chosen
}

/// Whether an address will soon be one to register: all that it lacks is the end of duplicate address detection, which
/// goes on. Without a carrier it does not.
pub(crate) fn is_unsettled(found: &[Interface], selection: &Selection, rules: &Rules) -> bool {
    judge(found, selection, rules).any(|verdict| {
        verdict.reason == Some(Reason::Tentative) && verdict.interface.link == Link::Running
    })
}

impl Rules {
    /// Why an address of a selected interface is left out.
    fn reason(&self, address: &Address) -> Option<Reason> {
        let (ip, marks) = (address.ip, address.marks);
        let is_enabled = if ip.is_ipv4() { self.ipv4 } else { self.ipv6 };
        if !is_enabled {
            return Some(Reason::Family);
        }
        let (include, exclude) = (
            longest_match(&self.include, ip),
            longest_match(&self.exclude, ip),
        );
        // No match is less than a match of length 0.
        let overruled = if include > exclude {
            None
        } else if exclude.is_some() {
            Some(Reason::Excluded)
        } else {
            self.range(ip).or_else(|| not_for_dns(marks))
        };
        overruled.or_else(|| not_settled(marks))
    }

    /// The range in which others can't reach this computer, if the address is in one.
    fn range(&self, ip: IpAddr) -> Option<Reason> {
        match ip {
            IpAddr::V4(ip) => range_of_ipv4(ip),
            IpAddr::V6(ip) => range_of_ipv6(ip)
                .or_else(|| (is_teredo(ip) && !self.teredo).then_some(Reason::Teredo)),
        }
    }
}

/// The length of the longest of these networks' prefixes that has the address.
fn longest_match(networks: &[IpNet], ip: IpAddr) -> Option<u8> {
    networks
        .iter()
        .filter(|network| network.contains(&ip))
        .map(IpNet::prefix_len)
        .max()
}

/// The first of the reasons that holds.
fn first<const N: usize>(reasons: [(bool, Reason); N]) -> Option<Reason> {
    let holds = reasons.into_iter().find(|(holds, _)| *holds);
    holds.map(|(_, reason)| reason)
}

/// The range in which nobody else can reach an IPv4 address.
fn range_of_ipv4(ip: Ipv4Addr) -> Option<Reason> {
    let octets = ip.octets();
    first([
        (ip.is_loopback(), Reason::Loopback),
        (ip.is_link_local(), Reason::LinkLocal),
        (ip.is_unspecified(), Reason::Unspecified),
        (ip.is_multicast(), Reason::Multicast),
        (octets[0] == 100 && octets[1] & 0xc0 == 64, Reason::Shared),
        (octets[..3] == [192, 0, 0] && octets[3] < 8, Reason::Clat),
    ])
}

/// The same for IPv6.
fn range_of_ipv6(ip: Ipv6Addr) -> Option<Reason> {
    first([
        (ip.is_loopback(), Reason::Loopback),
        (ip.is_unicast_link_local(), Reason::LinkLocal),
        (ip.is_unspecified(), Reason::Unspecified),
        (ip.is_multicast(), Reason::Multicast),
        (ip.to_ipv4_mapped().is_some(), Reason::Mapped),
    ])
}

/// Whether an address is Teredo's.
fn is_teredo(ip: Ipv6Addr) -> bool {
    ip.segments()[..2] == [0x2001, 0]
}

/// Why the system would not have an address in DNS.
fn not_for_dns(marks: Marks) -> Option<Reason> {
    first([
        (marks.transient, Reason::Transient),
        (marks.ineligible, Reason::Ineligible),
    ])
}

/// Why an address is not this computer's for longer than a moment.
fn not_settled(marks: Marks) -> Option<Reason> {
    first([
        (marks.temporary, Reason::Temporary),
        (marks.deprecated, Reason::Deprecated),
        (marks.tentative, Reason::Tentative),
        (marks.duplicate, Reason::Duplicate),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interface that is up, with one address without marks.
    fn on(interface: &str, ip: &str) -> Interface {
        marked(interface, ip, Marks::default())
    }

    /// An interface that is up, with one address.
    fn marked(interface: &str, ip: &str, marks: Marks) -> Interface {
        Interface {
            name: interface.into(),
            other_names: Vec::new(),
            link: Link::Running,
            addresses: vec![Address {
                ip: ip.parse().unwrap(),
                marks,
            }],
        }
    }

    /// The selection of these arguments.
    fn selection(arguments: &[&str]) -> Selection {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Selection::parse(&arguments).unwrap()
    }

    /// What is chosen, as text.
    fn chosen(found: &[Interface], arguments: &[&str], rules: &Rules) -> String {
        choose(found, &selection(arguments), rules).to_string()
    }

    /// The word for why the only address is left out.
    fn reason(interface: &Interface, arguments: &[&str], rules: &Rules) -> Option<&'static str> {
        let found = std::slice::from_ref(interface);
        let verdicts: Vec<_> = judge(found, &selection(arguments), rules).collect();
        assert_eq!(verdicts.len(), 1);
        assert_eq!(
            verdicts[0].reason.is_none(),
            !choose(found, &selection(arguments), rules).is_empty()
        );
        verdicts[0].reason.map(Reason::as_str)
    }

    /// Every mark at once.
    const ALL: Marks = Marks {
        transient: true,
        ineligible: true,
        temporary: true,
        deprecated: true,
        tentative: true,
        duplicate: true,
    };

    /// Both families, nothing else.
    fn both() -> Rules {
        Rules {
            ipv4: true,
            ipv6: true,
            ..Rules::default()
        }
    }

    #[test]
    fn leaves_out_each_range_that_nobody_can_reach() {
        for (ip, word) in [
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.1.1", "link-local"),
            ("0.0.0.0", "unspecified"),
            ("224.0.0.1", "multicast"),
            ("100.64.0.1", "shared"),
            ("100.127.255.254", "shared"),
            ("192.0.0.0", "clat"),
            ("192.0.0.4", "clat"),
            ("192.0.0.7", "clat"),
            ("::1", "loopback"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("::", "unspecified"),
            ("ff02::1", "multicast"),
            ("::ffff:192.0.2.1", "mapped"),
            ("2001::1", "teredo"),
        ] {
            assert_eq!(reason(&on("eth0", ip), &[], &both()), Some(word), "{ip}");
        }
        for ip in [
            "192.0.2.1",
            "10.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "192.0.0.8",
            "192.0.1.1",
            "240.0.0.1",
            "2001:db8::1",
            "fd00::1",
            "fec0::1",
            "2001:1::1",
        ] {
            assert_eq!(reason(&on("eth0", ip), &[], &both()), None, "{ip}");
        }
        let rules = Rules {
            teredo: true,
            ..both()
        };
        assert_eq!(reason(&on("eth0", "2001::1"), &[], &rules), None);
    }

    #[test]
    fn gives_the_first_reason_that_holds() {
        let excluded = Rules {
            exclude: vec!["::/0".parse().unwrap()],
            ..both()
        };
        let mut interface = marked("eth0", "fe80::1", ALL);
        interface.link = Link::Down;
        let without_ipv6 = Rules {
            ipv6: false,
            ..excluded.clone()
        };
        assert_eq!(
            reason(&interface, &["eth1"], &without_ipv6),
            Some("interface")
        );
        assert_eq!(reason(&interface, &[], &without_ipv6), Some("down"));
        interface.link = Link::NoCarrier;
        assert_eq!(reason(&interface, &[], &without_ipv6), Some("family"));
        assert_eq!(reason(&interface, &[], &excluded), Some("excluded"));
        assert_eq!(reason(&interface, &[], &both()), Some("link-local"));
        let mut marks = ALL;
        let mut next = |word, settle: fn(&mut Marks)| {
            let interface = marked("eth0", "2001:db8::1", marks);
            assert_eq!(reason(&interface, &[], &both()), Some(word));
            settle(&mut marks);
        };
        next("transient", |marks| marks.transient = false);
        next("ineligible", |marks| marks.ineligible = false);
        next("temporary", |marks| marks.temporary = false);
        next("deprecated", |marks| marks.deprecated = false);
        next("tentative", |marks| marks.tentative = false);
        next("duplicate", |marks| marks.duplicate = false);
        assert_eq!(
            reason(&marked("eth0", "2001:db8::1", marks), &[], &both()),
            None
        );
    }

    #[test]
    fn include_overrules_what_windows_advises_but_no_other_mark_and_no_switch() {
        let rules = Rules {
            include: vec!["::/0".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
            ..both()
        };
        let of = |marks| reason(&marked("eth0", "2001:db8::1", marks), &[], &rules);
        let none = Marks::default();
        assert_eq!(
            of(Marks {
                transient: true,
                ..none
            }),
            None
        );
        assert_eq!(
            of(Marks {
                ineligible: true,
                ..none
            }),
            None
        );
        assert_eq!(
            of(Marks {
                temporary: true,
                ..none
            }),
            Some("temporary")
        );
        assert_eq!(
            of(Marks {
                deprecated: true,
                ..none
            }),
            Some("deprecated")
        );
        assert_eq!(
            of(Marks {
                tentative: true,
                ..none
            }),
            Some("tentative")
        );
        assert_eq!(
            of(Marks {
                duplicate: true,
                ..none
            }),
            Some("duplicate")
        );
        assert_eq!(reason(&on("eth0", "192.0.0.4"), &[], &rules), None);
        let mut down = on("eth0", "192.0.2.1");
        down.link = Link::Down;
        assert_eq!(reason(&down, &[], &rules), Some("down"));
    }

    #[test]
    fn an_interface_without_a_carrier_keeps_its_addresses() {
        let mut unplugged = on("eth0", "192.0.2.1");
        unplugged.link = Link::NoCarrier;
        assert_eq!(reason(&unplugged, &[], &both()), None);
    }

    #[test]
    fn waits_only_for_an_address_that_would_be_registered() {
        let tentative = Marks {
            tentative: true,
            ..Marks::default()
        };
        let waits = |interface: &Interface, arguments: &[&str], rules: &Rules| {
            is_unsettled(
                std::slice::from_ref(interface),
                &selection(arguments),
                rules,
            )
        };
        let mut interface = marked("eth0", "2001:db8::1", tentative);
        assert!(waits(&interface, &[], &both()));
        assert!(!waits(&interface, &["eth1"], &both()));
        let ipv4 = Rules {
            ipv6: false,
            ..both()
        };
        assert!(!waits(&interface, &[], &ipv4));
        interface.link = Link::NoCarrier;
        assert!(!waits(&interface, &[], &both()));
        interface.link = Link::Down;
        assert!(!waits(&interface, &[], &both()));
        assert!(!waits(&marked("eth0", "fe80::1", tentative), &[], &both()));
        let temporary = Marks {
            temporary: true,
            ..tentative
        };
        assert!(!waits(
            &marked("eth0", "2001:db8::1", temporary),
            &[],
            &both()
        ));
        assert!(!waits(&on("eth0", "2001:db8::1"), &[], &both()));
    }

    #[test]
    fn the_longest_network_wins() {
        let rules = Rules {
            include: ["10.1.0.0/16", "127.0.0.0/8", "100.64.0.0/10"]
                .map(|net| net.parse().unwrap())
                .into(),
            exclude: ["10.0.0.0/8", "10.1.2.0/24", "127.0.0.2/32"]
                .map(|net| net.parse().unwrap())
                .into(),
            ..both()
        };
        let found = [
            "10.2.0.1",
            "10.1.0.1",
            "10.1.2.1",
            "127.0.0.1",
            "127.0.0.2",
            "100.64.0.1",
            "192.0.2.1",
        ]
        .map(|ip| on("eth0", ip));
        assert_eq!(
            chosen(&found, &[], &rules),
            "10.1.0.1, 100.64.0.1, 127.0.0.1, 192.0.2.1"
        );
    }

    #[test]
    fn selects_interfaces_by_name_pattern_and_exception() {
        let found = [
            on("eth0", "192.0.2.1"),
            on("eth1", "192.0.2.2"),
            on("docker0", "172.17.0.1"),
            on("br-[x]", "172.18.0.1"),
        ];
        for (arguments, addresses) in [
            (&[][..], "172.17.0.1, 172.18.0.1, 192.0.2.1, 192.0.2.2"),
            (&["eth0"], "192.0.2.1"),
            (&["eth*"], "192.0.2.1, 192.0.2.2"),
            (&["eth?", "!eth1"], "192.0.2.1"),
            (&["eth[1-9]"], "192.0.2.2"),
            (&["!docker*", "!br-*"], "192.0.2.1, 192.0.2.2"),
            (&["br-[x]"], "172.18.0.1"),
            (&["eth"], "no address"),
        ] {
            assert_eq!(
                chosen(&found, arguments, &both()),
                addresses,
                "{arguments:?}"
            );
        }
    }
}
