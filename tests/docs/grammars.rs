//! Blocks that belong into a file of another program: that program's own checker reads them.

use std::path::Path;

use super::pages;
use crate::examples::scripts::{all, first_error, parse};
use crate::harness::installed;
use crate::harness::local::Local;
use crate::harness::program::Program;
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::tls::authority::Authority;

/// Certificates where the page about TLS has them.
fn certificates(sandbox: &Sandbox) {
    sandbox.shell(
        "for folder in /etc/bind /etc/haproxy; do mkdir -p $folder && mount -t tmpfs none $folder; done",
    );
    let authority = Authority::new(sandbox.path(), "authority");
    let pair = authority.pair(&["ns1.example.com"]);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let (certificate, key) = (read(&pair.certificate), read(&pair.key));
    sandbox.write("/etc/bind/ns1.crt", &certificate);
    sandbox.write("/etc/bind/ns1.key", &key);
    sandbox.write("/etc/bind/clients.pem", read(&authority.file));
    sandbox.write("/etc/haproxy/ns1.pem", certificate + &key);
}

#[test]
fn bind_takes_its_blocks() {
    sandbox(|sandbox| {
        if !installed("named-checkconf") {
            skip!("named-checkconf is not installed");
        }
        certificates(sandbox);
        let policy = pages::after("README.md", "In BIND");
        for block in pages::in_language("bind") {
            // What belongs into a zone is run by registration.rs.
            if block.page == "README.md" {
                assert_eq!(block.text, policy);
                continue;
            }
            // What is commented out is for those who want it.
            let whole = block.text.replace("# ca-file", "ca-file");
            assert_ne!(whole, block.text);
            for text in [whole, block.text] {
                let file = sandbox.write("named.conf", text);
                sandbox.shell(&format!("named-checkconf '{}'", file.display()));
            }
        }
    });
}

#[test]
fn yaml_is_a_policy_of_knot() {
    for block in pages::in_language("yaml") {
        // registration.rs runs it.
        assert_eq!(
            block.text,
            pages::after("README.md", "In Knot DNS"),
            "{block}"
        );
    }
}

#[test]
fn haproxy_takes_its_blocks() {
    sandbox(|sandbox| {
        if !installed("haproxy") {
            skip!("haproxy is not installed");
        }
        certificates(sandbox);
        for block in pages::in_language("haproxy") {
            let file = sandbox.write("haproxy.cfg", block.text);
            sandbox.shell(&format!("haproxy -c -f '{}'", file.display()));
        }
    });
}

#[test]
fn systemd_takes_its_blocks() {
    sandbox(|sandbox| {
        if !installed("systemd-analyze") {
            skip!("systemd-analyze is not installed");
        }
        sandbox.shell(&format!(
            "mount -t tmpfs none /etc/systemd/system && cp '{}'/pydyndns* /etc/systemd/system/ && mkdir /etc/systemd/system/pydyndns.service.d",
            pages::path("examples/systemd").display()
        ));
        for block in pages::in_language("ini") {
            sandbox.write(
                "/etc/systemd/system/pydyndns.service.d/override.conf",
                &block.text,
            );
            let said = sandbox.shell(
                "systemd-analyze verify --man=no /etc/systemd/system/pydyndns.service 2>&1 || true",
            );
            let about_ours: Vec<_> = said
                .lines()
                // The program need not be installed here.
                .filter(|line| line.contains("override.conf"))
                .collect();
            assert_eq!(about_ours, [""; 0], "{block}");
        }
        // And it does tell.
        let wrong = "[Service]\nLoadCredentials=x:/etc/x\n";
        sandbox.write(
            "/etc/systemd/system/pydyndns.service.d/override.conf",
            wrong,
        );
        let said = sandbox.shell(
            "systemd-analyze verify --man=no /etc/systemd/system/pydyndns.service 2>&1 || true",
        );
        assert!(said.contains("override.conf"), "{said}");
    });
}

#[test]
fn powershell_parses_and_names_what_the_installer_makes() {
    let local = Local::new();
    let help = Program::new(local.path()).arg("--help").run().stdout;
    let scripts =
        ["install", "uninstall"].map(|name| pages::text(&format!("examples/windows/{name}.ps1")));
    for block in pages::in_language("powershell") {
        let tree = parse(&block.text);
        assert_eq!(first_error(tree.root_node()), None, "{block}");
        for command in all(tree.root_node(), "command_name", &block.text) {
            let known = ["powershell", "schtasks", "Get-WinEvent", "Set-DnsClient"];
            assert!(known.contains(&command), "{block}: {command}");
        }
        for word in block
            .text
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(help.contains(word), "{block}: {word}");
        }
        // Where the installer puts things, and what the archive holds.
        for quoted in block.text.split('"').skip(1).step_by(2) {
            if let Some(file) = quoted.strip_prefix(r"C:\Program Files\PyDynDNS\") {
                assert!(scripts[0].contains("Join-Path $programFiles 'PyDynDNS'"));
                assert!(scripts[0].contains(&format!("'{file}'")), "{block}: {file}");
            } else if let Some(task) = quoted.strip_prefix(r"PyDynDNS\") {
                assert!(pages::path(&format!("examples/tasksched/{task}.xml")).exists());
                assert!(scripts[0].contains(r"$taskPath = '\PyDynDNS\'"));
            } else {
                assert!(
                    ["Application", "PyDynDNS"].contains(&quoted),
                    "{block}: {quoted}"
                );
            }
        }
        for word in block.text.split_whitespace() {
            if let Some(file) = word.strip_prefix(r".\") {
                assert!(
                    pages::path(&format!("examples/windows/{file}")).exists(),
                    "{block}: {word}"
                );
            } else if let Some(file) = word.strip_prefix(r"tasks\") {
                assert!(
                    pages::path(&format!("examples/tasksched/{file}")).exists(),
                    "{block}: {word}"
                );
            }
        }
    }
    // Switches of the scripts that the page names in its text.
    let page = pages::text("docs/windows.md");
    for (switch, script) in [("Quiet", 0), ("RemoveConfiguration", 1), ("Unregister", 1)] {
        assert!(page.contains(&format!("`-{switch}`")));
        assert!(
            scripts[script].contains(&format!("[switch] ${switch}")),
            "{switch}"
        );
    }
}
