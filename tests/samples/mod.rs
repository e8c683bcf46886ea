//! What a user copies out of `examples/`: each file does what it says, in the place that it says.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::client;
use crate::harness::local::Local;
use crate::harness::primary::Primary;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::program::{PROGRAM, Program};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::servers::{Kind, Server, Zone};

/// The text of one of the files.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    std::fs::read_to_string(path).expect("the example is there")
}

/// The program where the examples expect it, and an address to register.
fn install(sandbox: &Sandbox) {
    sandbox.interface("lan0", &["192.0.2.10/24", "2001:db8::10/64"]);
    sandbox.shell(&format!(
        "mount -t tmpfs none /usr/local/bin; ln -s '{PROGRAM}' /usr/local/bin/pydyndns"
    ));
}

/// The program with `/etc/pydyndns.conf` as this example has it.
fn configured(sandbox: &Sandbox, name: &str) -> Program {
    sandbox.write("/etc/pydyndns.conf", example(name));
    sandbox.shell("chmod 600 /etc/pydyndns.conf");
    Program::new(sandbox.path())
}

/// The key in the `tsig` section of a configuration.
fn key_of(configuration: &str) -> Key {
    use base64::Engine;
    let configuration: Value = serde_json::from_str(configuration).expect("the example is JSON");
    let tsig = &configuration["tsig"];
    let text = |name: &str| tsig[name].as_str().expect("a string").to_owned();
    Key {
        name: text("keyname"),
        algorithm: *Algorithm::ALL
            .iter()
            .find(|algorithm| algorithm.name() == text("algorithm"))
            .expect("an algorithm"),
        secret: base64::engine::general_purpose::STANDARD
            .decode(text("key"))
            .expect("base 64"),
    }
}

/// The records once both addresses of the sandbox are registered.
const REGISTERED: [&str; 2] = [
    "host.example.com. 3600 A 192.0.2.10",
    "host.example.com. 3600 AAAA 2001:db8::10",
];

#[test]
fn the_plain_configuration_registers() {
    sandbox(|sandbox| {
        install(sandbox);
        let key = key_of(&example("pydyndns.conf"));
        let address = "127.0.0.1:53".parse().unwrap();
        let records = ["ns 60 A 127.0.0.1", "host 60 TXT gone"];
        let primary = Primary::start("example.com.", &[key], &records, &[address]).unwrap();
        configured(sandbox, "pydyndns.conf").run().succeeds();
        let mut zone = primary.zone();
        zone.retain(|line| line.starts_with("host."));
        assert_eq!(zone, REGISTERED);
        assert!(Path::new("/run/pydyndns.cache").is_file());
    });
}

/// The least-privilege configuration against a server with the policy that is shown beside it.
fn least_privilege(sandbox: &Sandbox, kind: Kind, policy: &str) {
    install(sandbox);
    sandbox.address("lan0", "172.17.0.1/16");
    let key_file = "key \"host.example.com\" {\n\talgorithm hmac-sha256;\n\tsecret \"bm90IGEgc2VjcmV0OiBtYWtlIGEga2V5IG9mIHlvdXI=\";\n};\n";
    sandbox.write("/etc/pydyndns.key", key_file);
    sandbox.shell("chmod 600 /etc/pydyndns.key");
    // What BIND's example includes, in the folder that it runs in.
    let policy = policy.replace("include \"host.example.com.key\";", key_file);
    let zone = Zone::new(
        "example.com.",
        &["host 60 TXT kept", "other 60 A 192.0.2.2"],
    );
    let Some(server) = Server::configured(kind, sandbox, &policy, &zone) else {
        return;
    };
    let program = configured(sandbox, "pydyndns-least-privilege.conf");
    program.run().succeeds();
    let expected: Vec<_> = REGISTERED
        .into_iter()
        .chain(["host.example.com. 60 TXT kept"])
        .collect();
    assert_eq!(
        client::records(server.address(), "host.example.com."),
        expected
    );
    // The key may not touch anybody else's name.
    sandbox.hostname("other.example.com");
    program.run().fails(1, "*");
    assert_eq!(
        client::records(server.address(), "other.example.com."),
        ["other.example.com. 60 A 192.0.2.2"]
    );
}

#[test]
fn the_least_privilege_configuration_suffices_for_binds_policy() {
    sandbox(|sandbox| least_privilege(sandbox, Kind::Bind, &example("name-servers/named.conf")));
}

#[test]
fn the_least_privilege_configuration_suffices_for_knots_policy() {
    sandbox(|sandbox| least_privilege(sandbox, Kind::Knot, &example("name-servers/knot.conf")));
}

/// An installation whose primary is the embedded one.
fn registering(sandbox: &Sandbox) -> Local {
    install(sandbox);
    let local = Local::new();
    sandbox.write(
        "/etc/pydyndns.conf",
        local
            .config(json!({"cache": true, "addresses": null}))
            .to_string(),
    );
    sandbox.shell("chmod 600 /etc/pydyndns.conf");
    local
}

#[test]
fn the_crontab_line_registers_in_silence() {
    sandbox(|sandbox| {
        let local = registering(sandbox);
        let crontab = example("crontab");
        let line = crontab
            .lines()
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .expect("a line");
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(fields[5], "root");
        // cron's environment is almost empty.
        let said = sandbox.shell(&format!(
            "env -i PATH=/usr/bin:/bin HOME=/root sh -c '{}' 2>&1",
            fields[6..].join(" ")
        ));
        assert_eq!(said, "");
        assert_eq!(local.primary.zone(), REGISTERED);
    });
}

#[test]
fn the_network_manager_dispatcher_registers_on_changes_only() {
    sandbox(|sandbox| {
        let local = registering(sandbox);
        let script = sandbox.write("dispatcher", example("networkmanager-dispatcher"));
        for event in ["pre-up", "pre-down", "connectivity-change"] {
            assert!(
                Command::new("sh")
                    .arg(&script)
                    .args(["lan0", event])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        assert_eq!(local.primary.seen(), []);
        assert!(
            Command::new("sh")
                .arg(&script)
                .args(["lan0", "up"])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(local.primary.zone(), REGISTERED);
    });
}

#[test]
fn the_systemd_service_registers_as_an_account_without_privileges() {
    sandbox(|sandbox| {
        let local = registering(sandbox);
        let service = example("systemd/pydyndns.service");
        let of = |key: &str| {
            let line = service.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_else(|| panic!("no {key} in the service"))
                .to_owned()
        };
        assert_eq!(of("LoadCredential="), "pydyndns.conf:/etc/pydyndns.conf");
        let runtime = of("Environment=XDG_RUNTIME_DIR=").replace("%t", "/run");
        assert_eq!(runtime, format!("/run/{}", of("RuntimeDirectory=")));
        sandbox.shell(&format!(
            "mkdir -p {runtime} /run/credentials; cp -a /etc/pydyndns.conf /run/credentials/"
        ));
        let script = format!("exec {}", of("ExecStart="));
        for _ in 0..2 {
            let output = Command::new("unshare")
                .args([
                    "--user",
                    "--map-user=1000",
                    "--map-group=1000",
                    "sh",
                    "-c",
                    &script,
                ])
                .env("CREDENTIALS_DIRECTORY", "/run/credentials")
                .env("XDG_RUNTIME_DIR", &runtime)
                .output()
                .unwrap();
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{output:?}"
            );
        }
        assert_eq!(local.primary.zone(), REGISTERED);
        assert_eq!(local.primary.updates(), 1);
        assert!(Path::new(&runtime).join("pydyndns.cache").is_file());
    });
}
