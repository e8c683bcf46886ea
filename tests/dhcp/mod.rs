//! The DHCP hooks in `examples/`, run by the real clients against a real DHCP server at the other end of a cable.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::installed;
use crate::harness::local::Local;
use crate::harness::program::PROGRAM;
use crate::harness::sandbox::{Sandbox, sandbox};

/// A process that ends with the test.
struct Daemon(Child);

impl Daemon {
    /// Starts it; what it says goes into a file.
    fn start(sandbox: &Sandbox, script: &str) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(sandbox.path().join("log"))
            .unwrap();
        let child = Command::new("sh")
            .args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin; exec {script}")])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A DHCP server in a network namespace of its own, behind the other end of lan0, that leases one address.
fn dhcp_server(sandbox: &Sandbox, address: &str) -> Daemon {
    sandbox.write(
        "dhcpd.conf",
        format!(
            "authoritative;\nping-check false;\ndefault-lease-time 600;\nsubnet 192.0.2.0 netmask 255.255.255.0 {{\n\
             range {address} {address};\n}}\n"
        ),
    );
    sandbox.write("dhcpd.leases", "");
    Daemon::start(
        sandbox,
        "ip netns exec far dhcpd -4 -f -d -cf /run/sandbox/dhcpd.conf -lf /run/sandbox/dhcpd.leases \
         -pf /run/sandbox/dhcpd.pid lan0-peer",
    )
}

/// The cable, the program where the hooks expect it, its configuration, and a primary.
fn set_up(sandbox: &Sandbox) -> Local {
    sandbox.interface("lan0", &[]);
    sandbox.ip("netns add far");
    sandbox.ip("link set lan0-peer netns far");
    sandbox.ip("-n far link set lan0-peer up");
    sandbox.ip("-n far addr add 192.0.2.1/24 dev lan0-peer");
    sandbox.shell(&format!(
        "mount -t tmpfs none /usr/local/bin; ln -s '{PROGRAM}' /usr/local/bin/pydyndns"
    ));
    let local = Local::with(&["host 60 A 192.0.2.9"]);
    let config = local.config(json!({"cache": true, "addresses": null}));
    sandbox.write("/etc/pydyndns.conf", config.to_string());
    sandbox.shell("chmod 600 /etc/pydyndns.conf");
    local
}

/// Waits until the zone has just this address for the host.
fn wait_for(sandbox: &Sandbox, local: &Local, address: &str) {
    let expected = [format!("host.example.com. 3600 A {address}")];
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while local.primary.zone() != expected {
        let log = || std::fs::read_to_string(sandbox.path().join("log")).unwrap_or_default();
        assert!(
            std::time::Instant::now() < deadline,
            "the zone has {:?} in place of {address}: {}",
            local.primary.zone(),
            log()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// One of the hooks.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    std::fs::read_to_string(path).expect("the hook is there")
}

#[test]
fn dhclient_registers_each_new_lease_by_its_hook() {
    for program in ["dhclient", "dhcpd"] {
        if !installed(program) {
            skip!("{program} is not installed");
        }
    }
    sandbox(|sandbox| {
        let local = set_up(sandbox);
        sandbox.shell("mkdir -p /etc/dhcp/dhclient-exit-hooks.d");
        sandbox.write(
            "/etc/dhcp/dhclient-exit-hooks.d/pydyndns",
            example("dhclient-hook"),
        );
        let client = "dhclient -4 -d -lf /run/sandbox/leases -pf /run/sandbox/pid lan0";
        for address in ["192.0.2.100", "192.0.2.200"] {
            let _server = dhcp_server(sandbox, address);
            let _client = Daemon::start(sandbox, client);
            wait_for(sandbox, &local, address);
        }
        assert_eq!(local.primary.updates(), 2);
    });
}

#[test]
fn dhcpcd_registers_each_new_lease_by_its_hook() {
    for program in ["dhcpcd", "dhcpd"] {
        if !installed(program) {
            skip!("{program} is not installed");
        }
    }
    sandbox(|sandbox| {
        if std::fs::read_to_string("/proc/self/uid_map")
            .is_ok_and(|map| map.split_whitespace().nth(2) == Some("1"))
        {
            skip!(
                "dhcpcd gives up its privileges for a user of its own, which only root's namespaces have"
            );
        }
        let local = set_up(sandbox);
        sandbox.shell("mkdir -p /var/lib/dhcpcd; mount -t tmpfs none /var/lib/dhcpcd");
        sandbox.write("/etc/dhcpcd.exit-hook", example("dhcpcd-hook"));
        for address in ["192.0.2.100", "192.0.2.200"] {
            let _server = dhcp_server(sandbox, address);
            let mut client = Daemon::start(sandbox, "dhcpcd -4 -B -A -d -y 1 --nodelay lan0");
            wait_for(sandbox, &local, address);
            // It is asked to end, so that all of its processes do.
            sandbox.shell(&format!("kill {}", client.0.id()));
            client.0.wait().unwrap();
        }
    });
}
