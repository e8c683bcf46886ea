//! The ways to be wrong: the zone stays (or, where only the answer is lost, there is no cache), the end comes in time, and
//! one line says what to fix.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::{Value, json};

use super::between::{Change, kdc, krb_error, pass_on};
use super::world::{HOST, World};
use crate::harness::kerberos::{Realm, Setup};
use crate::harness::sandbox::sandbox;
use crate::harness::servers::{self, Kind, Policy, Server};

/// Further principals with a keytab each, and what is wrong with them.
const WRONG: [&str; 16] = [
    "addprinc -randkey +requires_preauth stale$",
    "ktadd -k stale.keytab stale$",
    "change_password -randkey stale$",
    "addprinc -randkey gone$",
    "ktadd -k gone.keytab gone$",
    "delprinc -force gone$",
    "addprinc -randkey locked$",
    "ktadd -k locked.keytab locked$",
    "modprinc -allow_tix locked$",
    "addprinc -randkey expired$",
    "ktadd -k expired.keytab expired$",
    "modprinc -expire \"2 days ago\" expired$",
    "addprinc -randkey -e rc4-hmac:normal rc4$",
    "ktadd -k rc4.keytab -norandkey rc4$",
    "addprinc -randkey host/other.example.com",
    "ktadd -k other.keytab host/other.example.com",
];

/// What becomes of an answer to a TKEY query.
type TkeyChange = Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send>;

/// Runs the program, which says this one line, and the zone stays.
#[track_caller]
fn says(world: &World, keys: Value, line: &str) {
    let run = world.program(keys).run();
    run.fails(1, &format!("ERROR: {line}"));
    assert!(run.took < Duration::from_secs(15), "{:?}", run.took);
    world.is_unchanged();
}

#[test]
fn a_keytab_that_does_not_help() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &[&HOST[..], &WRONG].concat()) else {
            skip!("krb5kdc or named is not installed")
        };
        let with = |keytab: &str| json!({"gss": {"keytab": world.realm.file(keytab)}});
        let folder = world.realm.file("").display().to_string();
        let folder = folder.trim_end_matches('/');
        let host = std::fs::read(world.keytab()).unwrap();
        for (name, octets) in [
            ("junk", &b"\x7fELF junk"[..]),
            ("empty", b"\x05\x02"),
            ("cut", &host[..host.len() - 3]),
            ("old", b"\x05\x01\0\0\0\0"),
        ] {
            std::fs::write(world.realm.file(name), octets).unwrap();
        }
        sandbox.shell(&format!("mkfifo {folder}/fifo; chmod 600 {folder}/*"));
        let cannot = "cannot log in as ";
        for (keytab, line) in [
            (
                "nothing",
                format!(
                    "cannot read the keytab {folder}/nothing: *o such file*; join the domain, or name the right file in `gss.keytab`"
                ),
            ),
            (
                "fifo",
                format!("cannot read the keytab {folder}/fifo: is not a regular file; *"),
            ),
            (
                "",
                format!("cannot read the keytab {folder}*: is a folder; *"),
            ),
            (
                "junk",
                format!(
                    "the keytab {folder}/junk is not a keytab: it does not begin with the octets 05 02"
                ),
            ),
            (
                "old",
                format!(
                    "the keytab {folder}/old is not a keytab: it does not begin with the octets 05 02"
                ),
            ),
            (
                "empty",
                format!(
                    "the keytab {folder}/empty has no keys in it: join the domain, or export it anew"
                ),
            ),
            (
                "cut",
                format!("the keytab {folder}/cut is damaged at octet *: export it anew"),
            ),
            (
                "rc4.keytab",
                format!(
                    "the keytab {folder}/rc4.keytab has no AES key for rc4$@EXAMPLE.COM, kvno 1, only rc4-hmac: allow AES for the account and export its keys anew"
                ),
            ),
            (
                "stale.keytab",
                format!(
                    "{cannot}stale$@EXAMPLE.COM: the KDC of EXAMPLE.COM does not take the keytab's key, kvno 2 (24): *; export it anew"
                ),
            ),
            (
                "gone.keytab",
                format!(
                    "{cannot}gone$@EXAMPLE.COM: the realm EXAMPLE.COM does not know this principal (6); *"
                ),
            ),
            (
                "locked.keytab",
                format!(
                    "{cannot}locked$@EXAMPLE.COM: the account is disabled, locked or expired in EXAMPLE.COM (18); enable it there"
                ),
            ),
            (
                "expired.keytab",
                format!(
                    "{cannot}expired$@EXAMPLE.COM: its entry or key in EXAMPLE.COM has expired (1); renew it there"
                ),
            ),
        ] {
            says(&world, with(keytab), &line);
        }
        for (gss, line) in [
            (
                json!({"principal": "me"}),
                "has no key for me; it has keys for host/host.example.com@EXAMPLE.COM",
            ),
            (
                json!({"realm": "EXAMPLE.ORG"}),
                "has no key for the realm EXAMPLE.ORG; it has keys for host/host.example.com@EXAMPLE.COM",
            ),
            (
                json!({"principal": "me@EXAMPLE.ORG"}),
                "has no key for me@EXAMPLE.ORG; it has keys for host/host.example.com@EXAMPLE.COM",
            ),
        ] {
            says(
                &world,
                json!({"gss": gss}),
                &format!("the keytab {folder}/host.keytab {line}"),
            );
        }
    });
}

#[test]
fn a_kdc_that_is_not_there_or_is_none() {
    sandbox(|sandbox| {
        let Some(mut world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let who = "cannot log in as host/host.example.com@EXAMPLE.COM: ";
        let with = |kdcs: &[&str]| json!({"timeout": 4, "gss": {"kdc": kdcs}});
        let none = format!("{who}no KDC of the realm EXAMPLE.COM answers (known from `gss.kdc`): ");
        says(
            &world,
            with(&["127.0.0.9"]),
            &format!(
                "{none}127.0.0.9:88 (UDP) has nobody listening, 127.0.0.9:88 (TCP) has nobody listening; do KDCs run there, *`kdc`*"
            ),
        );
        says(
            &world,
            with(&["nobody.example.com"]),
            &format!(
                "{who}cannot find a KDC of the realm EXAMPLE.COM: `gss.kdc` names nobody.example.com: *"
            ),
        );
        let _silent = UdpSocket::bind("127.0.0.10:88").unwrap();
        says(
            &world,
            with(&["127.0.0.10"]),
            &format!(
                "{none}127.0.0.10:88 (UDP) does not answer in time, 127.0.0.10:88 (TCP) has nobody listening; do KDCs run there, *`kdc`*"
            ),
        );
        // So slow that the time is up.
        kdc(
            "127.0.0.11:88".parse().unwrap(),
            krb_error(6),
            Duration::from_secs(9),
        );
        says(
            &world,
            with(&["127.0.0.11"]),
            &format!(
                "{none}127.0.0.11:88 (UDP) does not answer in time, 127.0.0.11:88 (TCP) does not answer in time; do KDCs run there, *`kdc`*"
            ),
        );
        for (index, lie) in [
            b"".to_vec(),
            b"HTTP/1.0 400\r\n\r\n".to_vec(),
            vec![0x6B; 2000],
            vec![0xFF; 9],
        ]
        .into_iter()
        .enumerate()
        {
            let address = format!("127.0.0.{}", 20 + index);
            kdc(
                format!("{address}:88").parse().unwrap(),
                lie,
                Duration::ZERO,
            );
            says(&world, with(&[&address]), &format!("{who}*"));
        }
        // One that works still helps.
        world
            .program(with(&[
                "127.0.0.9",
                "127.0.0.10",
                "127.0.0.20",
                "127.0.0.1",
            ]))
            .run()
            .succeeds();
        world.has(&["192.0.2.7", "2001:db8::7"]);
        world.restore();

        sandbox.write(
            "/etc/krb5.conf",
            "[realms]\nEXAMPLE.COM = {\nkdc = 127.0.0.9\n}\n",
        );
        says(
            &world,
            json!({}),
            &format!("{who}no KDC of the realm EXAMPLE.COM answers (known from /etc/krb5.conf): *"),
        );
        sandbox.shell("rm -f /etc/krb5.conf; mkfifo /etc/krb5.conf");
        world.realm.stop();
        says(
            &world,
            json!({}),
            &format!(
                "{who}no KDC of the realm EXAMPLE.COM answers (known from SRV records in DNS): *"
            ),
        );
        let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), &[]);
        setup.realm = "OTHER.TEST";
        let _other = Realm::start(sandbox.path(), &setup).unwrap();
        says(
            &world,
            json!({}),
            &format!("{who}the realm EXAMPLE.COM does not know this principal (6); *"),
        );
    });
}

#[test]
fn a_realm_that_dns_does_not_know() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        world.delete("_kerberos._udp", "SRV");
        world.delete("_kerberos._tcp", "SRV");
        sandbox.shell("rm -f /etc/krb5.conf");
        says(
            &world,
            json!({}),
            "cannot log in as host/host.example.com@EXAMPLE.COM: cannot find a KDC of the realm EXAMPLE.COM: /etc/krb5.conf \
             names none, and DNS has no address by SRV records at _kerberos._udp.EXAMPLE.COM or _kerberos._tcp.EXAMPLE.COM; \
             name them in `gss.kdc`",
        );
    });
}

#[test]
fn a_kdcs_error_of_any_code() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let _ = sandbox;
        for code in [
            1, 6, 7, 9, 12, 13, 14, 18, 23, 24, 25, 29, 31, 37, 41, 52, 60, 61, 68, 76,
        ] {
            let address = format!("127.0.1.{code}");
            kdc(
                format!("{address}:88").parse().unwrap(),
                krb_error(code),
                Duration::ZERO,
            );
            let keys = json!({"timeout": 5, "gss": {"kdc": [address]}});
            says(
                &world,
                keys,
                "cannot log in as host/host.example.com@EXAMPLE.COM: *",
            );
        }
    });
}

#[test]
fn a_service_that_is_not_there_or_has_another_key() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        says(
            &world,
            json!({"gss": {"service": "DNS/ns9.example.com"}}),
            "cannot get a ticket for DNS/ns9.example.com as host/host.example.com@EXAMPLE.COM: the realm EXAMPLE.COM does not \
             know this service (7); does DNS/ns9.example.com name the primary as the SOA record does, has it a principal \
             there, or must `service` be set?",
        );
        world
            .realm
            .admin(&["change_password -randkey DNS/ns.example.com"]);
        says(
            &world,
            json!({}),
            "host.example.com is not confirmed: 127.0.0.1:53: the server does not take the ticket for DNS/ns.example.com (TKEY: \
             BADKEY): its keytab has no key for this service or another one than the KDC; export it anew there, and check its \
             clock*",
        );
        let _ = sandbox;
    });
}

#[test]
fn a_name_that_the_policy_does_not_grant() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &[&HOST[..], &WRONG].concat()) else {
            skip!("krb5kdc or named is not installed")
        };
        let gss = json!({"keytab": world.realm.file("other.keytab")});
        says(
            &world,
            json!({"gss": gss}),
            "host.example.com is not confirmed: 127.0.0.1:53: the server refuses the update (REFUSED); likely causes: its policy \
             for example.com does not let host/other.example.com@EXAMPLE.COM change host.example.com; *",
        );
        let _ = sandbox;
    });
}

#[test]
fn a_nameother_without_kerberos() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        for address in ["127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.4"] {
            sandbox.address("lo", &format!("{address}/8"));
        }
        for (kind, address) in [
            (Kind::Bind, "127.0.2.1"),
            (Kind::Knot, "127.0.2.2"),
            (Kind::PowerDns, "127.0.2.3"),
            (Kind::Yadifa, "127.0.2.4"),
        ] {
            let setup = servers::Setup {
                policy: Policy::Anybody,
                keys: Vec::new(),
                addresses: vec![address.parse().unwrap()],
                port: 5300,
                ..servers::Setup::new(&[])
            };
            let Some(other) = Server::start(kind, sandbox, &setup) else {
                continue;
            };
            let keys = json!({"server": format!("{address}:5300"), "timeout": 5});
            let run = world.program(keys).run();
            run.fails(
                1,
                &format!(
                    "ERROR: host.example.com is not confirmed: {address}:5300: *does no GSS-TSIG*"
                ),
            );
            assert_eq!(other.at("host.example.com."), Vec::<String>::new());
        }
    });
}

#[test]
fn an_answer_to_the_tkey_query_that_somebody_changed() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let _ = sandbox;
        let find = |message: &[u8], what: &[u8]| {
            message
                .windows(what.len())
                .position(|window| window == what)
                .unwrap()
        };
        let changes: Vec<(&str, TkeyChange)> = vec![
            (
                "no Kerberos context: could not confirm: the server closed the connection *",
                Box::new(|_| Vec::new()),
            ),
            (
                "no Kerberos context: the answer is malformed",
                Box::new(|answer| answer[..answer.len() / 2].to_vec()),
            ),
            (
                "no Kerberos context: the answer is one to something else",
                Box::new(|mut answer| {
                    answer[0] ^= 1;
                    answer
                }),
            ),
            (
                "no Kerberos context: the answer is one to something else",
                Box::new(|mut answer| {
                    answer[2] &= 0x7F;
                    answer
                }),
            ),
            (
                "no Kerberos context: the answer is one to something else",
                Box::new(|mut answer| {
                    answer[2] |= 5 << 3;
                    answer
                }),
            ),
            (
                "the server agrees on no Kerberos context (TKEY: NOTIMP): *",
                Box::new(|mut answer| {
                    answer[3] |= 4;
                    answer
                }),
            ),
            (
                "no Kerberos context: the answer has no TKEY record",
                Box::new(|mut answer| {
                    answer[7] = 0;
                    answer
                }),
            ),
            // The signature over the answer, and then what proves the server.
            (
                "no Kerberos context: the answer has a signature that does not verify",
                Box::new(move |mut answer| {
                    let at = find(&answer, &[4, 4, 5]);
                    answer[at + 20] ^= 1;
                    answer
                }),
            ),
            (
                "no Kerberos context: the server did not prove that it is DNS/ns.example.com (*), and without that nothing is sent to it",
                Box::new(move |mut answer| {
                    let at = find(&answer, &[4, 4, 5]);
                    answer[at - 60] ^= 1;
                    answer.swap(at - 120, at - 119);
                    let ap_rep = find(&answer, &[0x6F, 0x81]);
                    answer[ap_rep + 60] ^= 1;
                    answer
                }),
            ),
            (
                "no Kerberos context: the server chose another mechanism than Kerberos (*)",
                Box::new(move |mut answer| {
                    let at = find(&answer, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2]);
                    answer[at + 8] = 3;
                    answer
                }),
            ),
            (
                "no Kerberos context: the server refuses to negotiate Kerberos *",
                Box::new(move |mut answer| {
                    let at = find(&answer, &[0xA0, 3, 0x0A, 1, 0]);
                    answer[at + 4] = 2;
                    answer
                }),
            ),
            (
                "no Kerberos context: the server wants to go on negotiating, *",
                Box::new(move |mut answer| {
                    let at = find(&answer, &[0xA0, 3, 0x0A, 1, 0]);
                    answer[at + 4] = 1;
                    answer
                }),
            ),
        ];
        for (index, (line, change)) in changes.into_iter().enumerate() {
            let address = format!("127.0.3.{}", index + 1);
            let server = world.named.address();
            pass_on(
                format!("{address}:53").parse().unwrap(),
                server,
                Box::new(move |_, answer| change(answer)),
            );
            let keys = json!({"server": address, "timeout": 20});
            let run = world.program(keys).run();
            run.fails(
                1,
                &format!("ERROR: host.example.com is not confirmed: {address}:53: {line}"),
            );
            world.is_unchanged();
        }
    });
}

#[test]
fn an_answer_to_the_update_that_somebody_changed() {
    sandbox(|sandbox| {
        let Some(world) = World::new(sandbox, &HOST) else {
            skip!("krb5kdc or named is not installed")
        };
        let _ = sandbox;
        let mut kept = Vec::new();
        let changes: Vec<(&str, Box<Change>)> = vec![
            (
                "could not confirm: the server closed the connection *",
                Box::new(|_, _| Vec::new()),
            ),
            (
                "could not confirm: the answer is no DNS message",
                Box::new(|_, answer| answer[..answer.len() - 3].to_vec()),
            ),
            (
                "could not confirm: the answer has a signature that does not verify",
                Box::new(|_, mut answer| {
                    let at = answer.len() - 10;
                    answer[at] ^= 1;
                    answer
                }),
            ),
            (
                "could not confirm: the answer has a signature that does not verify",
                Box::new(|_, mut answer| {
                    answer[3] ^= 0x80;
                    answer
                }),
            ),
            (
                "could not confirm: the answer has a signature that does not verify",
                Box::new(|_, mut answer| {
                    answer[3] |= 5;
                    answer
                }),
            ),
            (
                "could not confirm: the answer is not signed: *",
                Box::new(|_, mut answer| {
                    answer.truncate(12);
                    answer[4..12].fill(0);
                    answer
                }),
            ),
            (
                "could not confirm: the answer has another id than the request",
                Box::new(|_, mut answer| {
                    answer[0] ^= 1;
                    answer
                }),
            ),
            // The first answer of this context once more.
            (
                "could not confirm: *",
                Box::new(move |count, answer| {
                    if count % 2 == 0 {
                        kept.clone_from(&answer);
                        answer
                    } else {
                        kept.clone()
                    }
                }),
            ),
        ];
        for (index, (line, mut change)) in changes.into_iter().enumerate() {
            let address = format!("127.0.4.{}", index + 1);
            let server = world.named.address();
            pass_on(
                format!("{address}:53").parse().unwrap(),
                server,
                Box::new(move |count, answer| {
                    if count % 2 == 0 && index != 7 {
                        answer
                    } else {
                        change(count, answer)
                    }
                }),
            );
            let keys = json!({"server": address, "timeout": 20});
            let run = world.program(keys.clone()).run();
            run.fails(
                1,
                &format!("ERROR: host.example.com is not confirmed: {address}:53: {line}"),
            );
            assert!(
                !world.cache().exists(),
                "what is not confirmed is not in the cache"
            );
        }
    });
}

#[test]
fn a_kdc_whose_clock_is_not_the_name_servers() {
    sandbox(|sandbox| {
        if !crate::harness::installed("faketime") {
            skip!("faketime is not installed");
        }
        // Sandboxes have the same process ids, which faketime names its semaphores by.
        sandbox.shell("mount -t tmpfs none /dev/shm");
        let mut setup = Setup::new("127.0.0.1:88".parse().unwrap(), &HOST);
        setup.clock = Some("+30m");
        let Some(world) = World::with(sandbox, sandbox.path(), &setup) else {
            skip!("krb5kdc or named is not installed")
        };
        world.program(json!({})).run().fails(
            1,
            "WARNING: this computer's clock is 1* seconds behind the KDC's; set it\n\
             ERROR: host.example.com is not confirmed: 127.0.0.1:53: the server does not take the ticket for \
             DNS/ns.example.com (TKEY: BADKEY): *, and check its clock*",
        );
        world.is_unchanged();
    });
}
