//! The zip's own files, put where `install.ps1` puts them, by the commands that Wine has: `cmd`, `reg`, `schtasks`.
//!
//! Statements of the scripts that Wine cannot run, and what is done here in their place:
//! - PowerShell itself: Wine has none. The scripts are parsed, and held against what is done here, in `tests/examples`.
//! - `Set-Acl`: a file's Unix mode, which Wine makes access lists of; Wine's `icacls` does nothing.
//! - `Register-ScheduledTask`, `Unregister-ScheduledTask`: `schtasks`. Wine's scheduler runs no task.
//! - `Stop-ScheduledTask`, `Start-Process -Wait notepad`, the test for junctions: nothing.
//! - two accounts: one, in two environments. What the second may not do, a mode can't say to the same user.

use serde_json::{Value, json};

use super::unread;
use super::zip::unpacked;
use super::{HOME, SOURCES, Windows, embedded, source, windows_path};
use crate::harness::primary::tsig::Algorithm;
use crate::harness::program::{Program, tsig};
use crate::harness::sandbox::sandbox;

/// Where the cache is.
const DATA: &str = r"C:\ProgramData\PyDynDNS";

/// The tasks.
const TASKS: [&str; 3] = ["Normal", "Force", "Network"];

/// The program as an account runs it that has its profile there.
fn account(windows: &Windows, name: &str, profile: &str) -> Program {
    let lines = format!(
        "set USERNAME={name}\r\nset USERPROFILE={profile}\r\nset LOCALAPPDATA={profile}\\AppData\\Local\r\n\
         set TEMP={profile}\\AppData\\Local\\Temp\r\nset TMP={profile}\\AppData\\Local\\Temp"
    );
    windows.batch(name, &lines, "")
}

#[test]
fn installed_from_the_zip_two_accounts_share_one_cache_and_uninstalling_leaves_the_configuration() {
    sandbox(|sandbox| {
        let Some(zip) = unpacked(sandbox, "zip") else {
            return;
        };
        let Some(windows) = Windows::start(sandbox) else {
            return;
        };
        // As install.ps1 has it.
        let command = |line: &str| {
            let words: Vec<&str> = ["cmd", "/c"].into_iter().chain(line.split('|')).collect();
            windows.command(&words)
        };
        std::fs::remove_dir_all(&windows.home).unwrap();
        std::fs::create_dir(&windows.home).unwrap();
        let from = windows_path(&zip);
        for file in [
            "pydyndns.exe",
            "uninstall.ps1",
            "LICENSE.txt",
            "LICENSES.txt",
            "README.txt",
        ] {
            command(&format!(r"copy|/y|{from}\{file}|{HOME}\{file}"));
        }
        command(&format!("md|{DATA}"));
        let data = windows.home.join("../../ProgramData/PyDynDNS");
        sandbox.shell(&format!("chmod 700 '{}'", data.display()));
        let key = format!(r"HKLM\{SOURCES}\Application\PyDynDNS");
        let message = r"%SystemRoot%\System32\EventCreate.exe";
        for [name, kind, value] in [
            ["EventMessageFile", "REG_EXPAND_SZ", message],
            ["TypesSupported", "REG_DWORD", "7"],
        ] {
            windows.command(&[
                "reg", "add", &key, "/v", name, "/t", kind, "/d", value, "/f",
            ]);
        }
        for task in TASKS {
            let (name, file) = (
                format!(r"PyDynDNS\{task}"),
                format!(r"{from}\tasks\{task}.xml"),
            );
            windows.command(&["schtasks", "/create", "/tn", &name, "/xml", &file, "/f"]);
        }

        // The administrator edits the sample.
        sandbox.interface("eth0", &["192.0.2.10/24"]);
        let (primary, tsig_key, _) = embedded(Algorithm::Sha256);
        let sample = std::fs::read_to_string(zip.join("pydyndns.conf")).unwrap();
        let mut edited: Value = serde_json::from_str(&sample).unwrap();
        assert_eq!(edited["cache"], format!(r"{DATA}\pydyndns.cache"));
        edited["tsig"] = tsig(&tsig_key);
        edited["zone"] = json!("example.com");
        edited["server"] = json!(primary.address().to_string());
        let configuration = windows.home.join("pydyndns.conf");
        let save = |text: &Value| {
            let text = serde_json::to_string_pretty(text)
                .unwrap()
                .replace('\n', "\r\n");
            std::fs::write(&configuration, text).unwrap();
            windows.mode("600");
        };
        save(&edited);

        // Without one cache for both, each would believe its own, and the zone would keep what the other one sent.
        let accounts = [
            account(&windows, "Administrator", r"C:\users\Administrator"),
            account(
                &windows,
                "LocalService",
                r"C:\windows\ServiceProfiles\LocalService",
            ),
        ];
        for round in 0..30 {
            let address = if round % 2 == 0 {
                "192.0.2.10"
            } else {
                "192.0.2.11"
            };
            sandbox.ip("addr flush dev eth0");
            sandbox.ip(&format!("addr add {address}/24 dev eth0"));
            accounts[round % 2].run().succeeds();
            assert_eq!(
                primary.zone(),
                [format!("host.example.com. 3600 A {address}")],
                "round {round}"
            );
            assert_eq!(primary.updates(), round + 1);
            accounts[(round + 1) % 2].run().succeeds();
            assert_eq!(
                primary.updates(),
                round + 1,
                "the other account believes it"
            );
        }
        assert!(data.join("pydyndns.cache").exists());
        assert!(source(&windows, "Application", "PyDynDNS").contains("EventCreate.exe"));

        // A slip of the administrator's is told where a task's errors are looked for.
        edited["ttll"] = json!(1);
        save(&edited);
        let Some(programs) = unread::unread(&windows, "") else {
            return;
        };
        for program in programs {
            let expected = format!(r"{HOME}\pydyndns.conf: ttll: ");
            unread::is_reported(&windows, &program, 2, &expected);
        }

        // As uninstall.ps1 has it.
        for task in TASKS {
            let name = format!(r"PyDynDNS\{task}");
            windows.command(&["schtasks", "/delete", "/tn", &name, "/f"]);
        }
        for file in ["pydyndns.cache", "pydyndns.cache.lock"] {
            command(&format!(r"del|{DATA}\{file}"));
        }
        for file in [
            "pydyndns.exe",
            "LICENSE.txt",
            "LICENSES.txt",
            "README.txt",
            "uninstall.ps1",
        ] {
            command(&format!(r"del|{HOME}\{file}"));
        }
        command(&format!("rd|{DATA}"));
        windows.command(&["reg", "delete", &key, "/f"]);
        assert!(!data.exists());
        let left: Vec<_> = std::fs::read_dir(&windows.home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["pydyndns.conf"]);
    });
}
