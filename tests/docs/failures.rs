//! The ten failures of a first installation in `docs/operating.md`: each is made, and says what the page has.

use super::computer::{Computer, SERVER};
use super::pages;
use super::registration::{bind, configure, make_key, secret_of};
use crate::harness::installed;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::sandbox::sandbox;
use crate::harness::servers::{Kind, Server, Setup, Zone};

/// The page.
const PAGE: &str = "docs/operating.md";

/// How many there are.
const COUNT: usize = 10;

/// What the page says of a failure, by the words of its headline.
fn told(headline: &str) -> String {
    pages::after(PAGE, &format!("{headline}**"))
}

/// A text with all numbers made one: how often something was tried, and what time it is.
fn without_numbers(text: &str) -> String {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let words = text
        .split(' ')
        .map(|word| if is_number(word) { "N" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// One run, which must end as the page has it.
#[track_caller]
fn fails(computer: &Computer<'_>, command: &str, status: i32, headline: &str) {
    let said = computer.run(command);
    assert_eq!(said.status, status, "{headline}: {said:?}");
    assert_eq!(
        without_numbers(&said.text),
        without_numbers(&told(headline)),
        "{headline}"
    );
}

/// A secret that no server has.
const OTHER: &str = "YW5vdGhlciBzZWNyZXQgdGhhbiB0aGUgc2VydmVycw==";

#[test]
fn the_page_has_ten_failures_and_each_is_made_here() {
    let text = pages::text(PAGE);
    let (_, section) = text
        .split_once("## A first installation that does not work")
        .unwrap();
    let is_numbered = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    assert_eq!(section.lines().filter(is_numbered).count(), COUNT);
    // Some have two forms.
    let headlines: Vec<&str> = section.split("**").skip(1).step_by(2).collect();
    assert!(headlines.len() >= COUNT, "{headlines:?}");
    let source = include_str!("failures.rs");
    for headline in headlines {
        assert!(source.contains(&format!("\"{headline}\"")), "{headline}");
    }
}

#[test]
fn what_fails_with_bind_says_what_the_page_has() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        for program in ["tsig-keygen", "faketime", "nft"] {
            if !installed(program) {
                skip!("{program} is not installed");
            }
        }
        let key = make_key(sandbox);
        let Some(server) = bind(sandbox, &key) else {
            return;
        };
        computer.install();
        std::fs::remove_file("/etc/pydyndns.conf").unwrap();
        fails(&computer, "pydyndns", 2, "There is no configuration");
        configure(sandbox, &computer, secret_of(&key));
        // Each of these is put right again.
        let with = |from: &str, to: &str, status, headline: &str| {
            computer.edit(from, to);
            fails(&computer, "pydyndns", status, headline);
            computer.edit(to, from);
        };
        with(
            "\"ttl\": 3600,",
            "\"ttl\": 3600",
            2,
            "The configuration is not JSON",
        );
        with(secret_of(&key), OTHER, 1, "The secret is not the server's");
        with(
            "\"keyname\": \"host.",
            "\"keyname\": \"hots.",
            1,
            "The server does not know the key",
        );
        with(
            "\"replace\": \"addresses\"",
            "\"replace\": \"all\"",
            1,
            "The key may not do this",
        );
        with(
            "\"cache\": true",
            "\"cache\": \"/var/cache/dyndns/cache\"",
            0,
            "The cache cannot be written",
        );
        with(
            "\"ttl\": 3600,",
            "\"ttl\": 3600, \"hostname\": \"host.example.test\",",
            1,
            "Where they answer but know no such zone",
        );
        fails(
            &computer,
            "faketime -f +1h pydyndns",
            1,
            "The clocks differ",
        );
        sandbox.hostname("host");
        fails(&computer, "pydyndns", 1, "The computer has no full name");
        sandbox.hostname("host.example.com");
        // A firewall that drops what the README's rule lets in.
        sandbox.shell(
            "nft add table inet filter
             nft add chain inet filter input '{ type filter hook input priority 0; policy drop; }'
             nft add rule inet filter input udp dport 53 accept",
        );
        computer.edit("\"ttl\": 3600,", "\"ttl\": 3600, \"timeout\": 4,");
        fails(&computer, "pydyndns", 1, "A firewall is in the way");
        sandbox.shell(&pages::after("README.md", "**Open the firewall**"));
        let said = computer.run("pydyndns");
        assert_eq!((said.status, said.text.as_str()), (0, ""));
        sandbox.shell("nft delete table inet filter");
        drop(server);
        fails(&computer, "pydyndns --force", 1, "No name server answers");
    });
}

#[test]
fn a_wrong_secret_with_powerdns_says_what_the_page_has() {
    sandbox(|sandbox| {
        let Some(computer) = Computer::new(sandbox) else {
            return;
        };
        let setup = Setup {
            keys: vec![Key {
                name: "host.example.com.".to_owned(),
                algorithm: Algorithm::Sha256,
                secret: b"the secret that PowerDNS has".to_vec(),
            }],
            addresses: vec![SERVER.parse().unwrap()],
            zones: vec![Zone::with_mname(
                "example.com.",
                "ns1",
                &["ns1 60 A 192.0.2.53"],
            )],
            ..Setup::new(&[])
        };
        let Some(_server) = Server::start(Kind::PowerDns, sandbox, &setup) else {
            return;
        };
        computer.install();
        configure(sandbox, &computer, OTHER);
        let said = computer.run("pydyndns");
        assert_eq!(said.status, 1, "{said:?}");
        assert_eq!(said.text, told("PowerDNS says less"));
    });
}
