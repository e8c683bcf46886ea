//! From a name to its zone's apex and to the addresses that updates go to.
//!
//! The apex is the owner of the SOA record that covers the name (RFC 1035, 3.3.13); the primary is that record's MNAME
//! (RFC 2136, 4.3). Whether an SOA covers the name is the delicate part: resolvers follow CNAME records, and then show
//! the SOA of somebody else's zone. So one in an answer counts only at the name that was asked for, and one in a
//! negative answer (RFC 2308) only if no CNAME led away and its owner is that name or an ancestor of it.

use super::server::{Host, Server};
use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::{Hosts, TokioResolver};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// The port of DNS.
const PORT: u16 = 53;

/// The longest that one attempt of a query may take.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(5);

/// Where an update goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The zone's apex.
    pub(crate) apex: Name,
    /// The addresses to try, in this order; at least one.
    pub(crate) servers: Vec<SocketAddr>,
}

/// Why there is nowhere to send to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The system's resolver can't be used.
    #[error("cannot use the system's DNS servers: {0}")]
    Resolver(String),
    /// A query got no usable answer.
    #[error(
        "cannot look up {0} {1}: {2}; check the network and the system's DNS servers, or set `zone` and `server`"
    )]
    Lookup(Name, RecordType, String),
    /// No zone covers the name.
    #[error(
        "no zone has {0}: neither it nor a name above it below the root has an SOA record; create the zone, or set `zone` and `server`"
    )]
    NoZone(Name),
    /// The configured zone has no SOA record.
    #[error(
        "{0} is not the apex of a zone: it has no SOA record; check `zone`, or set `server` too"
    )]
    NoApex(Name),
    /// The name is not in the configured zone.
    #[error("{0} is not in the configured zone {1}; check `zone`, or set `hostname`")]
    OutOfZone(Name, Name),
    /// MNAME is the root, by which a zone says that it takes no updates.
    #[error(
        "the zone {0} takes no updates: its SOA record names no primary (MNAME is `.`); set `server` if there is one all the same"
    )]
    NoUpdates(Name),
    /// The server's name has no address.
    #[error(
        "the server {0} of the zone {1} has no address; correct the SOA record's MNAME, or set `server`"
    )]
    NoAddress(Name, Name),
}

/// Finds the zone of `name` and the addresses to update it at; `zone` and `server` take the place of a look-up each.
/// With both, and an address as the server, nothing is asked.
///
/// # Errors
/// There is nowhere to send to, or it could not be found out before `deadline`.
pub(crate) fn find(
    name: &Name,
    zone: Option<&Name>,
    server: Option<&Server>,
    deadline: Instant,
) -> Result<Target, Error> {
    if let Some(zone) = zone
        && !zone.zone_of(name)
    {
        return Err(Error::OutOfZone(name.clone(), zone.clone()));
    }
    if let (
        Some(zone),
        Some(Server {
            host: Host::Address(ip, _),
            port,
            ..
        }),
    ) = (zone, server)
    {
        return Ok(Target {
            apex: zone.clone(),
            servers: vec![SocketAddr::new(*ip, port.unwrap_or(PORT))],
        });
    }
    let resolver = Resolver::new(deadline)?;
    let (apex, mname) = match (zone, server) {
        (Some(zone), Some(_)) => (zone.clone(), Name::root()),
        (Some(zone), None) => match resolver.soa(zone)? {
            Some((apex, mname)) if apex == *zone => (apex, mname),
            _ => return Err(Error::NoApex(zone.clone())),
        },
        (None, _) => resolver.apex(name)?,
    };
    let (host, port) = match server {
        Some(Server {
            host: Host::Address(ip, _),
            port,
            ..
        }) => {
            return Ok(Target {
                apex,
                servers: vec![SocketAddr::new(*ip, port.unwrap_or(PORT))],
            });
        }
        Some(Server {
            host: Host::Name(host),
            port,
            ..
        }) => (host.clone(), port.unwrap_or(PORT)),
        None if mname.is_root() => return Err(Error::NoUpdates(apex)),
        None => (mname, PORT),
    };
    let addresses = resolver.addresses(&host, &apex)?;
    Ok(Target {
        apex,
        servers: addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect(),
    })
}

/// The addresses of a host by the hosts file and DNS, for those who have only a name; the resolver of libc is not asked.
///
/// # Errors
/// It has none, or they can't be found out in time.
pub(crate) fn addresses_of(host: &str, deadline: Instant) -> io::Result<Vec<IpAddr>> {
    let name = crate::name::domain_name(host)
        .map_err(|wrong| io::Error::other(format!("{host:?} {wrong}")))?;
    Resolver::new(deadline)
        .and_then(|resolver| resolver.addresses(&name, &name))
        .map_err(|error| io::Error::other(error.to_string()))
}

/// The system's DNS servers, asked within a deadline.
struct Resolver {
    /// Runs hickory's futures on this thread.
    runtime: Runtime,
    /// hickory's resolver.
    hickory: TokioResolver,
    /// When to give up.
    deadline: Instant,
}

impl Resolver {
    /// Reads the system's configuration.
    fn new(deadline: Instant) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Resolver(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| failed(&error))?;
        let mut builder = TokioResolver::builder_tokio().map_err(|error| failed(&error))?;
        let options = builder.options_mut();
        // What resolv.conf allows adds up to more than a run may take, so that two tries are made of each query and
        // three queries have time for both.
        options.timeout =
            (deadline.saturating_duration_since(Instant::now()) / 6).min(LONGEST_ATTEMPT);
        options.attempts = 1;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let hickory = builder.build().map_err(|error| failed(&error))?;
        Ok(Self {
            runtime,
            hickory,
            deadline,
        })
    }

    /// The apex of the zone that has `name`, and the primary's name: SOA queries from the name upwards.
    fn apex(&self, name: &Name) -> Result<(Name, Name), Error> {
        let mut asked = name.clone();
        while !asked.is_root() {
            if let Some(found) = self.soa(&asked)? {
                return if found.0.is_root() {
                    Err(Error::NoZone(name.clone()))
                } else {
                    Ok(found)
                };
            }
            asked = asked.base_name();
        }
        Err(Error::NoZone(name.clone()))
    }

    /// Owner and MNAME of the SOA record that covers a name, if the answer to an SOA query shows it.
    fn soa(&self, name: &Name) -> Result<Option<(Name, Name)>, Error> {
        let lookup = self.within(self.hickory.lookup(name.clone(), RecordType::SOA));
        match lookup {
            Ok(lookup) => Ok(lookup
                .answers()
                .iter()
                .find_map(|record| match &record.data {
                    RData::SOA(soa) if record.name == *name => {
                        Some((record.name.clone(), soa.mname.clone()))
                    }
                    _ => None,
                })),
            Err(NetError::Dns(DnsError::NoRecordsFound(negative)))
                if matches!(
                    negative.response_code,
                    ResponseCode::NoError | ResponseCode::NXDomain
                ) =>
            {
                let covers = |owner: &Name| negative.query.name() == name && owner.zone_of(name);
                Ok(negative
                    .soa
                    .filter(|soa| covers(&soa.name))
                    .map(|soa| (soa.name.clone(), soa.data.mname.clone())))
            }
            Err(error) => Err(Error::Lookup(
                name.clone(),
                RecordType::SOA,
                error.to_string(),
            )),
        }
    }

    /// The addresses of the zone's server, IPv4 first.
    fn addresses(&self, host: &Name, apex: &Name) -> Result<Vec<IpAddr>, Error> {
        let mut addresses = in_hosts_file(host);
        if addresses.is_empty() {
            match self.within(self.hickory.lookup_ip(host.clone())) {
                Ok(found) => addresses.extend(found.iter()),
                Err(error) if error.is_no_records_found() => {}
                Err(error) => {
                    return Err(Error::Lookup(
                        host.clone(),
                        RecordType::A,
                        error.to_string(),
                    ));
                }
            }
        }
        addresses.sort();
        addresses.dedup();
        if addresses.is_empty() {
            Err(Error::NoAddress(host.clone(), apex.clone()))
        } else {
            Ok(addresses)
        }
    }

    /// Waits for a look-up until the deadline.
    fn within<T>(&self, lookup: impl Future<Output = Result<T, NetError>>) -> Result<T, NetError> {
        self.runtime.block_on(async {
            tokio::time::timeout_at(self.deadline.into(), lookup)
                .await
                .unwrap_or(Err(NetError::Timeout))
        })
    }
}

/// A host's addresses in the hosts file. As with libc, a name that stands there is not asked for in DNS; hickory by
/// itself would ask for the family that doesn't.
fn in_hosts_file(host: &Name) -> Vec<IpAddr> {
    let hosts = Hosts::from_system().unwrap_or_default();
    [RecordType::A, RecordType::AAAA]
        .into_iter()
        .filter_map(|family| hosts.lookup_static_host(&Query::query(host.clone(), family)))
        .flat_map(|found| {
            found
                .answers()
                .iter()
                .filter_map(|record| record.data.ip_addr())
                .collect::<Vec<_>>()
        })
        .collect()
}
