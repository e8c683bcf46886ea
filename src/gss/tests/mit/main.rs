//! The package against MIT's KDC and BIND, over real sockets: tickets, contexts, and updates that BIND takes.
//!
//! What DNS there has to be is written here octet by octet, so that nothing of the program takes part.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod dns;
mod refusals;
mod world;

use gss_tsig::{BadMic, Choice, Environment, Error, Kdcs, Keytab, ServiceTicket};
use peers::kerberos::{self, Realm, Setup, free_port};
use std::net::{SocketAddr, UdpSocket};
use world::{Named, World, named, shifted, skip};

/// A realm with BIND's service, a host with a keytab, and the two things that the KDC must not know.
const PRINCIPALS: [&str; 5] = [
    "addprinc -randkey DNS/ns.example.com",
    "ktadd -k dns.keytab DNS/ns.example.com",
    "addprinc -randkey +requires_preauth host/host.example.com",
    "ktadd -k host.keytab host/host.example.com",
    "addprinc -randkey host/other.example.com",
];

/// One ticket, one context, and an update that the name server takes.
fn updates(world: &World, keytab: &str) {
    let named = named(world).expect("named is installed");
    let ticket = world
        .ticket(keytab)
        .unwrap_or_else(|error| panic!("{error}\n{}", world.realm.log()));
    assert_eq!(updated(world, &named, &ticket, "host.example.com"), Ok(0));
}

/// What comes of an update by a context of its own.
fn updated(world: &World, named: &Named, ticket: &ServiceTicket, host: &str) -> Result<u8, BadMic> {
    let (negotiation, token) = ticket.initiate(&world.outside).unwrap();
    let key = world.key_name();
    let answer = dns::tkey(named.address, &key, &token);
    let mut context = negotiation.accept(&answer.token).unwrap();
    answer.verify(&mut context)?;
    let time = shifted(world.outside.now(), ticket.clock_offset());
    dns::update(named.address, &key, &mut context, host, time)
}

#[test]
fn bind_takes_updates_signed_by_one_ticket_again_and_again() {
    let Some(world) = World::new(&PRINCIPALS) else {
        skip!("krb5kdc or named is not installed")
    };
    let named = named(&world).expect("named is installed");
    let ticket = world.ticket("host.keytab").unwrap();
    assert_eq!(ticket.clock_offset(), 0);
    for _ in 0..2 {
        let (negotiation, token) = ticket.initiate(&world.outside).unwrap();
        let key = world.key_name();
        let answer = dns::tkey(named.address, &key, &token);
        let mut context = negotiation.accept(&answer.token).unwrap();
        answer.verify(&mut context).unwrap();
        let now = world.outside.now();
        for (host, code) in [
            ("host.example.com", 0),
            ("host.example.com", 0),
            ("other.example.com", 5),
        ] {
            assert_eq!(
                dns::update(named.address, &key, &mut context, host, now),
                Ok(code)
            );
        }
    }
}

#[test]
fn every_enctype_works_from_the_key_to_the_signature() {
    for enctype in kerberos::ALL_ENCTYPES.split_whitespace() {
        let mut setup = Setup::new(([127, 0, 0, 1], free_port()).into(), &PRINCIPALS);
        setup.enctypes = enctype;
        let Some(world) = World::with(&setup) else {
            skip!("krb5kdc or named is not installed")
        };
        updates(&world, "host.keytab");
    }
}

#[test]
fn a_service_with_other_enctypes_than_the_host_works() {
    for enctype in kerberos::ALL_ENCTYPES.split_whitespace() {
        let service = format!("addprinc -randkey -e {enctype} DNS/ns.example.com");
        let commands = [&*service, PRINCIPALS[1], PRINCIPALS[2], PRINCIPALS[3]];
        let Some(world) = World::new(&commands) else {
            skip!("krb5kdc or named is not installed")
        };
        updates(&world, "host.keytab");
    }
}

#[test]
fn the_next_enctype_is_tried_where_the_kdc_has_only_that() {
    let commands = [
        PRINCIPALS[0],
        PRINCIPALS[1],
        "addprinc +requires_preauth -randkey -e aes128-cts-hmac-sha1-96:normal host/host.example.com",
        "ktadd -k host.keytab -norandkey host/host.example.com",
    ];
    let Some(world) = World::new(&commands) else {
        skip!("krb5kdc or named is not installed")
    };
    // As ktutil writes it for somebody who wanted to be sure: a key of each enctype.
    let own = std::fs::read(world.realm.file("host.keytab")).unwrap();
    let mut keytab = own.clone();
    for (enctype, length) in [(18_u16, 32_u16), (20, 32), (19, 16)] {
        let key = usize::from(length);
        let start = own.len() - 4 - 16 - 4;
        let mut entry = own[6..start].to_vec();
        entry.extend(enctype.to_be_bytes());
        entry.extend(length.to_be_bytes());
        entry.extend(vec![7; key]);
        keytab.extend(u32::try_from(entry.len()).unwrap().to_be_bytes());
        keytab.extend(entry);
    }
    std::fs::write(world.realm.file("mixed.keytab"), keytab).unwrap();
    world
        .ticket("mixed.keytab")
        .unwrap_or_else(|error| panic!("{error}\n{}", world.realm.log()));
}

#[test]
fn a_principal_without_pre_authentication_works() {
    let commands = [
        PRINCIPALS[0],
        PRINCIPALS[1],
        "addprinc -randkey host/host.example.com",
        PRINCIPALS[3],
    ];
    let Some(world) = World::new(&commands) else {
        skip!("krb5kdc or named is not installed")
    };
    updates(&world, "host.keytab");
}

#[test]
fn udp_alone_tcp_alone_and_an_answer_too_big_for_udp_work() {
    let Some(mut world) = World::new(&PRINCIPALS) else {
        skip!("krb5kdc or named is not installed")
    };
    let all = world.outside.kdcs[0].1.clone();
    for kdcs in [
        Kdcs {
            udp: Vec::new(),
            ..all.clone()
        },
        Kdcs {
            tcp: Vec::new(),
            ..all.clone()
        },
    ] {
        world.outside.kdcs[0].1 = kdcs;
        world.ticket("host.keytab").unwrap();
    }
    let mut setup = Setup::new(([127, 0, 0, 1], free_port()).into(), &PRINCIPALS);
    setup.defaults = " kdc_max_dgram_reply_size = 300";
    let mut world = World::with(&setup).unwrap();
    world.outside.kdcs[0].1.tcp.clear();
    world.ticket("host.keytab").unwrap();
}

#[test]
fn a_kdc_that_is_gone_leaves_it_to_the_next() {
    let Some(mut world) = World::new(&PRINCIPALS) else {
        skip!("krb5kdc or named is not installed")
    };
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let gone = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let kdcs = &mut world.outside.kdcs[0].1;
    kdcs.udp.insert(0, silent.local_addr().unwrap());
    kdcs.udp.insert(0, gone);
    world.ticket("host.keytab").unwrap();
}

#[test]
fn a_clock_that_is_off_is_corrected_by_the_kdcs() {
    let open = [
        PRINCIPALS[0],
        PRINCIPALS[1],
        "addprinc -randkey host/host.example.com",
        PRINCIPALS[3],
    ];
    for commands in [&PRINCIPALS[..], &open] {
        let Some(mut world) = World::new(commands) else {
            skip!("krb5kdc or named is not installed")
        };
        let named = named(&world).expect("named is installed");
        for off in [-90_000_000, -1200, -400, 200, 1200, 90_000_000] {
            world.outside.clock_is_off = off;
            let ticket = world.ticket("host.keytab").unwrap();
            assert!(
                (ticket.clock_offset() + off).abs() <= 1,
                "{off}: {}",
                ticket.clock_offset()
            );
            assert_eq!(
                updated(&world, &named, &ticket, "host.example.com"),
                Ok(0),
                "{off}"
            );
        }
    }
}

#[test]
fn a_service_of_another_realm_is_found_by_referral() {
    let trust = [
        "addprinc -pw trust krbtgt/EXAMPLE.COM@HOSTS.TEST",
        "addprinc -randkey host/host.example.com",
        "ktadd -k host.keytab host/host.example.com",
    ];
    let own = [
        PRINCIPALS[0],
        PRINCIPALS[1],
        "addprinc -pw trust krbtgt/EXAMPLE.COM@HOSTS.TEST",
    ];
    let Some(mut world) = World::new(&own) else {
        skip!("krb5kdc or named is not installed")
    };
    let mut setup = Setup::new(([127, 0, 0, 1], free_port()).into(), &trust);
    setup.realm = "HOSTS.TEST";
    setup.domain_realm = " .example.com = EXAMPLE.COM";
    let hosts = Realm::start(world.path(), &setup).unwrap();
    world.outside.add(&hosts);
    let named = named(&world).expect("named is installed");
    let keytab = hosts.file("host.keytab");
    let ticket = world
        .ticket(keytab.to_str().unwrap())
        .unwrap_or_else(|error| panic!("{error}\n{}", hosts.log()));
    // BIND's policy speaks of the other realm, but it signs that.
    assert_eq!(updated(&world, &named, &ticket, "host.example.com"), Ok(5));
}
