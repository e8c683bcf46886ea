//! resolv.conf, read as the C library reads it (resolv.conf(5), glibc's `res_init`).
//!
//! Pure: the host hands in the text. A keyword counts only in the first column and before a blank; a line that makes no
//! sense is passed over; the last `domain` or `search` line wins. Three things differ on purpose: a carriage return ends
//! a line as a line feed does, a server given twice is asked once, and more than the first three servers count, because a
//! run that can reach the fourth should.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Nobody has more servers than this; it bounds what an absurd file can cost.
const MAX_SERVERS: usize = 1000;

/// A `nameserver` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServer<'a> {
    /// The address.
    pub ip: IpAddr,
    /// For a link-local address what follows it behind a `%`: an interface's name or number.
    pub scope: Option<&'a str>,
}

/// The name servers in the order of the file, each once; none if no line names one, and then libc asks 127.0.0.1.
#[must_use]
pub fn name_servers(text: &[u8]) -> Vec<NameServer<'_>> {
    let mut servers = Vec::new();
    for words in lines(text, &["nameserver"]) {
        if let Some(server) = words.split([' ', '\t']).next().and_then(name_server)
            && !servers.contains(&server)
        {
            servers.push(server);
        }
        if servers.len() == MAX_SERVERS {
            break;
        }
    }
    servers
}

/// The first domain of the last `domain` or `search` line, without dots around it.
#[must_use]
pub fn domain(text: &[u8]) -> Option<&str> {
    lines(text, &["domain", "search"])
        .last()
        .and_then(|words| words.split([' ', '\t']).next())
        .map(|domain| domain.trim_matches('.'))
        .filter(|domain| !domain.is_empty())
}

/// What follows one of these keywords, for each line that begins with one and has something behind it.
fn lines<'a>(text: &'a [u8], keywords: &[&str]) -> impl Iterator<Item = &'a str> {
    text.split(|&byte| byte == b'\n').filter_map(move |line| {
        // A line is a C string there, and ends at a NUL.
        let end = line.iter().position(|byte| matches!(byte, 0 | b'\r'));
        let line = &line[..end.unwrap_or(line.len())];
        let rest = keywords
            .iter()
            .find_map(|keyword| line.strip_prefix(keyword.as_bytes()))?;
        let words = std::str::from_utf8(rest).ok()?;
        Some(words.trim_matches([' ', '\t']))
            .filter(|value| words.starts_with([' ', '\t']) && !value.is_empty())
    })
}

/// An address with the scope behind it.
fn name_server(word: &str) -> Option<NameServer<'_>> {
    if let Some(ip) = inet_aton(word) {
        return Some(NameServer {
            ip: ip.into(),
            scope: None,
        });
    }
    let (address, scope) = match word.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (word, None),
    };
    let ip: Ipv6Addr = address.parse().ok()?;
    Some(NameServer {
        ip: ip.into(),
        // Other addresses are the same on every interface.
        scope: scope.filter(|_| ip.is_unicast_link_local()),
    })
}

/// An IPv4 address as `inet_aton` takes it: one to four numbers, decimal, octal (`0…`) or hexadecimal (`0x…`), of which
/// the last fills what the others leave.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::with_capacity(4);
    for part in text.splitn(4, '.') {
        let (digits, radix) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (&part[2..], 16),
            [b'0', _, ..] => (&part[1..], 8),
            _ => (part, 10),
        };
        // from_str_radix takes a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        parts.push(u32::from_str_radix(digits, radix).ok()?);
    }
    let last = parts.pop()?;
    let mut address = 0;
    for (index, part) in parts.iter().enumerate() {
        address |= u32::from(u8::try_from(*part).ok()?) << (24 - 8 * index);
    }
    let free = u32::MAX >> (8 * parts.len());
    (last <= free).then(|| Ipv4Addr::from_bits(address | last))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The servers as text.
    fn servers(text: &str) -> Vec<String> {
        let show = |server: NameServer<'_>| match server.scope {
            Some(scope) => format!("{}%{scope}", server.ip),
            None => server.ip.to_string(),
        };
        name_servers(text.as_bytes())
            .into_iter()
            .map(show)
            .collect()
    }

    #[test]
    fn servers_stand_in_the_order_of_the_file_and_each_once() {
        assert_eq!(
            servers(
                "nameserver 192.0.2.2\nsearch a\nnameserver\t192.0.2.1\nnameserver 192.0.2.2\nnameserver ::1"
            ),
            ["192.0.2.2", "192.0.2.1", "::1"]
        );
        let many: Vec<String> = (0..5000)
            .map(|index| format!("nameserver 10.0.{}.{}", index / 250, index % 250))
            .collect();
        assert_eq!(servers(&many.join("\n")).len(), MAX_SERVERS);
    }

    #[test]
    fn a_keyword_counts_in_the_first_column_and_before_a_blank() {
        assert_eq!(
            servers(
                " nameserver 192.0.2.1\n#nameserver 192.0.2.2\n;nameserver 192.0.2.3\nNameserver 192.0.2.4\n\
                 nameserver192.0.2.5\nnameserver\u{a0}192.0.2.6\nnameserver\n\u{feff}nameserver 192.0.2.7"
            ),
            [""; 0]
        );
    }

    #[test]
    fn what_follows_the_address_is_passed_over() {
        assert_eq!(
            servers(
                "nameserver 192.0.2.1 # the first\nnameserver   192.0.2.2\t; x\nnameserver 192.0.2.3\r\n"
            ),
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
        );
        assert_eq!(
            servers(
                "nameserver 192.0.2.1#x\nnameserver 192.0.2.2,192.0.2.3\nnameserver dns.example\nnameserver 1.2.3.4.5\nnameserver 256.0.0.1"
            ),
            [""; 0]
        );
    }

    #[test]
    fn addresses_are_read_as_libc_reads_them() {
        for (written, read) in [
            ("0.0.0.0", "0.0.0.0"),
            ("127.1", "127.0.0.1"),
            ("127", "0.0.0.127"),
            ("0x7f000001", "127.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("192.0.513", "192.0.2.1"),
            ("::", "::"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("fe80::1%2", "fe80::1%2"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8::1%eth0", "2001:db8::1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ] {
            assert_eq!(servers(&format!("nameserver {written}\n")), [read]);
        }
        for written in [
            "08.0.0.1",
            "+1.0.0.1",
            "1..2",
            "1.2.3.",
            "0x",
            "4294967296",
            "1.16777216",
            "192.0.2.1%eth0",
            "[::1]",
        ] {
            assert_eq!(
                servers(&format!("nameserver {written}\n")),
                [""; 0],
                "{written}"
            );
        }
    }

    #[test]
    fn the_last_domain_or_search_line_wins() {
        for (text, expected) in [
            ("search example.com. example.net\n", Some("example.com")),
            (
                "domain a.example\nsearch b.example c.example\n",
                Some("b.example"),
            ),
            ("search b.example\ndomain a.example\n", Some("a.example")),
            (
                "search a.example\r\nnameserver 192.0.2.1\r\n",
                Some("a.example"),
            ),
            ("search a.example\nsearch\nsearch \t\n", Some("a.example")),
            (
                "search a.example\n search b.example\n#search c.example\n",
                Some("a.example"),
            ),
            ("search\ta.example # x\n", Some("a.example")),
            ("search .\n", None),
            ("search a.example\nsearch .\n", None),
            ("searchlist a.example\n", None),
            ("", None),
        ] {
            assert_eq!(domain(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_line() {
        let text =
            b"nameserver 192.0.2.1\nsearch \xff\xfe\nnameserver 192.0.2.2\0x\nnameserver \xff";
        let found: Vec<IpAddr> = name_servers(text)
            .into_iter()
            .map(|server| server.ip)
            .collect();
        assert_eq!(
            found,
            ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse::<IpAddr>().unwrap())
        );
        assert_eq!(domain(text), None);
    }
}
