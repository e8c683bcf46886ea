//! What is wrong with a configuration.

use std::fmt;

/// What is wrong with a configuration, and where.
#[derive(Debug)]
pub struct ConfigError {
    /// The key at fault.
    path: String,
    /// What is wrong, and what would be right.
    message: String,
}

impl ConfigError {
    /// An error about the key at a path.
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// The key at fault from the top of the configuration, like `handlers.syslog.facility`; empty for the configuration as
    /// a whole. Names in it are the configuration's own and may hold any character.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what would be right.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

/// An operating system's error in its own words.
pub(crate) fn reason(error: &std::io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

/// A problem without the number that Rust puts behind what the operating system says.
pub(crate) fn without_number(problem: &str) -> &str {
    match problem.rfind(" (os error ") {
        Some(end) if problem.ends_with(')') => &problem[..end],
        _ => problem,
    }
}
