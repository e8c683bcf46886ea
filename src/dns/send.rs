//! Sending an update: which server is tried when, and which answer counts.
//!
//! Only a NOERROR that verifies is success. SERVFAIL, NOTIMP and an exchange without a believable answer leave it to the
//! next address; other codes are final. To send an update twice does the same as once, so after what may pass by itself
//! there are pauses and further rounds.

use super::current;
use super::exchange::{self, Peer, exchange};
use super::explain::{self, Failure, Situation};
use super::message::{Update, code_of};
use super::signer::Signer;
use super::target::Target;
use super::tsig::Unverified;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use std::fmt;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long a connection may take to come about before the next address, or the same one anew, is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait before the addresses are tried a second time, at least; the third time after twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long to wait between two rounds, at most.
const MAX_PAUSE: Duration = Duration::from_secs(3);

/// For how long it makes sense to wait for a server that starts anew. One that is down for longer is down.
const RESTART: Duration = Duration::from_secs(10);

/// How long a server that said no is asked for the zone's primary, for the message.
const MAX_DIAGNOSIS: Duration = Duration::from_secs(1);

/// No address confirmed the update.
#[derive(Debug)]
pub(crate) struct Unconfirmed {
    /// Each server of the last round, with the reason.
    failures: Vec<String>,
    /// What to do about servers that cannot be reached, if that is it.
    advice: Option<String>,
    /// How many rounds there were.
    rounds: u32,
    /// For how long after the first round another one may go better.
    patience: Duration,
    /// If no server could be reached in the last round: the servers of an earlier one in which that was otherwise, with the
    /// reason. One of them may have applied the update.
    before: Vec<String>,
}

impl std::error::Error for Unconfirmed {}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failures.join("; "))?;
        if self.rounds > 1 {
            write!(f, "; tried {} times", self.rounds)?;
        }
        if let Some(advice) = &self.advice {
            write!(f, "; {advice}")?;
        }
        if self.before.is_empty() {
            Ok(())
        } else {
            write!(f, "; before that, {}", self.before.join("; "))
        }
    }
}

/// Sends the update until an address confirms it, and gives that one.
///
/// # Errors
/// No address did before `deadline`, or one said no for good.
pub(crate) fn send(
    mut update: Update,
    target: &mut Target,
    signer: Signer<'_>,
    deadline: Instant,
) -> Result<SocketAddr, Unconfirmed> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut rounds = 1;
    let mut before = Vec::new();
    loop {
        let mut unconfirmed = match send_to_each(&mut update, target, signer, deadline) {
            Err(unconfirmed) => unconfirmed,
            confirmed => return confirmed,
        };
        unconfirmed.rounds = rounds;
        if unconfirmed.advice.is_some() {
            unconfirmed.before.clone_from(&before);
        } else {
            before.clone_from(&unconfirmed.failures);
        }
        // A thousand hosts that one restart cut off must not all come back at the same instant.
        let pause_here = pause.mul_f64(1.0 + f64::from(update.message.metadata.id) / 65_536.0);
        let again = Instant::now() + pause_here;
        if again >= deadline || again - started > unconfirmed.patience {
            return Err(unconfirmed);
        }
        log::debug!(
            "{unconfirmed}; trying again in {}",
            explain::seconds(pause_here)
        );
        thread::sleep(pause_here);
        pause = (pause * 2).min(MAX_PAUSE);
        rounds += 1;
    }
}

/// Sends the update to the addresses in turn, each with its share of the time until `deadline`, and gives the one that
/// confirmed it. Further servers of the configuration are looked up when their turn comes.
fn send_to_each(
    update: &mut Update,
    target: &mut Target,
    signer: Signer<'_>,
    deadline: Instant,
) -> Result<SocketAddr, Unconfirmed> {
    let mut failures = Vec::new();
    let mut patience = Duration::ZERO;
    let mut is_unreachable = true;
    let mut told = None;
    let mut next = 0;
    loop {
        if next == target.servers.len() && !target.look_further(deadline) {
            failures.extend(target.unfound.iter().cloned());
            break;
        }
        let Some(peer) = target.peer(next) else {
            break;
        };
        let server = peer.address;
        let others = target.servers.len() - next + target.further();
        next += 1;
        let share = deadline.saturating_duration_since(Instant::now())
            / u32::try_from(others).unwrap_or(u32::MAX);
        log::debug!("sending the update to {server}");
        let Err(failure) = send_to(update, peer, signer, Instant::now() + share) else {
            return Ok(server);
        };
        let is_final = failure.is_final();
        patience = if is_final {
            Duration::ZERO
        } else {
            patience.max(patience_for(&failure))
        };
        is_unreachable &= matches!(failure.exchange(), Some(exchange::Error::Connect(_)));
        if failure.may_be_a_secondarys() && target.primary.is_none() {
            told = told.or_else(|| primary_by(peer, &update.zone, deadline));
        }
        let situation = situation(update, target, signer, told.as_ref());
        failures.push(format!(
            "{server}: {}",
            explain::failure(&failure, &situation)
        ));
        if is_final {
            break;
        }
    }
    let advice = target
        .servers
        .first()
        .filter(|_| is_unreachable)
        .map(|_| target.advice());
    Err(Unconfirmed {
        failures,
        advice,
        rounds: 1,
        patience,
        before: Vec::new(),
    })
}

/// What is known where a failure is explained; `told` is the primary that the server itself has told.
fn situation<'a>(
    update: &'a Update,
    target: &'a Target,
    signer: Signer<'a>,
    told: Option<&'a Name>,
) -> Situation<'a> {
    Situation {
        name: &update.name,
        zone: &update.zone,
        signer,
        is_broad: update.is_broad,
        is_configured: target.is_configured,
        primary: target.primary.as_ref().or(told),
    }
}

/// The zone's primary, as the server itself has it.
fn primary_by(server: Peer<'_>, zone: &Name, deadline: Instant) -> Option<Name> {
    let limit = deadline.min(Instant::now() + MAX_DIAGNOSIS);
    current::primary(server, zone, limit).ok()
}

/// Sends the update to one address; success only for an answer that can be believed.
fn send_to(
    update: &mut Update,
    server: Peer<'_>,
    signer: Signer<'_>,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut session = signer
        .begin(server, CONNECT_TIMEOUT, deadline)
        .map_err(Failure::Gss)?;
    let request = session
        .sign(&mut update.message, seconds_since_1970())
        .map_err(|_| Failure::Foreign("the update cannot be encoded"))?;
    let answer =
        exchange(server, &request.octets, CONNECT_TIMEOUT, deadline).map_err(Failure::Exchange)?;
    let code = code_of(&answer, update.message.metadata.id).map_err(Failure::Foreign)?;
    session
        .verify(&answer, &request, seconds_since_1970())
        .map_err(|error| Failure::Unverified(error, code))?;
    if code == ResponseCode::NoError {
        Ok(())
    } else {
        Err(Failure::Code(code))
    }
}

/// For how long a failure may pass by itself: a server that starts anew refuses connections, and fails while it reads its
/// zones; one with too much to do takes no connections or cuts them, for as long as it has.
fn patience_for(failure: &Failure) -> Duration {
    match failure.exchange() {
        Some(error) if error.is_refused() => return RESTART,
        Some(error) if error.is_broken() => return Duration::MAX,
        _ => {}
    }
    match failure {
        Failure::Code(ResponseCode::ServFail)
        | Failure::Unverified(Unverified::Unsigned, ResponseCode::ServFail) => RESTART,
        _ => Duration::ZERO,
    }
}

/// The time by which TSIG goes.
fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
