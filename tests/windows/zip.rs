//! The zip, as `.ci/zip-windows` makes it of the program under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use roxmltree::Document;

use super::{Windows, windows_path};
use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::{installed, skipped};

/// The zip's name, and that of the one folder in it.
pub(super) const NAME: &str = concat!("pydyndns-", env!("CARGO_PKG_VERSION"), "-x86_64-windows");

/// Makes the zip in a folder of the sandbox, and unpacks it there; the folder that was in it. None, with a line that says
/// why, where the program or a tool is missing.
pub(super) fn unpacked(sandbox: &Sandbox, folder: &str) -> Option<PathBuf> {
    let Some(program) = std::env::var_os("PYDYNDNS_WINDOWS_EXE") else {
        skipped("PYDYNDNS_WINDOWS_EXE is not set");
        return None;
    };
    for tool in ["zip", "unzip", "git", "cargo"] {
        if !installed(tool) {
            skipped(&format!("{tool} is not installed"));
            return None;
        }
    }
    let folder = sandbox.path().join(folder);
    sandbox.shell(&format!(
        "set -e
         mkdir '{folder}' && cp '{program}' '{folder}/pydyndns.exe'
         cd '{project}' && .ci/zip-windows '{folder}/pydyndns.exe'
         cd '{folder}' && unzip -q {NAME}.zip",
        folder = folder.display(),
        program = Path::new(&program).display(),
        project = env!("CARGO_MANIFEST_DIR"),
    ));
    Some(folder.join(NAME))
}

#[test]
fn the_zip_has_what_the_installer_copies_and_the_same_bytes_each_time() {
    sandbox(|sandbox| {
        let Some(folder) = unpacked(sandbox, "one") else {
            return;
        };
        let listed = sandbox.shell(&format!(
            "cd '{}' && find . -type f | sort",
            folder.display()
        ));
        let files: Vec<&str> = listed
            .lines()
            .map(|file| file.trim_start_matches("./"))
            .collect();
        assert_eq!(
            files,
            [
                "CHANGELOG.txt",
                "LICENSE.txt",
                "LICENSES.txt",
                "README.txt",
                "install.ps1",
                "pydyndns.conf",
                "pydyndns.exe",
                "tasks/Force.xml",
                "tasks/Network.xml",
                "tasks/Normal.xml",
                "uninstall.ps1",
            ]
        );
        // What the script takes from beside itself is there.
        let script = std::fs::read_to_string(folder.join("install.ps1")).unwrap();
        let list = super::between(&script, "foreach ($name in 'uninstall.ps1', ", ") {");
        for name in list.split(", ").map(|name| name.trim_matches('\'')) {
            assert!(files.contains(&name), "{name}");
        }
        for name in ["pydyndns.exe", "pydyndns.conf"] {
            assert!(
                script.contains(&format!("Join-Path $PSScriptRoot '{name}'")),
                "{name}"
            );
        }
        // Text as every editor on Windows shows it.
        for name in files
            .iter()
            .filter(|name| !name.contains("exe") && !name.contains("xml"))
        {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            assert!(text.lines().count() > 3, "{name}");
            assert_eq!(
                text.matches('\n').count(),
                text.matches("\r\n").count(),
                "{name}"
            );
            assert_eq!(
                text.matches('\r').count(),
                text.matches("\r\n").count(),
                "{name}"
            );
        }
        for task in ["Force", "Network", "Normal"] {
            let packed = std::fs::read(folder.join(format!("tasks/{task}.xml"))).unwrap();
            assert!(packed.starts_with(&[0xff, 0xfe, b'<', 0]), "{task}");
        }
        let licences = std::fs::read_to_string(folder.join("LICENSES.txt")).unwrap();
        for part in ["hickory-proto", "rustls", "the standard library of Rust"] {
            assert!(licences.contains(part), "{part}");
        }

        sandbox.shell("sleep 2");
        let Some(other) = unpacked(sandbox, "two") else {
            return;
        };
        let zips = [folder, other]
            .map(|folder| std::fs::read(folder.with_file_name(format!("{NAME}.zip"))).unwrap());
        assert!(zips[0] == zips[1], "two zips of one program differ");
    });
}

#[test]
fn a_run_that_finds_nothing_to_do_loads_no_dll_that_only_a_sending_one_needs() {
    let Some(program) = std::env::var_os("PYDYNDNS_WINDOWS_EXE") else {
        return skipped("PYDYNDNS_WINDOWS_EXE is not set");
    };
    let tool = "x86_64-w64-mingw32-objdump";
    if !installed(tool) {
        return skipped(&format!("{tool} is not installed"));
    }
    let output = Command::new(tool).arg("-p").arg(program).output().unwrap();
    let listed = String::from_utf8_lossy(&output.stdout).to_lowercase();
    let loaded: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("dll name: "))
        .collect();
    assert!(loaded.contains(&"iphlpapi.dll"), "{loaded:?}");
    for late in ["bcrypt.dll", "bcryptprimitives.dll", "ws2_32.dll"] {
        assert!(!loaded.contains(&late), "{late}: {loaded:?}");
    }
}

#[test]
fn the_program_says_what_it_is_and_how_windows_is_to_start_it() {
    sandbox(|sandbox| {
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        let Some(helper) = windows.helper("resources") else {
            return;
        };
        let printed =
            windows.command(&[&helper, &windows_path(&windows.home.join("pydyndns.exe"))]);
        let (version, manifest) = printed.split_at(printed.find('<').expect("a manifest"));
        // Windows takes no manifest that has anything before the declaration.
        let mut lines: Vec<&str> = version.split('\n').collect();
        assert_eq!(lines.pop(), Some(""));
        assert_eq!(
            lines,
            [
                concat!("fixed: ", env!("CARGO_PKG_VERSION"), ".0"),
                "FileDescription: Registers this computer in DNS",
                concat!("FileVersion: ", env!("CARGO_PKG_VERSION")),
                "LegalCopyright: MIT licence",
                "OriginalFilename: pydyndns.exe",
                "ProductName: pydyndns",
                concat!("ProductVersion: ", env!("CARGO_PKG_VERSION")),
            ]
        );
        assert!(manifest.starts_with("<?xml "), "{manifest}");
        let document = Document::parse(manifest).expect("the manifest is XML");
        let find = |name: &str| {
            document
                .descendants()
                .find(|node| node.tag_name().name() == name)
                .expect(name)
        };
        let level = find("requestedExecutionLevel");
        assert_eq!(level.attribute("level"), Some("asInvoker"));
        assert_eq!(level.attribute("uiAccess"), Some("false"));
        assert_eq!(find("longPathAware").text(), Some("true"));
        assert_eq!(find("activeCodePage").text(), Some("UTF-8"));
        // Windows 10 and later.
        assert_eq!(
            find("supportedOS").attribute("Id"),
            Some("{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}")
        );
    });
}

#[test]
fn nothing_in_the_program_tells_where_or_when_it_was_built() {
    let Some(program) = std::env::var_os("PYDYNDNS_WINDOWS_EXE") else {
        skip!("PYDYNDNS_WINDOWS_EXE is not set");
    };
    let bytes = std::fs::read(program).expect("the program can be read");
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!has(env!("CARGO_MANIFEST_DIR")));
    assert!(!has(".cargo/registry"));
    // The header's place is at 0x3c; the time stands eight bytes behind its begin.
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let header = number(0x3c) as usize;
    assert_eq!(&bytes[header..header + 4], b"PE\0\0");
    assert_eq!(number(header + 8), 0);
}
