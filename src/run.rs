//! The story of one run, from top to bottom.
//!
//! [`run`] reads the configuration, starts logging and chooses the mode once. `register` gathers what should be in
//! the zone, ends at once if the cache confirms it, and else takes its turn, sends one update and remembers what a server
//! has confirmed.
//!
//! What a run that finds nothing to do does not call is kept out of the way (`#[inline(never)]`): cold code between the lines
//! that it needs is a third of what it has to load.

mod dry;

use crate::cache::{Cache, CacheLock, Reading};
use crate::cli::{Mode, Options};
use crate::config::{self, CacheFile, Config, DEFAULT_TIMEOUT};
use crate::delivery::Delivery;
use crate::desired::{self, Desired};
use crate::dns::message::Update;
use crate::dns::target::Target;
use crate::escape;
use crate::host::{self, Alarm};
use crate::logger::{self, Logger};
use crate::registration::Registration;
use crate::status;
use crate::warnings;
use hickory_proto::rr::Name;
use std::cell::LazyCell;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
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
    let mut alarm = Alarm::set(DEFAULT_TIMEOUT + MARGIN);
    host::outlive_size_limit();
    let mut config =
        Config::load(options.config.as_deref()).map_err(|wrong| Stop::Wrong(wrong.to_string()))?;
    alarm.confirm(config.timeout + MARGIN);
    let cache = config.cache_file().map_err(|wrong| {
        Stop::Wrong(format!(
            "{}: cache: {wrong}; name a file in place of true",
            config.file.display()
        ))
    })?;
    // To show what is so opens no log file either.
    let section = config
        .logging
        .take()
        .filter(|_| !matches!(options.mode, Mode::Status { .. }));
    let run = Run {
        options,
        alarm,
        cache: cache.map(match config.cache {
            CacheFile::Default => Cache::at_default,
            _ => Cache::at,
        }),
        logger: Logger::start(section, options.verbose),
        config,
    };
    let outcome = match options.mode {
        Mode::Register => run.register(),
        Mode::DryRun => run.dry_run(),
        Mode::Status { json } => return run.status(json),
        Mode::Unregister { dry_run: false } => run.unregister(),
        Mode::Unregister { dry_run: true } => run.dry_run_of_unregistering(),
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

/// Prints a text about the program itself.
///
/// # Errors
/// It can't be printed.
pub fn tell(text: &str) -> Result<(), Stop> {
    let _alarm = Alarm::set(DEFAULT_TIMEOUT + MARGIN);
    show(text)
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
        let mut delivery = None;
        let mut lock = None;
        if self.options.force {
            delivery = Some(Delivery::prepare(&self.config)?);
            if let Some(cache) = &self.cache {
                forget(cache, lock.insert(self.take_lock(cache, *deadline)?))?;
            }
        }
        let mut desired = self.gather(None)?;
        if !self.options.force && self.is_confirmed(&desired.registration) {
            tell_nothing_to_do(&desired);
            return Ok(());
        }
        let delivery = delivery.map_or_else(|| Delivery::prepare(&self.config), Ok)?;
        desired = self.settled(desired)?;
        // Without a cache there is nothing to take turns for.
        if let (None, Some(cache)) = (&lock, &self.cache) {
            lock = Some(self.take_lock(cache, *deadline)?);
            desired = self.gather(Some(&desired))?;
            if self.is_confirmed(&desired.registration) {
                tell_nothing_to_do(&desired);
                return Ok(());
            }
        }
        self.warn_about_cache(lock.as_ref(), &desired.registration.name);
        loop {
            warn(warnings::of(&desired, &self.config));
            self.send(&delivery, &desired.registration, lock.as_mut(), *deadline)?;
            // An address that changed meanwhile may have started a run which ended at once, by what the cache said before
            // it was forgotten here. So whoever writes the cache looks once more.
            let now = self.gather(Some(&desired))?;
            if now.registration == desired.registration {
                break;
            }
            desired = now;
        }
        Ok(())
    }

    /// Shows what is so, and why. The exit status tells whether the zone is as it should be.
    #[inline(never)]
    fn status(&self, json: bool) -> Result<(), Stop> {
        let wrong = |error: config::Error| Stop::Wrong(error.to_string());
        if let Some(cache) = &self.cache {
            self.config.check_cache(cache.path()).map_err(wrong)?;
        }
        let delivery = Delivery::prepare(&self.config).map_err(wrong)?;
        let status = status::look(
            &self.options.selection,
            &self.config,
            self.cache.as_ref(),
            &delivery,
        );
        let text = if json {
            format!("{:#}\n", status.json())
        } else {
            status.text()
        };
        show(&text)?;
        if status.is_ok() {
            Ok(())
        } else {
            Err(Stop::Failed)
        }
    }

    /// Removes the name's addresses from the zone, and forgets the cache, so that the next run registers again.
    #[inline(never)]
    fn unregister(&self) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + self.config.timeout;
        let name = self.name_to_unregister()?;
        let delivery = Delivery::prepare(&self.config)?;
        let mut lock = match &self.cache {
            Some(cache) => Some(self.take_lock(cache, deadline)?),
            None => None,
        };
        self.warn_about_cache(lock.as_ref(), &name);
        warn(warnings::about_secrets(&self.config));
        let mut target = delivery.find_target(&name, deadline)?;
        let update = Update::unregister(&name, &target.apex)?;
        let server = self.confirm(&delivery, update, &mut target, lock.as_mut(), deadline)?;
        log::info!(
            "{server} confirmed that {} has no address",
            escape::domain(&name)
        );
        Ok(())
    }

    /// Sends one update and, once a server has confirmed it, writes it down.
    #[inline(never)]
    fn send(
        &self,
        delivery: &Delivery<'_>,
        registration: &Registration,
        mut lock: Option<&mut CacheLock>,
        deadline: Instant,
    ) -> Result<(), Box<dyn Error>> {
        let mut target = delivery.find_target(&registration.name, deadline)?;
        let update = Update::register(registration, &target.apex)?;
        let name = escape::domain(&registration.name);
        log::info!(
            "updating {name} in {} to {}",
            escape::domain(&target.apex),
            registration.addresses
        );
        let server = self.confirm(delivery, update, &mut target, lock.as_deref_mut(), deadline)?;
        log::info!("{server} confirmed {} at {name}", registration.addresses);
        if let (Some(cache), Some(lock)) = (&self.cache, lock)
            && let Err(error) = lock.save(registration, SystemTime::now())
        {
            log::warn!(
                "cannot write the cache {}, so the next run sends again: {}",
                cache.path().display(),
                escape::system(&error)
            );
        }
        Ok(())
    }

    /// Forgets the cache, and sends an update until a server confirms it.
    fn confirm(
        &self,
        delivery: &Delivery<'_>,
        update: Update,
        target: &mut Target,
        lock: Option<&mut CacheLock>,
        deadline: Instant,
    ) -> Result<SocketAddr, Box<dyn Error>> {
        delivery.send(update, target, deadline, || match (&self.cache, lock) {
            (Some(cache), Some(lock)) => forget(cache, lock),
            _ => Ok(()),
        })
    }

    /// Waits for other runs with the same cache, if that is a file to write at all.
    #[inline(never)]
    fn take_lock(&self, cache: &Cache, deadline: Instant) -> Result<CacheLock, Box<dyn Error>> {
        self.config.check_cache(cache.path())?;
        cache.lock(deadline).map_err(|error| {
            format!("cannot lock the cache {}: {error}", cache.path().display()).into()
        })
    }

    /// Which name is to have no address any more. It is told, like what a run registers.
    fn name_to_unregister(&self) -> Result<Name, String> {
        let (name, source) = desired::name(&self.config)?;
        log::debug!(
            "the configuration is {}; the name is {}, from {}; its addresses are to be removed",
            self.config.file.display(),
            escape::domain(&name),
            source.as_str()
        );
        Ok(name)
    }

    /// Logs warnings of the cache and its lock.
    fn warn_about_cache(&self, lock: Option<&CacheLock>, name: &Name) {
        warn(warnings::about_cache(self.cache.as_ref(), lock, name));
    }

    /// What should be registered now. It is told, with why the rest is not, unless it is what it was `before`.
    fn gather(&self, before: Option<&Desired>) -> Result<Desired, String> {
        let now = desired::gather(&self.options.selection, &self.config)?;
        let is_news = before.is_none_or(|before| before.registration != now.registration);
        if is_news && log::log_enabled!(log::Level::Debug) {
            now.tell(&self.options.selection, &self.config);
        }
        Ok(now)
    }

    /// The same once duplicate address detection has ended, for which it waits a little.
    #[inline(never)]
    fn settled(&self, desired: Desired) -> Result<Desired, String> {
        if desired::settle(&desired, &self.options.selection, &self.config)? {
            // The network's time has not begun yet.
            self.alarm.restart();
            self.gather(Some(&desired))
        } else {
            Ok(desired)
        }
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
    lock.forget().map_err(|error| cache.cannot_forget(&error))
}

/// Logs warnings.
fn warn(warnings: Vec<String>) {
    for warning in warnings {
        log::warn!("{warning}");
    }
}

/// Prints to stdout where there is no log to tell of a failure.
fn show(text: &str) -> Result<(), Stop> {
    print(text).map_err(|error| {
        logger::complain(&error.to_string());
        Stop::Failed
    })
}

/// Prints to stdout.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| format!("cannot print: {}", escape::system(&error)).into())
}
