//! Hostile conditions: a primary that lies, kills and failures at every system call, addresses that change meanwhile,
//! crowds, malformed files, and folders that others can write.

use std::fs;

use serde_json::Value;

use crate::harness::local::Local;
use crate::harness::program::Run;

pub(crate) mod configuration;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod ends;
mod lies;
#[cfg(target_os = "linux")]
mod locks;
mod secrets;
#[cfg(target_os = "linux")]
mod stress;
#[cfg(target_os = "linux")]
pub(crate) mod system_calls;
#[cfg(target_os = "linux")]
mod turns;
#[cfg(unix)]
mod writable_by_others;

/// What the cache says; none if it is not there. That it is torn is a failure.
fn cached(local: &Local) -> Option<Value> {
    let text = fs::read(local.cache()).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| {
        panic!(
            "the cache is torn: {error}: {}",
            String::from_utf8_lossy(&text)
        )
    }))
}

/// Expects a run that did not succeed, whose one error line says this, and which left no cache.
#[track_caller]
fn is_not_confirmed(local: &Local, run: &Run, says: &[&str]) {
    assert_eq!(run.status, Some(1), "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "more than one line: {run:?}");
    for words in says {
        assert!(
            run.stderr.contains(words),
            "{words:?} is not said: {}",
            run.stderr
        );
    }
    assert_eq!(cached(local), None, "the cache has an entry");
}
