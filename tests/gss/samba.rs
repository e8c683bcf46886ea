//! The same in a domain of Active Directory: Samba's controller, with the DNS server that it has inside and with BIND.
//!
//! It is provisioned in an overlay above the Debian that `.ci/samba target/samba` makes, which takes half a minute.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::harness::program::{PROGRAM, Program, config, merged};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::{client, wait_until};

/// The controller's address.
const CONTROLLER: &str = "192.0.2.53";

/// A domain and a member of it.
struct Domain {
    /// The controller's root folder.
    root: PathBuf,
    /// Where the program's files are.
    folder: PathBuf,
}

impl Domain {
    /// Provisions EXAMPLE.COM with this DNS server and starts it; two computers are members, HOST and OTHER.
    fn new(sandbox: &Sandbox, backend: &str) -> Option<Self> {
        let debian = Path::new(PROGRAM).parent()?.parent()?.join("samba");
        if !debian.join("ready").exists() {
            crate::harness::skipped("there is no Samba; `.ci/samba target/samba` makes one");
            return None;
        }
        let folder = sandbox.path().to_owned();
        let root = folder.join("root");
        let at = root.display();
        sandbox.hostname("dc1");
        sandbox.resolvers(&[CONTROLLER]);
        sandbox.shell("rm -f /etc/krb5.conf");
        sandbox.ip(&format!("addr add {CONTROLLER}/32 dev lo"));
        sandbox.shell(&format!(
            "cd {}; mkdir upper work root
             mount -t overlay overlay -o lowerdir={},upperdir=upper,workdir=work root
             mount -t proc proc root/proc; mount --bind /dev root/dev; mkdir -p root/run
             rm -f root/etc/samba/smb.conf
             echo '{CONTROLLER} dc1.example.com dc1' > root/etc/hosts
             echo 'nameserver {CONTROLLER}' > root/etc/resolv.conf
             chroot root samba-tool domain provision --realm=EXAMPLE.COM --domain=EXAMPLE --server-role=dc \
                --dns-backend={backend} --adminpass=Passw0rd. --host-name=dc1 --host-ip={CONTROLLER} > provision.log 2>&1 \
                || {{ cat provision.log >&2; exit 1; }}
             cp root/var/lib/samba/private/krb5.conf root/etc/krb5.conf",
            folder.display(),
            debian.display()
        ));
        let mut samba = Command::new("chroot");
        samba.arg(&root).args(["samba", "-F", "--no-process-group"]);
        start(samba, &folder.join("samba.log"));
        if backend == "BIND9_DLZ" {
            let conf = "options { directory \"/var/cache/bind\"; pid-file none; session-keyfile \"/tmp/session.key\"; \
                        listen-on { 192.0.2.53; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; \
                        tkey-gssapi-keytab \"/var/lib/samba/bind-dns/dns.keytab\"; minimal-responses yes; };\n\
                        controls { };\ninclude \"/var/lib/samba/bind-dns/named.conf\";\n";
            std::fs::write(root.join("etc/bind/named.conf"), conf).unwrap();
            let mut named = Command::new("chroot");
            named
                .arg(&root)
                .args(["named", "-g", "-c", "/etc/bind/named.conf"]);
            start(named, &folder.join("named.log"));
        }
        wait_until("the domain's name server answers", || {
            let server = format!("{CONTROLLER}:53").parse().unwrap();
            client::ask(server, "_kerberos._udp.example.com.", RecordType::SRV)
                .is_ok_and(|answer| !answer.answers.is_empty())
        });
        for computer in ["HOST", "OTHER"] {
            sandbox.shell(&format!(
                "chroot {at} samba-tool computer create {computer} > {at}/tmp/log 2>&1 &&
                 chroot {at} samba-tool user setpassword '{computer}$' --newpassword=Machine.1 > {at}/tmp/log 2>&1 &&
                 chroot {at} samba-tool domain exportkeytab /root/{computer}.keytab --principal='{computer}$' > {at}/tmp/log 2>&1 ||
                 {{ cat {at}/tmp/log >&2; exit 1; }}; chmod 600 {at}/root/{computer}.keytab"
            ));
        }
        sandbox.interface("eth0", &["192.0.2.7/24", "2001:db8::7/64"]);
        Some(Self { root, folder })
    }

    /// The program on HOST.
    fn program(&self, keys: Value) -> Program {
        let own = json!({
            "cache": self.folder.join("cache"),
            "hostname": "host.example.com",
            "gss": {"keytab": self.root.join("root/HOST.keytab")},
        });
        Program::new(&self.folder)
            .config(&merged(merged(config(json!({})), own), keys))
            .arg("eth0")
    }

    /// Expects these addresses of HOST.
    #[track_caller]
    fn has(&self, addresses: &[&str]) {
        let server = format!("{CONTROLLER}:53").parse().unwrap();
        let found: BTreeSet<String> = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .flat_map(|family| {
                client::ask(server, "host.example.com.", family)
                    .unwrap()
                    .answers
            })
            .map(|record| record.data.to_string())
            .collect();
        let logs = ["samba.log", "named.log"]
            .map(|log| std::fs::read_to_string(self.folder.join(log)).unwrap_or_default());
        assert_eq!(
            found,
            addresses.iter().map(ToString::to_string).collect(),
            "{}",
            logs.concat()
        );
    }
}

/// Starts a server, which ends with the sandbox.
#[allow(clippy::zombie_processes, reason = "it ends with the sandbox")]
fn start(mut command: Command, log: &Path) {
    let log = std::fs::File::create(log).unwrap();
    command
        // Which is another place inside the controller's root.
        .env_remove("TMPDIR")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
}

/// A member registers, changes, and removes its addresses, and may not change another's.
fn a_member_changes_its_own_records_only(sandbox: &Sandbox, backend: &str) {
    let Some(domain) = Domain::new(sandbox, backend) else {
        return;
    };
    let program = domain.program(json!({}));
    program.run().succeeds();
    domain.has(&["192.0.2.7", "2001:db8::7"]);
    sandbox.settle();
    program.run().succeeds();
    sandbox.address("eth0", "192.0.2.8/24");
    program.run().succeeds();
    domain.has(&["192.0.2.7", "192.0.2.8", "2001:db8::7"]);
    sandbox.ip("addr del 192.0.2.8/24 dev eth0");
    domain
        .program(json!({"replace": "addresses"}))
        .arg("-f")
        .run()
        .succeeds();
    domain.has(&["192.0.2.7", "2001:db8::7"]);
    let status = program.clone().args(["--status", "--json"]).run();
    assert_eq!(status.status, Some(0), "{status:?}");
    assert!(status.stdout.contains("HOST$@EXAMPLE.COM"), "{status:?}");
    // Whoever made a record owns it.
    let other = json!({"timeout": 5, "gss": {"keytab": domain.root.join("root/OTHER.keytab")}, "cache": false});
    let run = domain.program(other).arg("-f").run();
    run.fails(1, "ERROR: host.example.com is not confirmed: 192.0.2.53:53: the server * OTHER$@EXAMPLE.COM *");
    domain.has(&["192.0.2.7", "2001:db8::7"]);
    for (kdc, transport) in [("192.0.2.53", "both"), ("192.0.2.53:88", "both")] {
        let gss = json!({"keytab": domain.root.join("root/HOST.keytab"), "kdc": [kdc]});
        let run = domain.program(json!({"gss": gss})).arg("-f").run();
        assert_eq!(run.status, Some(0), "{transport}: {run:?}");
    }
    domain
        .program(json!({}))
        .arg("--unregister")
        .run()
        .succeeds();
    domain.has(&[]);
}

#[test]
fn a_member_of_a_samba_domain_with_its_internal_dns_changes_its_own_records_only() {
    sandbox(|sandbox| a_member_changes_its_own_records_only(sandbox, "SAMBA_INTERNAL"));
}

#[test]
fn a_member_of_a_samba_domain_with_bind_changes_its_own_records_only() {
    sandbox(|sandbox| a_member_changes_its_own_records_only(sandbox, "BIND9_DLZ"));
}
