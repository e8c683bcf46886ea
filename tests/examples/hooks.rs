//! What starts the program on Linux: cron, DHCP clients against a real DHCP server, NetworkManager, systemd.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::{example, text};
use crate::harness::primary::Primary;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{PROGRAM, config, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::{installed, key, wait_until};

/// Installs the program where the examples look for it, with a configuration that leads to a primary of our own.
fn install(sandbox: &Sandbox) -> Primary {
    let key = key(Algorithm::Sha256);
    let primary = Primary::start("example.com.", std::slice::from_ref(&key), &[], &[]).unwrap();
    let config = config(json!({
        "cache": true,
        "zone": "example.com",
        "server": primary.address().to_string(),
        "tsig": tsig(&key),
    }));
    sandbox.write("/etc/pydyndns.conf", config.to_string());
    sandbox.shell(&format!(
        "chmod 600 /etc/pydyndns.conf
         mount -t tmpfs none /usr/local/bin
         touch /usr/local/bin/pydyndns
         mount --bind '{PROGRAM}' /usr/local/bin/pydyndns"
    ));
    // As if the package had brought it: over what the machine has there.
    sandbox.shell(&format!(
        "cd /run/sandbox
         mkdir -p lib/pydyndns share/pydyndns
         cp '{}' lib/pydyndns/
         cp '{}' share/pydyndns/
         for folder in lib share; do
             mount -t overlay -o lowerdir=/run/sandbox/$folder:/usr/$folder overlay /usr/$folder
         done",
        example("hooks/network-changed").display(),
        example("pydyndns.conf").display()
    ));
    primary
}

/// Waits until the primary has had this many updates, and a little longer for one too many.
fn has_updates(primary: &Primary, count: usize) {
    wait_until("the hook's run has registered", || {
        primary.updates() >= count
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(primary.updates(), count);
}

/// A process that is ended with its own pid when dropped.
struct Running(Child);

impl Running {
    /// Starts the command; what it prints goes to a file, to be shown when something fails.
    fn start(sandbox: &Sandbox, words: &[&str]) -> Self {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(sandbox.path().join("log"))
            .unwrap();
        let path = format!(
            "{}:/usr/sbin:/sbin",
            std::env::var("PATH").unwrap_or_default()
        );
        let child = Command::new(words[0])
            .args(&words[1..])
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(child.expect("the program can be started"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A DHCP server on the other end of eth0, which has one address to give.
fn dhcp_server(sandbox: &Sandbox, address: &str) -> Running {
    let (range, leases) = (
        format!("--dhcp-range={address},{address},2m"),
        format!("/run/sandbox/leases-{address}"),
    );
    let server = Running::start(
        sandbox,
        &[
            "ip",
            "netns",
            "exec",
            "lan",
            "dnsmasq",
            // In the foreground, as who starts it.
            "--no-daemon",
            "--conf-file=/dev/null",
            "--port=0",
            "--interface=lan",
            "--bind-interfaces",
            "--dhcp-authoritative",
            "--no-ping",
            &range,
            &format!("--dhcp-leasefile={leases}"),
        ],
    );
    wait_until("the DHCP server is up", || {
        std::fs::exists(&leases).unwrap()
    });
    server
}

/// Makes eth0, without an address, and the network of the DHCP server behind it.
fn lan(sandbox: &Sandbox) {
    sandbox.ip("netns add lan");
    sandbox.ip("link add eth0 type veth peer name lan netns lan");
    sandbox.ip("-n lan addr add 192.0.2.1/24 dev lan");
    sandbox.ip("-n lan link set lan up");
}

/// What to do with a lease of each of two DHCP servers, one after the other, by a client: the records follow.
fn follows_the_lease(sandbox: &Sandbox, client: impl Fn() -> Running) {
    let primary = install(sandbox);
    lan(sandbox);
    for address in ["192.0.2.50", "192.0.2.60"] {
        let _server = dhcp_server(sandbox, address);
        let client = client();
        let wanted = [format!("host.example.com. 3600 A {address}")];
        let start = std::time::Instant::now();
        while primary.zone() != wanted {
            assert!(
                start.elapsed().as_secs() < 30,
                "{:?}: {}",
                primary.zone(),
                std::fs::read_to_string(sandbox.path().join("log")).unwrap()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(client);
        sandbox.ip("addr flush dev eth0");
    }
    // One for each lease, and one between them where the client gave the first up before it had the second.
    assert!((2..=3).contains(&primary.updates()));
}

#[test]
fn the_dhclient_hook_registers_each_lease() {
    sandbox(|sandbox| {
        for program in ["dhclient", "dnsmasq"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        sandbox.shell(&format!(
            "cp '{}' /etc/dhcp/dhclient-exit-hooks.d/pydyndns",
            example("hooks/dhclient").display()
        ));
        follows_the_lease(sandbox, || {
            Running::start(
                sandbox,
                &[
                    "dhclient",
                    "-4",
                    "-d",
                    "-lf",
                    "/run/sandbox/dhclient.leases",
                    "-pf",
                    "/run/sandbox/pid",
                    "eth0",
                ],
            )
        });
    });
}

#[test]
fn the_dhcpcd_hook_registers_each_lease() {
    sandbox(|sandbox| {
        for program in ["dhcpcd", "dnsmasq"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        if sandbox.has_one_user() {
            skip!(
                "dhcpcd wants to act as another account, and an ordinary user's sandbox has none"
            );
        }
        sandbox.shell(&format!(
            "cp '{}' /etc/dhcpcd.exit-hook; mount -t tmpfs none /var/lib/dhcpcd",
            example("hooks/dhcpcd").display()
        ));
        follows_the_lease(sandbox, || {
            Running::start(
                sandbox,
                &[
                    "dhcpcd",
                    "-4",
                    "--nobackground",
                    "--noarp",
                    "--debug",
                    "eth0",
                ],
            )
        });
    });
}

#[test]
fn the_hooks_do_nothing_where_no_address_changes() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        for hook in ["hooks/dhclient", "hooks/dhcpcd"] {
            for reason in [
                "PREINIT", "MEDIUM", "FAIL", "CARRIER", "STOP", "RELEASE", "TEST", "",
            ] {
                // The rest of the client's script still runs.
                let script = format!(
                    "reason={reason}; . '{}'; wait; echo after",
                    example(hook).display()
                );
                assert_eq!(sandbox.shell(&script), "after\n", "{hook} {reason}");
            }
        }
        assert_eq!(primary.updates(), 0);
    });
}

#[test]
fn the_networkmanager_dispatcher_runs_when_addresses_or_the_name_change() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        let script = example("hooks/networkmanager");
        let dispatch = |action: &str| {
            sandbox.shell(&format!(
                "rm -f /run/pydyndns.cache; '{}' eth0 {action}",
                script.display()
            ));
        };
        for (count, action) in [
            "up",
            "down",
            "dhcp4-change",
            "dhcp6-change",
            "vpn-up",
            "vpn-down",
            "reapply",
            "hostname",
        ]
        .iter()
        .enumerate()
        {
            dispatch(action);
            has_updates(&primary, count + 1);
        }
        let before = primary.updates();
        for action in [
            "pre-up",
            "pre-down",
            "connectivity-change",
            "vpn-pre-up",
            "",
        ] {
            dispatch(action);
        }
        assert_eq!(primary.updates(), before);
    });
}

#[test]
fn the_other_hooks_register_too() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        sandbox.shell(
            "mkdir -p /etc/udhcpc && printf '#!/bin/sh\necho \"$1\" > /run/sandbox/udhcpc\n' > /etc/udhcpc/default.script
             chmod 755 /etc/udhcpc/default.script",
        );
        let mut count = 0;
        for (hook, arguments) in [
            ("ifupdown", "IFACE=eth0"),
            ("networkd-dispatcher", "STATE=routable"),
        ] {
            count += 1;
            sandbox.shell(&format!(
                "rm -f /run/pydyndns.cache; env {arguments} '{}'",
                example(&format!("hooks/{hook}")).display()
            ));
            has_updates(&primary, count);
        }
        let udhcpc = |event: &str| {
            sandbox.shell(&format!(
                "rm -f /run/pydyndns.cache; '{}' {event}; cat /run/sandbox/udhcpc",
                example("hooks/udhcpc").display()
            ))
        };
        for event in ["bound", "renew", "deconfig"] {
            count += 1;
            assert_eq!(
                udhcpc(event),
                format!("{event}\n"),
                "the distribution's script runs first"
            );
            has_updates(&primary, count);
        }
        assert_eq!(udhcpc("leasefail"), "leasefail\n");
        sandbox.shell(&format!(
            "IFACE=lo '{}'",
            example("hooks/ifupdown").display()
        ));
        has_updates(&primary, count);
    });
}

#[test]
fn a_hook_does_nothing_while_the_configuration_is_as_it_was_installed() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        let changed = || {
            sandbox.shell("/usr/lib/pydyndns/network-changed");
        };
        sandbox.shell(&format!(
            "mv /etc/pydyndns.conf /run/sandbox/edited; cp '{}' /etc/pydyndns.conf",
            example("pydyndns.conf").display()
        ));
        changed();
        sandbox.shell("rm /etc/pydyndns.conf");
        changed();
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(!std::fs::exists("/run/pydyndns.cache.lock").unwrap());
        sandbox.shell("mv /run/sandbox/edited /etc/pydyndns.conf");
        changed();
        has_updates(&primary, 1);
    });
}

#[test]
fn a_hook_takes_the_interfaces_from_the_service_s_defaults() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        sandbox.interface("eth1", &["192.0.2.11/24"]);
        let primary = install(sandbox);
        sandbox.shell("mkdir -p /etc/default");
        sandbox.write("/etc/default/pydyndns", "INTERFACES=\"*0\"\n");
        sandbox.shell("cd /run/sandbox && touch 0 && /usr/lib/pydyndns/network-changed");
        has_updates(&primary, 1);
        assert_eq!(primary.zone(), ["host.example.com. 3600 A 192.0.2.10"]);
    });
}

#[test]
fn the_crontab_runs_every_minute_as_root() {
    let text = text("crontab");
    assert!(
        text.ends_with('\n'),
        "cron ignores a last line without its end"
    );
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    let [path, line] = lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(path, "PATH=/usr/local/bin:/usr/bin:/bin");
    let fields: Vec<_> = line.split_whitespace().collect();
    let (times, command) = fields.split_at(5);
    assert_eq!(times, ["*", "*", "*", "*", "*"]);
    assert_eq!(command, ["root", "pydyndns"]);
    // To cron, a percent sign is the end of a line.
    assert!(!line.contains('%'));
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        // What cron does: sh, hardly an environment, and mail if anything is printed.
        let run = "env -i HOME=/root LOGNAME=root PATH=/usr/local/bin:/usr/bin:/bin SHELL=/bin/sh /bin/sh -c pydyndns 2>&1";
        assert_eq!(sandbox.shell(run), "");
        assert_eq!(sandbox.shell(run), "");
        assert_eq!(primary.updates(), 1);
    });
}

#[test]
fn the_systemd_units_verify() {
    sandbox(|sandbox| {
        if !installed("systemd-analyze") {
            skip!("systemd-analyze is not installed");
        }
        let _primary = install(sandbox);
        let units = [
            "pydyndns.service",
            "pydyndns-changed.service",
            "pydyndns-changed.socket",
            "pydyndns.timer",
        ]
        .map(|unit| example(&format!("systemd/{unit}")));
        for unit in &units {
            // It complains on stderr, and not always with a status.
            let said = sandbox.shell(&format!(
                "systemd-analyze verify --man=no '{}' 2>&1",
                unit.display()
            ));
            let about_ours: Vec<_> = said
                .lines()
                .filter(|line| line.contains("pydyndns"))
                .collect();
            assert_eq!(about_ours, [""; 0], "{}", unit.display());
        }
        // Its own measure of how much a service could do to the system, where 10 is everything.
        sandbox.shell(&format!(
            "systemd-analyze security --offline=true --threshold=15 --no-pager '{}'",
            units[0].display()
        ));
    });
}

#[test]
fn the_systemd_service_registers_as_nobody_with_the_configuration_handed_over() {
    sandbox(|sandbox| {
        if !installed("setpriv") {
            skip!("setpriv is not installed");
        }
        if sandbox.has_one_user() {
            skip!("the service acts as another account, and an ordinary user's sandbox has none");
        }
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        let unit = text("systemd/pydyndns.service");
        let setting = |name: &str| {
            let line = unit
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("the unit has no {name}"))
                .to_owned()
        };
        let (credential, file) = setting("LoadCredential")
            .split_once(':')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let runtime = setting("Environment").replace("%t", "/run");
        // What systemd does for the service, in short: an account of its own, without rights.
        sandbox.shell(&format!(
            "mkdir -m 500 /run/credentials && install -m 400 {file} /run/credentials/{credential}
             mkdir -m 755 /run/{folder} && chown -R 65534:65534 /run/credentials /run/{folder}",
            folder = setting("RuntimeDirectory"),
        ));
        let run = format!(
            "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
             env -i PATH=/usr/local/bin:/usr/bin:/bin CREDENTIALS_DIRECTORY=/run/credentials {runtime} sh -c '{}' 2>&1",
            setting("ExecStart")
        );
        assert_eq!(sandbox.shell(&run), "");
        assert_eq!(sandbox.shell(&run), "");
        assert_eq!(primary.updates(), 1);
        assert!(std::fs::exists("/run/pydyndns/pydyndns.cache").unwrap());
    });
}

#[test]
fn the_systemd_timer_runs_at_boot_and_every_five_minutes_not_at_the_same_time_everywhere() {
    let timer = text("systemd/pydyndns.timer");
    for line in [
        "OnBootSec=10s",
        "OnUnitActiveSec=5min",
        "RandomizedDelaySec=30s",
        "Wants=pydyndns-changed.socket",
        "WantedBy=timers.target",
    ] {
        assert!(timer.lines().any(|found| found == line), "{line}");
    }
}
