//! What the system says of looking up hosts.

use crate::resolv_conf;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

/// Where the name servers are configured.
pub(crate) const NAME_SERVERS: &str = "/etc/resolv.conf";

/// What to do about name servers that do not answer.
pub(crate) fn advice() -> String {
    format!("; check the name servers in {NAME_SERVERS} and the network")
}

/// The name servers in order.
pub(crate) fn name_servers() -> io::Result<Vec<SocketAddr>> {
    let text = match std::fs::read(NAME_SERVERS) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut servers: Vec<SocketAddr> = resolv_conf::name_servers(&text)
        .into_iter()
        .map(|server| match server.ip {
            IpAddr::V4(ip) => (ip, 53).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(
                ip,
                53,
                0,
                server.scope.and_then(interface_index).unwrap_or(0),
            )
            .into(),
        })
        .collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    Ok(servers)
}

/// A host's addresses in the hosts file.
pub(crate) fn addresses_in_hosts(host: &str) -> io::Result<Vec<IpAddr>> {
    let text = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_ascii_whitespace();
            let ip = words.next()?.parse().ok()?;
            words
                .any(|word| word.trim_end_matches('.').eq_ignore_ascii_case(host))
                .then_some(ip)
        })
        .collect())
}

/// An interface's number.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    name.parse().ok()
}
