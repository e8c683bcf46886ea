//! Where a host is: its addresses by the hosts file and DNS.
//!
//! The hosts file is asked first, as libc does. A name server that has only loopback addresses there (`127.0.1.1`, as
//! Debian gives a computer's own name) is looked up in DNS as well, and what DNS says is tried before. The resolver of
//! libc is not asked: it may block, and in a static build it is not there.

use super::resolver::{Resolver, Rounds, Unanswered};
use super::server::{Host, Server};
use super::srv;
use crate::escape;
use crate::host;
use crate::name;
use hickory_proto::rr::Name;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::{Duration, Instant};

/// How long DNS is asked for more addresses of a host that the hosts file has, at most.
const MAX_FURTHER: Duration = Duration::from_secs(3);

/// So many servers of a service are looked up: a large domain has a hundred, of which one will do.
const MAX_SERVERS: usize = 8;

/// What is to know from the system cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct SystemError(#[from] io::Error);

/// Why a host's addresses cannot be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// DNS says that it has none, in the person of this server.
    #[error("it has no address{}", _0.map_or_else(String::new, |server| format!(", says {server}")))]
    None(Option<SocketAddr>),
    /// DNS does not say.
    #[error(transparent)]
    Lookup(#[from] Unanswered),
    /// No such interface.
    #[error("this computer has no interface {0:?}")]
    NoInterface(String),
    /// The hosts file or the name servers cannot be read.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl AddressError {
    /// What to do about it where it is the name servers' doing.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Lookup(_) => advice(),
            _ => String::new(),
        }
    }
}

/// What to do about name servers that do not answer.
pub(crate) fn advice() -> String {
    format!(
        "; check the name servers in {} and the network",
        host::NAME_SERVERS
    )
}

/// The addresses of a host by the hosts file and DNS, for those who have only a name; the resolver of libc is not asked.
///
/// # Errors
/// It has none, or they can't be found out in time.
pub(crate) fn addresses_of(host: &str, deadline: Instant) -> io::Result<Vec<IpAddr>> {
    let host_name = name::domain_name(host)
        .map_err(|wrong| io::Error::other(format!("the host {host:?} {wrong}")))?;
    Hosts::new(deadline)
        .addresses(&host_name, Rounds::Many, deadline)
        .map_err(|error| {
            let advice = error.advice();
            io::Error::other(format!("the host {host} is not found: {error}{advice}"))
        })
}

/// The addresses of servers of which one will do, in their order, each at `port` if it gives none. One that cannot be found
/// leaves it to the others, and keeps nobody up: its name is looked up with patience only where none has an address otherwise.
///
/// # Errors
/// None has one, or they can't be found out in time; the last server with the reason.
pub(crate) fn addresses_of_any(
    servers: &[Server],
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, (&Server, AddressError)> {
    let mut hosts = Hosts::new(deadline);
    let mut failure = None;
    for rounds in [Rounds::One, Rounds::Many] {
        let mut all = Vec::new();
        for (index, server) in servers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(servers.len() - index).unwrap_or(u32::MAX);
            match hosts.addresses_at(server, port, rounds, Instant::now() + share) {
                Ok(addresses) => all.extend(addresses),
                Err(error) => failure = Some((server, error)),
            }
        }
        if !all.is_empty() {
            return Ok(all);
        }
    }
    failure.map_or_else(|| Ok(Vec::new()), Err)
}

/// The addresses of the servers of services by their SRV records, in their order and of the first few; a list for each
/// service, empty if it has none. A server without an address leaves it to the others.
///
/// # Errors
/// They can't be found out in time.
pub(crate) fn addresses_of_services<const N: usize>(
    services: [&Name; N],
    deadline: Instant,
) -> Result<[Vec<SocketAddr>; N], AddressError> {
    let mut hosts = Hosts::new(deadline);
    let mut known: BTreeMap<Name, Vec<IpAddr>> = BTreeMap::new();
    let mut all = [const { Vec::new() }; N];
    for (service, addresses) in services.into_iter().zip(&mut all) {
        let servers = srv::servers(service, hosts.resolver()?, deadline)?;
        for (host, port) in servers.into_iter().take(MAX_SERVERS) {
            let found = known.entry(host).or_insert_with_key(|host| {
                let found = hosts.addresses(host, Rounds::One, deadline);
                found.unwrap_or_default()
            });
            addresses.extend(found.iter().map(|ip| SocketAddr::new(*ip, port)));
        }
    }
    Ok(all)
}

/// An address of the configuration, with the number of the interface that it is on.
pub(crate) fn address(
    ip: IpAddr,
    scope: Option<&str>,
    port: u16,
) -> Result<SocketAddr, AddressError> {
    match (ip, scope) {
        (IpAddr::V6(ip), Some(scope)) => {
            let index = host::interface_index(scope)
                .ok_or_else(|| AddressError::NoInterface(scope.to_owned()))?;
            Ok(SocketAddrV6::new(ip, port, 0, index).into())
        }
        _ => Ok(SocketAddr::new(ip, port)),
    }
}

/// Where hosts are looked up: the hosts file and the name servers, which are read when first needed.
pub(crate) struct Hosts {
    /// When to give up.
    pub(crate) deadline: Instant,
    /// The name servers.
    resolver: Option<Resolver>,
}

impl Hosts {
    /// Before anything is read.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self {
            deadline,
            resolver: None,
        }
    }

    /// The name servers.
    pub(crate) fn resolver(&mut self) -> Result<&mut Resolver, SystemError> {
        match &mut self.resolver {
            Some(resolver) => Ok(resolver),
            none => Ok(none.insert(Resolver::new(host::name_servers()?, self.deadline))),
        }
    }

    /// The addresses of a server of the configuration, at `port` if it gives none.
    fn addresses_at(
        &mut self,
        server: &Server,
        port: u16,
        rounds: Rounds,
        limit: Instant,
    ) -> Result<Vec<SocketAddr>, AddressError> {
        let port = server.port.unwrap_or(port);
        match &server.host {
            Host::Address(ip, scope) => Ok(vec![address(*ip, scope.as_deref(), port)?]),
            Host::Name(name) => Ok(self
                .with_those_behind_loopback(name, rounds, limit)?
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect()),
        }
    }

    /// A host's addresses, at least one, found before `limit`: those of the hosts file, else those of DNS.
    fn addresses(
        &mut self,
        host: &Name,
        rounds: Rounds,
        limit: Instant,
    ) -> Result<Vec<IpAddr>, AddressError> {
        let in_hosts = in_hosts(host)?;
        if in_hosts.is_empty() {
            self.addresses_in_dns(host, rounds, limit)
        } else {
            Ok(in_hosts)
        }
    }

    /// A host's addresses, at least one, in DNS.
    fn addresses_in_dns(
        &mut self,
        host: &Name,
        rounds: Rounds,
        limit: Instant,
    ) -> Result<Vec<IpAddr>, AddressError> {
        // No name server is asked for it (RFC 6761, 6.3).
        if name::is_localhost(&escape::domain(host)) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let (addresses, told) = self.resolver()?.addresses(host, rounds, limit)?;
        if addresses.is_empty() {
            return Err(AddressError::None(told));
        }
        Ok(addresses)
    }

    /// The addresses of a name server, found before `limit`.
    pub(crate) fn server_addresses(
        &mut self,
        host: &Name,
        limit: Instant,
    ) -> Result<Vec<IpAddr>, AddressError> {
        self.with_those_behind_loopback(host, Rounds::Many, limit)
    }

    /// The addresses of a server, which may be this computer: where the hosts file has loopback alone, it may listen only
    /// on the addresses that DNS has, so these come first.
    fn with_those_behind_loopback(
        &mut self,
        host: &Name,
        rounds: Rounds,
        limit: Instant,
    ) -> Result<Vec<IpAddr>, AddressError> {
        let mut found = in_hosts(host)?;
        if found.is_empty() {
            return self.addresses_in_dns(host, rounds, limit);
        }
        if !found.iter().all(IpAddr::is_loopback) || name::is_localhost(&escape::domain(host)) {
            return Ok(found);
        }
        let left = limit.saturating_duration_since(Instant::now());
        let limit = Instant::now() + MAX_FURTHER.min(left / 4);
        let mut all = self
            .addresses_in_dns(host, rounds, limit)
            .unwrap_or_default();
        found.retain(|ip| !all.contains(ip));
        all.append(&mut found);
        Ok(all)
    }
}

/// A host's addresses in the hosts file.
fn in_hosts(host: &Name) -> Result<Vec<IpAddr>, SystemError> {
    host::addresses_in_hosts(&escape::domain(host)).map_err(SystemError)
}
