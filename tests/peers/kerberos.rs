//! A realm of Kerberos: MIT's KDC with a database in a folder of its own, ended when dropped.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian puts programs of the administrator.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// All enctypes that the program knows.
pub const ALL_ENCTYPES: &str = "aes256-cts-hmac-sha384-192:normal aes256-cts-hmac-sha1-96:normal \
                                       aes128-cts-hmac-sha256-128:normal aes128-cts-hmac-sha1-96:normal";

/// A realm and its KDC.
pub struct Realm {
    /// Its name.
    name: String,
    /// Everything it has.
    folder: PathBuf,
    /// Where its KDC listens, over UDP and TCP.
    address: SocketAddr,
    /// How far its clock is off, as faketime has it.
    clock: Option<String>,
    /// The KDC.
    kdc: Option<Child>,
}

/// What a realm is to be.
#[derive(Clone)]
pub struct Setup<'a> {
    /// Its name.
    pub realm: &'a str,
    /// Where its KDC is to listen.
    pub address: SocketAddr,
    /// Where it is to listen, too.
    pub more_addresses: &'a [&'a str],
    /// How far its clock is off, as faketime has it.
    pub clock: Option<&'a str>,
    /// Lines of `kdc.conf`'s `[kdcdefaults]`.
    pub defaults: &'a str,
    /// The enctypes of its keys.
    pub enctypes: &'a str,
    /// Lines of `krb5.conf`'s `[domain_realm]`, by which the KDC refers to other realms.
    pub domain_realm: &'a str,
    /// Commands for `kadmin.local`.
    pub commands: &'a [&'a str],
}

impl Setup<'_> {
    /// EXAMPLE.COM with these principals.
    pub fn new<'a>(address: SocketAddr, commands: &'a [&'a str]) -> Setup<'a> {
        Setup {
            realm: "EXAMPLE.COM",
            address,
            more_addresses: &[],
            clock: None,
            defaults: "",
            enctypes: ALL_ENCTYPES,
            domain_realm: "",
            commands,
        }
    }
}

impl Realm {
    /// Makes the realm in a new folder and starts its KDC. `None` if MIT's KDC is not installed.
    pub fn start(folder: &Path, setup: &Setup<'_>) -> Option<Self> {
        if !Path::new("/usr/sbin/krb5kdc").exists() || !Path::new("/usr/sbin/kadmin.local").exists()
        {
            return None;
        }
        let folder = folder.join(setup.realm);
        std::fs::create_dir(&folder).expect("a realm's folder can be made");
        let (home, name, address) = (folder.display(), setup.realm, setup.address);
        let krb5_conf = format!(
            "[libdefaults]\n default_realm = {name}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n \
             dns_canonicalize_hostname = false\n default_ccache_name = MEMORY:\n\
             [realms]\n {name} = {{\n  kdc = {address}\n }}\n\
             [domain_realm]\n{}\n",
            setup.domain_realm
        );
        std::fs::write(folder.join("krb5.conf"), krb5_conf).expect("a file can be written");
        let (defaults, enctypes) = (setup.defaults, setup.enctypes);
        let listen = setup
            .more_addresses
            .iter()
            .fold(address.to_string(), |listen, more| {
                format!("{listen} {more}")
            });
        let kdc_conf = format!(
            "[kdcdefaults]\n kdc_listen = {listen}\n kdc_tcp_listen = {listen}\n{defaults}\n\
             [realms]\n {name} = {{\n  database_name = {home}/principal\n  key_stash_file = {home}/stash\n  \
             acl_file = {home}/acl\n  supported_enctypes = {enctypes}\n }}\n\
             [logging]\n kdc = FILE:{home}/log\n admin_server = FILE:{home}/log\n default = FILE:{home}/log\n"
        );
        std::fs::write(folder.join("kdc.conf"), kdc_conf).expect("a file can be written");
        let mut realm = Self {
            name: setup.realm.to_owned(),
            folder,
            address,
            clock: setup.clock.map(str::to_owned),
            kdc: None,
        };
        let create = realm
            .command("kdb5_util")
            .args(["create", "-s", "-P", "master"])
            .output();
        let create = create.expect("kdb5_util can be started");
        assert!(
            create.status.success(),
            "{}",
            String::from_utf8_lossy(&create.stderr)
        );
        realm.admin(setup.commands);
        realm.run();
        Some(realm)
    }

    /// One of MIT's programs, with this realm's configuration.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("PATH", PATH)
            .env("KRB5_CONFIG", self.folder.join("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.folder.join("kdc.conf"))
            .env("KRB5RCACHENAME", "none:")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Commands for `kadmin.local`; files are in the realm's folder.
    pub fn admin(&self, commands: &[&str]) {
        let mut child = self
            .command("kadmin.local")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kadmin.local can be started");
        let mut script = String::new();
        for command in commands {
            writeln!(script, "{command}").expect("a string takes everything");
        }
        let mut input = child.stdin.take().expect("it is a pipe");
        input
            .write_all(script.as_bytes())
            .expect("kadmin.local reads");
        drop(input);
        let output = child.wait_with_output().expect("kadmin.local ends");
        let told = String::from_utf8_lossy(&output.stderr);
        let fails = |line: &str| {
            ["while", "nvalid", "sage:", "nknown"]
                .iter()
                .any(|word| line.contains(word))
        };
        assert!(!told.lines().any(fails), "{script}{told}");
    }

    /// Starts the KDC and waits until it answers.
    pub fn run(&mut self) {
        let log = std::fs::File::create(self.folder.join("stderr")).expect("a log can be made");
        let mut command = match &self.clock {
            None => self.command("krb5kdc"),
            Some(off) => {
                let mut command = self.command("faketime");
                command.args(["-f", off, "krb5kdc"]);
                command
            }
        };
        let kdc = command
            .arg("-n")
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("krb5kdc can be started");
        self.kdc = Some(kdc);
        let start = Instant::now();
        while TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_err() {
            assert!(
                start.elapsed().as_secs() < 20,
                "the KDC does not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the KDC.
    pub fn stop(&mut self) {
        if let Some(mut kdc) = self.kdc.take() {
            drop(kdc.kill());
            drop(kdc.wait());
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its KDC listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What its KDC has logged so far.
    pub fn log(&self) -> String {
        ["log", "stderr"]
            .map(|name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of loopback that nobody uses, over neither UDP nor TCP.
pub fn free_port() -> u16 {
    loop {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("it is bound").port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
