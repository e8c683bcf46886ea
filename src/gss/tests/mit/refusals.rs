//! What MIT's KDC refuses, and what is said of it: one line that says what to fix.

use super::*;
use gss_tsig::KeytabError;

/// What is said of a ticket that is not given.
fn refusal(world: &World, keytab: &str) -> String {
    world
        .ticket(&format!("{keytab}.keytab"))
        .expect_err("there is no ticket")
        .to_string()
}

#[test]
fn each_refusal_of_the_kdc_says_what_to_fix() {
    let commands = [
        "addprinc -randkey DNS/ns.example.com",
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
        "addprinc -randkey old$",
        "ktadd -k old.keytab old$",
        "modprinc -pwexpire \"2 days ago\" old$",
        "addprinc -randkey good$",
        "ktadd -k good.keytab good$",
        "addprinc -randkey weak$",
        "ktadd -k weak.keytab -e rc4-hmac:normal weak$",
    ];
    let Some(mut world) = World::new(&commands) else {
        skip!("krb5kdc or named is not installed")
    };
    for (keytab, said) in [
        (
            "stale",
            "cannot log in as stale$@EXAMPLE.COM: the KDC of EXAMPLE.COM does not take the keytab's key, kvno 2 (24): \
             the keytab is stale, since the account's password was changed; export it anew",
        ),
        (
            "gone",
            "cannot log in as gone$@EXAMPLE.COM: the realm EXAMPLE.COM does not know this principal (6); is the host \
             joined, and is this the right keytab, `principal` and `realm`?",
        ),
        (
            "locked",
            "cannot log in as locked$@EXAMPLE.COM: the account is disabled, locked or expired in EXAMPLE.COM (18); \
             enable it there",
        ),
        (
            "expired",
            "cannot log in as expired$@EXAMPLE.COM: its entry or key in EXAMPLE.COM has expired (1); renew it there",
        ),
        (
            "old",
            "cannot log in as old$@EXAMPLE.COM: its entry or key in EXAMPLE.COM has expired (23); renew it there",
        ),
    ] {
        assert_eq!(refusal(&world, keytab), said);
    }
    let service = "cannot get a ticket for DNS/ns.example.com as good$@EXAMPLE.COM: ";
    for (change, said) in [
        (
            "modprinc -allow_svr DNS/ns.example.com",
            "the KDC of EXAMPLE.COM says no with code 27; see its log; it says: SERVER NOT ALLOWED",
        ),
        (
            "modprinc +allow_svr -expire \"2 days ago\" DNS/ns.example.com",
            "an entry in EXAMPLE.COM has expired (2); renew it there",
        ),
        (
            "delprinc -force DNS/ns.example.com",
            "the realm EXAMPLE.COM does not know this service (7); does DNS/ns.example.com name the primary as the SOA \
             record does, has it a principal there, or must `service` be set?",
        ),
    ] {
        world.realm.admin(&[change]);
        assert_eq!(refusal(&world, "good"), format!("{service}{said}"));
    }
    let address = world.realm.address();
    world.realm.stop();
    assert_eq!(
        refusal(&world, "good"),
        format!(
            "cannot log in as good$@EXAMPLE.COM: no KDC of the realm EXAMPLE.COM answers (known from the test): \
             {address} (UDP) has nobody listening, {address} (TCP) has nobody listening; do KDCs run there, is a firewall in the way, or must `kdc` name others?"
        )
    );
    world.outside.kdcs.clear();
    assert_eq!(
        refusal(&world, "good"),
        "cannot log in as good$@EXAMPLE.COM: cannot find a KDC of the realm EXAMPLE.COM: nobody has told"
    );
}

#[test]
fn a_keytab_with_rc4_alone_is_refused_before_anybody_is_asked() {
    let Some(world) = World::new(&[
        "addprinc -randkey -e rc4-hmac:normal host$",
        "ktadd -k rc4.keytab -norandkey host$",
    ]) else {
        skip!("krb5kdc or named is not installed")
    };
    let keytab = std::fs::read(world.realm.file("rc4.keytab")).unwrap();
    let choice = Choice {
        principal: None,
        realm: None,
        host: "host.example.com",
    };
    assert_eq!(
        Keytab::parse(&keytab)
            .unwrap()
            .credentials(choice)
            .unwrap_err(),
        KeytabError::NoUsableKey {
            principal: "host$@EXAMPLE.COM".into(),
            kvno: 1,
            enctypes: vec!["rc4-hmac".into()]
        }
    );
}

#[test]
fn another_realms_kdc_says_that_it_does_not_serve_this_one() {
    let Some(mut world) = World::new(&PRINCIPALS) else {
        skip!("krb5kdc or named is not installed")
    };
    let mut setup = Setup::new(([127, 0, 0, 1], free_port()).into(), &[]);
    setup.realm = "OTHER.TEST";
    let other = Realm::start(world.path(), &setup).unwrap();
    world.outside.kdcs[0].1.udp = vec![other.address()];
    let said = refusal(&world, "host");
    assert!(
        said.starts_with("cannot log in as host/host.example.com@EXAMPLE.COM: "),
        "{said}"
    );
    assert!(
        said.contains("does not serve the realm EXAMPLE.COM")
            || said.contains("does not know this principal"),
        "{said}"
    );
}
