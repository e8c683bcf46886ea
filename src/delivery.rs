//! How this configuration delivers an update: where to, signed by what, and how that reads as a script.

use crate::config::{self, Config};
use crate::dns::message::Update;
use crate::dns::script::{self, Realm};
use crate::dns::send;
use crate::dns::signer::Signer;
use crate::dns::target::{self, Target};
use crate::dns::tls::Tls;
use crate::escape;
use crate::kerberos::{self, Kerberos};
use hickory_proto::rr::Name;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

/// What a run that sends needs of the configuration: everything that can be wrong with it has been found right.
pub(crate) struct Delivery<'a> {
    /// The configuration.
    config: &'a Config,
    /// TLS, if updates go over it.
    tls: Option<Tls>,
}

impl<'a> Delivery<'a> {
    /// Reads the files that only a run that sends needs.
    ///
    /// # Errors
    /// One of them is wrong.
    #[inline(never)]
    pub(crate) fn prepare(config: &'a Config) -> Result<Self, config::Error> {
        let tls = config.tls.as_ref().map(Tls::load).transpose();
        Ok(Self {
            config,
            tls: tls.map_err(|wrong| config.error(wrong.key, wrong.what))?,
        })
    }

    /// Where an update of a name goes.
    ///
    /// # Errors
    /// There is nowhere to send to, or it could not be found out before `deadline`.
    pub(crate) fn find_target(
        &self,
        name: &Name,
        deadline: Instant,
    ) -> Result<Target, target::Error> {
        let Self { config, tls } = self;
        let zone = config.zone.as_ref();
        target::find(name, zone, &config.servers, tls.as_ref(), deadline)
    }

    /// Sends an update until a server confirms it, and gives that one. `forget` is called in between: once all that can fail
    /// without a trace has not, and before anything is sent.
    ///
    /// # Errors
    /// The update was not confirmed.
    pub(crate) fn send(
        &self,
        update: Update,
        target: &mut Target,
        deadline: Instant,
        forget: impl FnOnce() -> Result<(), String>,
    ) -> Result<SocketAddr, Box<dyn Error>> {
        let kerberos = self.kerberos(&update.name, deadline).transpose()?;
        let gss = match &kerberos {
            Some(kerberos) => Some(kerberos.gss(target)?),
            None => None,
        };
        let signer = match &gss {
            Some(gss) => Signer::Gss(gss),
            None => Signer::from(self.config.key.as_ref()),
        };
        forget()?;
        let name = escape::domain(&update.name);
        send::send(update, target, signer, deadline)
            .map_err(|error| format!("{name} is not confirmed: {error}").into())
    }

    /// The update as a script for nsupdate, with all of the servers that would be tried.
    pub(crate) fn script(&self, update: &Update, mut target: Target, deadline: Instant) -> String {
        while target.look_further(deadline) {}
        let realm = self.kerberos(&update.name, deadline).map(|kerberos| {
            kerberos
                .inspect_err(|error| log::warn!("an update could not be signed: {error}"))
                .map(|kerberos| kerberos.realm().to_owned())
                .ok()
        });
        script::script(
            update,
            &target.servers,
            self.config.tls.as_ref(),
            realm.as_ref().map(|realm| Realm(realm.as_deref())),
        )
    }

    /// Kerberos, if it is to sign.
    fn kerberos(
        &self,
        name: &Name,
        deadline: Instant,
    ) -> Option<Result<Kerberos<'a>, kerberos::Error>> {
        let gss = self.config.gss.as_ref()?;
        Some(Kerberos::new(gss, name, deadline))
    }
}
