//! Configurations that are wrong in every way: status 2, one line that names file, place and remedy, at once, within
//! 20 MB, and without the secret.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::harness::Folder;
use crate::harness::program::PROGRAM;

/// A secret as the configuration has it.
const SECRET: &str = "VG9wU2VjcmV0VG9wU2VjcmV0";

/// What it stands for.
const SECRET_TEXT: &str = "TopSecretTopSecret";

/// How long a run may take. A program that is not optimized gets more, and so does one that Wine starts.
const BOUND: Duration = Duration::from_millis(if cfg!(windows) {
    3000
} else if cfg!(debug_assertions) {
    400
} else {
    100
});

/// How much address space a configuration may cost, in KiB, beyond what the program takes anyway. What is in memory is less.
const SPACE: u32 = 5_000;

/// How much address space the program takes anyway: so much that it can say what is wrong with a small file. It depends on
/// how it is built.
static TAKEN: LazyLock<u32> = LazyLock::new(|| {
    let folder = Folder::new();
    let file = folder.path().join("pydyndns.conf");
    fs::write(&file, r#"{"x": 1}"#).unwrap();
    (4_000..)
        .step_by(500)
        .find(|&space| run_within(space, &file, &[]).status.code() == Some(2))
        .expect("any program is content some day")
});

/// Changes to a good configuration (a key and its new value as JSON, nothing to leave it out), and what is said.
pub(crate) const VALUES: &[(&str, &str, &str)] = &[
    ("ipv4", "", "ipv4: is missing"),
    ("ipv4", "1", "ipv4: must be true or false, not a number"),
    ("ipv4", "null", "ipv4: must be true or false, not null"),
    (
        "ipv4",
        "\"true\"",
        "ipv4: must be true or false, not a string",
    ),
    ("ipv4", "[true]", "ipv4: must be true or false, not a list"),
    ("ipv6", "", "ipv6: is missing"),
    (
        "ipv6",
        "true",
        "ipv6: must be an object with the keys enable, teredo, not a boolean",
    ),
    ("ipv6", "{}", "ipv6.enable: is missing"),
    ("ipv6", r#"{"enable": true}"#, "ipv6.teredo: is missing"),
    (
        "ipv6",
        r#"{"enable": 1, "teredo": true}"#,
        "ipv6.enable: must be true or false",
    ),
    (
        "ipv6",
        r#"{"enabled": true, "teredo": true}"#,
        "ipv6.enabled: no such key; did you mean `enable`?",
    ),
    (
        "ipv6",
        r#"{"enable": true, "teredo": true, "x": 1}"#,
        "ipv6.x: no such key; there are enable, teredo",
    ),
    ("ttl", "", "ttl: is missing"),
    ("ttl", "-1", "ttl: must be from 0 to 2147483647"),
    ("ttl", "2147483648", "ttl: must be from 0 to 2147483647"),
    ("ttl", "1e300", "ttl: must be from 0 to 2147483647"),
    ("ttl", "1e999", "no number can be so large"),
    (
        "ttl",
        "\"3600\"",
        "ttl: must be a number of seconds, not a string",
    ),
    (
        "ttl",
        "true",
        "ttl: must be a number of seconds, not a boolean",
    ),
    (
        "ttl",
        "{}",
        "ttl: must be a number of seconds, not an object",
    ),
    ("cache", "\"\"", "cache: is empty; name a file"),
    ("cache", "1", "cache: must be a file's name, true or false"),
    (
        "cache",
        "null",
        "cache: must be a file's name, true or false",
    ),
    (
        "cache",
        "\"a\\u0000b\"",
        "cache: has a control character in it (\\u{0})",
    ),
    ("hostname", "1", "hostname: must be a string"),
    ("hostname", "\"\"", "hostname: \"\" has an empty label"),
    ("hostname", "\"host\"", "hostname: \"host\" has no domain"),
    (
        "hostname",
        "\"localhost.example.com\"",
        "hostname: \"localhost.example.com\" is a form of localhost",
    ),
    (
        "hostname",
        "\"10.0.0.1\"",
        "hostname: \"10.0.0.1\" is an IP address, not a name",
    ),
    (
        "hostname",
        "\"2001:db8::1\"",
        "hostname: \"2001:db8::1\" is an IP address, not a name",
    ),
    (
        "hostname",
        "\"a..example.com\"",
        "hostname: \"a..example.com\" has an empty label",
    ),
    (
        "hostname",
        "\"a b.example.com\"",
        "has characters other than letters, digits, hyphens and underscores",
    ),
    (
        "hostname",
        "\"a\\nb.example.com\"",
        "has characters other than letters, digits, hyphens and underscores",
    ),
    (
        "hostname",
        "\"b\u{fc}ro.example.com\"",
        "write it in its xn-- form",
    ),
    (
        "hostname",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com\"",
        "has a label of more than 63 characters",
    ),
    ("zone", "true", "zone: must be a string"),
    ("zone", "\".\"", "zone: \".\" has an empty label"),
    (
        "zone",
        "\"example.net\"",
        "zone: example.net is no parent of the hostname host.example.com",
    ),
    (
        "zone",
        "\"*.example.com\"",
        "zone: \"*.example.com\" has characters other than",
    ),
    ("server", "53", "server: must be a string or a list"),
    ("server", "[]", "server: is an empty list; name a server"),
    (
        "server",
        r#"["192.0.2.1", "a b"]"#,
        "server[1]: \"a b\" has characters other than",
    ),
    (
        "server",
        "\"fe80::1\"",
        "is a link-local address; write the interface behind it, like \"fe80::1%eth0\"",
    ),
    (
        "server",
        "\"2001:db8::1%eth0\"",
        "only addresses below fe80:: have",
    ),
    (
        "server",
        "\"\"",
        "server: \"\" is neither an address nor a host name",
    ),
    (
        "server",
        "\"192.0.2.1:0\"",
        "server: \"192.0.2.1:0\" has no valid port",
    ),
    ("server", "\"192.0.2.1:65536\"", "has no valid port"),
    (
        "server",
        "\"192.0.2.256\"",
        "server: \"192.0.2.256\" is neither an address nor a host name",
    ),
    (
        "server",
        "\"[2001:db8::1\"",
        "is no address; write it like \"[2001:db8::1]:53\"",
    ),
    (
        "server",
        "\"2001:db8::1:\"",
        "is no address; write it like \"[2001:db8::1]:53\"",
    ),
    (
        "server",
        "\"ns1.example.com:dns\"",
        "has no valid port; there are 1 to 65535",
    ),
    (
        "server",
        "\"http://ns1.example.com\"",
        "server: \"http://ns1.example.com\" is a URL",
    ),
    ("replace", "true", "replace: must be a string"),
    (
        "replace",
        "\"All\"",
        "replace: must be \"all\" or \"addresses\", not \"All\"",
    ),
    (
        "addresses",
        "[]",
        "addresses: must be an object with the keys include, exclude, not a list",
    ),
    (
        "addresses",
        r#"{"include": "192.0.2.0/24"}"#,
        "addresses.include: must be a list of networks, not a string",
    ),
    (
        "addresses",
        r#"{"include": [1]}"#,
        "addresses.include[0]: must be a string, not a number",
    ),
    (
        "addresses",
        r#"{"exclude": ["::/0", "192.0.2.0/33"]}"#,
        "addresses.exclude[1]: \"192.0.2.0/33\" is no network",
    ),
    (
        "addresses",
        r#"{"exclude": ["192.0.2.1/24"]}"#,
        "did you mean \"192.0.2.0/24\"?",
    ),
    (
        "addresses",
        r#"{"exclude": ["::/0"], "include": ["::/0"]}"#,
        "addresses.exclude: ::/0 is in `include` as well",
    ),
    (
        "addresses",
        r#"{"excluded": []}"#,
        "addresses.excluded: no such key; did you mean `exclude`?",
    ),
    (
        "refresh",
        "0",
        "refresh: must be a number of seconds from 0.001",
    ),
    (
        "refresh",
        "\"1d\"",
        "refresh: must be a number of seconds, not a string",
    ),
    (
        "timeout",
        "0",
        "timeout: must be a number of seconds from 0.001",
    ),
    (
        "timeout",
        "-5",
        "timeout: must be a number of seconds from 0.001",
    ),
    (
        "timeout",
        "1e12",
        "timeout: must be a number of seconds from 0.001",
    ),
    (
        "timeout",
        "null",
        "timeout: must be a number of seconds, not null",
    ),
    ("logging", "[]", "logging: must be an object, not a list"),
    (
        "logging",
        "true",
        "logging: must be an object, not a boolean",
    ),
    ("tsgi", "{}", "tsgi: no such key; did you mean `tsig`?"),
    ("TTL", "1", "TTL: no such key; did you mean `ttl`?"),
    (
        "nonsense",
        "1",
        "nonsense: no such key; there are cache, ipv4, ipv6, ttl, tsig, logging, hostname,",
    ),
    ("", "1", ": no such key;"),
    (
        "line\\nbreak\\u001b[2J",
        "1",
        "line\\nbreak\\u{1b}[2J\": no such key;",
    ),
    (
        "tsig",
        "true",
        "tsig: must be an object with the keys algorithm, key, keyname, keyfile, not a boolean",
    ),
    (
        "tsig",
        "\"VG9wU2VjcmV0VG9wU2VjcmV0\"",
        "tsig: must be an object with the keys algorithm, key, keyname, keyfile, not a string",
    ),
    ("tsig", "{}", "tsig.algorithm: is missing"),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "keyname": "k"}"#,
        "tsig.key: is missing",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0"}"#,
        "tsig.keyname: is missing",
    ),
    (
        "tsig",
        r#"{"algorithm": 256, "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "keyname": "k"}"#,
        "tsig.algorithm: must be a string",
    ),
    (
        "tsig",
        r#"{"algorithm": "sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "keyname": "k"}"#,
        "tsig.algorithm: no such algorithm; there are hmac-md5,",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha3", "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "keyname": "k"}"#,
        "there are hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512",
    ),
    (
        "tsig",
        r#"{"algorithm": "VG9wU2VjcmV0VG9wU2VjcmV0", "key": "hmac-sha256", "keyname": "k"}"#,
        "tsig.algorithm: no such algorithm",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "", "keyname": "k"}"#,
        "tsig.key: the secret is empty",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0=", "keyname": "k"}"#,
        "tsig.key: the secret is not base64",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV", "keyname": "k"}"#,
        "tsig.key: the secret is not base64",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0!", "keyname": "k"}"#,
        "tsig.key: the secret is not base64",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": ["VG9wU2VjcmV0VG9wU2VjcmV0"], "keyname": "k"}"#,
        "tsig.key: must be a string, not a list",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "keyname": ""}"#,
        "tsig.keyname: the key's name has an empty label",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "aGk=", "keyname": "VG9wU2VjcmV0VG9wU2VjcmV0/"}"#,
        "tsig.keyname: the key's name has characters other",
    ),
    (
        "tsig",
        r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "key_name": "k"}"#,
        "tsig.key_name: no such key; did you mean `keyname`?",
    ),
    (
        "tsig",
        r#"{"keyfile": "k", "key": "VG9wU2VjcmV0VG9wU2VjcmV0"}"#,
        "tsig.key: is in the key file already",
    ),
    (
        "tsig",
        r#"{"keyfile": 1}"#,
        "tsig.keyfile: must be a string",
    ),
    ("tsig", r#"{"keyfile": "nowhere"}"#, "tsig.keyfile: "),
    (
        "tsig",
        r#"{"keyfile": "."}"#,
        "is a folder; name the file in it",
    ),
    (
        "tsig",
        r#"{"keyfile": "nowhere", "keyname": "a..b"}"#,
        "tsig.keyname: the key's name has an empty label",
    ),
    (
        "cache",
        "\"C:\\temp\\new.cache\"",
        "JSON wants a backslash written twice",
    ),
    (
        "cache",
        "\"%LOCALAPPDATA%\\\\x\"",
        "\"%LOCALAPPDATA%\" in it, which is not expanded",
    ),
    (
        "cache",
        "\"${HOME}/x\"",
        "\"${HOME}\" in it, which is not expanded",
    ),
    (
        "cache",
        "\"$HOME/x\"",
        "\"$HOME\" in it, which is not expanded",
    ),
    ("cache", "\"~/x\"", "\"~\" in it, which is not expanded"),
    (
        "cache",
        "\"pydyndns.conf\"",
        "cache: is the configuration itself",
    ),
    (
        "cache",
        "\"./pydyndns.conf\"",
        "cache: is the configuration itself",
    ),
    (
        "logging",
        r#"{"version": 1, "handlers": {"f": {"class": "logging.FileHandler", "filename": "C:\temp\new.log"}}}"#,
        "logging.handlers.f.filename: has a control character in it (\\t)",
    ),
    ("tls", "1", "tls: must be true or an object, not a number"),
    ("tls", r#"{"certificate": "c.pem"}"#, "tls.key: is missing"),
    (
        "tls",
        r#"{"ca": "~/ca.pem"}"#,
        "tls.ca: \"~/ca.pem\" has \"~\" in it",
    ),
    ("gss", "true", "gss: signs updates in place of `tsig`"),
    (
        "gss",
        "\"yes\"",
        "gss: must be true or an object, not a string",
    ),
    (
        "gss",
        r#"{"kdc": "dc1"}"#,
        "gss.kdc: must be a list of strings",
    ),
];

/// Texts that are wrong as a whole.
const TEXTS: &[(&str, &str)] = &[
    ("", "the file is empty; it must have a JSON object"),
    (" \n\t", "the file is empty; it must have a JSON object"),
    ("null", "must be a JSON object: { ... }"),
    ("[]", "must be a JSON object: { ... }"),
    (
        "\"VG9wU2VjcmV0VG9wU2VjcmV0\"",
        "must be a JSON object: { ... }",
    ),
    ("{", "line 1 column 1: the file ends within an object"),
    ("{\"ipv4\"}", "line 1 column 8: "),
    ("{\"ipv4\": tru}", "line 1 column 13: "),
    (
        "{'ipv4': true}",
        "line 1 column 2: JSON has only the straight double quotes",
    ),
    (
        "{\n  \"ipv4\": true,\n}",
        "line 3 column 1: a comma stands before",
    ),
    (
        "{\n  // on\n  \"ipv4\": true\n}",
        "line 2 column 3: JSON has no comments; use a key that begins with `_`",
    ),
    (
        "{\n  /* on */\n  \"ipv4\": true\n}",
        "line 2 column 3: JSON has no comments",
    ),
    (
        "{\"ipv4\": true # on\n}",
        "line 1 column 15: JSON has no comments",
    ),
    ("{\"ipv4\": true} {}", "line 1 column 16: "),
    (
        "{\"ipv4\": True}",
        "line 1 column 10: JSON writes true, false and null in lower case",
    ),
    ("{\"ttl\": 01}", "line 1 column 10: "),
    ("{\"ttl\": .5}", "line 1 column 9: "),
    ("{\"ttl\": NaN}", "line 1 column 9: "),
    (
        "{\"cache\": \"\\x\"}",
        "line 1 column 13: no such escape; JSON wants a backslash written twice",
    ),
    (
        "{\"cache\": \"C:\\Temp\"}",
        "line 1 column 15: no such escape; JSON wants a backslash written twice",
    ),
    ("{\"cache\": \"\\ud800\"}", "line 1 column 18: "),
    (
        "{\"cache\": \"a\nb\"}",
        "line 1 column 13: a string must end on the line it begins on",
    ),
    (
        "{\"ipv4\": true, \"ipv4\": true}",
        "the key `ipv4` is given twice",
    ),
    (
        "{\"ipv6\": {\"enable\": true, \"enable\": false}}",
        "the key `enable` is given twice",
    ),
    (
        "{\"tsig\": {\"key\": \"VG9wU2VjcmV0VG9wU2VjcmV0\", \"key\": \"\"}}",
        "the key `key` is given twice",
    ),
];

/// Key files, and what is said.
const KEY_FILES: &[(&str, &str)] = &[
    ("", "there is no key in the file; the forms"),
    (
        "k. hmac-sha256. VG9wU2VjcmV0VG9wU2VjcmV0",
        "tsig-keygen's (key \"NAME\" {",
    ),
    (
        "Create new TSIG key k hmac-sha256 VG9wU2VjcmV0VG9wU2VjcmV0",
        "line 1: this is no key file; the forms that are read are",
    ),
    (
        "key:\n  - id: k\n    algorithm: hmac-sha256\n    secret: VG9wU2VjcmV0VG9wU2VjcmV0!",
        "line 4: the secret is not base64; it should read `key:`",
    ),
    (
        "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: VG9wU2VjcmV0VG9wU2VjcmV0\n",
        "give it as `keyname` beside `keyfile`",
    ),
    ("VG9wU2VjcmV0VG9wU2VjcmV0", "line 1: this is no key file"),
    ("key k VG9wU2VjcmV0VG9wU2VjcmV0", "line 1: expected `{`"),
    (
        "key \"k\" {\n algorithm hmac-sha256;\n secret \"VG9wU2VjcmV0VG9wU2VjcmV0\n};",
        "line 3: a quote is not closed",
    ),
    (
        "key k { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0!; };",
        "line 1: the secret is not base64",
    ),
    (
        "key k { algorithm hmac-sha256; };",
        "the key has no `secret`",
    ),
    (
        "key k { secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "the key has no `algorithm`",
    ),
    (
        "key k { algorithm VG9wU2VjcmV0VG9wU2VjcmV0; secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "no such algorithm; there are",
    ),
    (
        "key k { algorithm hmac-sha265; secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "no such algorithm; there are hmac-md5,",
    ),
    (
        "key VG9wU2VjcmV0VG9wU2VjcmV0/ { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "the key's name has characters",
    ),
    (
        "key k { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0; }",
        "expected `;`",
    ),
    (
        "key k { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0; }; key l {};",
        "one key a file",
    ),
    (
        "/* key k { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "a comment is not closed",
    ),
    (
        "key k { algorithm hmac-sha256; secret VG9wU2VjcmV0VG9wU2VjcmV0; secret VG9wU2VjcmV0VG9wU2VjcmV0; };",
        "each once",
    ),
];

/// A good configuration with one key set to this JSON, or left out.
pub(crate) fn with(key: &str, value: &str) -> String {
    let good = [
        ("ipv4", "true"),
        ("ipv6", r#"{"enable": true, "teredo": false}"#),
        ("ttl", "3600"),
        ("hostname", "\"host.example.com\""),
        (
            "tsig",
            r#"{"algorithm": "hmac-sha256", "key": "VG9wU2VjcmV0VG9wU2VjcmV0", "keyname": "k"}"#,
        ),
    ];
    let rest = good.iter().filter(|(name, _)| *name != key).copied();
    let members: Vec<_> = rest
        .chain((!value.is_empty()).then_some((key, value)))
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// Runs the program with this file; on Unix within the address space that it may have.
fn run(file: &Path, more: &[&str]) -> Output {
    run_within(*TAKEN + SPACE, file, more)
}

/// Runs the program with this file; on Unix within this many KiB of address space.
fn run_within(space: u32, file: &Path, more: &[&str]) -> Output {
    let limit = format!("ulimit -v {space}; exec \"$@\"");
    let mut command = if cfg!(unix) {
        let mut command = Command::new("sh");
        command.args(["-c", &limit, "sh", PROGRAM]);
        command
    } else {
        Command::new(PROGRAM)
    };
    command
        .arg("-c")
        .arg(file)
        .args(more)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command.output().expect("the program can be started")
}

/// Expects that a file is refused, as everything here is to be refused.
#[track_caller]
fn is_refused(file: &Path, says: &str) {
    let mut best = Duration::MAX;
    // What else the machine does is not this program's time.
    for _ in 0..10 {
        let begin = Instant::now();
        let output = run(file, &[]);
        best = best.min(begin.elapsed());
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(
            (output.status.code(), stdout.as_ref()),
            (Some(2), ""),
            "{says}: {stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{says}: {stderr}");
        assert!(
            stderr.starts_with(&format!("pydyndns: {}: ", file.display())),
            "{says}: {stderr}"
        );
        assert!(stderr.contains(says), "{says:?} is not said: {stderr}");
        assert!(!stderr.trim_end().contains(char::is_control), "{stderr:?}");
        assert!(
            !stderr.contains(SECRET) && !stderr.contains(SECRET_TEXT),
            "the secret is printed: {stderr}"
        );
        if best < BOUND {
            return;
        }
    }
    panic!("{says}: took {best:?}");
}

#[test]
fn every_malformed_configuration_is_refused_in_one_line_at_once_and_in_little_memory() {
    assert!(VALUES.len() + TEXTS.len() + KEY_FILES.len() >= 80);
    let folder = Folder::new();
    let file = folder.path().join("pydyndns.conf");
    fs::write(&file, with("cache", "false")).unwrap();
    // The good one is good: what is refused is the change. It only lacks a server, as nothing may be sent here.
    let good = run(&file, &["-n", "no-such-interface"]);
    assert_eq!(
        good.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&good.stderr)
    );
    for (key, value, says) in VALUES {
        fs::write(&file, with(key, value)).unwrap();
        is_refused(&file, says);
    }
    for (text, says) in TEXTS {
        fs::write(&file, text).unwrap();
        is_refused(&file, says);
    }
    let key_file = folder.path().join("key");
    fs::write(&file, with("tsig", r#"{"keyfile": "key"}"#)).unwrap();
    for (text, says) in KEY_FILES {
        fs::write(&key_file, text).unwrap();
        is_refused(&file, says);
        is_refused(&file, "tsig.keyfile: ");
    }
}

#[test]
fn a_configuration_that_is_huge_or_nested_or_no_text_is_refused_in_little_memory() {
    let folder = Folder::new();
    let file = folder.path().join("pydyndns.conf");
    let much = 250 << 10;
    let many_keys: Vec<_> = (0..much / 11)
        .map(|number| format!("\"{number:x}\":[]"))
        .collect();
    // Which of them are in both lists takes no longer to find than to read them.
    let networks = |first: u8| {
        let of = |number: u16| format!("\"{first}.{}.{}.0/24\"", number >> 8, number & 255);
        (0..10_000).rev().map(of).collect::<Vec<_>>().join(",")
    };
    for (text, says) in [
        ("[".repeat(100_000), "nested too deeply"),
        ("{\"a\":".repeat(40_000), "nested too deeply"),
        (
            format!("{{\"ipv4\": {}{}}}", "[".repeat(200), "]".repeat(200)),
            "nested too deeply",
        ),
        (
            format!("{{\"ipv4\": [1{}]}}", ",1".repeat(much / 2)),
            "more than 65536 values",
        ),
        (
            format!("{{\"_\": {{{}}}}}", many_keys.join(",")),
            "ipv4: is missing",
        ),
        (format!("{{{}}}", many_keys.join(",")), "no such key; "),
        (
            format!("{{\"{}\": 1}}", "k".repeat(much)),
            "kkk\"...: no such key; there are cache, ",
        ),
        (
            with(
                "addresses",
                &format!(
                    "{{\"include\": [{}], \"exclude\": [{}]}}",
                    networks(10),
                    networks(11).replace("11.0.0.0/24", "10.0.0.0/24")
                ),
            ),
            "addresses.exclude: 10.0.0.0/24 is in `include` as well",
        ),
        (
            with("cache", &format!("\"{}\"", "${".repeat(much / 2))),
            "cache: is longer than a path can be",
        ),
        (
            format!("{{\"_\": [{}1], \"ipv4\": 1}}", "1,".repeat(much / 2)),
            "ipv4: must be true or false",
        ),
        (
            with("hostname", &format!("\"{}\"", "a.".repeat(much / 2))),
            "hostname: ",
        ),
        (
            with(
                "tsig",
                &format!(
                    "{{\"algorithm\": \"{}\", \"key\": \"aGk=\", \"keyname\": \"k\"}}",
                    "h".repeat(much / 2)
                ),
            ),
            "tsig.algorithm: ",
        ),
        (
            with("replace", &format!("\"{}\"", "\\u001b".repeat(much / 8))),
            "replace: ",
        ),
    ] {
        fs::write(&file, text).unwrap();
        is_refused(&file, says);
    }
    for (bytes, says) in [
        (&b"{\"cache\": \"\xff\xfe\"}"[..], "line 1 column "),
        (b"\xff\xfe{\0}\0", "is UTF-16; save it as UTF-8"),
        (b"{\0\"\0", "is UTF-16; save it as UTF-8"),
        (
            b"{\"_\": \"Stra\xdfe\"",
            "line 1 column 12: the byte 0xdf is not UTF-8; the file may be in an ANSI code page",
        ),
        (b"\0\0\0\0", "line 1 column 1: "),
        // Whatever a comment holds, it is text.
        (
            b"{\"_\": \"Stra\xdfe\", \"ipv4\": true, \"ipv6\": {\"enable\": false}, \"ttl\": 60}",
            "line 1 column 12: the byte 0xdf is not UTF-8",
        ),
        (
            b"\x1f\x8b\x08\0",
            "line 1 column 2: the byte 0x8b is not UTF-8",
        ),
    ] {
        fs::write(&file, bytes).unwrap();
        is_refused(&file, says);
    }
    // 100 MB, which take no space on the disk.
    fs::File::create(&file)
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    is_refused(&file, "is larger than 16384 KiB");
    fs::write(&file, with("tsig", r#"{"keyfile": "key"}"#)).unwrap();
    fs::File::create(folder.path().join("key"))
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    is_refused(&file, "is larger than 64 KiB");
}

#[test]
fn what_is_no_file_in_the_configurations_place_is_refused() {
    let folder = Folder::new();
    is_refused(&folder.path().join("nowhere"), "there is no such file");
    is_refused(folder.path(), "is a folder");
    #[cfg(unix)]
    {
        let fifo = folder.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        is_refused(&fifo, "is not a regular file");
        is_refused(Path::new("/dev/zero"), "is not a regular file");
        let file = folder.path().join("pydyndns.conf");
        fs::write(&file, with("tsig", r#"{"keyfile": "fifo"}"#)).unwrap();
        is_refused(&file, "tsig.keyfile: ");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        is_refused(&link, "");
    }
}

#[cfg(unix)]
#[test]
fn a_configuration_that_may_not_be_read_is_refused() {
    use super::writable_by_others::{Copy, is_root, nobody};
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.path().join("pydyndns.conf");
    fs::write(&file, with("cache", "false")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything, so root becomes somebody else.
    let copy = if is_root() { Copy::new() } else { None };
    let mut command = match &copy {
        Some(copy) => nobody(&copy.path()),
        None if is_root() => return,
        None => Command::new(PROGRAM),
    };
    let output = command
        .arg("-c")
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with(&format!("pydyndns: {}: ", file.display()))
            && stderr.contains("ermission"),
        "{stderr}"
    );
}
