//! Registers this computer's own addresses in DNS: one run.
//!
//! Facts of the host become addresses, addresses with the configuration become a registration, and a registration that
//! the cache does not confirm becomes one signed update. [`run`] tells this story; each step is a call into the module
//! that owns it.

mod addresses;
mod cache;
mod cli;
mod config;
mod dns;
mod host;
mod logging;
mod registration;
mod report;
mod secret;

use addresses::Selection;
use cache::{Cache, Reading, Turn};
use cli::Options;
use config::{CacheFile, Config};
use dns::update::{self, Update};
use dns::zone;
use hickory_proto::rr::Name;
use registration::Registration;
use report::Report;
use std::cell::LazyCell;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// The run failed or could not be confirmed.
const FAILED: u8 = 1;
/// The command line or the configuration is wrong, and nothing was touched.
const WRONG: u8 = 2;

/// Chooses the exit status; nothing else does.
fn main() -> ExitCode {
    let (options, selection) = match Options::from_command_line() {
        Ok(read) => read,
        Err(wrong) => return refuse(&wrong),
    };
    let file = options.config.clone().unwrap_or_else(host::default_config);
    let mut config = match Config::load(&file) {
        Ok(config) => config,
        Err(wrong) => return refuse(&wrong.to_string()),
    };
    let cache = match cache_of(&config) {
        Ok(cache) => cache,
        Err(wrong) => {
            return refuse(&format!(
                "{}: cache: {wrong}; name a file in place of true",
                file.display()
            ));
        }
    };
    let report = Report::start(config.logging.take(), options.verbose);
    let outcome = run(&options, &selection, &config, cache.as_ref());
    if let Err(error) = &outcome {
        log::error!("{}", report::one_line(&error.to_string()));
    }
    report.finish();
    if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

/// Ends a run that must not begin, with one line.
fn refuse(wrong: &str) -> ExitCode {
    report::complain(wrong);
    ExitCode::from(WRONG)
}

/// One run: register what the cache does not confirm.
fn run(
    options: &Options,
    selection: &Selection,
    config: &Config,
    cache: Option<&Cache>,
) -> Result<(), Box<dyn Error>> {
    // Counted from the first thing that a run waits for: most runs come to none.
    let deadline = LazyCell::new(|| Instant::now() + config.timeout);
    // Nothing is written in a dry run, and without a cache there is nothing to take turns for.
    let kept = cache.filter(|_| !options.dry_run);
    let mut turn = None;
    if let (true, Some(cache)) = (options.force, kept) {
        turn = Some(take_turn(cache, *deadline)?);
        forget(cache)?;
    }
    let mut wanted = gather(selection, config)?;
    if !options.force && is_confirmed(&wanted.registration, cache, config.refresh) {
        return nothing_to_do(&wanted, options);
    }
    if let (None, Some(cache)) = (&turn, kept) {
        turn = Some(take_turn(cache, *deadline)?);
        wanted = gather(selection, config)?;
        if is_confirmed(&wanted.registration, Some(cache), config.refresh) {
            return nothing_to_do(&wanted, options);
        }
    }
    if options.dry_run {
        return dry_run(&wanted.registration, config, *deadline);
    }
    loop {
        warn_of(&wanted, config);
        register(&wanted.registration, config, cache, *deadline)?;
        // An address that changed meanwhile may have started a run which ended at once, by what the cache said before
        // it was forgotten here. So whoever writes the cache looks once more.
        let now = gather(selection, config)?;
        if now.registration == wanted.registration {
            break;
        }
        wanted = now;
    }
    drop(turn);
    Ok(())
}

/// Prints what would be sent.
fn dry_run(
    registration: &Registration,
    config: &Config,
    deadline: Instant,
) -> Result<(), Box<dyn Error>> {
    let target = find_target(registration, config, deadline)?;
    Update::new(registration, &target.apex)?;
    print(&update::script(registration, &target.apex, &target.servers))
}

/// Sends one update and, once a server has confirmed it, writes it down.
fn register(
    registration: &Registration,
    config: &Config,
    cache: Option<&Cache>,
    deadline: Instant,
) -> Result<(), Box<dyn Error>> {
    let target = find_target(registration, config, deadline)?;
    let update = Update::new(registration, &target.apex)?;
    log::info!(
        "updating {} in {} to {}",
        registration.name,
        target.apex,
        registration.addresses
    );
    if let Some(cache) = cache {
        forget(cache)?;
    }
    let server = update
        .send(&target.servers, config.key.as_ref(), deadline)
        .map_err(|error| format!("{} is not confirmed: {error}", registration.name))?;
    log::info!(
        "{server} confirmed {} at {}",
        registration.addresses,
        registration.name
    );
    if let Some(cache) = cache
        && let Err(error) = cache.save(registration)
    {
        log::warn!(
            "cannot write the cache {}, so the next run sends again: {error}",
            cache.path().display()
        );
    }
    Ok(())
}

/// Where the update goes.
fn find_target(
    registration: &Registration,
    config: &Config,
    deadline: Instant,
) -> Result<zone::Target, zone::Error> {
    zone::find(
        &registration.name,
        config.zone.as_ref(),
        config.server.as_ref(),
        deadline,
    )
}

/// The cache that the configuration asks for.
fn cache_of(config: &Config) -> io::Result<Option<Cache>> {
    Ok(match &config.cache {
        CacheFile::Off => None,
        CacheFile::Default => Some(Cache::at(host::default_cache()?)),
        CacheFile::At(path) => Some(Cache::at(path.clone())),
    })
}

/// What this computer should be registered with now, and which of the named interfaces there are not.
struct Wanted {
    /// What the zone should say.
    registration: Registration,
    /// Names of the command line that no interface has.
    missing: Vec<String>,
}

/// Asks the system for name and addresses, and chooses.
fn gather(selection: &Selection, config: &Config) -> Result<Wanted, Box<dyn Error>> {
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
    let registration = Registration {
        name,
        addresses: addresses::choose(&found, selection, &config.rules),
        ttl: config.ttl,
        zone: config.zone.clone(),
        server: config.server.as_ref().map(|server| server.text.clone()),
        replace: config.replace,
    };
    Ok(Wanted {
        registration,
        missing,
    })
}

/// This computer's name, if it is one to register.
fn own_name() -> Result<Name, String> {
    let name = host::full_name().map_err(|error| {
        format!("cannot read this computer's name: {error}; set `hostname` in the configuration")
    })?;
    registration::host_name(&name).map_err(|wrong| {
        format!("this computer's name {name:?} {wrong}; give it a full name (host.example.com), or set `hostname` in the configuration")
    })
}

/// Whether the cache says that a server has confirmed just this, and recently enough.
fn is_confirmed(
    registration: &Registration,
    cache: Option<&Cache>,
    refresh: Option<Duration>,
) -> bool {
    let Some(cache) = cache else {
        return false;
    };
    match cache.read() {
        Reading::Confirmed(entry, time) => {
            // A time to come says that a clock was set, and nothing of the age.
            let is_fresh = |limit| {
                SystemTime::now()
                    .duration_since(time)
                    .is_ok_and(|age| age < limit)
            };
            entry.confirms(registration) && refresh.is_none_or(is_fresh)
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

/// Ends a run that changes nothing.
fn nothing_to_do(wanted: &Wanted, options: &Options) -> Result<(), Box<dyn Error>> {
    let Wanted {
        registration,
        missing,
    } = wanted;
    for interface in missing {
        log::info!("no interface {interface} exists");
    }
    log::info!(
        "{} is registered with {} already",
        registration.name,
        registration.addresses
    );
    if options.dry_run {
        print(&format!(
            "; nothing to send: the cache confirms {} with {}\n",
            registration.name, registration.addresses
        ))
    } else {
        Ok(())
    }
}

/// Waits for other runs with the same cache.
fn take_turn(cache: &Cache, deadline: Instant) -> Result<Turn, String> {
    cache
        .take_turn(deadline)
        .map_err(|error| format!("cannot lock the cache {}: {error}", cache.path().display()))
}

/// Removes the cache's entry.
fn forget(cache: &Cache) -> Result<(), String> {
    cache.forget().map_err(|error| {
        format!(
            "cannot remove the cache {}, so nothing is sent that it would contradict: {error}",
            cache.path().display()
        )
    })
}

/// Warnings that only a run that sends gives, so that cron stays quiet.
fn warn_of(wanted: &Wanted, config: &Config) {
    for interface in &wanted.missing {
        log::warn!("no interface {interface} exists");
    }
    if wanted.registration.addresses.is_empty() {
        log::warn!(
            "the interfaces have no address to register, so the update removes the records of {}",
            wanted.registration.name
        );
    }
    if let Some(file) = &config.secret_file
        && File::open(file)
            .and_then(|open| host::readable_by_others(&open, file))
            .unwrap_or(false)
    {
        log::warn!(
            "{} has a secret in it and is readable by others; {}",
            file.display(),
            host::HOW_TO_HIDE
        );
    }
    if let Some(key) = config.key.as_ref().filter(|key| key.algorithm().is_weak()) {
        log::warn!(
            "the key {} uses {}, which is weak; make one for hmac-sha256",
            key.name(),
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
