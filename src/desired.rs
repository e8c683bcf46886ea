//! What this computer should be registered with now: facts of the host and the configuration become a [`Registration`].

use crate::addresses::{self, Selection};
use crate::config::Config;
use crate::host;
use crate::name;
use crate::registration::Registration;
use hickory_proto::rr::Name;

/// What should be registered, and which named interfaces do not exist.
pub(crate) struct Desired {
    /// What the zone should say.
    pub(crate) registration: Registration,
    /// Names of the command line that no interface has.
    pub(crate) missing: Vec<String>,
}

/// Asks the system for name and addresses, and chooses.
///
/// # Errors
/// There is no name to register, the system does not answer, or none of the named interfaces exists.
pub(crate) fn gather(selection: &Selection, config: &Config) -> Result<Desired, String> {
    let name = match &config.hostname {
        Some(name) => name.clone(),
        None => own_name()?,
    };
    let found = host::interface_addresses()
        .map_err(|error| format!("cannot list the interfaces' addresses: {error}"))?;
    let missing = if selection.is_seen_in(&found) {
        Vec::new()
    } else {
        let interfaces = host::interface_names()
            .map_err(|error| format!("cannot list the interfaces: {error}"))?;
        selection
            .missing(&interfaces)
            .map_err(|named| {
                format!(
                    "no interface {} exists, so the records stay; there are {}",
                    named.join(", "),
                    interfaces.join(", ")
                )
            })?
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    Ok(Desired {
        registration: Registration {
            name,
            addresses: addresses::choose(&found, selection, &config.rules),
            ttl: config.ttl,
            zone: config.zone.clone(),
            server: servers_text(config),
            replace: config.replace,
        },
        missing,
    })
}

/// This computer's name, if it is one to register.
fn own_name() -> Result<Name, String> {
    let name = host::full_name().map_err(|error| {
        format!("cannot read this computer's name: {error}; set `hostname` in the configuration")
    })?;
    name::host_name(&name).map_err(|wrong| {
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
