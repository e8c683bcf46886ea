//! The README's first registration, step by step, with the name servers that it is for; the recording of a run in it; and
//! the most likely ways for it to fail, in `failures.rs`.

use std::net::SocketAddr;
use std::process::Command;

use super::computer::{Computer, SERVER, Said};
use super::pages;
use crate::harness::installed;
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::Server;

/// The page.
const README: &str = "README.md";

/// The zone: the name with a record that is not to go.
const ZONE: &str = "$ORIGIN example.com.\n@ 3600 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 3600 NS ns1\n\
                    ns1 3600 A 192.0.2.53\nhost 60 TXT kept\nother 60 A 192.0.2.2\n";

/// What step 1 prints: the key for `named.conf`.
pub(super) fn make_key(sandbox: &Sandbox) -> String {
    sandbox.shell(&pages::after(README, "**Make a key**"))
}

/// The secret of a key, as step 1 prints it.
pub(super) fn secret_of(key: &str) -> &str {
    let (_, rest) = key.split_once("secret \"").expect("the key has a secret");
    rest.split_once('"').expect("the secret ends").0
}

/// BIND with this key and the policy of step 2.
pub(super) fn bind(sandbox: &Sandbox, key: &str) -> Option<Server> {
    let policy = pages::after(README, "In BIND");
    // It knows the whole world, in which there is no other zone.
    let zones = format!(
        "{key}\nzone \"example.com\" {{ type primary; file \"zone\"; {policy} }};\nzone \".\" {{ type primary; file \"root\"; }};"
    );
    let root = "$ORIGIN .\n@ 3600 SOA ns1.example.com. . 1 3600 600 86400 60\n@ 3600 NS ns1.example.com.\n\
                example.com. 3600 NS ns1.example.com.\nns1.example.com. 3600 A 192.0.2.53\n";
    Server::bind(
        sandbox,
        "bind",
        SERVER,
        &zones,
        &[("zone", ZONE), ("root", root)],
    )
}

/// Step 4: the README's configuration, with this secret, in the place of the installed one.
pub(super) fn configure(sandbox: &Sandbox, computer: &Computer<'_>, secret: &str) {
    let sample = pages::after(README, "**Edit `/etc/pydyndns.conf`**");
    let file = sandbox.write("/etc/pydyndns.conf", &sample);
    sandbox.shell(&format!("chmod 600 {}", file.display()));
    let given: serde_json::Value = serde_json::from_str(&sample).unwrap();
    computer.edit(given["tsig"]["key"].as_str().unwrap(), secret);
}

/// Runs what a block has after each `$`, and expects the rest of the block. When something was confirmed may differ.
#[track_caller]
pub(super) fn replay(computer: &Computer<'_>, recording: &str) -> Vec<Said> {
    let mut all = Vec::new();
    let mut played = String::new();
    for line in recording.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let said = computer.run(command);
            for part in [line, "\n", &said.text] {
                played.push_str(part);
            }
            all.push(said);
        }
    }
    assert_eq!(
        without_times(recording),
        without_times(&played),
        "\n{recording}\nand really\n{played}"
    );
    all
}

/// A text with all times made one.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() == 21 && word.ends_with("Z)") && word.starts_with("20");
    let line = |line: &str| {
        line.split(' ')
            .map(|word| if is_time(word) { "TIME" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

/// Step 5, and what is in the zone then.
#[track_caller]
fn look_and_send(computer: &Computer<'_>, server: &Server, other: &str) {
    let commands = pages::after(README, "**Look, then send.**");
    for (command, expected) in commands.lines().zip([1, 0, 0]) {
        let said = computer.run(command);
        assert_eq!(said.status, expected, "{command}: {said:?}");
    }
    assert_eq!(commands.lines().count(), 3);
    assert_eq!(computer.run("pydyndns --status").status, 0);
    assert_eq!(
        server.at("host.example.com."),
        [
            "host.example.com. 3600 A 192.0.2.10",
            "host.example.com. 3600 AAAA 2001:db8::10",
            "host.example.com. 60 TXT kept",
        ]
    );
    // The policy is for these records and no others.
    for (from, to) in [
        ("\"replace\": \"addresses\"", "\"replace\": \"all\""),
        (
            "\"ttl\": 3600,",
            "\"ttl\": 3600, \"hostname\": \"other.example.com\",",
        ),
    ] {
        computer.edit(from, to);
        let said = computer.run("pydyndns --force");
        assert_eq!(said.status, 1, "{to}: {said:?}");
        assert!(said.text.contains(other), "{to}: {said:?}");
        computer.edit(to, from);
    }
    assert_eq!(server.at("host.example.com.").len(), 3);
    assert_eq!(
        server.at("other.example.com."),
        ["other.example.com. 60 A 192.0.2.2"]
    );
}

#[test]
fn the_first_registration_with_bind_goes_as_the_readme_says() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        if !installed("tsig-keygen") {
            skip!("tsig-keygen is not installed");
        }
        let key = make_key(sandbox);
        let Some(server) = bind(sandbox, &key) else {
            return;
        };
        computer.install();
        configure(sandbox, &computer, secret_of(&key));
        look_and_send(&computer, &server, "REFUSED");
        // Step 6, with cron: tests/examples runs the line.
        let said = computer.run(&pages::after(README, "With cron"));
        assert_eq!((said.status, said.text.as_str()), (0, ""));
        assert!(std::fs::exists("/etc/cron.d/pydyndns").unwrap());
    });
}

#[test]
fn the_recording_in_the_readme_is_a_real_one() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        if !installed("tsig-keygen") {
            skip!("tsig-keygen is not installed");
        }
        let key = make_key(sandbox);
        let Some(_server) = bind(sandbox, &key) else {
            return;
        };
        computer.install();
        configure(sandbox, &computer, secret_of(&key));
        let runs = replay(&computer, &pages::after(README, "## At work"));
        assert_eq!(runs.last().map(|said| said.status), Some(0));
    });
}

#[test]
fn the_first_registration_with_knot_goes_as_the_readme_says() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        for program in ["knotd", "keymgr"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        // The command that makes the key stands in the text.
        let command = "keymgr -t host.example.com hmac-sha256";
        assert!(pages::text(README).contains(&format!("`{command}`")));
        let key = sandbox.shell(command);
        let secret = key.split_once("secret: ").expect("the key has a secret").1;
        let policy = pages::after(README, "In Knot DNS");
        let folder = sandbox.path().join("knot");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("zone"), ZONE).unwrap();
        let home = folder.display();
        let config = format!(
            "server:\n    rundir: {home}\n    listen: {SERVER}@53\ndatabase:\n    storage: {home}\n    journal-db-max-size: 8M\n    \
             timer-db-max-size: 1M\n    kasp-db-max-size: 5M\n    catalog-db-max-size: 5M\ncontrol:\n    listen: {home}/knot.sock\n\
             {key}{policy}  - id: transfer\n    action: transfer\n    address: 0.0.0.0/0\n\
             zone:\n  - domain: example.com\n    file: {home}/zone\n    acl: [own-addresses, transfer]\n"
        );
        let file = sandbox.write("knot.conf", config);
        let mut command = Command::new("knotd");
        command.arg("-c").arg(file);
        let address = SocketAddr::new(SERVER.parse().unwrap(), 53);
        let server = Server::run(command, &folder, address, "example.com.");
        computer.install();
        configure(sandbox, &computer, secret.trim());
        // Knot calls the key unknown where it may not do this.
        look_and_send(&computer, &server, "BADKEY");
    });
}

#[test]
fn the_first_registration_with_powerdns_goes_as_the_readme_says() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        for program in ["pdns_server", "pdnsutil", "sqlite3", "tsig-keygen"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        let key = make_key(sandbox);
        let folder = sandbox.path().join("pdns");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("zone"), ZONE).unwrap();
        let home = folder.display();
        // The setting stands in the text.
        assert!(pages::text(README).contains("with `dnsupdate=yes` in `pdns.conf`"));
        let config = format!(
            "launch=gsqlite3\ngsqlite3-database={home}/zones.sqlite3\ndnsupdate=yes\nallow-dnsupdate-from=0.0.0.0/0\n\
             allow-axfr-ips=0.0.0.0/0\nlocal-address={SERVER}\nsocket-dir={home}\ndaemon=no\nguardian=no\nsecurity-poll-suffix=\n\
             cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\nzone-metadata-cache-ttl=0\n"
        );
        sandbox.shell("mkdir -p /etc/powerdns");
        sandbox.write("/etc/powerdns/pdns.conf", config);
        let commands = pages::after(README, "In PowerDNS").replace("SECRET", secret_of(&key));
        sandbox.shell(&format!(
            "set -e
             sqlite3 {home}/zones.sqlite3 < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
             pdnsutil load-zone example.com {home}/zone
             {commands}"
        ));
        let address = SocketAddr::new(SERVER.parse().unwrap(), 53);
        let server = Server::run(
            Command::new("pdns_server"),
            &folder,
            address,
            "example.com.",
        );
        computer.install();
        configure(sandbox, &computer, secret_of(&key));
        for command in pages::after(README, "**Look, then send.**").lines().skip(1) {
            let said = computer.run(command);
            assert_eq!(said.status, 0, "{command}: {said:?}");
        }
        assert_eq!(server.at("host.example.com.").len(), 3);
        // The key may change the whole zone, as the README warns.
        computer.edit(
            "\"ttl\": 3600,",
            "\"ttl\": 3600, \"hostname\": \"other.example.com\",",
        );
        assert_eq!(computer.run("pydyndns --force").status, 0);
        // Without the key nothing is taken.
        computer.edit(secret_of(&key), "c2VjcmV0");
        assert_eq!(computer.run("pydyndns --force").status, 1);
    });
}
