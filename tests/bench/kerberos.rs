//! An update signed by Kerberos, beside the one that `nsupdate -g` sends from the same keytab.

use crate::measure::Table;
use crate::programs::Programs;
use peers::kerberos::{Realm, Setup};
use serde_json::json;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How often a command runs.
const ROUNDS: u32 = 100;

/// What MIT's library under nsupdate is told: the realm, the keytab from which it takes a ticket, and that it keeps none.
pub(crate) const ENVIRONMENT: [(&str, &str); 3] = [
    ("KRB5_CONFIG", "/run/EXAMPLE.COM/krb5.conf"),
    ("KRB5_CLIENT_KTNAME", "/run/EXAMPLE.COM/host.keytab"),
    ("KRB5RCACHENAME", "none:"),
];

/// The name server's and the host's principals, with their keytabs.
const PRINCIPALS: [&str; 4] = [
    "addprinc -randkey DNS/ns.example.com",
    "ktadd -k dns.keytab DNS/ns.example.com",
    "addprinc -randkey +requires_preauth host/host.example.com",
    "ktadd -k host.keytab host/host.example.com",
];

/// Where the name server of this table listens, which is not that of the others.
const SERVER: &str = "127.0.0.2:53";

/// The zone, in which a host may change its own addresses.
const NAMED_CONF: &str = r#"
options { directory "/run/kerberos"; pid-file none; lock-file none; session-keyfile "/run/kerberos/session.key";
    listen-on { 127.0.0.2; }; listen-on-v6 { none; }; recursion no; dnssec-validation no;
    tkey-gssapi-keytab "/run/EXAMPLE.COM/dns.keytab"; };
controls { };
logging { category default { null; }; };
zone "example.com" { type primary; file "/run/kerberos/zone"; update-policy { grant EXAMPLE.COM krb5-self . A AAAA; }; };
"#;

/// The same update for nsupdate.
const SCRIPT: &str = "server 127.0.0.2\nzone example.com\n\
                      update delete host.example.com A\nupdate delete host.example.com AAAA\n\
                      update add host.example.com 60 A 192.0.2.10\nupdate add host.example.com 60 AAAA 2001:db8::10\nsend\n";

/// A forced run with a keytab: ticket, context, signed update, cache.
pub(crate) fn kerberos(programs: &Programs) {
    let setup = Setup::new("127.0.0.1:88".parse().expect("an address"), &PRINCIPALS);
    let Some(_realm) = Realm::start(Path::new("/run"), &setup) else {
        println!("\nleft out: Kerberos, since MIT's KDC is not installed");
        return;
    };
    let write = |name: &str, text: &str| {
        fs::write(format!("/run/kerberos/{name}"), text).expect("the file system is ours");
    };
    // BIND listens only on addresses that an interface has.
    crate::world::shell("ip address add 127.0.0.2/8 dev lo && mkdir /run/kerberos");
    write("named.conf", NAMED_CONF);
    write("zone", crate::world::ZONE);
    write("script", SCRIPT);
    let config = json!({
        "cache": "/run/kerberos/cache", "ipv4": true, "ipv6": { "enable": true, "teredo": false }, "ttl": 60,
        "replace": "addresses", "zone": "example.com", "server": "127.0.0.2",
        "gss": { "keytab": "/run/EXAMPLE.COM/host.keytab", "kdc": ["127.0.0.1"] },
    });
    write("conf", &config.to_string());
    let mut named = Command::new("named")
        .args(["-f", "-c", "/run/kerberos/named.conf"])
        .spawn()
        .expect("BIND is installed");
    while TcpStream::connect(SERVER).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut table = Table::new("Changed, signed by Kerberos: ticket, context, update, cache");
    let nsupdate = table.command(
        "nsupdate -g",
        Path::new("/usr/bin/nsupdate"),
        &["-g", "/run/kerberos/script"],
    );
    let ours = table.command(
        "pydyndns",
        programs.best(),
        &["-f", "-c", "/run/kerberos/conf"],
    );
    table.compare(ours, nsupdate);
    table.measure(programs, ROUNDS);
    table.count();
    table.print();
    let _ = named.kill();
    let _ = named.wait();
}
