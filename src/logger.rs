//! Where log lines go: the configuration's logging section, stderr through env_logger, or both.

use crate::dns::target::addresses_of;
use crate::escape::one_line;
use dictconfig::{Configuration, Environment};
use log::{LevelFilter, Log, Metadata, Record};
use std::env;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a log server's name may take to be looked up.
const LONGEST_LOOKUP: Duration = Duration::from_secs(2);

/// How long all handlers together may take to send what they have for the network.
const NETWORK_TIME: Duration = Duration::from_millis(3500);

/// The logging of one run.
pub(crate) struct Logger {
    /// The section's handlers.
    configured: Option<&'static dictconfig::Logger>,
}

/// What the `log` macros speak to.
struct Destinations {
    /// The section's handlers.
    configured: Option<&'static dictconfig::Logger>,
    /// stderr.
    stderr: Option<env_logger::Logger>,
}

impl Logger {
    /// Starts logging: by the section, to stderr where there is none, and to stderr too if `verbose` or `RUST_LOG` asks.
    pub(crate) fn start(section: Option<Configuration>, verbose: bool) -> Self {
        // Logging lasts as long as the process, which is what the `log` crate wants.
        let configured: Option<&'static dictconfig::Logger> =
            section.map(|section| &*Box::leak(Box::new(section.open(environment()))));
        let filter = env::var("RUST_LOG")
            .ok()
            .filter(|filter| !filter.is_empty());
        let stderr = (configured.is_none() || verbose || filter.is_some()).then(|| {
            let mut builder = env_logger::Builder::new();
            match &filter {
                Some(filter) => builder.parse_filters(filter),
                None => builder.filter_level(if verbose {
                    LevelFilter::Trace
                } else {
                    LevelFilter::Warn
                }),
            };
            builder.build()
        });
        let levels = configured
            .map(dictconfig::Logger::max_level)
            .into_iter()
            .chain(stderr.as_ref().map(env_logger::Logger::filter));
        log::set_max_level(levels.max().unwrap_or(LevelFilter::Off));
        // Only a second logger could be refused, and there is none.
        let _ = log::set_boxed_logger(Box::new(Destinations { configured, stderr }));
        Self { configured }
    }

    /// Delivers what network handlers held back until the update was done.
    pub(crate) fn finish(&self) {
        if let Some(configured) = self.configured {
            let _ = configured.finish();
        }
    }
}

impl Log for Destinations {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.configured
            .is_some_and(|logger| logger.enabled(metadata))
            || self
                .stderr
                .as_ref()
                .is_some_and(|logger| logger.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(logger) = self.configured {
            logger.log(record);
        }
        if let Some(logger) = &self.stderr {
            logger.log(record);
        }
    }

    fn flush(&self) {}
}

/// What the section's handlers need from this program.
fn environment() -> Environment {
    Environment {
        resolve: Arc::new(|host, deadline| {
            addresses_of(host, deadline.min(Instant::now() + LONGEST_LOOKUP))
        }),
        complain: Box::new(|about| complain(&format!("logging.{about}"))),
        network_time: NETWORK_TIME,
    }
}

/// One line on stderr, before logging is set up. If nobody can read it there is nobody to tell.
pub(crate) fn complain(wrong: &str) {
    let _ = writeln!(io::stderr(), "pydyndns: {}", one_line(wrong));
}
