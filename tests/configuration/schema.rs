//! `docs/pydyndns.schema.json`, by which editors help: it takes what the program takes and refuses what the program
//! refuses, as far as JSON Schema can say it.

use std::collections::BTreeSet;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use pydyndns::config::Config;
use serde_json::{Value, json};

use crate::hostile::configuration::{VALUES, with};

/// What the program refuses and the schema takes, by a part of what the program says, and why it is so.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "is no parent of the hostname",
        "JSON Schema compares no two values",
    ),
    (
        "is in `include` as well",
        "JSON Schema compares no two values",
    ),
    (
        "is the configuration itself",
        "the schema does not know where the file lies",
    ),
    (
        "has bits set behind the prefix",
        "JSON Schema computes nothing",
    ),
    ("tsig.keyfile: ", "the schema opens no file"),
    (
        "but the principal's is",
        "JSON Schema compares no two values",
    ),
    (
        "logging.",
        "the section's own schema is Python's, whose classes no JSON Schema has",
    ),
];

/// Values that are taken, by the key, beside what the least configuration has.
fn good() -> Vec<(&'static str, Value)> {
    let tsig = |key: &str| json!({"algorithm": "hmac-sha256", "key": key, "keyname": "k"});
    let mut good = vec![
        ("$schema", json!("https://example.com/pydyndns.schema.json")),
        ("_comment", json!({"anything": [1, null]})),
        ("ipv4", json!(true)),
        ("ipv6", json!({"enable": false})),
        (
            "ipv6",
            json!({"enable": true, "teredo": true, "_why": null, "$schema": 1}),
        ),
        ("tsig", tsig("VG9wU2VjcmV0VG9wU2VjcmV0")),
        ("tsig", tsig("aGVsbG8=")),
        ("tsig", tsig(" aGVs\n bA == ")),
        ("tls", json!(true)),
        ("tls", json!(false)),
        ("tls", json!({})),
        (
            "tls",
            json!({"ca": "ca.pem", "name": "ns1.example.com.", "certificate": "c.pem", "key": "c.pem"}),
        ),
        ("tls", json!({"name": "192.0.2.1"})),
        ("tls", json!({"name": "0x1f.2.ns-1_a.example"})),
        ("tls", json!({"name": "2001:db8::1"})),
        ("gss", json!(true)),
        ("gss", json!(false)),
        (
            "gss",
            json!({"keytab": "k", "principal": "host/a.example.com@EXAMPLE.COM", "kdc": ["dc1:88"], "service": "DNS/ns1"}),
        ),
        ("gss", json!({"principal": "HOST$", "realm": "EXAMPLE.COM"})),
        ("logging", json!({"version": 1})),
        (
            "logging",
            json!({"version": 1, "handlers": {"f": {"class": "logging.FileHandler", "filename": "a b.log"}}}),
        ),
        ("server", json!(["192.0.2.1", "ns1.example.com"])),
        (
            "addresses",
            json!({"include": ["192.0.2.0/24", "2001:db8::/32"], "exclude": ["192.0.2.1", "::1", "0.0.0.0/0", "::/0"]}),
        ),
        ("addresses", json!({})),
    ];
    let several = |key, values: &[Value]| {
        values
            .iter()
            .map(move |value| (key, value.clone()))
            .collect::<Vec<_>>()
    };
    good.extend(several(
        "cache",
        &[
            json!(true),
            json!(false),
            json!("x"),
            json!("/a/b"),
            json!("C:\\a\\b"),
            json!("100%"),
            json!("a$/b"),
            json!("~x"),
        ],
    ));
    good.extend(several(
        "ttl",
        &[
            json!(0),
            json!(-0.5),
            json!(59.9),
            json!(2_147_483_647.9),
            json!(3600),
        ],
    ));
    good.extend(several(
        "hostname",
        &[
            json!("host.example.com"),
            json!("A_b.example.com."),
            json!("a.local"),
            json!("xn--mller-kva.example"),
            json!("1.2.example"),
        ],
    ));
    good.extend(several("zone", &[json!("example.com"), json!("com.")]));
    good.extend(several(
        "server",
        &[
            json!("192.0.2.1"),
            json!("192.0.2.1:53"),
            json!("2001:db8::1"),
            json!("[2001:db8::1]"),
            json!("[2001:DB8::1]:853"),
            json!("fe80::1%eth0"),
            json!("fe80::1%1"),
            json!("[fe80::1%eth0]:53"),
            json!("ns1"),
            json!("ns1.example.com.:65535"),
            json!("::ffff:192.0.2.1"),
        ],
    ));
    good.extend(several("replace", &[json!("all"), json!("addresses")]));
    good.extend(several(
        "refresh",
        &[json!(0.001), json!(86400), json!(2_147_483_647)],
    ));
    good.extend(several("timeout", &[json!(0.5), json!(30)]));
    good
}

/// Values that are refused, beside those of the hostile tests.
fn bad() -> Vec<(&'static str, Value)> {
    let paths = [
        "",
        "~",
        "~/x",
        "~a/x",
        "$HOME/x",
        "a/${B}",
        "%TEMP%\\x",
        "C:\temp",
        "a\u{7f}",
        "a\u{85}b",
    ];
    let names = [
        "",
        ".",
        "a..b",
        "a b",
        "\u{fc}.example",
        "*.example",
        "a\\.b",
        "a/b",
    ];
    let mut bad: Vec<(&str, Value)> = Vec::new();
    bad.extend(paths.map(|path| ("cache", json!(path))));
    bad.extend(paths.map(|path| ("tls", json!({"ca": path}))));
    bad.extend(paths.map(|path| ("gss", json!({"keytab": path}))));
    bad.extend(names.map(|name| ("zone", json!(name))));
    bad.extend(names.map(|name| ("hostname", json!(name))));
    bad.extend(names.map(|name| ("tls", json!({"name": name}))));
    let no_certificates = ["192.0.2", "ns.0x1f.", "ns1-.example.com", "example.com-"];
    bad.extend(no_certificates.map(|name| ("tls", json!({"name": name}))));
    bad.extend(
        [
            "host",
            "localhost",
            "LOCALHOST.example.com",
            "a.localhost",
            "localhost6.x",
            "10.0.0.1",
            "10.0.0.1.",
            "::1",
        ]
        .map(|name| ("hostname", json!(name))),
    );
    bad.extend(
        [
            "",
            "192.0.2.256",
            "1.2.3",
            "192.0.2.1:0",
            "192.0.2.1:65536",
            "a:",
            "a:b",
            "[192.0.2.1]",
            "[2001:db8::1",
            "2001:db8::1]:53",
            "2001:db8::1%eth0",
            "fe80::1",
            "fe80::1%",
            "https://a",
            "a/b",
            "192.0.2.1%eth0",
        ]
        .map(|server| ("server", json!(server))),
    );
    bad.extend(
        [
            json!([]),
            json!([""]),
            json!(["a", 1]),
            json!({}),
            json!([["a"]]),
        ]
        .map(|server| ("server", server)),
    );
    bad.extend(
        [
            json!({"certificate": "a"}),
            json!({"key": "a"}),
            json!({"cert": "a"}),
            json!({"ca": 1}),
        ]
        .map(|tls| ("tls", tls)),
    );
    bad.extend(
        [
            json!({"kdc": "a"}),
            json!({"kdc": []}),
            json!({"kdc": ["a b"]}),
            json!({"realm": ""}),
            json!({"realm": "a/b"}),
            json!({"principal": "a b"}),
            json!({"principal": "a@"}),
            json!({"principal": "/a"}),
            json!({"principal": "a@B", "realm": "C"}),
            json!({"service": "DNS"}),
            json!({"service": "DNS/a@B"}),
            json!({"x": 1}),
        ]
        .map(|gss| ("gss", gss)),
    );
    bad.extend(
        [
            json!({}),
            json!({"keyfile": "k", "key": "aGk="}),
            json!({"keyfile": "k", "algorithm": "hmac-sha256"}),
            json!({"algorithm": "HMAC-SHA256", "key": "aGk=", "keyname": "k"}),
            json!({"algorithm": "hmac-sha256", "key": "aGk", "keyname": "k"}),
            json!({"algorithm": "hmac-sha256", "key": "aGk==", "keyname": "k"}),
            json!({"algorithm": "hmac-sha256", "key": "a=", "keyname": "k"}),
        ]
        .map(|tsig| ("tsig", tsig)),
    );
    // Any other type at any key.
    let keys = [
        "cache",
        "ipv4",
        "ipv6",
        "ttl",
        "tsig",
        "logging",
        "hostname",
        "zone",
        "server",
        "replace",
        "addresses",
        "refresh",
        "timeout",
    ];
    for key in keys {
        bad.extend(
            [json!(null), json!(-1), json!([1]), json!({"nonsense": 1})].map(|value| (key, value)),
        );
    }
    bad.extend(
        [json!(null), json!(1), json!("x"), json!([])]
            .into_iter()
            .flat_map(|value| [("tls", value.clone()), ("gss", value)]),
    );
    bad
}

/// A good configuration with one key set to this value.
fn configuration(key: &str, value: &Value) -> String {
    match key {
        // These exclude the key that `with` has.
        "gss" => {
            let mut keys: Value = serde_json::from_str(&with("tsig", "")).unwrap();
            keys[key] = value.clone();
            keys.to_string()
        }
        "$schema" | "_comment" => {
            let mut keys: Value = serde_json::from_str(&with("", "")).unwrap();
            keys[key] = value.clone();
            keys.to_string()
        }
        "hostname" | "zone" => {
            let mut keys: Value = serde_json::from_str(&with("hostname", "")).unwrap();
            keys[key] = value.clone();
            keys.to_string()
        }
        _ => with(key, &value.to_string()),
    }
}

/// The program's verdict and the schema's, which must be the same but for the exceptions.
struct Judges {
    /// The schemas, of which there is one.
    schemas: Schemas,
    /// Which one it is.
    index: SchemaIndex,
    /// The exceptions that were met.
    met: BTreeSet<&'static str>,
}

impl Judges {
    /// Reads the schema.
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pydyndns.schema.json");
        let schema = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler
            .add_resource("pydyndns.schema.json", schema)
            .unwrap();
        let index = compiler
            .compile("pydyndns.schema.json", &mut schemas)
            .unwrap();
        Self {
            schemas,
            index,
            met: BTreeSet::new(),
        }
    }

    /// Asks both; what the program says against the text.
    #[track_caller]
    fn ask(&mut self, text: &str) -> Option<String> {
        let file = Path::new("/etc/pydyndns.conf");
        let said = Config::from_json(text.as_bytes(), file)
            .err()
            .map(|fault| fault.to_string());
        // What is no JSON is nothing for a schema.
        let Ok(value) = serde_json::from_str(text) else {
            return said;
        };
        match (&said, self.schemas.validate(&value, self.index)) {
            (None, Ok(())) | (Some(_), Err(_)) => {}
            (None, Err(error)) => panic!("only the schema refuses {text}: {error:#}"),
            (Some(said), Ok(())) => {
                let exception = EXCEPTIONS.iter().find(|(words, _)| said.contains(words));
                let (words, _) =
                    exception.unwrap_or_else(|| panic!("only the program refuses {text}: {said}"));
                self.met.insert(words);
            }
        }
        said
    }

    /// Expects that a text is taken.
    #[track_caller]
    fn take(&mut self, text: &str) {
        let said = self.ask(text);
        assert_eq!(said, None, "{text}");
    }

    /// Expects that a text is refused.
    #[track_caller]
    fn refuse(&mut self, text: &str) {
        assert!(self.ask(text).is_some(), "{text}");
    }
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let mut judges = Judges::new();
    for (key, value) in good() {
        judges.take(&configuration(key, &value));
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for file in std::fs::read_dir(examples).unwrap() {
        let file = file.unwrap().path();
        if file
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            // Where this system has no event log, say, the program refuses what the schema cannot know of.
            judges.ask(&std::fs::read_to_string(file).unwrap());
        }
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses_as_far_as_it_can_say_it() {
    let mut judges = Judges::new();
    for (key, value, _) in VALUES {
        judges.refuse(&with(key, value));
    }
    for (key, value) in bad() {
        judges.refuse(&configuration(key, &value));
    }
    for text in ["[]", "null", "\"x\"", "{}"] {
        judges.refuse(text);
    }
    let mut neither: Value = serde_json::from_str(&with("ipv4", "false")).unwrap();
    neither["ipv6"]["enable"] = json!(false);
    judges.refuse(&neither.to_string());
    let never: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|(words, _)| !judges.met.contains(words))
        .collect();
    assert!(never.is_empty(), "exceptions that are none: {never:?}");
}
