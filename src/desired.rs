//! What this computer should be registered with now: facts of the host and the configuration become a [`Registration`].

use crate::addresses::{self, Selection};
use crate::config::Config;
use crate::escape;
use crate::host::{self, Interface};
use crate::name::{self, NameSource};
use crate::registration::Registration;
use hickory_proto::rr::Name;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long a run that is about to send waits for duplicate address detection. It takes one second as a rule, after up to
/// one more (RFC 4862, 5.4.2).
const MAX_DETECTION: Duration = Duration::from_secs(3);

/// How often it looks meanwhile.
const DETECTION_INTERVAL: Duration = Duration::from_millis(50);

/// What should be registered, and what that was chosen from.
pub(crate) struct Desired {
    /// What the zone should say.
    pub(crate) registration: Registration,
    /// Where the name was found.
    pub(crate) name_source: NameSource,
    /// The interfaces with all of their addresses.
    pub(crate) interfaces: Vec<Interface>,
    /// Names of the command line that no interface has.
    pub(crate) missing: Vec<String>,
}

impl Desired {
    /// What follows from a name and the interfaces.
    pub(crate) fn new(
        (name, name_source): (Name, NameSource),
        interfaces: Vec<Interface>,
        missing: Vec<String>,
        selection: &Selection,
        config: &Config,
    ) -> Self {
        Self {
            registration: Registration {
                name,
                addresses: addresses::choose(&interfaces, selection, &config.rules),
                ttl: config.ttl,
                zone: config.zone.clone(),
                server: servers_text(config),
                replace: config.replace,
            },
            name_source,
            interfaces,
            missing,
        }
    }

    /// Tells which name is registered, and why addresses are left out.
    pub(crate) fn tell(&self, selection: &Selection, config: &Config) {
        log::debug!(
            "the configuration is {}; the name is {}, from {}; to register: {}",
            config.file.display(),
            escape::domain(&self.registration.name),
            self.name_source.as_str(),
            self.registration.addresses
        );
        for verdict in addresses::judge(&self.interfaces, selection, &config.rules) {
            if let Some(reason) = verdict.reason {
                log::debug!(
                    "{} on {} is left out: {reason}",
                    verdict.ip,
                    verdict.interface.name
                );
            }
        }
    }
}

/// Asks the system for name and addresses, and chooses.
///
/// # Errors
/// There is no name to register, the system does not answer, or none of the named interfaces exists.
pub(crate) fn gather(selection: &Selection, config: &Config) -> Result<Desired, String> {
    let name = name(config)?;
    let interfaces = interfaces(selection)?;
    let missing = missing(selection, &interfaces)?;
    Ok(Desired::new(name, interfaces, missing, selection, config))
}

/// Named interfaces that do not exist.
///
/// # Errors
/// None of them exists.
pub(crate) fn missing(
    selection: &Selection,
    interfaces: &[Interface],
) -> Result<Vec<String>, String> {
    match selection.missing(interfaces) {
        Ok(missing) => Ok(missing.into_iter().map(str::to_owned).collect()),
        Err(named) => Err(format!(
            "no interface {} exists, so the records stay; there are {}",
            named.join(", "),
            names(interfaces)
        )),
    }
}

/// Waits, but not for long, while duplicate address detection is about to give a selected interface another address to
/// register: a DHCP hook runs before it has ended, and nothing runs after. Whether it did.
///
/// # Errors
/// The system does not answer.
pub(crate) fn settle(
    desired: &Desired,
    selection: &Selection,
    config: &Config,
) -> Result<bool, String> {
    let is_unsettled =
        |found: &[Interface]| addresses::is_unsettled(found, selection, &config.rules);
    if !is_unsettled(&desired.interfaces) {
        return Ok(false);
    }
    let end = Instant::now() + MAX_DETECTION;
    loop {
        thread::sleep(DETECTION_INTERVAL);
        if Instant::now() >= end || !is_unsettled(&interfaces(selection)?) {
            return Ok(true);
        }
    }
}

/// The name to register, and where it was found.
///
/// # Errors
/// There is none.
pub(crate) fn name(config: &Config) -> Result<(Name, NameSource), String> {
    if let Some(name) = &config.hostname {
        return Ok((name.clone(), NameSource::Configuration));
    }
    let (name, source) = host::full_name().map_err(|error| {
        format!(
            "cannot find out this computer's name: {}; set `hostname` in the configuration",
            escape::system(&error)
        )
    })?;
    let valid = match source {
        // Windows joins its name and its domain where an administrator has set both.
        NameSource::System => name::configured_host_name(&name),
        _ => name::host_name(&name),
    };
    valid.map(|name| (name, source)).map_err(|wrong| {
        format!("this computer's name {name:?} {wrong}; give it a full name (host.example.com), or set `hostname` in the configuration")
    })
}

/// The servers of the configuration as written there, if it names some.
fn servers_text(config: &Config) -> Option<String> {
    let texts: Vec<_> = config
        .servers
        .iter()
        .map(|server| server.text.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// The interfaces, under as many of their names as the selection needs.
///
/// # Errors
/// The system does not answer.
pub(crate) fn interfaces(selection: &Selection) -> Result<Vec<Interface>, String> {
    let failed = |error: io::Error| {
        format!(
            "cannot list the interfaces' addresses: {}",
            escape::system(&error)
        )
    };
    if !selection.has_pattern() {
        let found = host::interfaces().map_err(failed)?;
        if selection.is_seen_in(&found) {
            return Ok(found);
        }
    }
    host::all_interfaces().map_err(failed)
}

/// The interfaces' names, for people.
fn names(interfaces: &[Interface]) -> String {
    let names: Vec<&str> = interfaces
        .iter()
        .map(|interface| interface.name.as_str())
        .collect();
    names.join(", ")
}
