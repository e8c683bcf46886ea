//! What a registrable name is, and finding this machine's own from the texts that the system keeps.
//!
//! Pure: the host hands in the texts. No DNS query takes part.

use hickory_proto::rr::Name;
use std::io;
use std::net::IpAddr;

/// A domain name in letters, digits, hyphens and underscores, made fully qualified.
///
/// # Errors
/// What is wrong with it, without the name.
pub fn domain_name(text: &str) -> Result<Name, &'static str> {
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
pub fn host_name(text: &str) -> Result<Name, &'static str> {
    let name = configured_host_name(text)?;
    if is_below_local(text) {
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
    let name = name.trim_end_matches('.');
    let first = name.split('.').next().unwrap_or_default();
    ["localhost", "localhost4", "localhost6"]
        .iter()
        .any(|form| first.eq_ignore_ascii_case(form))
        || is_below(name, ".localhost")
}

/// Whether a name is below `local`, which is multicast DNS's (RFC 6762, 3).
pub(crate) fn is_below_local(name: &str) -> bool {
    is_below(name.trim_end_matches('.'), ".local")
}

/// Whether a name ends in a domain, which begins with a dot, in any case.
fn is_below(name: &str, domain: &str) -> bool {
    let at = name.len().checked_sub(domain.len());
    at.and_then(|at| name.as_bytes().get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(domain.as_bytes()))
}

/// Where a name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSource {
    /// The configuration's `hostname`.
    Configuration,
    /// The kernel's hostname.
    Kernel,
    /// The hosts file.
    Hosts,
    /// The hostname and the domain of resolv.conf.
    ResolvConf,
    /// The system, which knows the whole name: Windows.
    System,
}

impl NameSource {
    /// The word for it, which `--status --json` prints.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Kernel => "kernel",
            Self::Hosts => "hosts",
            Self::ResolvConf => "resolv.conf",
            Self::System => "system",
        }
    }
}

/// The full name of the computer that has this hostname: the hostname itself if it has a dot, else what the hosts file
/// calls it, else the hostname in resolv.conf's domain, else the hostname alone. A file is read only if it comes to it.
///
/// # Errors
/// There is no hostname, or what reading a file gives.
pub fn complete(
    hostname: &str,
    in_hosts: impl FnOnce(&str) -> io::Result<Option<String>>,
    domain: impl FnOnce() -> io::Result<Option<String>>,
) -> io::Result<(String, NameSource)> {
    // A dot at the end belongs to no label. Linux calls a computer (none) that nobody has named.
    let hostname = hostname.strip_suffix('.').unwrap_or(hostname);
    if matches!(hostname, "" | "(none)") {
        return Err(io::Error::other("it has none"));
    }
    if hostname.contains('.') {
        return Ok((hostname.to_owned(), NameSource::Kernel));
    }
    if let Some(name) = in_hosts(hostname)? {
        return Ok((name, NameSource::Hosts));
    }
    Ok(match domain()? {
        Some(domain) => (format!("{hostname}.{domain}"), NameSource::ResolvConf),
        None => (hostname.to_owned(), NameSource::Kernel),
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
    fn takes_a_name_below_local_only_from_who_chose_it() {
        assert!(configured_host_name("host.corp.local").is_ok());
        assert_eq!(
            host_name("host.corp.local"),
            Err("is below local, which is for multicast DNS")
        );
        assert!(host_name("local.example").is_ok());
    }

    #[test]
    fn an_address_is_no_name() {
        for text in ["10.0.0.1", "10.0.0.1.", "2001:db8::1", "::1"] {
            assert_eq!(
                configured_host_name(text),
                Err("is an IP address, not a name")
            );
            assert_eq!(host_name(text), Err("is an IP address, not a name"));
        }
        // The first label of a host in a reverse zone, and of one named after its address.
        assert!(host_name("1.0.0.10.example").is_ok());
        assert!(host_name("ip-10-0-0-1.example").is_ok());
    }

    #[test]
    fn knows_each_form_of_localhost() {
        for name in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "localhost.localdomain",
            "localhost4.localdomain4",
            "localhost6",
            "a.b.localhost",
        ] {
            assert!(is_localhost(name), "{name}");
        }
        for name in [
            "",
            "localhosts.example",
            "my.localhost.example",
            "xlocalhost",
        ] {
            assert!(!is_localhost(name), "{name}");
        }
    }

    /// What is found for a hostname, with these answers of the hosts file and resolv.conf.
    fn completed(
        hostname: &str,
        hosts: Option<&str>,
        domain: Option<&str>,
    ) -> (String, NameSource) {
        complete(
            hostname,
            |_| Ok(hosts.map(str::to_owned)),
            || Ok(domain.map(str::to_owned)),
        )
        .unwrap()
    }

    #[test]
    fn the_first_source_that_knows_a_domain_wins() {
        let all = (Some("a.hosts.example"), Some("resolv.example"));
        for (hostname, hosts, domain, name, source) in [
            ("a.b", all.0, all.1, "a.b", NameSource::Kernel),
            ("a.b.", all.0, all.1, "a.b", NameSource::Kernel),
            ("a", all.0, all.1, "a.hosts.example", NameSource::Hosts),
            ("a.", all.0, all.1, "a.hosts.example", NameSource::Hosts),
            ("A", None, all.1, "A.resolv.example", NameSource::ResolvConf),
            ("a", None, None, "a", NameSource::Kernel),
        ] {
            assert_eq!(
                completed(hostname, hosts, domain),
                (name.to_owned(), source),
                "{hostname}"
            );
        }
    }

    #[test]
    fn no_file_is_read_that_is_not_needed() {
        let fails = || Err(io::Error::other("it is read"));
        assert!(complete("a.b", |_| fails(), fails).is_ok());
        assert!(complete("a", |_| Ok(Some("a.b".to_owned())), fails).is_ok());
        assert!(complete("a", |_| fails(), || Ok(None)).is_err());
        assert!(complete("a", |_| Ok(None), fails).is_err());
    }

    #[test]
    fn without_a_hostname_no_name_is_guessed() {
        for hostname in ["", ".", "(none)"] {
            complete(hostname, |_| panic!("the hosts file is read"), || Ok(None)).unwrap_err();
        }
    }
}
