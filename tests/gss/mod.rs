//! Updates signed by Kerberos: the program, MIT's KDC and BIND, each in the place where it would be.

mod between;
mod kills;
mod over_tls;
mod page;
mod refusals;
mod samba;
mod world;

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::kerberos::{ALL_ENCTYPES, Realm, Setup};
use crate::harness::sandbox::sandbox;
use world::{HOST, World};

#[test]
fn registers_changes_and_sends_again_when_forced() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let program = world.program(json!({}));
        program.run().succeeds();
        world.has(&["192.0.2.7", "2001:db8::7"]);
        let serial = world.named.serial();
        sandbox.settle();
        let packets = sandbox.packets();
        program.run().succeeds();
        assert_eq!(sandbox.packets(), packets);
        assert_eq!(world.named.serial(), serial);
        sandbox.address("eth0", "192.0.2.8/24");
        program.run().succeeds();
        world.has(&["192.0.2.7", "192.0.2.8", "2001:db8::7"]);
        sandbox.ip("addr del 192.0.2.8/24 dev eth0");
        program.clone().arg("-f").run().succeeds();
        world.has(&["192.0.2.7", "2001:db8::7"]);
        let requests = world.realm.log().matches("AS_REQ").count();
        program.clone().arg("--force").run().succeeds();
        assert_eq!(world.realm.log().matches("AS_REQ").count(), requests + 1);
    });
}

#[test]
fn registers_over_ipv4_alone_and_over_ipv6_alone() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        for (server, kdc) in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]:88")] {
            let keys = json!({"zone": "example.com", "server": server, "gss": {"kdc": [kdc]}});
            world.forget();
            world.program(keys).run().succeeds();
            world.has(&["192.0.2.7", "2001:db8::7"]);
        }
    });
}

#[test]
fn works_with_each_enctype_with_and_without_pre_authentication() {
    sandbox(|sandbox| {
        for (index, enctype) in ALL_ENCTYPES.split_whitespace().enumerate() {
            for preauth in ["+requires_preauth", "-requires_preauth"] {
                let host = format!("addprinc -randkey {preauth} host/host.example.com");
                let commands = [HOST[0], HOST[1], &host, HOST[3]];
                let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), &commands);
                setup.enctypes = enctype;
                let folder = sandbox.path().join(format!("{index}{preauth}"));
                std::fs::create_dir(&folder).unwrap();
                let Some(world) = World::with(sandbox, &folder, &setup) else {
                    skip!("krb5kdc or named is not installed")
                };
                world.program(json!({})).run().succeeds();
                world.has(&["192.0.2.7", "2001:db8::7"]);
            }
        }
    });
}

#[test]
fn finds_the_kdc_by_configuration_by_krb5_conf_and_by_dns() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let used = |gss: Value| {
            world.forget();
            world.program(json!({"gss": gss})).run().succeeds();
            world.has(&["192.0.2.7", "2001:db8::7"]);
        };
        let keytab = world.keytab();
        // By a name that DNS knows, though krb5.conf says something else.
        sandbox.write(
            "/etc/krb5.conf",
            "[realms]\nEXAMPLE.COM = {\nkdc = 127.0.0.9\n}\n",
        );
        used(json!({"keytab": keytab, "kdc": ["kdc.example.com:88"]}));
        used(json!({"keytab": keytab, "kdc": ["nobody.example.com", "ns.example.com"]}));
        // By krb5.conf, and by what it takes in.
        sandbox.write(
            "/etc/krb5.conf",
            "[realms]\nEXAMPLE.COM = {\nkdc = kdc.example.com\n}\n",
        );
        used(json!({"keytab": keytab}));
        sandbox.shell("mkdir /etc/krb5.conf.d");
        sandbox.write(
            "/etc/krb5.conf.d/realm.conf",
            "[realms]\nEXAMPLE.COM = {\nkdc = 127.0.0.1:88\n}\n",
        );
        sandbox.write(
            "/etc/krb5.conf.d/realm.conf~",
            "[realms]\nEXAMPLE.COM = {\nkdc = 127.0.0.9\n}\n",
        );
        sandbox.write("/etc/krb5.conf", "includedir /etc/krb5.conf.d/\n");
        used(json!({"keytab": keytab}));
        // By DNS, without the file or with one that names no KDC.
        sandbox.write(
            "/etc/krb5.conf",
            "[libdefaults]\ndefault_realm = EXAMPLE.COM\n",
        );
        used(json!({"keytab": keytab}));
        sandbox.shell("rm /etc/krb5.conf");
        used(json!({"keytab": keytab}));
    });
}

#[test]
fn kdcs_that_are_not_there_are_asked_once_and_hold_nobody_up() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let silent = ["127.0.0.10", "127.0.0.11"].map(|ip| {
            let socket = UdpSocket::bind((ip, 88)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        });
        // A name that the name servers refuse to look up, however often they are asked.
        let kdcs = json!(["kdc.other.test", "127.0.0.10", "127.0.0.11", "127.0.0.1"]);
        let run = world.program(json!({"gss": {"kdc": kdcs}})).run();
        run.succeeds();
        world.has(&["192.0.2.7", "2001:db8::7"]);
        assert!(run.took < Duration::from_secs(8), "{run:?}");
        for socket in silent {
            let mut request = [0; 4096];
            assert!(socket.recv(&mut request).is_ok());
            assert!(socket.recv(&mut request).is_err(), "asked twice");
        }
    });
}

#[test]
fn the_ticket_is_for_the_soas_primary_wherever_the_update_goes() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        for keys in [
            json!({"server": "127.0.0.1"}),
            json!({"zone": "example.com", "server": "127.0.0.1"}),
            json!({"zone": "example.com", "server": ["127.0.0.9", "::1"]}),
            json!({"zone": "example.com", "server": "127.0.0.1", "gss": {"keytab": world.keytab(), "service": "DNS/ns.example.com"}}),
        ] {
            world.forget();
            world.program(keys).run().succeeds();
            world.has(&["192.0.2.7", "2001:db8::7"]);
        }
    });
}

#[test]
fn a_host_of_another_realm_gets_there_by_referral() {
    sandbox(|sandbox| {
        let own = [
            HOST[0],
            HOST[1],
            "addprinc -pw trust krbtgt/EXAMPLE.COM@HOSTS.TEST",
        ];
        let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), &own);
        let Some(world) = World::of(sandbox, sandbox.path(), &setup, "HOSTS.TEST") else {
            skip!("krb5kdc or named is not installed")
        };
        let trust = [
            "addprinc -pw trust krbtgt/EXAMPLE.COM@HOSTS.TEST",
            HOST[2],
            HOST[3],
        ];
        setup.realm = "HOSTS.TEST";
        setup.address = "127.0.0.2:88".parse().unwrap();
        setup.domain_realm = " .example.com = EXAMPLE.COM";
        setup.commands = &trust;
        let hosts = Realm::start(sandbox.path(), &setup).unwrap();
        let gss = json!({"keytab": hosts.file("host.keytab"), "kdc": ["127.0.0.2"]});
        // The other realm's KDC is found by DNS.
        world.program(json!({"gss": gss})).run().succeeds();
        world.has(&["192.0.2.7", "2001:db8::7"]);
    });
}

#[test]
fn a_clock_that_is_off_by_twenty_minutes_is_told_of_and_does_not_matter() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        if !crate::harness::installed("faketime") {
            skip!("faketime is not installed");
        }
        // Sandboxes have the same process ids, which faketime names its semaphores by.
        sandbox.shell("mount -t tmpfs none /dev/shm");
        for (off, direction) in [("-20m", "behind"), ("+20m", "ahead of")] {
            world.forget();
            let program = world.program(json!({})).under(["faketime", "-f", off]);
            program.run().is(
                0,
                "",
                &format!(
                    "WARNING: this computer's clock is 1* seconds {direction} the KDC's; set it"
                ),
            );
            world.has(&["192.0.2.7", "2001:db8::7"]);
        }
    });
}

#[test]
fn a_dry_run_prints_what_nsupdate_takes_and_asks_no_kdc() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let script = "gsstsig\nrealm EXAMPLE.COM\nserver 127.0.0.1 53\n...\nsend\n";
        world
            .program(json!({}))
            .arg("--dry-run")
            .run()
            .is(0, script, "");
        assert!(!world.realm.log().contains("AS_REQ"));
        // Somebody who may not read the keytab can still look.
        let gss = json!({"keytab": "/nowhere"});
        world
            .program(json!({"gss": gss}))
            .arg("--dry-run")
            .run()
            .is(
                0,
                "gsstsig\nserver 127.0.0.1 53\n...\nsend\n",
                "WARNING: an update could not be signed: cannot read the keytab /nowhere: *",
            );
    });
}

#[test]
fn status_tells_principal_and_realm_and_unregister_removes_the_records() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let program = world.program(json!({}));
        let status = || {
            let run = program.clone().args(["--status", "--json"]).run();
            let status: Value = serde_json::from_str(&run.stdout).unwrap();
            (run.status, status)
        };
        let principal =
            json!({"principal": "host/host.example.com@EXAMPLE.COM", "realm": "EXAMPLE.COM"});
        let (code, before) = status();
        assert_eq!(
            (code, &before["gss"], &before["ok"]),
            (Some(1), &principal, &json!(false))
        );
        program.run().succeeds();
        let (code, after) = status();
        assert_eq!(
            (code, &after["gss"], &after["ok"]),
            (Some(0), &principal, &json!(true))
        );
        assert_eq!(after["problems"], json!([]));
        let text = program.clone().arg("--status").run().stdout;
        let line = "signed as host/host.example.com@EXAMPLE.COM, realm EXAMPLE.COM\n";
        assert!(text.contains(line), "{text}");
        program.clone().arg("--unregister").run().succeeds();
        world.has(&[]);
        assert!(!world.cache().exists());
        let (_, without) = {
            let gss = json!({"keytab": "/nowhere"});
            let run = world
                .program(json!({"gss": gss}))
                .args(["--status", "--json"])
                .run();
            (
                run.status,
                serde_json::from_str::<Value>(&run.stdout).unwrap(),
            )
        };
        assert_eq!(without["gss"], Value::Null);
        assert!(
            without["problems"]
                .to_string()
                .contains("cannot read the keytab /nowhere"),
            "{without}"
        );
    });
}

#[test]
fn the_keytabs_mode_is_warned_of_and_no_key_is_ever_shown() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        sandbox.shell(&format!("chmod 644 {}", world.keytab().display()));
        let run = world
            .program(json!({}))
            .arg("-v")
            .env("RUST_LOG", "trace")
            .run();
        assert_eq!(run.status, Some(0), "{run:?}");
        assert!(
            run.stderr.contains("host.keytab has a secret in it and "),
            "{}",
            run.stderr
        );
        let keytab = std::fs::read(world.keytab()).unwrap();
        for window in keytab
            .windows(8)
            .filter(|window| window.iter().all(|octet| !octet.is_ascii()))
        {
            let hex: String = window.iter().map(|octet| format!("{octet:02x}")).collect();
            assert!(!run.stderr.contains(&hex));
        }
    });
}
