//! Where log lines go: the configuration's logging section, stderr through env_logger, or both. Owns two promises: nothing is
//! said twice on stderr, and an error always reaches somebody. On Windows, where nobody may read stderr, that is by the
//! event log.

use crate::dns::lookup::addresses_of;
use crate::escape::one_line;
use crate::host;
use dictconfig::{Configuration, Environment, Stderr};
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde_json::json;
use std::env;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a log server's name may take to be looked up.
const LONGEST_LOOKUP: Duration = Duration::from_secs(2);

/// How long all handlers together may take to send what they have for the network.
const NETWORK_TIME: Duration = Duration::from_millis(3500);

/// The logging of one run.
pub(crate) struct Logger(&'static Destinations);

/// What the `log` macros speak to.
struct Destinations {
    /// The section's handlers.
    configured: Option<dictconfig::Logger>,
    /// stderr.
    stderr: Option<env_logger::Logger>,
    /// The errors, and whether `stderr` has printed them.
    errors: Mutex<Vec<(String, bool)>>,
}

impl Logger {
    /// Starts logging: by the section, to stderr where there is none, and to stderr too if `verbose` or `RUST_LOG` asks.
    pub(crate) fn start(section: Option<Configuration>, verbose: bool) -> Self {
        let filter = rust_log();
        let wants_stderr = section.is_none() || verbose || filter.is_some();
        // Logging lasts as long as the process, which is what the `log` crate wants.
        let destinations: &'static Destinations = Box::leak(Box::new(Destinations {
            configured: section.map(|section| section.open(environment())),
            stderr: wants_stderr.then(|| stderr(filter.as_deref(), verbose)),
            errors: Mutex::default(),
        }));
        // Errors come here whatever the levels say: they are told in the end if nobody has taken them.
        log::set_max_level(destinations.max_level().max(LevelFilter::Error));
        // Only a second logger could be refused, and there is none.
        let _ = log::set_logger(destinations);
        Self(destinations)
    }

    /// Delivers what network handlers held back until the update was done, and sees that every error reaches somebody: what
    /// no destination has taken goes to stderr, and what went nowhere but to a stderr without a reader to the event log.
    pub(crate) fn finish(&self) {
        let has_reader = host::stderr_has_reader();
        let configured = self.0.configured.as_ref();
        // A section that writes to stderr may write elsewhere too, which it does not tell.
        let takes_unseen =
            !has_reader && configured.is_some_and(|section| section.writes_to_stderr(Level::Error));
        let untaken = configured.map(dictconfig::Logger::finish);
        let errors = self.0.errors.lock();
        for (error, printed) in errors.unwrap_or_else(PoisonError::into_inner).iter() {
            let taken = untaken
                .as_ref()
                .is_some_and(|untaken| !untaken.contains(error));
            if (taken && !takes_unseen) || (*printed && has_reader) {
                continue;
            }
            if taken || *printed {
                report_event(error);
            } else {
                tell(&format!("{}: ", Level::Error), error);
            }
        }
    }
}

impl Destinations {
    /// The most that any of them takes.
    fn max_level(&self) -> LevelFilter {
        let configured = self.configured.as_ref().map(dictconfig::Logger::max_level);
        let stderr = self.stderr.as_ref().map(env_logger::Logger::filter);
        configured.max(stderr).unwrap_or(LevelFilter::Off)
    }

    /// Whether stderr gets this record from us: it is wanted there, and the section does not put it there itself.
    fn prints(&self, record: &Record<'_>) -> bool {
        self.stderr
            .as_ref()
            .is_some_and(|stderr| stderr.matches(record))
            && self
                .configured
                .as_ref()
                .is_none_or(|configured| !configured.writes_to_stderr(record.level()))
    }

    /// Passes on a record with this text.
    fn pass(&self, record: &Record<'_>, text: &str) {
        if let Some(configured) = &self.configured {
            configured.log(record);
        }
        let prints = self.prints(record);
        if prints && let Some(stderr) = &self.stderr {
            stderr.log(record);
        }
        if record.level() == Level::Error {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.push((text.to_owned(), prints));
        }
    }
}

impl Log for Destinations {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if !is_ours(metadata) {
            return false;
        }
        let configured = self.configured.as_ref();
        let stderr = self.stderr.as_ref();
        metadata.level() == Level::Error
            || configured.is_some_and(|logger| logger.enabled(metadata))
            || stderr.is_some_and(|logger| logger.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if !is_ours(record.metadata()) {
            return;
        }
        let text = one_line(&record.args().to_string());
        self.pass(
            &Record::builder()
                .metadata(record.metadata().clone())
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .args(format_args!("{text}"))
                .build(),
            &text,
        );
    }

    fn flush(&self) {}
}

/// Whether a record is this program's. What the TLS library tells of its handshakes, whole certificates included, is for
/// nobody here.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"))
}

/// What `RUST_LOG` says, if it is a filter as env_logger reads it.
fn rust_log() -> Option<String> {
    let filter = env::var("RUST_LOG")
        .ok()
        .filter(|filter| !filter.is_empty())?;
    match env_filter::Builder::new().try_parse(&filter) {
        Ok(_) => Some(filter),
        Err(wrong) => {
            complain(&format!("RUST_LOG: {wrong}; it is not heeded"));
            None
        }
    }
}

/// stderr, with what the filter lets pass, or else everything or warnings and errors.
fn stderr(filter: Option<&str>, verbose: bool) -> env_logger::Logger {
    let mut builder = env_logger::Builder::new();
    match filter {
        Some(filter) => builder.parse_filters(filter),
        None => builder.filter_level(if verbose {
            LevelFilter::Trace
        } else {
            LevelFilter::Warn
        }),
    };
    builder
        .target(env_logger::Target::Pipe(Box::new(Stderr)))
        .format(|buffer, record| {
            let level = record.level();
            buffer.write_all(line(level, &format!("{level}: {}", record.args())).as_bytes())
        })
        .build()
}

/// What the section's handlers need from this program.
fn environment() -> Environment {
    Environment {
        resolve: Arc::new(|host, deadline| {
            addresses_of(host, deadline.min(Instant::now() + LONGEST_LOOKUP))
        }),
        complain: Box::new(|about| complain(&format!("logging.{about}"))),
        authorities: Arc::new(|| {
            let authorities = host::authorities();
            authorities.into_iter().map(|one| one.to_vec()).collect()
        }),
        network_time: NETWORK_TIME,
    }
}

/// One line on stderr about what is wrong, past all logging.
pub(crate) fn complain(wrong: &str) {
    tell("", wrong);
}

/// One line on stderr about what is wrong, after this prefix, and an event where nobody may read stderr. If that can't be
/// reported either there is nobody to tell.
fn tell(prefix: &str, wrong: &str) {
    let wrong = one_line(wrong);
    let _ = Stderr.write_all(line(Level::Error, &format!("{prefix}{wrong}")).as_bytes());
    if !host::stderr_has_reader() {
        report_event(&wrong);
    }
}

/// Reports an error in Windows' event log, as the samples' section does.
fn report_event(error: &str) {
    let section = json!({
        "version": 1,
        "handlers": {"eventlog": {"class": "logging.handlers.NTEventLogHandler", "appname": "PyDynDNS"}},
        "root": {"handlers": ["eventlog"]},
    });
    if let Ok(section) = Configuration::from_json(&section, "pydyndns") {
        let logger = section.open(Environment {
            // It would be told here.
            complain: Box::new(|_| ()),
            ..environment()
        });
        logger.log(
            &Record::builder()
                .level(Level::Error)
                .args(format_args!("{error}"))
                .build(),
        );
        let _ = logger.finish();
    }
}

/// A line as all of this program's lines on stderr begin, with its priority in front where the journal reads them
/// (sd-daemon(3)).
fn line(level: Level, text: &str) -> String {
    if host::stderr_is_journal() {
        let priority = match level {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        };
        format!("<{priority}>pydyndns: {text}\n")
    } else {
        format!("pydyndns: {text}\n")
    }
}
