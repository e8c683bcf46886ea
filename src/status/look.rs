//! Looks at machine, cache and zone for `--status`: sends no update, writes nothing, takes no lock, and goes on past
//! whatever fails, so that each part is shown that can be.

use super::{Address, CacheState, Principal, Status, Zone};
use crate::addresses::{self, Selection};
use crate::cache::{Cache, Reading};
use crate::config::Config;
use crate::delivery::Delivery;
use crate::desired::{self, Desired};
use crate::dns::current;
use crate::kerberos::Kerberos;
use crate::registration::Registration;
use crate::warnings;
use hickory_proto::rr::Name;
use std::time::{Duration, Instant, SystemTime};

/// Looks at everything.
pub(crate) fn look(
    selection: &Selection,
    config: &Config,
    cache: Option<&Cache>,
    delivery: &Delivery<'_>,
) -> Status {
    let deadline = Instant::now() + config.timeout;
    let mut problems = Vec::new();
    let name = desired::name(config)
        .map_err(|error| problems.push(error))
        .ok();
    let interfaces = desired::interfaces(selection).map_err(|error| problems.push(error));
    let mut is_stuck = name.is_none() || interfaces.is_err();
    let interfaces = interfaces.unwrap_or_default();
    let missing = desired::missing(selection, &interfaces).unwrap_or_else(|error| {
        is_stuck = true;
        problems.push(error);
        Vec::new()
    });
    let addresses = addresses::judge(&interfaces, selection, &config.rules)
        .map(|verdict| Address {
            ip: verdict.ip,
            interface: verdict.interface.name.clone(),
            reason: verdict.reason.map(addresses::Reason::as_str),
        })
        .collect();
    let desired = name
        .clone()
        .map(|name| Desired::new(name, interfaces, missing, selection, config));
    match &desired {
        // A run that ends before it changes anything has nothing else to warn of.
        Some(desired) if !is_stuck => problems.extend(warnings::of(desired, config)),
        _ => problems.extend(warnings::about_secrets(config)),
    }
    let registration = desired.as_ref().map(|desired| &desired.registration);
    let cache = look_at_cache(cache, registration, config.refresh, &mut problems);
    let zone = name.as_ref().and_then(|(name, _)| {
        ask_primary(name, config, delivery, deadline)
            .map_err(|error| problems.push(error))
            .ok()
    });
    let gss = name.as_ref().and_then(|(name, _)| {
        let kerberos = Kerberos::new(config.gss.as_ref()?, name, deadline);
        match kerberos {
            Ok(kerberos) => Some(Principal {
                name: kerberos.principal(),
                realm: kerberos.realm().to_owned(),
            }),
            // Whoever looks need not be who sends.
            Err(error) if error.is_permission_denied() => None,
            Err(error) => {
                problems.push(error.to_string());
                None
            }
        }
    });
    let mut status = Status {
        is_stuck,
        configuration: config.file.clone(),
        name,
        addresses,
        cache,
        zone,
        gss,
        problems,
    };
    status.compare();
    status
}

/// What the cache says of what is wanted.
fn look_at_cache(
    cache: Option<&Cache>,
    wanted: Option<&Registration>,
    refresh: Option<Duration>,
    problems: &mut Vec<String>,
) -> super::Cache {
    let Some(cache) = cache else {
        return super::Cache {
            file: None,
            state: CacheState::Off,
            confirmed: None,
        };
    };
    let (state, confirmed) = match cache.read() {
        Reading::Absent => (CacheState::None, None),
        Reading::Unusable(why) => {
            problems.push(format!(
                "the cache {} counts as absent: {why}",
                cache.path().display()
            ));
            (CacheState::Unreadable, None)
        }
        Reading::Confirmed(entry) => {
            let confirms = wanted.is_some_and(|wanted| {
                entry.confirms(wanted)
                    && refresh.is_none_or(|limit| entry.is_fresh(limit, SystemTime::now()))
            });
            let state = if confirms {
                CacheState::Confirms
            } else {
                CacheState::Differs
            };
            (state, entry.confirmed())
        }
    };
    super::Cache {
        file: Some(cache.path().to_owned()),
        state,
        confirmed,
    }
}

/// What the zone has at the name, by the first of its servers that answers.
fn ask_primary(
    name: &Name,
    config: &Config,
    delivery: &Delivery<'_>,
    deadline: Instant,
) -> Result<Zone, String> {
    let mut target = delivery
        .find_target(name, deadline)
        .map_err(|error| error.to_string())?;
    let mut failures = Vec::new();
    let mut is_all_said = true;
    let mut next = 0;
    loop {
        if next == target.servers.len() && !target.look_further(deadline) {
            if !is_all_said {
                failures.push(target.advice());
            }
            return Err(format!(
                "cannot ask the primary what the zone has now: {}",
                failures.join("; ")
            ));
        }
        let Some(peer) = target.peer(next) else {
            continue;
        };
        next += 1;
        let others = target.servers.len() - next + target.further() + 1;
        let left = deadline.saturating_duration_since(Instant::now());
        let share = Instant::now() + left / u32::try_from(others).unwrap_or(u32::MAX);
        match current::records(peer, name, share) {
            Ok(records) => {
                let primary = target
                    .primary
                    .clone()
                    .or_else(|| current::primary(peer, &target.apex, share).ok());
                let configured = || {
                    let texts = config.servers.iter().map(|server| server.text.as_str());
                    texts.collect::<Vec<_>>().join(", ")
                };
                return Ok(Zone {
                    primary: primary.map_or_else(configured, |name| name.to_ascii()),
                    apex: target.apex.clone(),
                    server: peer.address,
                    addresses: records.addresses,
                    ttl: records.ttl,
                    tls: current::security(peer, share),
                });
            }
            Err(error) => {
                is_all_said &= error.says_what_to_do();
                failures.push(error.to_string());
            }
        }
    }
}
