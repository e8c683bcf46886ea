//! How this configuration delivers an update: where to, signed by what, and how that reads as a script.

use crate::config::Config;
use crate::dns::message::Update;
use crate::dns::script;
use crate::dns::send;
use crate::dns::signer::Signer;
use crate::dns::target::{self, Target};
use crate::escape;
use crate::kerberos::{self, Kerberos};
use hickory_proto::rr::Name;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

/// Where an update of a name goes.
///
/// # Errors
/// There is nowhere to send to, or it could not be found out before `deadline`.
pub(crate) fn find_target(
    config: &Config,
    name: &Name,
    deadline: Instant,
) -> Result<Target, target::Error> {
    target::find(name, config.zone.as_ref(), &config.servers, deadline)
}

/// Sends an update until a server confirms it, and gives that one. `forget` is called in between: once all that can fail
/// without a trace has not, and before anything is sent.
///
/// # Errors
/// The update was not confirmed.
pub(crate) fn send(
    config: &Config,
    update: Update,
    target: &mut Target,
    deadline: Instant,
    forget: impl FnOnce() -> Result<(), String>,
) -> Result<SocketAddr, Box<dyn Error>> {
    let kerberos = kerberos(config, &update.name, deadline).transpose()?;
    let gss = match &kerberos {
        Some(kerberos) => Some(kerberos.gss(target)?),
        None => None,
    };
    let signer = match &gss {
        Some(gss) => Signer::Gss(gss),
        None => Signer::from(config.key.as_ref()),
    };
    forget()?;
    let name = escape::domain(&update.name);
    send::send(update, target, signer, deadline)
        .map_err(|error| format!("{name} is not confirmed: {error}").into())
}

/// The update as a script for nsupdate, with all of the servers that would be tried.
pub(crate) fn script(
    config: &Config,
    update: &Update,
    mut target: Target,
    deadline: Instant,
) -> String {
    while target.look_further(deadline) {}
    let realm = kerberos(config, &update.name, deadline).map(|kerberos| {
        kerberos
            .inspect_err(|error| log::warn!("an update could not be signed: {error}"))
            .map(|kerberos| kerberos.realm().to_owned())
            .ok()
    });
    script::script(
        update,
        &target.servers,
        realm.as_ref().map(Option::as_deref),
    )
}

/// Kerberos, if it is to sign.
fn kerberos<'a>(
    config: &'a Config,
    name: &Name,
    deadline: Instant,
) -> Option<Result<Kerberos<'a>, kerberos::Error>> {
    let gss = config.gss.as_ref()?;
    Some(Kerberos::new(gss, name, deadline))
}
