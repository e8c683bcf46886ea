//! EXAMPLE.COM: a KDC, a BIND that takes its tickets, and a host with addresses and a keytab.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::kerberos::{Realm, Setup};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, config, merged};
use crate::harness::sandbox::Sandbox;
use crate::harness::servers::{self, Acceptor, Kind, Policy, Server};
use crate::harness::{key, secret};
use crate::tls::authority::Pair;

/// The name server's and the host's principals, with their keytabs.
pub(super) const HOST: [&str; 4] = [
    "addprinc -randkey DNS/ns.example.com",
    "ktadd -k dns.keytab DNS/ns.example.com",
    "addprinc -randkey +requires_preauth host/host.example.com",
    "ktadd -k host.keytab host/host.example.com",
];

/// What the zone has besides the name server.
const RECORDS: [&str; 4] = [
    "kdc 60 A 127.0.0.1",
    "host 60 A 192.0.2.99",
    "_kerberos._udp 60 SRV 0 0 88 kdc",
    "_kerberos._tcp 60 SRV 0 0 88 kdc",
];

/// All of it.
pub(super) struct World {
    /// The realm.
    pub(super) realm: Realm,
    /// The name server.
    pub(super) named: Server,
    /// Where the program's files are.
    folder: PathBuf,
}

impl World {
    /// A realm with these principals.
    pub(super) fn new(sandbox: &Sandbox, commands: &[&str]) -> Option<Self> {
        let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), commands);
        setup.more_addresses = &["[::1]:88"];
        Self::with(sandbox, sandbox.path(), &setup)
    }

    /// The same, where the name server takes updates over TLS as well, with this certificate.
    pub(super) fn with_tls(sandbox: &Sandbox, commands: &[&str], pair: &Pair) -> Option<Self> {
        let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), commands);
        setup.more_addresses = &["[::1]:88"];
        let tls = Some([pair.certificate.clone(), pair.key.clone()]);
        Self::start(sandbox, sandbox.path(), &setup, setup.realm, tls)
    }

    /// A realm that is set up so, in a folder of its own.
    pub(super) fn with(sandbox: &Sandbox, folder: &Path, setup: &Setup<'_>) -> Option<Self> {
        Self::of(sandbox, folder, setup, setup.realm)
    }

    /// The same, where the hosts are those of another realm.
    pub(super) fn of(
        sandbox: &Sandbox,
        folder: &Path,
        setup: &Setup<'_>,
        hosts: &str,
    ) -> Option<Self> {
        Self::start(sandbox, folder, setup, hosts, None)
    }

    /// Starts it.
    fn start(
        sandbox: &Sandbox,
        folder: &Path,
        setup: &Setup<'_>,
        hosts: &str,
        tls: Option<[PathBuf; 2]>,
    ) -> Option<Self> {
        let realm = Realm::start(folder, setup)?;
        let named = servers::Setup {
            policy: Policy::Kerberos,
            keys: vec![key(Algorithm::Sha256)],
            kerberos: Some(Acceptor {
                keytab: realm.file("dns.keytab"),
                krb5_conf: realm.file("krb5.conf"),
                realm: hosts.to_owned(),
            }),
            tls,
            ..servers::Setup::new(&RECORDS)
        };
        // One folder serves several worlds after each other.
        sandbox.shell(&format!("rm -rf {}/named-53", sandbox.path().display()));
        let named = Server::start(Kind::Bind, sandbox, &named)?;
        sandbox.shell("ip link show eth0 > /dev/null 2>&1 || exit 0; ip link del eth0");
        sandbox.interface("eth0", &["192.0.2.7/24", "2001:db8::7/64"]);
        Some(Self {
            realm,
            named,
            folder: folder.to_owned(),
        })
    }

    /// The host's keytab.
    pub(super) fn keytab(&self) -> PathBuf {
        self.realm.file("host.keytab")
    }

    /// The program on the host; `gss` has the keytab, unless it is in the keys.
    pub(super) fn program(&self, mut keys: Value) -> Program {
        let gss = json!({"keytab": self.keytab()});
        if let Some(Value::Object(own)) = keys.get_mut("gss")
            && !own.contains_key("keytab")
        {
            own.insert("keytab".into(), json!(self.keytab()));
        }
        let own = json!({
            "cache": self.folder.join("cache"),
            "replace": "addresses",
            "gss": gss,
        });
        Program::new(&self.folder).config(&merged(merged(config(json!({})), own), keys))
    }

    /// The program on the host with just this configuration.
    pub(super) fn program_as_it_is(&self, keys: &Value) -> Program {
        Program::new(&self.folder).config(keys)
    }

    /// Where the cache is.
    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// Runs nsupdate as the host itself does what it likes: the zone is as it was.
    pub(super) fn restore(&self) {
        self.forget();
        self.nsupdate("delete host.example.com A\nupdate delete host.example.com AAAA\nupdate add host.example.com 60 A 192.0.2.99");
    }

    /// Deletes records of the zone.
    pub(super) fn delete(&self, name: &str, kind: &str) {
        self.nsupdate(&format!("delete {name}.example.com {kind}"));
    }

    /// An update by the administrator.
    fn nsupdate(&self, what: &str) {
        let key = key(Algorithm::Sha256);
        let mut child = std::process::Command::new("nsupdate")
            .args(["-y", &format!("hmac-sha256:{}:{}", key.name, secret(&key))])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("nsupdate can be started");
        let script = format!("server 127.0.0.1\nupdate {what}\nsend\n");
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), script.as_bytes()).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{}", self.named.log());
    }

    /// Makes the next run send.
    pub(super) fn forget(&self) {
        drop(std::fs::remove_file(self.folder.join("cache")));
    }

    /// Expects these addresses of the host in the zone.
    #[track_caller]
    pub(super) fn has(&self, addresses: &[&str]) {
        self.has_with_ttl(3600, addresses);
    }

    /// The same, with this time to live.
    #[track_caller]
    pub(super) fn has_with_ttl(&self, ttl: u32, addresses: &[&str]) {
        let mut expected: Vec<_> = addresses
            .iter()
            .map(|address| {
                let family = if address.contains(':') { "AAAA" } else { "A" };
                format!("host.example.com. {ttl} {family} {address}")
            })
            .collect();
        expected.sort();
        assert_eq!(
            self.named.at("host.example.com."),
            expected,
            "{}",
            self.named.log()
        );
    }

    /// Expects that nothing of the zone has changed.
    #[track_caller]
    pub(super) fn is_unchanged(&self) {
        assert_eq!(
            self.named.at("host.example.com."),
            ["host.example.com. 60 A 192.0.2.99"]
        );
        assert!(!self.folder.join("cache").exists(), "there is no cache");
    }
}
