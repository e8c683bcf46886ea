//! What the tests stand on: sandboxes, name servers, a small DNS client, and the program itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Leaves a test that lacks something, with a line that says what: `skip!("knotd is not installed")`.
macro_rules! skip {
    ($($what:tt)*) => {{
        $crate::harness::skipped(&format!($($what)*));
        return;
    }};
}

#[cfg(target_os = "linux")]
pub(crate) mod client;
#[cfg(target_os = "linux")]
pub(crate) mod liar;
pub(crate) mod local;
pub(crate) mod program;
#[cfg(target_os = "linux")]
pub(crate) mod sandbox;
#[cfg(target_os = "linux")]
pub(crate) mod servers;

#[cfg(target_os = "linux")]
pub(crate) use peers::kerberos;
pub(crate) use peers::primary;

/// Says that a test was skipped, and fails it where nothing may be skipped.
pub(crate) fn skipped(what: &str) {
    assert!(
        std::env::var_os("PYDYNDNS_TEST_NO_SKIP")
            .is_none_or(|value| value.is_empty() || value == "0"),
        "{what}, and PYDYNDNS_TEST_NO_SKIP is set"
    );
    announce(&format!("skipped: {what}\n"));
}

/// Prints past the test runner's capture, so that it is seen even though the test passes.
pub(crate) fn announce(text: &str) {
    std::io::stderr()
        .write_all(text.as_bytes())
        .expect("stderr is open");
}

/// Whether a program is installed.
#[cfg(target_os = "linux")]
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}

/// Waits until something has become true, looking again and again; fails after half a minute.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited in vain until {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A temporary folder, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes a new one.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "pydyndns-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A key whose name is its algorithm's, with a secret as long as the hash.
pub(crate) fn key(algorithm: primary::tsig::Algorithm) -> primary::tsig::Key {
    use primary::tsig::Algorithm;
    let length = match algorithm {
        Algorithm::Md5 => 16,
        Algorithm::Sha1 => 20,
        Algorithm::Sha224 => 28,
        Algorithm::Sha256 => 32,
        Algorithm::Sha384 => 48,
        Algorithm::Sha512 => 64,
    };
    primary::tsig::Key {
        name: format!("{}.key.", algorithm.name()),
        algorithm,
        secret: (1..=length).map(|byte: u8| byte.wrapping_mul(37)).collect(),
    }
}

/// A key's secret in base 64.
pub(crate) fn secret(key: &primary::tsig::Key) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(&key.secret)
}
