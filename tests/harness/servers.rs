//! Real name servers, started by hand in a sandbox and ended with it.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::primary::tsig::{Algorithm, Key};
use super::sandbox::Sandbox;
use super::{client, installed, key, secret};

/// The four primaries that the program must get on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ISC BIND.
    Bind,
    /// Knot DNS.
    Knot,
    /// PowerDNS Authoritative Server, with the SQLite back end.
    PowerDns,
    /// YADIFA.
    Yadifa,
}

impl Kind {
    /// All four.
    pub(crate) const ALL: [Self; 4] = [Self::Bind, Self::Knot, Self::PowerDns, Self::Yadifa];

    /// The name people know it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bind => "BIND",
            Self::Knot => "Knot",
            Self::PowerDns => "PowerDNS",
            Self::Yadifa => "YADIFA",
        }
    }

    /// The program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Bind => "named",
            Self::Knot => "knotd",
            Self::PowerDns => "pdns_server",
            Self::Yadifa => "yadifad",
        }
    }
}

/// Who may update which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Each of the keys may update everything.
    Keys,
    /// Each of the keys may update the A and AAAA records of `host.example.com`; BIND and Knot only.
    Addresses,
    /// Anybody may update everything, unsigned.
    Anybody,
    /// Who has a ticket of the realm may update their own A and AAAA records, and the keys everything; BIND only.
    Kerberos,
}

/// One zone: its apex, its SOA's MNAME, and further lines of the zone file.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// The apex, with the last dot.
    pub(crate) apex: String,
    /// The SOA's MNAME, as a zone file has it.
    pub(crate) mname: String,
    /// Records as in a zone file: `host 60 A 192.0.2.1`.
    pub(crate) records: Vec<String>,
}

impl Zone {
    /// A zone whose primary is `ns.APEX`, which has the addresses 127.0.0.1 and ::1, with more records.
    pub(crate) fn new(apex: &str, records: &[&str]) -> Self {
        let mut all = vec![
            "ns 3600 A 127.0.0.1".to_owned(),
            "ns 3600 AAAA ::1".to_owned(),
        ];
        all.extend(records.iter().map(ToString::to_string));
        Self {
            apex: apex.to_owned(),
            mname: "ns".to_owned(),
            records: all,
        }
    }

    /// The same zone with another MNAME and only these records.
    pub(crate) fn with_mname(apex: &str, mname: &str, records: &[&str]) -> Self {
        Self {
            apex: apex.to_owned(),
            mname: mname.to_owned(),
            records: records.iter().map(ToString::to_string).collect(),
        }
    }

    /// The zone file.
    fn file(&self) -> String {
        let Self {
            apex,
            mname,
            records,
        } = self;
        format!(
            "$ORIGIN {apex}\n@ 3600 SOA {mname} hostmaster 1 3600 600 86400 60\n@ 3600 NS ns.example.com.\n{}\n",
            records.join("\n")
        )
    }
}

/// What a server is to be.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The zones it is primary for.
    pub(crate) zones: Vec<Zone>,
    /// The keys it knows.
    pub(crate) keys: Vec<Key>,
    /// Who may update what.
    pub(crate) policy: Policy,
    /// The addresses it listens on.
    pub(crate) addresses: Vec<IpAddr>,
    /// The port it listens on.
    pub(crate) port: u16,
    /// By which Kerberos it knows tickets; BIND only.
    pub(crate) kerberos: Option<Acceptor>,
    /// The files of the certificate and the key with which it listens on port 853 as well; BIND only.
    pub(crate) tls: Option<[PathBuf; 2]>,
}

/// What a server takes tickets by.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    /// The file with its keys.
    pub(crate) keytab: PathBuf,
    /// Its krb5.conf.
    pub(crate) krb5_conf: PathBuf,
    /// The realm of those who may update.
    pub(crate) realm: String,
}

impl Setup {
    /// A primary for example.com on port 53 of 127.0.0.1 and ::1 with a key of each algorithm, and these
    /// records in the zone.
    pub(crate) fn new(records: &[&str]) -> Self {
        Self {
            zones: vec![Zone::new("example.com.", records)],
            keys: Algorithm::ALL.map(key).to_vec(),
            policy: Policy::Keys,
            addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
            port: 53,
            kerberos: None,
            tls: None,
        }
    }
}

/// A running server, ended when dropped.
pub(crate) struct Server {
    /// The process.
    child: Child,
    /// Its first address.
    address: SocketAddr,
    /// Its log, for when it does not start.
    log: PathBuf,
}

impl Server {
    /// Starts it, and waits until it answers. `None`, with a line that says so, if it is not installed.
    pub(crate) fn start(kind: Kind, sandbox: &Sandbox, setup: &Setup) -> Option<Self> {
        let (folder, command) = prepare(kind, sandbox, setup)?;
        let address = SocketAddr::new(setup.addresses[0], setup.port);
        Some(Self::run(command, &folder, address, &setup.zones[0].apex))
    }

    /// Starts BIND on port 53 of an address, in a folder of this name, with these statements: keys, zones, views, and
    /// files for them.
    pub(crate) fn bind(
        sandbox: &Sandbox,
        name: &str,
        address: &str,
        statements: &str,
        files: &[(&str, &str)],
    ) -> Option<Self> {
        if !installed("named") {
            super::skipped("named is not installed");
            return None;
        }
        let folder = sandbox.path().join(name);
        std::fs::create_dir(&folder).expect("a server's folder can be made");
        for (file, text) in files {
            std::fs::write(folder.join(file), text).expect("a file can be written");
        }
        let home = folder.display();
        let text = format!(
            "options {{ directory \"{home}\"; pid-file none; lock-file none; session-keyfile \"{home}/session.key\"; \
             managed-keys-directory \"{home}\"; recursion no; dnssec-validation no; notify no; empty-zones-enable no; \
             allow-transfer {{ any; }}; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }}; }};\n\
             controls {{ }};\n{statements}"
        );
        let file = folder.join("named.conf");
        std::fs::write(&file, text).expect("a configuration can be written");
        let mut command = Command::new("named");
        command.args(["-g", "-c"]).arg(file);
        let address = SocketAddr::new(address.parse().expect("an address"), 53);
        Some(Self::run(command, &folder, address, "example.com."))
    }

    /// Starts Unbound on port 53 of 127.0.0.1, resolving everything by the root zone of another server
    /// at this address.
    pub(crate) fn unbound(sandbox: &Sandbox, root: SocketAddr) -> Option<Self> {
        if !installed("unbound") {
            super::skipped("unbound is not installed");
            return None;
        }
        let folder = sandbox.path().join("unbound");
        std::fs::create_dir(&folder).expect("a server's folder can be made");
        let (ip, port) = (root.ip(), root.port());
        let config = format!(
            "server:\n chroot: \"\"\n username: \"\"\n directory: \"{0}\"\n pidfile: \"\"\n use-syslog: no\n \
             do-daemonize: no\n interface: 127.0.0.1\n port: 53\n do-not-query-localhost: no\n \
             module-config: \"iterator\"\n access-control: 127.0.0.0/8 allow\n unblock-lan-zones: yes\n \
             insecure-lan-zones: yes\n qname-minimisation: no\n local-zone: test. nodefault\n local-zone: invalid. nodefault\n num-threads: 1\n\
             remote-control:\n control-enable: no\n\
             stub-zone:\n name: \".\"\n stub-addr: {ip}@{port}\n stub-prime: no\n",
            folder.display()
        );
        let file = folder.join("unbound.conf");
        std::fs::write(&file, config).expect("a configuration can be written");
        let mut command = Command::new("unbound");
        command.args(["-d", "-c"]).arg(file);
        Some(Self::run(
            command,
            &folder,
            "127.0.0.1:53".parse().unwrap(),
            ".",
        ))
    }

    /// Starts the prepared command and waits until it knows the zone.
    pub(crate) fn run(
        mut command: Command,
        folder: &Path,
        address: SocketAddr,
        apex: &str,
    ) -> Self {
        let log = folder.join("stderr");
        let output = std::fs::File::create(&log).expect("a log can be made");
        let path = std::env::var("PATH").unwrap_or_default();
        let child = command
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file can be shared"))
            .stderr(output)
            .spawn()
            .expect("a server can be started");
        let mut server = Self {
            child,
            address,
            log,
        };
        let start = Instant::now();
        let knows = || {
            client::ask(address, apex, RecordType::SOA)
                .is_ok_and(|answer| answer.response_code == ResponseCode::NoError)
        };
        while !knows() {
            let ended = server.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the name server ended: {}", server.log());
            assert!(
                start.elapsed().as_secs() < 20,
                "the name server does not know {apex}: {}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The first address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All records of the zone but SOA and the apex's NS.
    pub(crate) fn zone(&self, apex: &str) -> Vec<String> {
        client::zone(self.address, apex)
    }

    /// The records of one name in example.com.
    pub(crate) fn at(&self, name: &str) -> Vec<String> {
        let mut records = self.zone("example.com.");
        records.retain(|line| line.starts_with(&format!("{name} ")));
        records
    }

    /// The serial of example.com.
    pub(crate) fn serial(&self) -> u32 {
        client::serial(self.address, "example.com.")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes all that a server needs into a folder of its own. `None`, with a line that says so, if it is not installed.
fn prepare(kind: Kind, sandbox: &Sandbox, setup: &Setup) -> Option<(PathBuf, Command)> {
    if !installed(kind.program()) {
        super::skipped(&format!("{} is not installed", kind.program()));
        return None;
    }
    let folder = sandbox
        .path()
        .join(format!("{}-{}", kind.program(), setup.port));
    std::fs::create_dir(&folder).expect("a server's folder can be made");
    for zone in &setup.zones {
        std::fs::write(zone_file(&folder, zone), zone.file()).expect("a zone can be written");
    }
    let mut command = Command::new(kind.program());
    match kind {
        Kind::Bind => bind(&folder, setup, &mut command),
        Kind::Knot => knot(&folder, setup, &mut command),
        Kind::PowerDns => power_dns(sandbox, &folder, setup, &mut command),
        Kind::Yadifa => yadifa(&folder, setup, &mut command),
    }
    Some((folder, command))
}

/// Where the zone's file is.
fn zone_file(folder: &Path, zone: &Zone) -> PathBuf {
    folder.join(format!(
        "{}zone",
        if zone.apex == "." {
            "root."
        } else {
            &zone.apex
        }
    ))
}

/// Writes the configuration for BIND.
fn bind(folder: &Path, setup: &Setup, command: &mut Command) {
    let home = folder.display();
    let mut text = format!(
        "options {{ directory \"{home}\"; pid-file none; lock-file none; session-keyfile \"{home}/session.key\"; \
         managed-keys-directory \"{home}\"; recursion no; dnssec-validation no; notify no; empty-zones-enable no; \
         allow-transfer {{ any; }};\n"
    );
    if let Some(kerberos) = &setup.kerberos {
        writeln!(
            text,
            "tkey-gssapi-keytab \"{}\";",
            kerberos.keytab.display()
        )
        .unwrap();
        command
            .env("KRB5_CONFIG", &kerberos.krb5_conf)
            .env("KRB5RCACHENAME", "none:");
    }
    for (option, v6) in [("listen-on", false), ("listen-on-v6", true)] {
        let addresses: String = setup
            .addresses
            .iter()
            .filter(|ip| ip.is_ipv6() == v6)
            .map(|ip| format!("{ip}; "))
            .collect();
        let addresses = if addresses.is_empty() {
            "none; ".to_owned()
        } else {
            addresses
        };
        writeln!(text, "{option} port {} {{ {addresses}}};", setup.port).unwrap();
        if setup.tls.is_some() {
            writeln!(text, "{option} port 853 tls dot {{ {addresses}}};").unwrap();
        }
    }
    text.push_str("};\ncontrols { };\n");
    if let Some([certificate, key]) = &setup.tls {
        let (certificate, key) = (certificate.display(), key.display());
        writeln!(
            text,
            "tls dot {{ cert-file \"{certificate}\"; key-file \"{key}\"; }};"
        )
        .unwrap();
    }
    for key in &setup.keys {
        let (name, algorithm) = (&key.name, key.algorithm.name());
        writeln!(
            text,
            "key \"{name}\" {{ algorithm {algorithm}; secret \"{}\"; }};",
            secret(key)
        )
        .unwrap();
    }
    let each = |line: &dyn Fn(&str) -> String| {
        setup
            .keys
            .iter()
            .map(|key| line(&key.name))
            .collect::<String>()
    };
    let policy = match setup.policy {
        Policy::Keys => format!(
            "allow-update {{ {}}};",
            each(&|key| format!("key \"{key}\"; "))
        ),
        Policy::Addresses => {
            let grants = each(&|key| format!("grant \"{key}\" name host.example.com. A AAAA; "));
            format!("update-policy {{ {grants}}};")
        }
        Policy::Anybody => "allow-update { any; };".to_owned(),
        Policy::Kerberos => {
            let kerberos = setup
                .kerberos
                .as_ref()
                .expect("a server of a realm has its keytab");
            let all = each(&|key| format!("grant \"{key}\" zonesub ANY; "));
            let realm = &kerberos.realm;
            format!("update-policy {{ grant {realm} krb5-self . A AAAA; {all}}};")
        }
    };
    for zone in &setup.zones {
        let file = zone_file(folder, zone);
        writeln!(
            text,
            "zone \"{}\" {{ type primary; file \"{}\"; {policy} }};",
            zone.apex,
            file.display()
        )
        .unwrap();
    }
    let file = folder.join("named.conf");
    std::fs::write(&file, text).expect("a configuration can be written");
    command.args(["-g", "-c"]).arg(file);
}

/// Writes the configuration for Knot.
fn knot(folder: &Path, setup: &Setup, command: &mut Command) {
    let home = folder.display();
    let listen: Vec<String> = setup
        .addresses
        .iter()
        .map(|ip| format!("{ip}@{}", setup.port))
        .collect();
    let mut text = format!(
        "server:\n    rundir: {home}\n    listen: [ {} ]\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n    storage: {home}\n    journal-db-max-size: 8M\n    timer-db-max-size: 1M\n    kasp-db-max-size: 5M\n    catalog-db-max-size: 5M\n\
         control:\n    listen: {home}/knot.sock\n",
        listen.join(", ")
    );
    if !setup.keys.is_empty() {
        text.push_str("key:\n");
    }
    for key in &setup.keys {
        let (name, algorithm) = (&key.name, key.algorithm.name());
        writeln!(
            text,
            "  - id: {name}\n    algorithm: {algorithm}\n    secret: {}",
            secret(key)
        )
        .unwrap();
    }
    let names: Vec<_> = setup.keys.iter().map(|key| key.name.as_str()).collect();
    let who = match setup.policy {
        Policy::Anybody | Policy::Kerberos => "    address: [ 0.0.0.0/0, ::/0 ]\n".to_owned(),
        Policy::Keys => format!("    key: [ {} ]\n", names.join(", ")),
        Policy::Addresses => format!(
            "    key: [ {} ]\n    update-type: [ A, AAAA ]\n",
            names.join(", ")
        ),
    };
    write!(
        text,
        "acl:\n  - id: update\n    action: update\n{who}  - id: transfer\n    action: transfer\n    address: [ 0.0.0.0/0, ::/0 ]\nzone:\n"
    )
    .unwrap();
    for zone in &setup.zones {
        let file = zone_file(folder, zone);
        writeln!(
            text,
            "  - domain: {}\n    file: {}\n    acl: [ update, transfer ]",
            zone.apex,
            file.display()
        )
        .unwrap();
    }
    let file = folder.join("knot.conf");
    std::fs::write(&file, text).expect("a configuration can be written");
    command.arg("-c").arg(file);
}

/// Writes the configuration and the data base for PowerDNS.
fn power_dns(sandbox: &Sandbox, folder: &Path, setup: &Setup, command: &mut Command) {
    let home = folder.display();
    let listen: Vec<String> = setup
        .addresses
        .iter()
        .map(|ip| SocketAddr::new(*ip, setup.port).to_string())
        .collect();
    let text = format!(
        "launch=gsqlite3\ngsqlite3-database={home}/zones.sqlite3\ngsqlite3-pragma-synchronous=0\ndnsupdate=yes\n\
         allow-dnsupdate-from=0.0.0.0/0,::/0\nallow-axfr-ips=0.0.0.0/0,::/0\nlocal-address={}\nsocket-dir={home}\n\
         cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\nzone-metadata-cache-ttl=0\n\
         daemon=no\nguardian=no\nreceiver-threads=1\ndistributor-threads=1\nsecurity-poll-suffix=\n",
        listen.join(",")
    );
    std::fs::write(folder.join("pdns.conf"), text).expect("a configuration can be written");
    // Without this metadata a zone takes unsigned updates.
    let allowed = setup.policy != Policy::Anybody;
    let mut statements = String::new();
    for key in setup.keys.iter().filter(|_| allowed) {
        let (name, algorithm) = (key.name.trim_end_matches('.'), key.algorithm.name());
        writeln!(
            statements,
            "insert into tsigkeys (name, algorithm, secret) values ('{name}', '{algorithm}', '{}');\n\
             insert into domainmetadata (domain_id, kind, content) \
             select id, 'TSIG-ALLOW-DNSUPDATE', '{name}' from domains;",
            secret(key)
        )
        .unwrap();
    }
    std::fs::write(folder.join("keys.sql"), statements).expect("a file can be written");
    let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
    sandbox.shell(&format!("sqlite3 {home}/zones.sqlite3 < {schema}"));
    for zone in &setup.zones {
        let file = zone_file(folder, zone);
        sandbox.shell(&format!(
            "pdnsutil --config-dir={home} load-zone {} {}",
            zone.apex,
            file.display()
        ));
    }
    sandbox.shell(&format!("sqlite3 {home}/zones.sqlite3 < {home}/keys.sql"));
    command.arg(format!("--config-dir={home}"));
}

/// Writes the configuration for YADIFA.
fn yadifa(folder: &Path, setup: &Setup, command: &mut Command) {
    let home = folder.display();
    let listen: Vec<String> = setup.addresses.iter().map(ToString::to_string).collect();
    for name in ["keys", "xfr"] {
        std::fs::create_dir(folder.join(name)).expect("a server's folder can be made");
    }
    let mut text = format!(
        "<main>\ndaemon off\nchroot off\nlogpath \"{home}\"\npidfile \"{home}/pid\"\ndatapath \"{home}\"\n\
         keyspath \"{home}/keys\"\nxfrpath \"{home}/xfr\"\nport {}\nlisten {}\nallow-query any\n\
         allow-transfer any\nallow-update none\nstatistics off\n</main>\n<rrl>\nenabled false\n</rrl>\n",
        setup.port,
        listen.join(", ")
    );
    for key in &setup.keys {
        let name = key.name.trim_end_matches('.');
        let algorithm = key.algorithm.name();
        writeln!(
            text,
            "<key>\nname {name}\nalgorithm {algorithm}\nsecret {}\n</key>",
            secret(key)
        )
        .unwrap();
    }
    let mut rules = "any".to_owned();
    if setup.policy != Policy::Anybody {
        let names: Vec<_> = setup
            .keys
            .iter()
            .map(|key| key.name.trim_end_matches('.'))
            .collect();
        text.push_str("<acl>\n");
        for (index, name) in names.iter().enumerate() {
            writeln!(text, "key{index} key {name}").unwrap();
        }
        text.push_str("</acl>\n");
        rules = (0..names.len())
            .map(|index| format!("key{index}"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    for zone in &setup.zones {
        let (apex, file) = (zone.apex.trim_end_matches('.'), zone_file(folder, zone));
        writeln!(
            text,
            "<zone>\ntype primary\ndomain {apex}\nfile {}\nallow-update {rules}\nallow-transfer any\n</zone>",
            file.display()
        )
        .unwrap();
    }
    let file = folder.join("yadifad.conf");
    std::fs::write(&file, text).expect("a configuration can be written");
    command.arg("-c").arg(file);
}
