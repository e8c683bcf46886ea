//! Which interfaces the command line selects: by name, by pattern, and by what it leaves out.

use crate::host::{self, Interface};
use glob::{MatchOptions, Pattern};

/// The interfaces named on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Names and patterns, one of which must match; none means every interface.
    wanted: Vec<Wanted>,
    /// Names and patterns, none of which may match.
    unwanted: Vec<Wanted>,
}

/// A name or pattern of the command line.
#[derive(Debug, Clone)]
struct Wanted {
    /// As it was written. An interface of just that name always matches: Windows has names with `*` and `[`.
    text: String,
    /// As a pattern.
    pattern: Pattern,
    /// Whether upper and lower case are the same.
    ignore_case: bool,
}

impl Selection {
    /// Reads the arguments: a name, a pattern with `*`, `?` or `[..]`, or `!` and one of these to leave out.
    ///
    /// # Errors
    /// The argument that is empty or no pattern, and why.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        Self::parse_for(arguments, host::NAMES_IGNORE_CASE)
    }

    /// The same for a system where upper and lower case are the same, or are not.
    fn parse_for(arguments: &[String], ignore_case: bool) -> Result<Self, String> {
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
            let pattern = Pattern::new(text).map_err(|error| {
                format!(
                    "interface `{argument}`: no pattern: {} at character {}",
                    error.msg,
                    error.pos + 1
                )
            })?;
            list.push(Wanted {
                text: text.to_owned(),
                pattern,
                ignore_case,
            });
        }
        Ok(selection)
    }

    /// Whether an interface is one of the selected.
    pub(super) fn selects(&self, interface: &Interface) -> bool {
        let matches = |list: &[Wanted]| list.iter().any(|wanted| wanted.matches(interface));
        (self.wanted.is_empty() || matches(&self.wanted)) && !matches(&self.unwanted)
    }

    /// Whether any of the arguments is a pattern. A pattern can match any name, so every name has to be known.
    pub(crate) fn has_pattern(&self) -> bool {
        self.arguments().any(|wanted| !wanted.is_name())
    }

    /// Whether each argument is the name of one of these interfaces, so that no other name needs to be known.
    pub(crate) fn is_seen_in(&self, found: &[Interface]) -> bool {
        self.arguments()
            .all(|wanted| found.iter().any(|interface| wanted.matches(interface)))
    }

    /// The names, and if nothing else matches the patterns, that no interface of these has.
    ///
    /// # Errors
    /// Every name and pattern, where none of them has an interface.
    pub(crate) fn missing(&self, interfaces: &[Interface]) -> Result<Vec<&str>, Vec<&str>> {
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

    /// Every argument.
    fn arguments(&self) -> impl Iterator<Item = &Wanted> {
        self.wanted.iter().chain(&self.unwanted)
    }
}

impl Wanted {
    /// Whether an interface has this name or matches this pattern, under any of its names.
    fn matches(&self, interface: &Interface) -> bool {
        let options = MatchOptions {
            case_sensitive: !self.ignore_case,
            ..MatchOptions::new()
        };
        let is_this = |name: &String| {
            self.text == *name
                || (self.ignore_case && self.text.to_lowercase() == name.to_lowercase())
                || self.pattern.matches_with(name, options)
        };
        is_this(&interface.name) || interface.other_names.iter().any(is_this)
    }

    /// Whether this names one interface.
    fn is_name(&self) -> bool {
        !self.text.contains(['*', '?', '['])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Link;

    /// An interface of these names.
    fn interface(names: &[&str]) -> Interface {
        Interface {
            name: names[0].to_owned(),
            other_names: names[1..].iter().map(ToString::to_string).collect(),
            link: Link::Running,
            addresses: Vec::new(),
        }
    }

    /// The selection of these arguments.
    fn parse(arguments: &[&str], ignore_case: bool) -> Selection {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Selection::parse_for(&arguments, ignore_case).unwrap()
    }

    #[test]
    fn any_name_of_an_interface_selects_it() {
        let card = interface(&["eth0", "enp0s31f6", "enx001122334455"]);
        for argument in [
            "eth0",
            "enp0s31f6",
            "enp*",
            "enx*",
            "eth?",
            "!wlan0",
            "!enp1*",
        ] {
            assert!(parse(&[argument], false).selects(&card), "{argument}");
        }
        for argument in [
            "eth1",
            "enp0s31f",
            "ETH0",
            "!eth0",
            "!enp0s31f6",
            "!en*",
            "wl*",
        ] {
            assert!(!parse(&[argument], false).selects(&card), "{argument}");
        }
    }

    #[test]
    fn case_is_the_same_where_the_system_says_so() {
        let adapter = interface(&[
            "Ethernet 2 \u{c4}",
            "Realtek PCIe GbE Family Controller",
            "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
            "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        ]);
        for argument in [
            "ethernet 2 \u{e4}",
            "ETHERNET*",
            "realtek pcie gbe family controller",
            "Realtek*",
            "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        ] {
            assert!(parse(&[argument], true).selects(&adapter), "{argument}");
        }
        for argument in ["Ethernet", "!ethernet*", "WLAN"] {
            assert!(!parse(&[argument], true).selects(&adapter), "{argument}");
        }
    }

    #[test]
    fn a_label_is_a_name_of_its_own() {
        let (card, label) = (interface(&["eth0"]), interface(&["eth0:1"]));
        for (argument, selects_card, selects_label) in [
            ("eth0", true, false),
            ("eth0:1", false, true),
            ("eth0*", true, true),
            ("eth0:*", false, true),
            ("!eth0:1", true, false),
        ] {
            let selection = parse(&[argument], false);
            assert_eq!(selection.selects(&card), selects_card, "{argument}");
            assert_eq!(selection.selects(&label), selects_label, "{argument}");
        }
    }

    #[test]
    fn more_names_are_asked_for_only_if_they_could_matter() {
        let found = [interface(&["lo"]), interface(&["eth0"])];
        for (arguments, is_enough) in [
            (&[][..], true),
            (&["eth0"], true),
            (&["eth0", "!lo"], true),
            (&["eth0", "enp0s31f6"], false),
            (&["!enp0s31f6"], false),
            (&["eth*"], false),
            (&["!docker*"], false),
        ] {
            let selection = parse(arguments, false);
            assert_eq!(
                !selection.has_pattern() && selection.is_seen_in(&found),
                is_enough,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn tells_which_named_interfaces_are_missing() {
        let interfaces = [interface(&["lo"]), interface(&["eth0", "enp1s0"])];
        let parse = |arguments: &[&str]| parse(arguments, false);
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
