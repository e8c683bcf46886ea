//! The story of one run, from top to bottom.
//!
//! [`run`] reads the configuration, starts logging and chooses the mode once. [`register`] gathers what should be in
//! the zone, ends at once if the cache confirms it, and else takes its turn, sends one update and remembers what a server
//! has confirmed.

use crate::addresses;
use crate::cache::{Cache, CacheLock, Reading};
use crate::cli::{Mode, Options};
use crate::config::{self, CacheFile, Config, DEFAULT_TIMEOUT};
use crate::desired::{self, Desired};
use crate::dns::message::Update;
use crate::dns::script::script;
use crate::dns::send;
use crate::dns::signer::Signer;
use crate::dns::target::{self, Target};
use crate::escape;
use crate::host::{self, Alarm};
use crate::kerberos::{self, Kerberos};
use crate::logger::{self, Logger};
use crate::registration::Registration;
use std::cell::LazyCell;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

/// How long after `timeout` a run is ended by the alarm if something other than the network blocks it. Log handlers that
/// deliver over the network may take a few seconds after the update.
const MARGIN: Duration = Duration::from_secs(5);

/// Why a run ended without success.
#[derive(Debug)]
pub enum Stop {
    /// The command line or the configuration is wrong, and nothing was touched.
    Wrong(String),
    /// The run failed or could not be confirmed; the log has been told.
    Failed,
}

impl Stop {
    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Wrong(_) => 2,
        }
    }

    /// Tells on stderr what the log can't have told.
    pub fn report(&self) {
        if let Self::Wrong(what) = self {
            logger::complain(what);
        }
    }
}

/// One run, in the mode that the command line asks for.
///
/// # Errors
/// Why it ended without success.
pub fn run(options: &Options) -> Result<(), Stop> {
    // The lead's branch gives these two their rooms.
    if matches!(options.mode, Mode::Status { .. } | Mode::Unregister { .. }) {
        return Err(Stop::Wrong("this mode is not available yet".into()));
    }
    let mut alarm = Alarm::set(DEFAULT_TIMEOUT + MARGIN);
    let mut config =
        Config::load(options.config.as_deref()).map_err(|wrong| Stop::Wrong(wrong.to_string()))?;
    alarm.confirm(config.timeout + MARGIN);
    let cache = config.cache_file().map_err(|wrong| {
        Stop::Wrong(format!(
            "{}: cache: {wrong}; name a file in place of true",
            config.file.display()
        ))
    })?;
    // Read and checked already, but nothing of the wire knows of it yet.
    if config.tls.is_some() {
        return Err(Stop::Wrong(format!(
            "{}: tls: is not available yet",
            config.file.display()
        )));
    }
    let run = Run {
        options,
        alarm,
        cache: cache.map(match config.cache {
            CacheFile::Default => Cache::at_default,
            _ => Cache::at,
        }),
        logger: Logger::start(config.logging.take(), options.verbose),
        config,
    };
    let outcome = match options.mode {
        Mode::Register => run.register(),
        Mode::DryRun => run.dry_run(),
        Mode::Status { .. } | Mode::Unregister { .. } => Ok(()),
    };
    let outcome = outcome.map_err(|error| match error.downcast::<config::Error>() {
        Ok(wrong) => Stop::Wrong(wrong.to_string()),
        Err(error) => {
            log::error!("{}", escape::one_line(&error.to_string()));
            Stop::Failed
        }
    });
    run.logger.finish();
    outcome
}

/// What every mode works with.
struct Run<'a> {
    /// The command line.
    options: &'a Options,
    /// The configuration.
    config: Config,
    /// What ends the run whatever blocks it.
    alarm: Alarm,
    /// The cache, if there is one.
    cache: Option<Cache>,
    /// Where log lines go.
    logger: Logger,
}

impl Run<'_> {
    /// Registers what the cache does not confirm.
    fn register(&self) -> Result<(), Box<dyn Error>> {
        // Counted from the first thing that a run waits for: most runs come to none.
        let deadline = LazyCell::new(|| Instant::now() + self.config.timeout);
        let mut lock = None;
        if let (true, Some(cache)) = (self.options.force, &self.cache) {
            forget(cache, lock.insert(self.take_lock(cache, *deadline)?))?;
        }
        let mut desired = self.gather()?;
        if !self.options.force && self.is_confirmed(&desired.registration) {
            tell_nothing_to_do(&desired);
            return Ok(());
        }
        desired = self.settled(desired)?;
        // Without a cache there is nothing to take turns for.
        if let (None, Some(cache)) = (&lock, &self.cache) {
            lock = Some(self.take_lock(cache, *deadline)?);
            desired = self.gather()?;
            if self.is_confirmed(&desired.registration) {
                tell_nothing_to_do(&desired);
                return Ok(());
            }
        }
        self.warn_of_cache(lock.as_ref(), &desired.registration);
        loop {
            warn_of(&desired, &self.config);
            self.send(&desired.registration, lock.as_mut(), *deadline)?;
            // An address that changed meanwhile may have started a run which ended at once, by what the cache said before
            // it was forgotten here. So whoever writes the cache looks once more.
            let now = self.gather()?;
            if now.registration == desired.registration {
                break;
            }
            desired = now;
        }
        Ok(())
    }

    /// Prints what would be sent.
    fn dry_run(&self) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + self.config.timeout;
        let mut desired = self.gather()?;
        if self.options.force || !self.is_confirmed(&desired.registration) {
            desired = self.settled(desired)?;
        }
        let registration = &desired.registration;
        if !self.options.force && self.is_confirmed(registration) {
            tell_nothing_to_do(&desired);
            return print(&format!(
                "; nothing to send: the cache confirms {} with {}\n",
                escape::domain(&registration.name),
                registration.addresses
            ));
        }
        let mut target = self.find_target(registration, deadline)?;
        let update = Update::register(registration, &target.apex)?;
        while target.look_further(deadline).is_ok_and(|is_found| is_found) {}
        let realm = self.kerberos(registration, deadline).map(|kerberos| {
            kerberos
                .inspect_err(|error| log::warn!("an update could not be signed: {error}"))
                .map(|kerberos| kerberos.realm().to_owned())
                .ok()
        });
        let gss = realm.as_ref().map(Option::as_deref);
        print(&script(&update, &target.servers, gss))
    }

    /// Sends one update and, once a server has confirmed it, writes it down.
    fn send(
        &self,
        registration: &Registration,
        mut lock: Option<&mut CacheLock>,
        deadline: Instant,
    ) -> Result<(), Box<dyn Error>> {
        let mut target = self.find_target(registration, deadline)?;
        let update = Update::register(registration, &target.apex)?;
        let name = escape::domain(&registration.name);
        log::info!(
            "updating {name} in {} to {}",
            escape::domain(&target.apex),
            registration.addresses
        );
        let kerberos = self.kerberos(registration, deadline).transpose()?;
        let gss = match &kerberos {
            Some(kerberos) => Some(kerberos.gss(&target)?),
            None => None,
        };
        let signer = gss
            .as_ref()
            .map_or_else(|| Signer::from(self.config.key.as_ref()), Signer::Gss);
        if let (Some(cache), Some(lock)) = (&self.cache, lock.as_deref_mut()) {
            forget(cache, lock)?;
        }
        let server = send::send(update, &mut target, signer, deadline)
            .map_err(|error| format!("{name} is not confirmed: {error}"))?;
        log::info!("{server} confirmed {} at {name}", registration.addresses);
        if let (Some(cache), Some(lock)) = (&self.cache, lock)
            && let Err(error) = lock.save(registration, SystemTime::now())
        {
            log::warn!(
                "cannot write the cache {}, so the next run sends again: {error}",
                cache.path().display()
            );
        }
        Ok(())
    }

    /// Kerberos, if it is to sign.
    fn kerberos(
        &self,
        registration: &Registration,
        deadline: Instant,
    ) -> Option<Result<Kerberos<'_>, kerberos::Error>> {
        let gss = self.config.gss.as_ref()?;
        Some(Kerberos::new(gss, &registration.name, deadline))
    }

    /// Waits for other runs with the same cache, if that is a file to write at all.
    fn take_lock(&self, cache: &Cache, deadline: Instant) -> Result<CacheLock, Box<dyn Error>> {
        self.config.check_cache(cache.path())?;
        cache.lock(deadline).map_err(|error| {
            format!("cannot lock the cache {}: {error}", cache.path().display()).into()
        })
    }

    /// Warnings about the cache that only a run that sends gives.
    fn warn_of_cache(&self, lock: Option<&CacheLock>, registration: &Registration) {
        let Some(cache) = &self.cache else {
            return;
        };
        let path = cache.path().display();
        if let Some(flaw) = lock.and_then(CacheLock::flaw) {
            log::warn!("cannot lock the cache {path}, so another run may interfere: {flaw}");
        }
        if let Reading::Confirmed(entry) = cache.read()
            && !entry.is_for(registration)
        {
            log::warn!(
                "the cache {path} is about {}, not {}: if another configuration uses it too, give each its own `cache`",
                escape::one_line(entry.hostname()),
                escape::domain(&registration.name)
            );
        }
    }

    /// What should be registered now.
    fn gather(&self) -> Result<Desired, String> {
        let desired = desired::gather(&self.options.selection, &self.config)?;
        if log::log_enabled!(log::Level::Debug) {
            self.tell_what_is_chosen(&desired);
        }
        Ok(desired)
    }

    /// The same once duplicate address detection has ended, for which it waits a little.
    fn settled(&self, desired: Desired) -> Result<Desired, String> {
        if desired::settle(&desired, &self.options.selection, &self.config)? {
            // The network's time has not begun yet.
            self.alarm.restart();
            self.gather()
        } else {
            Ok(desired)
        }
    }

    /// Tells which name is registered, and why addresses are left out.
    fn tell_what_is_chosen(&self, desired: &Desired) {
        let registration = &desired.registration;
        log::debug!(
            "the name is {}, from {}; to register: {}",
            registration.name,
            desired.name_source.as_str(),
            registration.addresses
        );
        for verdict in addresses::judge(
            &desired.interfaces,
            &self.options.selection,
            &self.config.rules,
        ) {
            if let Some(reason) = verdict.reason {
                log::debug!(
                    "{} on {} is left out: {reason}",
                    verdict.ip,
                    verdict.interface.name
                );
            }
        }
    }

    /// Where the update goes.
    fn find_target(
        &self,
        registration: &Registration,
        deadline: Instant,
    ) -> Result<Target, target::Error> {
        target::find(
            &registration.name,
            self.config.zone.as_ref(),
            &self.config.servers,
            deadline,
        )
    }

    /// Whether the cache says that a server has confirmed just this, and recently enough.
    fn is_confirmed(&self, registration: &Registration) -> bool {
        let Some(cache) = &self.cache else {
            return false;
        };
        match cache.read() {
            Reading::Confirmed(entry) => {
                entry.confirms(registration)
                    && self
                        .config
                        .refresh
                        .is_none_or(|limit| entry.is_fresh(limit, SystemTime::now()))
            }
            Reading::Absent => false,
            Reading::Unusable(why) => {
                log::debug!(
                    "the cache {} counts as absent: {why}",
                    cache.path().display()
                );
                false
            }
        }
    }
}

/// Tells why a run ends without a change.
fn tell_nothing_to_do(desired: &Desired) {
    for interface in &desired.missing {
        log::info!("no interface {interface} exists");
    }
    log::info!(
        "{} is registered with {} already",
        escape::domain(&desired.registration.name),
        desired.registration.addresses
    );
}

/// Removes the cache's entry.
fn forget(cache: &Cache, lock: &mut CacheLock) -> Result<(), String> {
    lock.forget().map_err(|error| {
        format!(
            "cannot remove the cache {}, so nothing is sent that it would contradict: {error}",
            cache.path().display()
        )
    })
}

/// Warnings that only a run that sends gives, so that cron stays quiet.
fn warn_of(desired: &Desired, config: &Config) {
    for interface in &desired.missing {
        log::warn!("no interface {interface} exists");
    }
    if desired.registration.addresses.is_empty() {
        log::warn!(
            "the interfaces have no address to register, so the update removes the records of {}",
            escape::domain(&desired.registration.name)
        );
    }
    for file in config.secret_files() {
        // To open anything else than a file, a FIFO say, may have no end.
        if !fs::metadata(file).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let exposure = File::open(file).and_then(|open| host::exposure(&open));
        if let Ok(Some(exposure)) = exposure {
            log::warn!(
                "{} has a secret in it and {exposure}; {}",
                file.display(),
                host::HOW_TO_HIDE
            );
        }
    }
    if let Some(key) = config.key.as_ref().filter(|key| key.algorithm().is_weak()) {
        log::warn!(
            "the key {} uses {}, which is weak; make one for hmac-sha256",
            escape::domain(key.name()),
            key.algorithm().as_str()
        );
    }
}

/// Prints to stdout.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| format!("cannot print: {error}").into())
}
