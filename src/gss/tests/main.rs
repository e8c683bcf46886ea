//! The package against MIT's KDC and BIND, over real sockets: tickets, contexts, and updates that BIND takes.
//!
//! What DNS there has to be is written here octet by octet, so that nothing of the program takes part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod dns;
#[allow(dead_code, reason = "the program's tests use more of it")]
#[path = "../../../tests/harness/kerberos.rs"]
mod kerberos;
mod world;

use gss_tsig::{Choice, Error, Kdcs};
use kerberos::{Realm, Setup, free_port};
use world::{World, named, skip};

/// A realm with BIND's service, a host with a keytab, and the two things that the KDC must not know.
const PRINCIPALS: [&str; 5] = [
    "addprinc -randkey DNS/ns.example.com",
    "ktadd -k dns.keytab DNS/ns.example.com",
    "addprinc -randkey +requires_preauth host/host.example.com",
    "ktadd -k host.keytab host/host.example.com",
    "addprinc -randkey host/other.example.com",
];

#[test]
fn bind_takes_an_update_signed_with_a_ticket_from_a_keytab() {
    let Some(mut world) = World::new(&PRINCIPALS) else {
        skip!("krb5kdc is not installed")
    };
    let Some(named) = named(&world) else {
        skip!("named is not installed")
    };
    let ticket = world.ticket("host.keytab").unwrap();
    assert_eq!(ticket.clock_offset(), 0);
    for _ in 0..2 {
        let (negotiation, token) = ticket.initiate(&mut world.outside).unwrap();
        let key = world.key_name();
        let answer = dns::tkey(named.address, &key, &token);
        let mut context = negotiation.accept(&answer.token).unwrap();
        answer.verify(&mut context).unwrap();
        assert_eq!(
            dns::update(named.address, &key, &mut context, "host.example.com"),
            Ok(0)
        );
        assert_eq!(
            dns::update(named.address, &key, &mut context, "host.example.com"),
            Ok(0)
        );
        assert_eq!(
            dns::update(named.address, &key, &mut context, "other.example.com"),
            Ok(5)
        );
    }
}
