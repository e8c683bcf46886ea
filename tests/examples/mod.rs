//! The files in `examples/`, as a user copies them: each is run, or checked by the rules of what reads it.

use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use crate::harness::installed;

#[cfg(target_os = "linux")]
mod hooks;
#[cfg(target_os = "linux")]
mod samples;
#[cfg(target_os = "linux")]
pub(crate) mod scripts;
mod tasks;

#[cfg(target_os = "linux")]
pub(crate) use tasks::task;

/// A file of `examples/`.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// A file of `examples/` as text.
#[cfg(target_os = "linux")]
fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).expect("the example can be read")
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn every_example_is_tested() {
    let mut found: Vec<String> = files(&example(""))
        .iter()
        .map(|path| {
            path.strip_prefix(example(""))
                .unwrap()
                .display()
                .to_string()
                .replace('\\', "/")
        })
        // Programs, compiled with the tests; `tests/sandbox` runs the one.
        .filter(|name| !name.starts_with("sandbox"))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "completions/pydyndns.bash",
            "completions/pydyndns.fish",
            "completions/pydyndns.zsh",
            "container/Containerfile",
            "crontab",
            "hooks/dhclient",
            "hooks/dhcpcd",
            "hooks/ifupdown",
            "hooks/network-changed",
            "hooks/networkd-dispatcher",
            "hooks/networkmanager",
            "hooks/udhcpc",
            "name-servers/knot.conf",
            "name-servers/named.conf",
            "pydyndns-least-privilege.conf",
            "pydyndns-windows.conf",
            "pydyndns.conf",
            "systemd/pydyndns-changed.service",
            "systemd/pydyndns-changed.socket",
            "systemd/pydyndns.service",
            "systemd/pydyndns.timer",
            "systemd/sysusers.d/pydyndns.conf",
            "systemd/tmpfiles.d/pydyndns.conf",
            "systemd/unregister.service",
            "tasksched/Force.xml",
            "tasksched/Network.xml",
            "tasksched/Normal.xml",
            "windows/README.txt",
            "windows/install.ps1",
            "windows/uninstall.ps1",
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn shell_scripts_are_plain_posix() {
    if !installed("sh") {
        skip!("sh is not installed");
    }
    for path in files(&example("hooks")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let status = std::process::Command::new("sh")
            .arg("-n")
            .arg(&path)
            .status();
        assert!(status.expect("sh can be started").success(), "{name}");
        // A hook is read into its client's shell.
        assert!(
            !name.starts_with("dhc") || !std::fs::read_to_string(&path).unwrap().contains("exit "),
            "{name} ends its client"
        );
    }
}
