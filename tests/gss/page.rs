//! `docs/kerberos.md` keeps its word: its principals, its policy and its configurations are what is run here.

use serde_json::{Value, json};

use super::world::World;
use crate::harness::sandbox::sandbox;

/// The page.
const PAGE: &str = include_str!("../../docs/kerberos.md");

/// Its blocks of one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    PAGE.split(&start)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_example_of_the_page_works() {
    sandbox(|sandbox| {
        let principals: Vec<&str> = blocks("kadmin")[0].lines().collect();
        let Some(world) = World::new(sandbox, &principals) else {
            skip!("krb5kdc or named is not installed")
        };
        // The policy is the one that the name server of these tests has.
        let policy = blocks("named")[0]
            .lines()
            .find_map(|line| line.trim().strip_prefix("update-policy { "))
            .and_then(|line| line.strip_suffix(" };"))
            .unwrap();
        let conf = std::fs::read_to_string(sandbox.path().join("named-53/named.conf")).unwrap();
        assert!(conf.contains(policy), "{policy} is not in {conf}");
        sandbox.write("host.keytab", std::fs::read(world.keytab()).unwrap());
        sandbox.shell(&format!(
            "cp {0}/host.keytab /etc/krb5.keytab; chmod 600 /etc/krb5.keytab {0}/host.keytab",
            sandbox.path().display()
        ));
        let configurations = blocks("json");
        assert_eq!(configurations.len(), 2);
        for text in configurations {
            let mut keys: Value = serde_json::from_str(text).unwrap();
            keys["cache"] = json!(world.cache());
            let is_dual = keys["ipv6"]["enable"] == true;
            world.forget();
            world.program_as_it_is(&keys).run().succeeds();
            let addresses = ["192.0.2.7", "2001:db8::7"];
            world.has_with_ttl(300, if is_dual { &addresses } else { &addresses[..1] });
            world.restore();
        }
    });
}
