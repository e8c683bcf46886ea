//! What starts the program on Linux, by the rules of cron, DHCP clients, NetworkManager and systemd. `tests/dhcp` has
//! real clients run the hooks; `tests/samples` has each file do its job once.

use serde_json::json;

use super::{example, text};
use crate::harness::primary::Primary;
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{PROGRAM, config, tsig};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::{installed, key};

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
    primary
}

#[test]
fn the_hooks_do_nothing_where_no_address_changes() {
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        for hook in ["dhclient-hook", "dhcpcd-hook"] {
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
        let script = example("networkmanager-dispatcher");
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
            assert_eq!(primary.updates(), count + 1, "{action}");
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
fn the_crontab_runs_every_ten_minutes_as_root() {
    let text = text("crontab");
    assert!(
        text.ends_with('\n'),
        "cron ignores a last line without its end"
    );
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    let [line] = lines[..] else {
        panic!("{lines:?}")
    };
    let fields: Vec<_> = line.split_whitespace().collect();
    let (times, command) = fields.split_at(5);
    assert_eq!(times, ["*/10", "*", "*", "*", "*"]);
    assert_eq!(command, ["root", "/usr/local/bin/pydyndns"]);
    // To cron, a percent sign is the end of a line.
    assert!(!line.contains('%'));
    sandbox(|sandbox| {
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let primary = install(sandbox);
        // What cron does: sh, hardly an environment, and mail if anything is printed.
        let run = "env -i HOME=/root LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh /bin/sh -c /usr/local/bin/pydyndns 2>&1";
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
        let units = ["service", "timer"].map(|kind| example(&format!("systemd/pydyndns.{kind}")));
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
fn the_systemd_timer_runs_at_boot_and_every_ten_minutes() {
    let timer = text("systemd/pydyndns.timer");
    for line in [
        "OnBootSec=30s",
        "OnUnitActiveSec=10min",
        "WantedBy=timers.target",
    ] {
        assert!(timer.lines().any(|found| found == line), "{line}");
    }
}
