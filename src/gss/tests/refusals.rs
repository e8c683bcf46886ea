//! The ways to be wrong: each ends with one line that says what to fix.

use super::*;

/// The words of a ticket that is not given.
fn refusal(world: &mut World, keytab: &str) -> String {
    world
        .ticket(keytab)
        .expect_err("there is no ticket")
        .to_string()
}

#[test]
fn each_refusal_says_what_to_fix() {
    let commands = [
        "addprinc -randkey DNS/ns.example.com",
        "addprinc -randkey +requires_preauth host/host.example.com",
        "ktadd -k stale.keytab host/host.example.com",
        "change_password -randkey host/host.example.com",
        "addprinc -randkey a$",
        "ktadd -k open.keytab a$",
        "change_password -randkey a$",
        "addprinc -randkey b$",
        "ktadd -k gone.keytab b$",
        "delprinc -force b$",
        "addprinc -randkey c$",
        "ktadd -k locked.keytab c$",
        "modprinc -allow_tix c$",
        "addprinc -randkey d$",
        "ktadd -k expired.keytab d$",
        "modprinc -expire \"2 days ago\" d$",
        "addprinc -randkey e$",
        "ktadd -k old.keytab e$",
        "modprinc -pwexpire \"2 days ago\" e$",
        "addprinc -randkey f$",
        "ktadd -k good.keytab f$",
    ];
    let Some(mut world) = World::new(&commands) else {
        skip!("krb5kdc or named is not installed")
    };
    for keytab in ["stale", "open", "gone", "locked", "expired", "old"] {
        eprintln!("{}", refusal(&mut world, &format!("{keytab}.keytab")));
    }
    world
        .realm
        .admin(&["modprinc -allow_svr DNS/ns.example.com"]);
    eprintln!("{}", refusal(&mut world, "good.keytab"));
    world.realm.admin(&[
        "modprinc +allow_svr DNS/ns.example.com",
        "modprinc -expire \"2 days ago\" DNS/ns.example.com",
    ]);
    eprintln!("{}", refusal(&mut world, "good.keytab"));
    world.realm.admin(&["delprinc -force DNS/ns.example.com"]);
    eprintln!("{}", refusal(&mut world, "good.keytab"));
    world.realm.stop();
    eprintln!("{}", refusal(&mut world, "good.keytab"));
    world.outside.kdcs.clear();
    eprintln!("{}", refusal(&mut world, "good.keytab"));
}
