//! The `gss` key to a ticket: the keytab, where the KDCs are, the clock and chance, which the package `gss-tsig` asks for.
//!
//! A realm's KDCs are those of the configuration, if it is the principal's own realm; else those of krb5.conf; else those
//! of DNS.

use crate::config;
use crate::dns::current;
use crate::dns::gss::Gss;
use crate::dns::lookup;
use crate::dns::server::Server;
use crate::dns::target::Target;
use crate::escape;
use crate::name;
use gss_tsig::{Choice, Credentials, Environment, Include, Kdcs, Keytab, KeytabError, Krb5Conf};
use hickory_proto::rr::Name;
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Where the machine's Kerberos is configured.
const KRB5_CONF: &str = "/etc/krb5.conf";

/// No keytab needs more bytes than this; 1 MiB.
const MAX_KEYTAB: u64 = 1 << 20;

/// No file of krb5.conf needs more bytes than this; 1 MiB.
const MAX_CONF: u64 = 1 << 20;

/// The port of KDCs.
const PORT: u16 = 88;

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The keytab can't be read.
    #[error("cannot read the keytab {}: {}; join the domain, or name the right file in `gss.keytab`", .0.display(), escape::system(.1))]
    NoKeytab(PathBuf, io::Error),
    /// The keytab is of no use.
    #[error("the keytab {} {}", .0.display(), escape::one_line(&.1.to_string()))]
    Keytab(PathBuf, KeytabError),
    /// The service's name is not known.
    #[error(
        "cannot find out the primary's name, by which its service goes: {0}; name it in `gss.service`"
    )]
    NoPrimary(current::Error),
    /// There is nobody to ask, or no time.
    #[error(
        "cannot find out the primary's name, by which its service goes: there is no server to ask"
    )]
    NoTime,
    /// Kerberos gives no ticket.
    #[error("{}", escape::one_line(&.0.to_string()))]
    Kerberos(#[from] gss_tsig::Error),
}

impl Error {
    /// Whether the keytab is for others.
    pub(crate) fn is_permission_denied(&self) -> bool {
        matches!(self, Self::NoKeytab(_, error) if error.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// Kerberos for one run.
#[derive(Debug)]
pub(crate) struct Kerberos<'a> {
    /// The configuration.
    gss: &'a config::Gss,
    /// Who logs in.
    credentials: Credentials,
    /// When to give up.
    deadline: Instant,
    /// The KDCs that have been looked up already, by realm.
    known: RefCell<Vec<(String, Kdcs)>>,
}

impl<'a> Kerberos<'a> {
    /// Reads the keytab and chooses the principal by it.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn new(gss: &'a config::Gss, host: &Name, deadline: Instant) -> Result<Self, Error> {
        let keytab = config::read(&gss.keytab, MAX_KEYTAB)
            .map_err(|error| Error::NoKeytab(gss.keytab.clone(), error))?;
        let credentials = Keytab::parse(&keytab)
            .and_then(|keytab| {
                keytab.credentials(Choice {
                    principal: gss.principal.as_deref(),
                    realm: gss.realm.as_deref(),
                    host: &host_text(host),
                })
            })
            .map_err(|error| Error::Keytab(gss.keytab.clone(), error))?;
        Ok(Self {
            gss,
            credentials,
            deadline,
            known: RefCell::default(),
        })
    }

    /// Who logs in, as `name@REALM`.
    pub(crate) fn principal(&self) -> String {
        self.credentials.principal()
    }

    /// The principal's realm.
    pub(crate) fn realm(&self) -> &str {
        self.credentials.realm()
    }

    /// Logs in and gets a ticket for the service: the one that the configuration names, or `DNS/` and the zone's primary,
    /// by whose name it goes even where the update goes elsewhere.
    ///
    /// # Errors
    /// There is none before the deadline.
    pub(crate) fn gss(&self, target: &Target) -> Result<Gss<'_>, Error> {
        let service = match (&self.gss.service, &target.primary) {
            (Some(service), _) => service.clone(),
            (None, Some(primary)) => service_of(primary),
            (None, None) => service_of(&self.primary_by_itself(target)?),
        };
        log::debug!(
            "asking for a ticket for {} as {}",
            escape::one_line(&service),
            self.credentials.principal()
        );
        let ticket = self.credentials.ticket_for(&service, self.deadline, self)?;
        if ticket.clock_offset() != 0 {
            log::warn!(
                "this computer's clock is {} seconds {} the KDC's; set it",
                ticket.clock_offset().unsigned_abs(),
                if ticket.clock_offset() < 0 {
                    "ahead of"
                } else {
                    "behind"
                }
            );
        }
        Ok(Gss {
            ticket,
            environment: self,
        })
    }

    /// The zone's primary as the first of the configured servers that answers has it.
    fn primary_by_itself(&self, target: &Target) -> Result<Name, Error> {
        let mut failure = Error::NoTime;
        for (index, peer) in target.peers().enumerate() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let others = u32::try_from(target.servers.len() - index).unwrap_or(u32::MAX);
            match current::primary(peer, &target.apex, Instant::now() + left / others) {
                Ok(primary) => return Ok(primary),
                Err(error) => failure = Error::NoPrimary(error),
            }
        }
        Err(failure)
    }

    /// Where the KDCs of a realm are.
    fn find_kdcs(&self, realm: &str) -> Result<Kdcs, String> {
        if realm == self.realm() && !self.gss.kdc.is_empty() {
            return self.addresses(&self.gss.kdc, "`gss.kdc`");
        }
        let named = in_krb5_conf(realm);
        if named.is_empty() {
            self.in_dns(realm)
        } else {
            self.addresses(&named, KRB5_CONF)
        }
    }

    /// The addresses of these KDCs.
    fn addresses(&self, kdcs: &[Server], source: &str) -> Result<Kdcs, String> {
        let all = lookup::addresses_of_any(kdcs, PORT, self.deadline).map_err(|(kdc, error)| {
            format!("{source} names {}: {error}{}", kdc.text, error.advice())
        })?;
        Ok(Kdcs {
            udp: all.clone(),
            tcp: all,
            source: source.to_owned(),
        })
    }

    /// The addresses of a realm's KDCs in DNS.
    fn in_dns(&self, realm: &str) -> Result<Kdcs, String> {
        let service = |transport| {
            let service = format!("_kerberos._{transport}.{realm}");
            name::domain_name(&service)
                .map_err(|wrong| format!("{} {wrong}", escape::one_line(&service)))
        };
        let services = [&service("udp")?, &service("tcp")?];
        let [udp, tcp] = lookup::addresses_of_services(services, self.deadline)
            .map_err(|error| format!("{error}{}, or name them in `gss.kdc`", error.advice()))?;
        let kdcs = Kdcs {
            udp,
            tcp,
            source: "SRV records in DNS".into(),
        };
        if kdcs.udp.is_empty() && kdcs.tcp.is_empty() {
            return Err(format!(
                "{KRB5_CONF} names none, and DNS has no address by SRV records at _kerberos._udp.{0} or _kerberos._tcp.{0}; name them in `gss.kdc`",
                escape::one_line(realm)
            ));
        }
        Ok(kdcs)
    }
}

impl Environment for Kerberos<'_> {
    fn now(&self) -> Duration {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn fill_random(&self, octets: &mut [u8]) -> io::Result<()> {
        getrandom::fill(octets).map_err(io::Error::other)
    }

    fn kdcs(&self, realm: &str) -> Result<Kdcs, String> {
        let of_realm = |known: &&(String, Kdcs)| known.0 == realm;
        if let Some((_, kdcs)) = self.known.borrow().iter().find(of_realm) {
            return Ok(kdcs.clone());
        }
        let kdcs = self.find_kdcs(realm)?;
        self.known
            .borrow_mut()
            .push((realm.to_owned(), kdcs.clone()));
        Ok(kdcs)
    }
}

/// The service of a name server. Principals have hosts' names in lower case (RFC 4120, section 6.2.1), whatever case the
/// SOA record has.
fn service_of(primary: &Name) -> String {
    format!("DNS/{}", host_text(&primary.to_lowercase()))
}

/// A host's name as principals have it.
fn host_text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

/// The KDCs of a realm that krb5.conf names, as far as they can be asked here: not over HTTPS, nor by a socket's path.
fn in_krb5_conf(realm: &str) -> Vec<Server> {
    let Some(text) = text_of(Path::new(KRB5_CONF)) else {
        return Vec::new();
    };
    let conf = Krb5Conf::parse(&text, &mut |include| match include {
        Include::File(path) => text_of(Path::new(path)).into_iter().collect(),
        Include::Folder(path) => texts_in(Path::new(path)),
    });
    conf.kdcs(realm)
        .filter_map(|kdc| Server::parse(kdc).ok())
        .collect()
}

/// The text of a file, if it can be read.
fn text_of(path: &Path) -> Option<String> {
    let octets = config::read(path, MAX_CONF).ok()?;
    Some(String::from_utf8_lossy(&octets).into_owned())
}

/// The texts of a folder's files that count, in the order of their names.
fn texts_in(folder: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(Krb5Conf::is_included)
        })
        .collect();
    files.sort();
    files.iter().filter_map(|path| text_of(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_goes_by_the_primarys_name_in_lower_case_and_without_the_final_dot() {
        let primary = name::domain_name("NS1.Example.COM.").unwrap();
        assert_eq!(service_of(&primary), "DNS/ns1.example.com");
    }
}
