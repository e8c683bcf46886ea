//! Namespaces for one test: its own interfaces, addresses, `/etc`, `/run`, host name and processes.
//!
//! The test runs itself a second time, alone, under `unshare`. Inside it is root over what it sees, so it does
//! what it needs with plain `ip` and plain files, and binds port 53; when it ends, however it ends, the kernel
//! takes everything back: interfaces, mounts, and every process that it started.

use std::any::type_name;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Set for the second run, to the test's name.
const INSIDE: &str = "PYDYNDNS_TEST_SANDBOX";

/// The sandbox's own folder, gone with it.
const FOLDER: &str = "/run/sandbox";

/// What a test gets to play with.
pub(crate) struct Sandbox(PathBuf);

/// Runs the test in a sandbox. The closure has to be written in the test function itself: its type's name
/// tells the test's.
pub(crate) fn sandbox<F: FnOnce(&Sandbox)>(test: F) {
    let name = type_name::<F>();
    let name = name.strip_suffix("::{{closure}}").unwrap_or(name);
    let name = name.split_once("::").expect("a test is in a crate").1;
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return test(&Sandbox::new());
    }
    let flags = match unshare_flags() {
        Ok(flags) => flags,
        Err(reason) => skip!("{name} needs namespaces, and they are not permitted: {reason}"),
    };
    let output = Command::new("unshare")
        .args(flags)
        .arg(std::env::current_exe().expect("the test knows its own file"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        // Every sandbox has the process id 1, so names made of it would meet in a folder that they share.
        .env("TMPDIR", FOLDER)
        // The run outside shows where; what counts of the one inside is why, in few lines.
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("unshare can be started");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    // In one piece, so that tests that run side by side do not mix their words.
    let words = stderr
        .lines()
        .filter(|line| line.starts_with("skipped: ") || line.starts_with("| "));
    super::announce(&words.map(|line| format!("{line}\n")).collect::<String>());
    assert!(
        output.status.success(),
        "in the sandbox:\n{stdout}\n{stderr}"
    );
    assert!(
        stdout.contains("1 passed"),
        "the sandbox did not run {name}:\n{stdout}\n{stderr}"
    );
}

/// The flags that `unshare` takes here, or why it can't be used.
fn unshare_flags() -> &'static Result<Vec<&'static str>, String> {
    static FLAGS: OnceLock<Result<Vec<&'static str>, String>> = OnceLock::new();
    FLAGS.get_or_init(|| {
        let own = [
            "--net",
            "--mount",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
        ];
        let works = |flags: &[&'static str]| {
            let output = Command::new("unshare")
                .args(flags)
                .args(["mount", "-t", "tmpfs", "none", "/run"])
                .output()
                .map_err(|error| format!("unshare: {error}"))?;
            if output.status.success() {
                Ok(flags.to_vec())
            } else {
                Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
            }
        };
        // Root needs no user namespace; anybody else gets one, in which they are root.
        works(&own).or_else(|_| works(&[&["--map-root-user"][..], &own].concat()))
    })
}

/// Makes a fresh `/run`, an `/etc` of our own over the real one, and loopback.
const SET_UP: &str = r"
set -e
mount -t tmpfs none /run
mkdir /run/upper /run/work /run/sandbox
# Where a file system can't be laid over another, or not so that a folder can take a file's place, a copy of what can be read
# does as well.
over() {
    mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc &&
        rm -f /etc/hosts && { mkdir /etc/hosts && rmdir /etc/hosts || { umount /etc; false; }; }
}
over 2>/dev/null || {
    mkdir /run/etc
    cp -a /etc/. /run/etc/ 2>/dev/null || true
    mount --bind /run/etc /etc
}
rm -f /etc/resolv.conf /etc/hosts /etc/hostname /etc/pydyndns.conf
# No packet of the kernel's own accord, no address that nobody asked for, no waiting for duplicates.
for name in accept_dad router_solicitations accept_ra; do
    echo 0 > /proc/sys/net/ipv6/conf/default/$name
done
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link set lo up
";

#[allow(
    clippy::unused_self,
    reason = "these change the world of whoever has a sandbox, and only theirs"
)]
impl Sandbox {
    /// Sets up the namespaces that this process is in.
    fn new() -> Self {
        assert_eq!(
            std::process::id(),
            1,
            "the sandbox is set up in a namespace"
        );
        let sandbox = Self(PathBuf::from(FOLDER));
        sandbox.shell(SET_UP);
        sandbox.hostname("host.example.com");
        sandbox.hosts("127.0.0.1 localhost\n");
        sandbox.resolvers(&["127.0.0.1"]);
        sandbox
    }

    /// Whether nothing in here can act as another account: an ordinary user's namespace has no other.
    pub(crate) fn has_one_user(&self) -> bool {
        let map =
            std::fs::read_to_string("/proc/self/uid_map").expect("the kernel tells who is who");
        map.lines().count() == 1 && map.trim_end().ends_with(" 1")
    }

    /// A folder of its own, gone with the sandbox.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in the sandbox's folder, or anywhere else if the path is absolute.
    pub(crate) fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file in the sandbox can be written");
        path
    }

    /// Runs a shell script, which must succeed; its output.
    pub(crate) fn shell(&self, script: &str) -> String {
        let output = Command::new("sh")
            // Where administration programs are is not in everybody's PATH.
            .args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin; {script}")])
            .current_dir("/")
            .output()
            .expect("sh can be started");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{script}: {}\n{stdout}",
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Runs `ip` with these words; its output.
    pub(crate) fn ip(&self, words: &str) -> String {
        self.shell(&format!("ip {words}"))
    }

    /// Sets the kernel's host name.
    pub(crate) fn hostname(&self, name: &str) {
        self.shell(&format!(
            "hostname '{name}' 2>/dev/null || (echo '{name}' > /proc/sys/kernel/hostname) 2>/dev/null ||
                python3 -c 'import socket; socket.sethostname(\"{name}\")'"
        ));
    }

    /// Writes the hosts file.
    pub(crate) fn hosts(&self, text: &str) {
        self.write("/etc/hosts", text);
    }

    /// Writes a resolv.conf that names these servers.
    pub(crate) fn resolvers(&self, addresses: &[&str]) {
        self.resolv_conf(
            &addresses
                .iter()
                .map(|address| format!("nameserver {address}\n"))
                .collect::<String>(),
        );
    }

    /// Writes resolv.conf.
    pub(crate) fn resolv_conf(&self, text: &str) {
        self.write("/etc/resolv.conf", text);
    }

    /// Makes an interface (one end of a pair) with these addresses, and takes it up.
    pub(crate) fn interface(&self, name: &str, addresses: &[&str]) {
        self.ip(&format!("link add {name} type veth peer name {name}-peer"));
        self.ip(&format!("link set {name}-peer up"));
        self.ip(&format!("link set {name} up"));
        for address in addresses {
            self.address(name, address);
        }
    }

    /// Adds an address to an interface, ready to be used at once.
    pub(crate) fn address(&self, interface: &str, address: &str) {
        let at_once = if address.contains(':') { " nodad" } else { "" };
        self.ip(&format!("addr add {address} dev {interface}{at_once}"));
    }

    /// How many packets have gone over any interface, in either direction.
    pub(crate) fn packets(&self) -> u64 {
        let table = std::fs::read_to_string("/proc/net/dev").expect("the kernel counts packets");
        let count = |line: &str| {
            let fields: Vec<u64> = line
                .split_once(':')
                .expect("a line of an interface")
                .1
                .split_whitespace()
                .map(|field| field.parse().expect("a number"))
                .collect();
            fields[1] + fields[9]
        };
        table.lines().skip(2).map(count).sum()
    }

    /// Waits until the kernel itself sends nothing any more.
    pub(crate) fn settle(&self) {
        let (mut last, mut since, start) = (self.packets(), Instant::now(), Instant::now());
        while since.elapsed() < Duration::from_secs(1) {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the kernel's own packets do not end"
            );
            std::thread::sleep(Duration::from_millis(20));
            let now = self.packets();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }
}
