//! Which of the host's addresses to register: pure choice over facts, no system calls.
//!
//! An address passes if its interface is selected, its family enabled, the system's marks allow it, and its range does.
//! Marks can't be overruled: a temporary or duplicate address is never one to publish. Ranges can, by networks that
//! the configuration includes or excludes; the longest match wins.

use crate::host::{InterfaceAddress, Marks};
use crate::registration::Addresses;
use glob::Pattern;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The interfaces named on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Names and patterns, one of which must match; none means every interface.
    wanted: Vec<Wanted>,
    /// Patterns, none of which may match.
    unwanted: Vec<Wanted>,
}

/// A name or pattern of the command line.
#[derive(Debug, Clone)]
struct Wanted {
    /// As it was written. An interface of just that name always matches: Windows has names with `*` and `[`.
    text: String,
    /// As a pattern.
    pattern: Pattern,
}

impl Selection {
    /// Reads the arguments: a name, a pattern with `*`, `?` or `[..]`, or `!` and one of these to leave out.
    ///
    /// # Errors
    /// The argument that is empty or no pattern, and why.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut selection = Self::default();
        for argument in arguments {
            let (list, text) = match argument.strip_prefix('!') {
                Some(text) => (&mut selection.unwanted, text),
                None => (&mut selection.wanted, argument.as_str()),
            };
            if text.is_empty() {
                return Err(format!(
                    "interface `{argument}`: a name or a pattern is missing"
                ));
            }
            let pattern =
                Pattern::new(text).map_err(|error| format!("interface `{argument}`: {error}"))?;
            list.push(Wanted {
                text: text.to_owned(),
                pattern,
            });
        }
        Ok(selection)
    }

    /// Whether an interface is one of the selected.
    fn selects(&self, interface: &str) -> bool {
        let matches = |list: &[Wanted]| list.iter().any(|wanted| wanted.matches(interface));
        (self.wanted.is_empty() || matches(&self.wanted)) && !matches(&self.unwanted)
    }

    /// Whether each name and pattern is seen to exist by these addresses alone, so that nothing is left to ask.
    pub(crate) fn is_seen_in(&self, found: &[InterfaceAddress]) -> bool {
        self.wanted.iter().all(|wanted| {
            found
                .iter()
                .any(|address| wanted.matches(&address.interface))
        })
    }

    /// The names, and if nothing else matches the patterns, that no interface of these has.
    ///
    /// # Errors
    /// Every name and pattern, where none of them has an interface.
    pub(crate) fn missing(&self, interfaces: &[String]) -> Result<Vec<&str>, Vec<&str>> {
        let absent =
            |wanted: &&Wanted| !interfaces.iter().any(|interface| wanted.matches(interface));
        let missing: Vec<&Wanted> = self.wanted.iter().filter(absent).collect();
        if !missing.is_empty() && missing.len() == self.wanted.len() {
            return Err(missing.iter().map(|wanted| wanted.text.as_str()).collect());
        }
        Ok(missing
            .iter()
            .filter(|wanted| wanted.is_name())
            .map(|wanted| wanted.text.as_str())
            .collect())
    }
}

impl Wanted {
    /// Whether an interface has this name or matches this pattern.
    fn matches(&self, interface: &str) -> bool {
        self.text == interface || self.pattern.matches(interface)
    }

    /// Whether this names one interface.
    fn is_name(&self) -> bool {
        !self.text.contains(['*', '?', '['])
    }
}

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

/// The addresses to register, out of all that were found.
pub(crate) fn choose(
    found: &[InterfaceAddress],
    selection: &Selection,
    rules: &Rules,
) -> Addresses {
    let mut chosen = Addresses {
        ipv4: rules.ipv4.then(Default::default),
        ipv6: rules.ipv6.then(Default::default),
    };
    for address in found {
        if !selection.selects(&address.interface)
            || !is_settled(address.marks)
            || !rules.allow(address.ip)
        {
            continue;
        }
        match address.ip {
            IpAddr::V4(ip) => chosen.ipv4.iter_mut().for_each(|set| _ = set.insert(ip)),
            IpAddr::V6(ip) => chosen.ipv6.iter_mut().for_each(|set| _ = set.insert(ip)),
        }
    }
    chosen
}

/// Whether an address is this computer's for longer than a moment, by the system's marks.
fn is_settled(marks: Marks) -> bool {
    !(marks.temporary || marks.deprecated || marks.tentative || marks.duplicate)
}

impl Rules {
    /// Whether an address may be registered, by its range and the configured networks.
    fn allow(&self, ip: IpAddr) -> bool {
        match (
            longest_match(&self.include, ip),
            longest_match(&self.exclude, ip),
        ) {
            (None, None) => match ip {
                IpAddr::V4(ip) => is_public_or_private_ipv4(ip),
                IpAddr::V6(ip) => is_public_or_private_ipv6(ip, self.teredo),
            },
            // No match is less than a match of length 0.
            (include, exclude) => include > exclude,
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

/// Whether an IPv4 address is one that others can reach this computer by: not loopback, link-local, unspecified,
/// multicast, or shared behind a carrier's translator (100.64.0.0/10, RFC 6598).
fn is_public_or_private_ipv4(ip: Ipv4Addr) -> bool {
    let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    !(ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_multicast() || shared)
}

/// The same for IPv6, where also IPv4-mapped addresses and, unless wanted, Teredo's (2001::/32, RFC 4380) are not.
fn is_public_or_private_ipv6(ip: Ipv6Addr, teredo: bool) -> bool {
    let is_teredo = ip.segments()[0] == 0x2001 && ip.segments()[1] == 0;
    !(ip.is_loopback()
        || ip.is_unicast_link_local()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.to_ipv4_mapped().is_some()
        || (is_teredo && !teredo))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address without marks.
    fn on(interface: &str, ip: &str) -> InterfaceAddress {
        InterfaceAddress {
            interface: interface.into(),
            ip: ip.parse().unwrap(),
            marks: Marks::default(),
        }
    }

    /// What is chosen, as text.
    fn chosen(found: &[InterfaceAddress], arguments: &[&str], rules: &Rules) -> String {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        choose(found, &Selection::parse(&arguments).unwrap(), rules).to_string()
    }

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
        for ip in [
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "100.64.0.1",
            "100.127.255.254",
            "::1",
            "fe80::1",
            "::",
            "ff02::1",
            "::ffff:192.0.2.1",
            "2001::1",
        ] {
            assert_eq!(
                chosen(&[on("eth0", ip)], &[], &both()),
                "no address",
                "{ip}"
            );
        }
        for ip in [
            "192.0.2.1",
            "10.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "240.0.0.1",
            "2001:db8::1",
            "fd00::1",
            "2001:1::1",
        ] {
            assert_eq!(chosen(&[on("eth0", ip)], &[], &both()), ip);
        }
        assert_eq!(
            chosen(
                &[on("eth0", "2001::1")],
                &[],
                &Rules {
                    teredo: true,
                    ..both()
                }
            ),
            "2001::1"
        );
    }

    #[test]
    fn leaves_out_each_mark_even_if_included() {
        let rules = Rules {
            include: vec!["::/0".parse().unwrap()],
            ..both()
        };
        for marks in [
            Marks {
                temporary: true,
                ..Marks::default()
            },
            Marks {
                deprecated: true,
                ..Marks::default()
            },
            Marks {
                tentative: true,
                ..Marks::default()
            },
            Marks {
                duplicate: true,
                ..Marks::default()
            },
        ] {
            assert_eq!(
                chosen(
                    &[InterfaceAddress {
                        marks,
                        ..on("eth0", "2001:db8::1")
                    }],
                    &[],
                    &rules
                ),
                "no address"
            );
        }
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

    #[test]
    fn tells_which_named_interfaces_are_missing() {
        let interfaces = ["lo", "eth0"].map(String::from);
        let parse = |arguments: &[&str]| {
            Selection::parse(
                &arguments
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
            )
            .unwrap()
        };
        assert_eq!(
            parse(&["eth0", "eth1", "wlan*"]).missing(&interfaces),
            Ok(vec!["eth1"])
        );
        assert_eq!(
            parse(&["eth1", "wlan*"]).missing(&interfaces),
            Err(vec!["eth1", "wlan*"])
        );
        assert_eq!(parse(&["!eth1"]).missing(&interfaces), Ok(vec![]));
        assert_eq!(parse(&[]).missing(&interfaces), Ok(vec![]));
    }

    #[test]
    fn an_argument_that_is_no_pattern_is_named() {
        for argument in ["", "!", "eth[", "a**"] {
            let error = Selection::parse(&[argument.to_owned()]).unwrap_err();
            assert!(
                error.starts_with(&format!("interface `{argument}`: ")),
                "{error}"
            );
        }
    }
}
