//! A realm, a name server in it, and what the package needs from outside.

use super::*;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Leaves a test that lacks something, with a line that says what.
macro_rules! skip {
    ($what:literal) => {{
        assert!(
            std::env::var_os("PYDYNDNS_TEST_NO_SKIP").is_none(),
            "{}, and PYDYNDNS_TEST_NO_SKIP is set",
            $what
        );
        eprintln!("skipped: {}", $what);
        return;
    }};
}
pub(crate) use skip;

/// What the package needs from outside.
pub(crate) struct Outside {
    /// How far the clock is off, in seconds.
    pub(crate) clock_is_off: i64,
    /// Where the KDCs are, by realm.
    pub(crate) kdcs: Vec<(String, Kdcs)>,
}

impl Environment for Outside {
    fn now(&self) -> Duration {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        shifted(now, self.clock_is_off)
    }

    fn fill_random(&self, octets: &mut [u8]) -> std::io::Result<()> {
        let mut random = std::fs::File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut random, octets)
    }

    fn kdcs(&self, realm: &str) -> Result<Kdcs, String> {
        self.kdcs
            .iter()
            .find(|(name, _)| name == realm)
            .map(|(_, kdcs)| kdcs.clone())
            .ok_or_else(|| "nobody has told".into())
    }
}

/// A time so many seconds later, or earlier.
pub(crate) fn shifted(time: Duration, seconds: i64) -> Duration {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        time.checked_sub(by).unwrap()
    } else {
        time + by
    }
}

/// A realm, and whatever is in it, in a temporary folder.
pub(crate) struct World {
    /// The realm.
    pub(crate) realm: Realm,
    /// What the package needs from outside.
    pub(crate) outside: Outside,
    /// The folder.
    folder: Folder,
}

impl World {
    /// EXAMPLE.COM, set up with these commands.
    pub(crate) fn new(commands: &[&str]) -> Option<Self> {
        Self::with(&Setup::new(([127, 0, 0, 1], free_port()).into(), commands))
    }

    /// A realm that is set up so.
    pub(crate) fn with(setup: &Setup<'_>) -> Option<Self> {
        let folder = Folder::new();
        let realm = Realm::start(&folder.0, setup)?;
        let mut outside = Outside {
            clock_is_off: 0,
            kdcs: Vec::new(),
        };
        outside.add(&realm);
        Some(Self {
            realm,
            outside,
            folder,
        })
    }

    /// The temporary folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder.0
    }

    /// A ticket for the name server by a keytab of the realm.
    pub(crate) fn ticket(&self, keytab: &str) -> Result<ServiceTicket, Error> {
        let keytab = std::fs::read(self.realm.file(keytab)).unwrap();
        let choice = Choice {
            principal: None,
            realm: None,
            host: "host.example.com",
        };
        Keytab::parse(&keytab)
            .unwrap()
            .credentials(choice)
            .unwrap()
            .ticket_for(
                "DNS/ns.example.com",
                Instant::now() + Duration::from_secs(10),
                &self.outside,
            )
    }

    /// A new key name.
    pub(crate) fn key_name(&self) -> String {
        let mut octets = [0; 8];
        self.outside.fill_random(&mut octets).unwrap();
        format!("{:x}.ns.example.com", u64::from_be_bytes(octets))
    }
}

impl Outside {
    /// Tells where a realm's KDC is.
    pub(crate) fn add(&mut self, realm: &Realm) {
        self.kdcs.push((
            realm.name().to_owned(),
            Kdcs {
                udp: vec![realm.address()],
                tcp: vec![realm.address()],
                source: "the test".into(),
            },
        ));
    }
}

/// A running BIND.
pub(crate) struct Named {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The process.
    child: Child,
}

impl Drop for Named {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts BIND as `ns.example.com` with the realm's `dns.keytab`: whoever has a ticket may change their own addresses.
pub(crate) fn named(world: &World) -> Option<Named> {
    if !Path::new("/usr/sbin/named").exists() {
        return None;
    }
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let folder = world.path().join("named");
    std::fs::create_dir(&folder).unwrap();
    let (home, port, realm) = (folder.display(), address.port(), world.realm.name());
    let keytab = world.realm.file("dns.keytab");
    let conf = format!(
        "options {{ directory \"{home}\"; pid-file none; lock-file none; session-keyfile \"{home}/session.key\"; \
         managed-keys-directory \"{home}\"; recursion no; dnssec-validation no; notify no; \
         listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; tkey-gssapi-keytab \"{}\"; }};\n\
         controls {{ }};\n\
         zone \"example.com\" {{ type primary; file \"{home}/zone\"; update-policy {{ grant {realm} krb5-self . A AAAA; }}; }};\n",
        keytab.display()
    );
    std::fs::write(folder.join("named.conf"), conf).unwrap();
    std::fs::write(
        folder.join("zone"),
        "$ORIGIN example.com.\n@ 60 SOA ns hostmaster 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n",
    )
    .unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let child = world
        .realm
        .command("named")
        .arg("-g")
        .arg("-c")
        .arg(folder.join("named.conf"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let named = Named { address, child };
    let start = Instant::now();
    while !dns::is_ready(address) {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(
            start.elapsed().as_secs() < 20,
            "named does not start: {log}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(named)
}

/// A temporary folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    /// Makes a new one.
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("gss-tsig-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
