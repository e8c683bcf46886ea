//! The configuration file: what every key does, and what every mistake is answered with.

mod key_files;
mod paths;
mod schema;

use serde_json::{Value, json};

use crate::harness::local::Local;
use crate::harness::program::{Program, logging, merged, tsig};

/// Runs with a wrong configuration: status 2, one line that names file, place and remedy, and nothing touched.
#[track_caller]
fn refused(local: &Local, text: impl AsRef<[u8]>, message: &str) {
    let before = std::fs::read(local.cache()).unwrap();
    for arguments in [&[][..], &["-f"], &["-n"]] {
        let run = Program::new(local.path())
            .config_text(&text)
            .args(arguments)
            .run();
        let file = local.path().join("pydyndns.conf");
        run.fails(2, &format!("pydyndns: {}: {message}", file.display()));
        let secret = crate::harness::secret(&local.key);
        assert!(
            !run.stderr.contains(&secret),
            "the secret is printed: {}",
            run.stderr
        );
    }
    assert_eq!(
        std::fs::read(local.cache()).unwrap(),
        before,
        "the cache was touched"
    );
    assert_eq!(local.primary.updates(), 1, "an update was sent");
}

/// A primary at which the name is registered, so that there is something to lose.
fn registered() -> Local {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    local
}

#[test]
fn a_key_with_a_wrong_value_is_refused_by_its_path() {
    let local = registered();
    let tsig = |keys: Value| json!({"tsig": merged(tsig(&local.key), keys)});
    for (keys, message) in [
        (json!({"cache": 1}), "cache: *true or false*"),
        (json!({"cache": ""}), "cache: *empty*"),
        (json!({"cache": ["x"]}), "cache: *true or false*"),
        (json!({"ipv4": "yes"}), "ipv4: *true or false*"),
        (json!({"ipv4": 1}), "ipv4: *true or false*"),
        (json!({"ipv6": true}), "ipv6: *object*"),
        (
            json!({"ipv6": {"enable": 1, "teredo": false}}),
            "ipv6.enable: *true or false*",
        ),
        (
            json!({"ipv6": {"enable": true, "teredo": null}}),
            "ipv6.teredo: *true or false*",
        ),
        (
            json!({"ipv6": {"enable": true, "teredo": true, "temporary": true}}),
            "ipv6.temporary: *",
        ),
        (
            json!({"ipv4": false, "ipv6": {"enable": false, "teredo": false}}),
            "ipv4: *ipv6*",
        ),
        (json!({"ttl": "3600"}), "ttl: *number*"),
        (json!({"ttl": -1}), "ttl: *0 to 2147483647*"),
        (json!({"ttl": 2_147_483_648_u32}), "ttl: *0 to 2147483647*"),
        (json!({"ttl": 1e300}), "ttl: *0 to 2147483647*"),
        (json!({"tsig": "secret"}), "tsig: *object*"),
        (
            tsig(json!({"algorithm": "hmac-sha25"})),
            "tsig.algorithm: *hmac-md5*hmac-sha256*hmac-sha512",
        ),
        (
            tsig(json!({"algorithm": "rsa"})),
            "tsig.algorithm: *hmac-md5*hmac-sha1*hmac-sha224*hmac-sha256*hmac-sha384*hmac-sha512*",
        ),
        (tsig(json!({"algorithm": 256})), "tsig.algorithm: *string*"),
        (tsig(json!({"key": "not base64!"})), "tsig.key: *base64*"),
        (tsig(json!({"key": ""})), "tsig.key: *empty*"),
        (tsig(json!({"key": 5})), "tsig.key: *string*"),
        (tsig(json!({"keyname": ""})), "tsig.keyname: *"),
        (tsig(json!({"keyname": "a..b"})), "tsig.keyname: *"),
        (tsig(json!({"keyfile": "k"})), "tsig.*: *keyfile*"),
        (
            tsig(json!({"keyNme": "k"})),
            "tsig.keyNme: *did you mean `keyname`?",
        ),
        (
            json!({"tsig": {"algorithm": "hmac-sha256", "keyname": "k"}}),
            "tsig.key: *missing*",
        ),
        (
            json!({"tsig": {"key": "c2VjcmV0", "keyname": "k"}}),
            "tsig.algorithm: *missing*",
        ),
        (
            json!({"tsig": {"key": "c2VjcmV0", "algorithm": "hmac-sha256"}}),
            "tsig.keyname: *missing*",
        ),
        (
            json!({"tsig": {"keyfile": "nowhere.key"}}),
            "tsig.keyfile: *nowhere.key*",
        ),
        (json!({"logging": []}), "logging: *object*"),
        (json!({"hostname": "host"}), "hostname: *host*"),
        (
            json!({"hostname": "localhost.example.com"}),
            "hostname: *localhost*",
        ),
        (json!({"hostname": "10.0.0.1"}), "hostname: *address*"),
        (json!({"hostname": 5}), "hostname: *string*"),
        (json!({"hostname": ""}), "hostname: *"),
        (
            json!({"hostname": format!("{}.example.com", "a".repeat(64))}),
            "hostname: *63*",
        ),
        (json!({"zone": "."}), "zone: *"),
        (json!({"zone": "example.net"}), "zone: *host.example.com*"),
        (json!({"zone": 1}), "zone: *string*"),
        (json!({"server": ""}), "server: *"),
        (json!({"server": "192.0.2.1:70000"}), "server: *port*"),
        (json!({"server": "[2001:db8::1"}), "server: *"),
        (json!({"server": "192.0.2.256"}), "server: *"),
        (json!({"server": 53}), "server: *string*"),
        (
            json!({"replace": "none"}),
            "replace: *\"all\"*\"addresses\"*",
        ),
        (json!({"replace": true}), "replace: *"),
        (json!({"addresses": ["10.0.0.0/8"]}), "addresses: *object*"),
        (
            json!({"addresses": {"include": "10.0.0.0/8"}}),
            "addresses.include: *list*",
        ),
        (
            json!({"addresses": {"exclude": ["10.0.0.0/33"]}}),
            "addresses.exclude*0*: *10.0.0.0/33*",
        ),
        (
            json!({"addresses": {"include": [10]}}),
            "addresses.include*0*: *string*",
        ),
        (
            json!({"addresses": {"includes": []}}),
            "addresses.includes: *did you mean `include`?",
        ),
        (json!({"refresh": "1 day"}), "refresh: *number*"),
        (json!({"refresh": -1}), "refresh: *"),
        (json!({"timeout": 0}), "timeout: *"),
        (json!({"timeout": "30"}), "timeout: *number*"),
        (json!({"tsgi": {}}), "tsgi: *did you mean `tsig`?"),
        (json!({"nonsense": 1}), "nonsense: *"),
    ] {
        refused(&local, local.config(keys).to_string(), message);
    }
}

#[test]
fn a_key_that_is_missing_is_named() {
    let local = registered();
    for (key, message) in [
        (json!({"ipv4": null}), "ipv4: *missing*"),
        (json!({"ipv6": null}), "ipv6: *missing*"),
        (json!({"ttl": null}), "ttl: *missing*"),
        (json!({"ipv6": {"enable": true}}), "ipv6.teredo: *missing*"),
        (json!({"ipv6": {"teredo": true}}), "ipv6.enable: *missing*"),
    ] {
        refused(&local, local.config(key).to_string(), message);
    }
}

#[test]
fn a_file_that_is_no_json_object_is_refused_by_line_and_column() {
    let local = registered();
    let good = serde_json::to_string(&local.config(json!({}))).unwrap();
    refused(&local, "", "the file is empty*");
    refused(&local, "[]", "*object*");
    refused(&local, "{\n  \"ipv4\": yes\n}", "line 2 column *: *");
    refused(&local, format!("{good}}}"), "line 1 column *: *");
    refused(
        &local,
        format!("{{\"ttl\": 60, {}", &good[1..]),
        "line 1 column *: *`ttl`*twice*",
    );
    refused(
        &local,
        good.replace("\"teredo\":", "\"teredo\":true,\"teredo\":"),
        "line 1 column *: *`teredo`*twice*",
    );
    refused(&local, b"{\"ipv4\": \"\xff\"}", "*");
    refused(&local, "[".repeat(100_000), "line 1 column *: *");
}

#[test]
fn keys_that_begin_with_an_underscore_are_comments() {
    let local = Local::new();
    let config =
        json!({"_comment": "anything", "ipv6": {"enable": true, "teredo": false, "_why": [1]}});
    local.program(config).run().succeeds();
}

#[test]
fn the_ttl_loses_its_fraction() {
    let local = Local::new();
    for (ttl, seconds) in [
        (json!(0), 0),
        (json!(59.9), 59),
        (json!(2_147_483_647), 2_147_483_647),
    ] {
        local.program(json!({"ttl": ttl})).run().succeeds();
        assert_eq!(
            local.primary.zone(),
            [format!("host.example.com. {seconds} A 127.0.0.1")]
        );
    }
}

/// The loopback addresses of both families, which `addresses` can let in.
fn both() -> Value {
    json!({"include": ["127.0.0.1/32", "::1/128"], "exclude": ["0.0.0.0/0", "::/0"]})
}

#[test]
fn each_family_is_registered_only_if_enabled() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        skip!("this machine has no ::1");
    }
    let local = Local::new();
    let (ipv4, ipv6) = (
        "host.example.com. 3600 A 127.0.0.1",
        "host.example.com. 3600 AAAA ::1",
    );
    for (v4, v6, zone) in [
        (true, true, &[ipv4, ipv6][..]),
        (true, false, &[ipv4]),
        (false, true, &[ipv6]),
    ] {
        let keys =
            json!({"ipv4": v4, "ipv6": {"enable": v6, "teredo": false}, "addresses": both()});
        local.program(keys).run().succeeds();
        assert_eq!(local.primary.zone(), zone);
    }
    assert_eq!(local.primary.updates(), 3);
}

#[test]
fn an_update_without_tsig_is_unsigned() {
    use crate::harness::primary::Primary;
    let local = Local::new();
    let open = Primary::start("example.com.", &[], &[], &[]).unwrap();
    let keys = json!({"tsig": null, "server": open.address().to_string()});
    local.program(keys).run().succeeds();
    assert_eq!(open.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
}

#[test]
fn a_key_file_that_is_broken_is_refused_without_its_secret() {
    let local = registered();
    let file = local.path().join("a.key");
    let secret = crate::harness::secret(&local.key);
    for text in [
        String::new(),
        format!("key k {{ algorithm hmac-sha256; secret \"{secret}\"; "),
        format!("key k {{ algorithm {secret}; secret \"{secret}\"; }};"),
        format!("key k {{ algorithm hmac-sha256; secret \"{secret}!\"; }};"),
        format!("key k {{ algorithm hmac-sha256; secret \"{secret}\"; {secret}; }};"),
        "key k { algorithm hmac-sha256; };".to_owned(),
        "key k { secret \"c2VjcmV0\"; };".to_owned(),
        "\0".repeat(1 << 20),
    ] {
        std::fs::write(&file, text).unwrap();
        let config = local.config(json!({"tsig": {"keyfile": file}}));
        refused(&local, config.to_string(), "tsig.keyfile: *a.key: *");
    }
}

#[test]
fn the_secret_is_never_printed() {
    let local = Local::new();
    let secret = crate::harness::secret(&local.key);
    let raw: String = local
        .key
        .secret
        .iter()
        .map(|byte| format!("{byte}, "))
        .collect();
    for keys in [json!({}), json!({"server": "127.0.0.1:1", "timeout": 1})] {
        let mut keys = keys;
        keys["logging"] = logging("DEBUG");
        keys["cache"] = json!(false);
        let run = local.program(keys).arg("-v").env("RUST_LOG", "trace").run();
        for text in [&run.stdout, &run.stderr] {
            assert!(
                !text.contains(&secret) && !text.contains(raw.trim_end_matches(", ")),
                "{text}"
            );
        }
    }
}

#[test]
fn the_hostname_takes_the_place_of_the_computers_own() {
    let local = Local::new();
    local
        .program(json!({"hostname": "Other.sub.example.com."}))
        .run()
        .succeeds();
    assert_eq!(
        local.primary.zone().join("").to_lowercase(),
        "other.sub.example.com. 3600 a 127.0.0.1"
    );
}

#[test]
fn a_name_below_local_is_taken_if_it_is_asked_for() {
    let local = Local::new();
    let keys = json!({"hostname": "host.corp.local", "zone": "corp.local"});
    let run = local.program(keys).arg("-n").run();
    run.is(
        0,
        "...\nupdate add host.corp.local. 3600 A 127.0.0.1\nsend",
        "",
    );
}

#[test]
fn an_internationalized_name_stays_in_its_ascii_form() {
    let local = Local::new();
    let keys = json!({"hostname": "xn--mller-kva.example.com"});
    let run = local.program(keys.clone()).arg("-n").run();
    run.is(
        0,
        "...\nupdate add xn--mller-kva.example.com. 3600 A 127.0.0.1\nsend",
        "",
    );
    let run = local.program(keys).arg("-v").run();
    assert!(
        run.stderr.contains("xn--mller-kva.example.com") && run.stderr.is_ascii(),
        "{}",
        run.stderr
    );
    assert_eq!(local.primary.updates(), 1);
}

#[test]
fn servers_are_tried_in_the_order_of_their_list() {
    let local = Local::new();
    let own = local.primary.address().to_string();
    let dead = "127.0.0.1:1";
    let run = local
        .program(json!({"server": [dead, own]}))
        .arg("-n")
        .run();
    run.is(0, "server 127.0.0.1 1\n; or, *\n...", "");
    local
        .program(json!({"server": [dead, own]}))
        .run()
        .succeeds();
    assert_eq!(local.primary.zone(), ["host.example.com. 3600 A 127.0.0.1"]);
    // Another list is another setting, so this is sent again.
    local.program(json!({"server": [own]})).run().succeeds();
    assert_eq!(local.primary.updates(), 2);
}

#[test]
fn ipv6_that_is_off_needs_no_more_said() {
    let local = Local::new();
    local
        .program(json!({"ipv6": {"enable": false}, "$schema": "x.json"}))
        .run()
        .succeeds();
    assert_eq!(local.primary.updates(), 1);
}

#[test]
fn the_longest_network_decides_about_an_address() {
    let local = Local::new();
    for (include, exclude, expected) in [
        (&["127.0.0.1/32"][..], &["0.0.0.0/0", "::/0"][..], true),
        (&["0.0.0.0/0"], &["127.0.0.1/32", "::/0"], false),
        (
            &["127.0.0.0/8"],
            &["0.0.0.0/0", "::/0", "127.1.0.0/16"],
            true,
        ),
        (
            &["127.0.0.0/8"],
            &["0.0.0.0/0", "::/0", "127.0.0.0/16"],
            false,
        ),
        (
            &["127.0.0.0/24"],
            &["0.0.0.0/0", "::/0", "127.0.0.0/16"],
            true,
        ),
    ] {
        let keys = json!({"addresses": {"include": include, "exclude": exclude}});
        let run = local.program(keys).arg("-n").run();
        assert_eq!(
            run.stdout.contains(" A 127.0.0.1\n"),
            expected,
            "{include:?} {exclude:?}: {run:?}"
        );
    }
}

#[test]
fn the_timeout_bounds_the_run() {
    use crate::harness::primary::Answer;
    let local = Local::new();
    local.primary.lie(std::sync::Arc::new(|_| Answer::Silence));
    let run = local.program(json!({"timeout": 1})).run();
    run.fails(1, "ERROR: *could not confirm*");
    assert!(
        (0.9..15.0).contains(&run.took.as_secs_f64()),
        "took {:?}",
        run.took
    );
}

#[test]
fn a_registration_is_sent_again_once_it_is_older_than_refresh() {
    let local = Local::new();
    let program = local.program(json!({"refresh": 3600}));
    program.run().succeeds();
    let confirmed = |seconds| {
        let cache = std::fs::File::options()
            .write(true)
            .open(local.cache())
            .unwrap();
        cache
            .set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(seconds))
            .unwrap();
    };
    confirmed(3500);
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 1);
    confirmed(3700);
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 2);
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 2);
    confirmed(1_000_000);
    local.program(json!({})).run().succeeds();
    assert_eq!(local.primary.updates(), 2);
}
