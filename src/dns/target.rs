//! Where an update goes: the zone's apex, and the addresses of its primary or of the servers that the configuration names.
//!
//! Further servers of the configuration are looked up once the first have failed, so that DNS is not asked for what nobody
//! needs.

use super::exchange::Peer;
use super::explain;
use super::lookup::{AddressError, Hosts, SystemError, address, advice};
use super::server::{Host, Server};
use super::tls::{self, Tls};
use super::zone::{self, Soa};
use crate::escape;
use hickory_proto::rr::Name;
use rustls::pki_types::ServerName;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

/// The port of DNS.
const PORT: u16 = 53;

/// Where an update goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The zone's apex.
    pub(crate) apex: Name,
    /// MNAME of the zone's SOA record, if it was asked for.
    pub(crate) primary: Option<Name>,
    /// Whether the configuration names the servers, and not the SOA record.
    pub(crate) is_configured: bool,
    /// The addresses to try, in this order; at least one.
    pub(crate) servers: Vec<SocketAddr>,
    /// Servers of the configuration that no address was found of, each with the reason.
    pub(crate) unfound: Vec<String>,
    /// Servers to look up should all of these fail.
    further: VecDeque<Server>,
    /// What each of `servers` goes by, which its certificate must have.
    names: Vec<ServerName<'static>>,
    /// TLS, if the servers are to be spoken to so.
    tls: Option<Tls>,
}

/// Why there is nowhere to send to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no zone to update, or it cannot be found.
    #[error("{_0}{}", zone_advice(_0))]
    Zone(#[from] zone::Error),
    /// The name is not in the configured zone.
    #[error(
        "{} is not in the configured zone {}; correct `zone`, or set `hostname`",
        escape::domain(_0),
        escape::domain(_1)
    )]
    OutOfZone(Name, Name),
    /// MNAME is the root, by which a zone says that it takes no updates.
    #[error(
        "the zone {} takes no updates: its SOA record names no primary (MNAME is `.`); set `server` if there is one all the same",
        escape::domain(_0)
    )]
    NoUpdates(Name),
    /// The addresses of the primary cannot be found.
    #[error(
        "cannot reach {}, the primary by the SOA record of {}: {why}{}; {}set `server` to where updates are taken",
        escape::domain(primary),
        escape::domain(apex),
        why.advice(),
        if matches!(why, AddressError::None(_)) { "correct MNAME in that record, or " } else { "or " }
    )]
    NoPrimary {
        /// Its name.
        primary: Name,
        /// The zone.
        apex: Name,
        /// Why not.
        why: AddressError,
    },
    /// The addresses of a server of the configuration cannot be found.
    #[error("cannot reach {}, which `server` names: {why}{}; correct `server`", escape::one_line(text), why.advice())]
    NoServer {
        /// The server as it was written.
        text: String,
        /// Why not.
        why: AddressError,
    },
    /// The name servers are not known.
    #[error("{_0}; mend it, or set `zone` and the address of a `server`")]
    System(#[from] SystemError),
}

/// What to do where a zone cannot be looked up.
fn zone_advice(error: &zone::Error) -> String {
    match error {
        zone::Error::Lookup { .. } => format!("{}, or set `zone` and `server`", advice()),
        zone::Error::Delegated { .. } => {
            "; check the delegation and its servers, or set `zone` and `server`".to_owned()
        }
        _ => String::new(),
    }
}

/// Finds the zone of `name` and the addresses to update it at; `zone` and `servers` take the place of a look-up each.
/// With both, and an address as the first server, nothing is asked.
///
/// # Errors
/// There is nowhere to send to, or it could not be found out before `deadline`.
pub(crate) fn find(
    name: &Name,
    zone: Option<&Name>,
    servers: &[Server],
    tls: Option<&Tls>,
    deadline: Instant,
) -> Result<Target, Error> {
    if let Some(zone) = zone
        && !zone.zone_of(name)
    {
        return Err(Error::OutOfZone(name.clone(), zone.clone()));
    }
    let mut hosts = Hosts::new(deadline);
    let (apex, primary) = match zone {
        Some(zone) if !servers.is_empty() => (zone.clone(), None),
        Some(zone) => found(zone::at(zone, hosts.resolver()?, deadline)?),
        None => found(zone::of(name, hosts.resolver()?, deadline)?),
    };
    let mut target = Target {
        apex,
        primary,
        is_configured: !servers.is_empty(),
        servers: Vec::new(),
        unfound: Vec::new(),
        further: servers.iter().cloned().collect(),
        names: Vec::new(),
        tls: tls.cloned(),
    };
    if target.is_configured {
        target.look_up_further(&mut hosts)?;
    } else {
        target.look_up_primary(&mut hosts)?;
    }
    Ok(target)
}

/// What a server's certificate must have: its name, or its address if it goes by that.
fn certificate_name(host: &Host) -> ServerName<'static> {
    let ip = match host {
        Host::Address(ip, _) => *ip,
        Host::Name(name) => match ServerName::try_from(escape::domain(name)) {
            Ok(name) => return name,
            // No certificate can have a name that is none.
            Err(_) => Ipv4Addr::UNSPECIFIED.into(),
        },
    };
    ServerName::IpAddress(ip.into())
}

/// What an SOA record says.
fn found(soa: Soa) -> (Name, Option<Name>) {
    (soa.apex, Some(soa.primary))
}

impl Target {
    /// Looks up the configuration's next server that has an address. Whether there is one.
    pub(crate) fn look_further(&mut self, deadline: Instant) -> bool {
        let known = self.servers.len();
        if let Err(error) = self.look_up_further(&mut Hosts::new(deadline)) {
            log::debug!("{error}");
        }
        self.servers.len() > known
    }

    /// A server to try, by its place in `servers`.
    pub(crate) fn peer(&self, index: usize) -> Option<Peer<'_>> {
        Some(Peer {
            address: *self.servers.get(index)?,
            tls: self.tls.as_ref().zip(self.names.get(index)),
        })
    }

    /// What to do when none of `servers` can be reached.
    pub(crate) fn advice(&self) -> String {
        let first = self.servers.first().copied();
        let first = first.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, self.port()).into());
        explain::unreachable(first, &self.apex, self.primary.as_ref(), self.is_configured)
    }

    /// All of `servers`.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Peer<'_>> {
        (0..self.servers.len()).filter_map(|index| self.peer(index))
    }

    /// The port of servers that name none.
    fn port(&self) -> u16 {
        if self.tls.is_some() { tls::PORT } else { PORT }
    }

    /// Adds the addresses of a server that goes by this name.
    fn add(&mut self, addresses: impl IntoIterator<Item = SocketAddr>, name: &ServerName<'static>) {
        self.servers.extend(addresses);
        self.names.resize(self.servers.len(), name.clone());
    }

    /// How many servers of the configuration are not looked up yet.
    pub(crate) fn further(&self) -> usize {
        self.further.len()
    }

    /// Adds the addresses of the SOA's primary.
    fn look_up_primary(&mut self, hosts: &mut Hosts) -> Result<(), Error> {
        let Some(primary) = self.primary.as_ref().filter(|primary| !primary.is_root()) else {
            return Err(Error::NoUpdates(self.apex.clone()));
        };
        let addresses = hosts
            .server_addresses(primary, hosts.deadline)
            .map_err(|why| Error::NoPrimary {
                primary: primary.clone(),
                apex: self.apex.clone(),
                why,
            })?;
        let port = self.port();
        let name = certificate_name(&Host::Name(primary.clone()));
        self.add(
            addresses.into_iter().map(|ip| SocketAddr::new(ip, port)),
            &name,
        );
        Ok(())
    }

    /// Adds the addresses of the configuration's next server that has one, and of those behind it that need no look-up.
    fn look_up_further(&mut self, hosts: &mut Hosts) -> Result<(), Error> {
        let mut failure = None;
        let known = self.servers.len();
        while let Some(server) = self.further.front() {
            if self.servers.len() > known && matches!(server.host, Host::Name(_)) {
                return Ok(());
            }
            let port = server.port.unwrap_or(self.port());
            let name = certificate_name(&server.host);
            let found = match &server.host {
                Host::Address(ip, scope) => {
                    address(*ip, scope.as_deref(), port).map(|one| vec![one])
                }
                Host::Name(name) => {
                    // None may eat the time of those behind it.
                    let left = hosts.deadline.saturating_duration_since(Instant::now());
                    let share = left / u32::try_from(self.further.len()).unwrap_or(u32::MAX);
                    hosts
                        .server_addresses(name, Instant::now() + share)
                        .map(|all| {
                            all.into_iter()
                                .map(|ip| SocketAddr::new(ip, port))
                                .collect()
                        })
                }
            };
            match found {
                Ok(addresses) => self.add(addresses, &name),
                Err(why) => {
                    let text = server.text.clone();
                    let error = Error::NoServer { text, why };
                    self.unfound.push(error.to_string());
                    failure = Some(error);
                }
            }
            self.further.pop_front();
        }
        match failure {
            Some(failure) if self.servers.len() == known => Err(failure),
            _ => Ok(()),
        }
    }
}
