//! What a registrable name is, and finding this machine's own from the texts that the system keeps.
//!
//! Pure: the host hands in the texts. No DNS query takes part.

use hickory_proto::rr::Name;
use std::net::IpAddr;

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

/// A name that a computer can register and that it was found to have: a domain name with a dot, not `localhost` in any
/// form, no IP address, and not below `local`.
///
/// # Errors
/// What is wrong with it, without the name.
pub(crate) fn host_name(text: &str) -> Result<Name, &'static str> {
    let name = configured_host_name(text)?;
    if name
        .iter()
        .next_back()
        .is_some_and(|label| label.eq_ignore_ascii_case(b"local"))
    {
        return Err("is below local, which is for multicast DNS");
    }
    Ok(name)
}

/// A name that a computer can register because somebody chose it. It may be below `local`: there are such domains.
///
/// # Errors
/// What is wrong with it, without the name.
pub(crate) fn configured_host_name(text: &str) -> Result<Name, &'static str> {
    if text.trim_end_matches('.').parse::<IpAddr>().is_ok() {
        return Err("is an IP address, not a name");
    }
    let name = domain_name(text)?;
    if is_localhost(text) {
        return Err("is a form of localhost, which no zone has");
    }
    if name.num_labels() < 2 {
        return Err("has no domain");
    }
    Ok(name)
}

/// Whether a name is a form of `localhost`: `localhost` itself with any domain, `localhost4` and `localhost6` as some
/// distributions have them, and every name below `localhost` (RFC 6761, 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let first = name.split('.').next().unwrap_or_default();
    matches!(first, "localhost" | "localhost4" | "localhost6") || name.ends_with(".localhost")
}

/// The first dotted name, no form of localhost, on the first line of a hosts file that has `hostname` as a name or
/// alias; the next such line if that one has none.
pub(crate) fn in_hosts(hostname: &str, hosts: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let names = || {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_ascii_whitespace()
                .skip(1)
        };
        names()
            .any(|name| name.eq_ignore_ascii_case(hostname))
            .then(|| names().find(|name| name.contains('.') && !is_localhost(name)))?
            .map(str::to_owned)
    })
}

/// The hostname in the domain of resolv.conf: the first of its `domain` and `search` lines' first domains.
pub(crate) fn in_domain(hostname: &str, resolv_conf: &str) -> Option<String> {
    resolv_conf.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let domain = matches!(words.next()?, "domain" | "search").then(|| words.next())??;
        let domain = domain.trim_matches('.');
        (!domain.is_empty()).then(|| format!("{hostname}.{domain}"))
    })
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
    fn takes_the_first_dotted_name_of_the_hostnames_own_line() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tbox localhost.localdomain box.example.com box.example.net # box.example.org\n";
        assert_eq!(in_hosts("box", hosts).as_deref(), Some("box.example.com"));
        assert_eq!(in_hosts("BOX", hosts).as_deref(), Some("box.example.com"));
        assert_eq!(in_hosts("other", hosts), None);
        assert_eq!(in_hosts("localhost", hosts), None);
        assert_eq!(
            in_hosts(
                "box",
                "#127.0.1.1 box.example.com box\n::1 # box.example.com box"
            ),
            None
        );
    }

    #[test]
    fn an_address_is_never_taken_for_a_name() {
        assert_eq!(in_hosts("127.0.1.1", "127.0.1.1 a.example.com"), None);
    }

    #[test]
    fn takes_the_first_domain_of_resolv_conf() {
        assert_eq!(
            in_domain(
                "box",
                "nameserver 192.0.2.1\nsearch example.com. example.net\n"
            )
            .as_deref(),
            Some("box.example.com")
        );
        assert_eq!(
            in_domain(
                "box",
                "# domain a.example\ndomain b.example\nsearch c.example\n"
            )
            .as_deref(),
            Some("box.b.example")
        );
        assert_eq!(in_domain("box", "search .\nsearch\n"), None);
    }
}
