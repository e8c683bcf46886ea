//! A server of the configuration: an address or a name, and a port if it gives one.

use crate::name;
use hickory_proto::rr::Name;
use std::net::IpAddr;

/// Where to send in place of the SOA's primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// As it was written.
    pub(crate) text: String,
    /// Its address or its name.
    pub(crate) host: Host,
    /// Its port, where it is not the usual one of the transport.
    pub(crate) port: Option<u16>,
}

/// An address, or a name that has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address, and the interface that a link-local one is on (RFC 4007, 11): its name or its number.
    Address(IpAddr, Option<String>),
    /// A name, fully qualified.
    Name(Name),
}

impl Server {
    /// Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`, `fe80::1%eth0`, `[fe80::1%eth0]:53`,
    /// `ns1.example.com` or `ns1.example.com:5353`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") || text.contains('/') {
            return Err(
                "is a URL or a path; write an address or a host name, with a port if need be",
            );
        }
        if text.contains('#') {
            return Err("has a `#` in it; write the port behind a colon, like \"192.0.2.1:53\"");
        }
        let (host, port) = split_port(text)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .filter(|inner| inner.contains(':'))
            .unwrap_or(host);
        let (address, scope) = match bare.split_once('%') {
            Some((address, scope)) => (address, Some(scope)),
            None => (bare, None),
        };
        let host = match (address.parse(), scope) {
            (Ok(IpAddr::V6(ip)), Some(scope))
                if ip.is_unicast_link_local() && !scope.is_empty() =>
            {
                Host::Address(ip.into(), Some(scope.to_owned()))
            }
            (Ok(IpAddr::V6(ip)), None | Some("")) if ip.is_unicast_link_local() => {
                return Err(
                    "is a link-local address; write the interface behind it, like \"fe80::1%eth0\"",
                );
            }
            (Ok(_), Some(_)) => {
                return Err(
                    "has an interface behind the `%`, which only addresses below fe80:: have",
                );
            }
            (Ok(ip), None) => Host::Address(ip, None),
            (Err(_), _) if host.contains(['[', ']', ':', '%']) => {
                return Err("is no address; write it like \"[2001:db8::1]:53\"");
            }
            (Err(_), _)
                if host
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.') =>
            {
                return Err("is neither an address nor a host name");
            }
            (Err(_), _) => Host::Name(name::domain_name(host)?),
        };
        Ok(Self {
            text: text.to_owned(),
            host,
            port,
        })
    }
}

/// Takes the port off: what is behind the only colon, or behind the one after a bracket.
fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, port),
        _ => return Ok((text, None)),
    };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse()
        .ok()
        .filter(|&port| is_number && port != 0)
        .map(|port| (host, Some(port)))
        .ok_or("has no valid port; there are 1 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_names_with_and_without_a_port() {
        let address = |ip: &str, scope: Option<&str>| {
            Host::Address(ip.parse().unwrap(), scope.map(str::to_owned))
        };
        let name = |text| Host::Name(name::domain_name(text).unwrap());
        for (text, host, port) in [
            ("192.0.2.1", address("192.0.2.1", None), None),
            ("192.0.2.1:5353", address("192.0.2.1", None), Some(5353)),
            ("2001:db8::1", address("2001:db8::1", None), None),
            ("[2001:db8::1]", address("2001:db8::1", None), None),
            ("[2001:db8::1]:53", address("2001:db8::1", None), Some(53)),
            ("::1", address("::1", None), None),
            ("fe80::1%eth0", address("fe80::1", Some("eth0")), None),
            ("[fe80::1%2]:53", address("fe80::1", Some("2")), Some(53)),
            ("ns1.example.com", name("ns1.example.com"), None),
            ("NS1.example.com.:5353", name("NS1.example.com"), Some(5353)),
            ("ns1", name("ns1"), None),
        ] {
            let read = Server::parse(text).unwrap();
            assert_eq!(
                (read.host, read.port, read.text.as_str()),
                (host, port, text)
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_the_others() {
        for (text, wrong) in [
            ("192.0.2.1:0", "has no valid port"),
            ("192.0.2.1:+53", "has no valid port"),
            ("ns1.example.com:65536", "has no valid port"),
            ("ns1.example.com:", "has no valid port"),
            ("https://ns1.example.com", "is a URL"),
            ("ns1.example.com/x", "is a URL"),
            ("192.0.2.1#53", "write the port behind a colon"),
            ("192.0.2", "is neither an address nor a host name"),
            ("2001:db8:::1", "is no address"),
            ("[192.0.2.1]:53", "is no address"),
            ("[ns1.example.com]:53", "is no address"),
            ("fe80::1", "is a link-local address"),
            ("fe80::1%", "is a link-local address; write the interface"),
            ("2001:db8::1%eth0", "only addresses below fe80::"),
            ("192.0.2.1%eth0", "only addresses below fe80::"),
            ("", "is neither an address nor a host name"),
            ("a b", "has characters other than"),
        ] {
            let error = Server::parse(text).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}
