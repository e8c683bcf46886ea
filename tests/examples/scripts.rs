//! `examples/windows/`: the scripts that install and uninstall, parsed by a grammar of PowerShell and read by rule.
//!
//! No PowerShell runs here, so what its commands do on Windows is not shown; these are taken from Microsoft's
//! documentation: `Get-`, `Stop-`, `Register-` and `Unregister-ScheduledTask`, `Set-Acl`, `New-Item` and
//! `New-ItemProperty` on the registry, `Start-Process -Wait`, and `Schedule.Service`. What they leave behind is tried under
//! Wine by other means (`tests/windows`): the registry's values, the folders' access, and the tasks' command lines.

use super::text;

/// Both scripts.
const SCRIPTS: [&str; 2] = ["windows/install.ps1", "windows/uninstall.ps1"];

/// The first place that the grammar cannot make sense of.
pub(crate) fn first_error(node: tree_sitter::Node) -> Option<String> {
    if node.is_error() || node.is_missing() {
        return Some(node.start_position().to_string());
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(first_error)
}

/// Every node of a kind, as text.
pub(crate) fn all<'a>(node: tree_sitter::Node, kind: &str, script: &'a str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if node.kind() == kind {
            found.push(&script[node.byte_range()]);
        }
        let mut cursor = node.walk();
        open.extend(node.children(&mut cursor));
    }
    found
}

/// A script's syntax tree.
pub(crate) fn parse(script: &str) -> tree_sitter::Tree {
    let mut parser = tree_sitter::Parser::new();
    parser
        .set_language(&tree_sitter_powershell::LANGUAGE.into())
        .expect("the grammar fits");
    parser
        .parse(script, None)
        .expect("a parser without a limit")
}

#[test]
fn the_scripts_parse_and_are_plain_ascii() {
    for name in SCRIPTS {
        let script = text(name);
        assert_eq!(first_error(parse(&script).root_node()), None, "{name}");
        // Windows PowerShell reads a script without a mark in the machine's code page.
        assert!(script.is_ascii(), "{name}");
    }
    // And the grammar does tell.
    assert!(first_error(parse("if ($a {").root_node()).is_some());
}

#[test]
fn the_scripts_demand_an_administrator_and_stop_at_the_first_failure() {
    for name in SCRIPTS {
        let script = text(name);
        for line in [
            "#Requires -RunAsAdministrator",
            "#Requires -Version 5.1",
            "$ErrorActionPreference = 'Stop'",
            "Set-StrictMode -Version 2",
        ] {
            assert!(script.lines().any(|found| found == line), "{name}: {line}");
        }
    }
}

#[test]
fn the_scripts_use_only_commands_that_every_windows_has() {
    let known = [
        "Copy-Item",
        "ForEach-Object",
        "Get-Acl",
        "Get-ChildItem",
        "Get-Content",
        "Get-Date",
        "Get-Item",
        "Get-ScheduledTask",
        "Join-Path",
        "New-Item",
        "New-ItemProperty",
        "New-Object",
        "Out-Null",
        "Register-ScheduledTask",
        "Remove-Item",
        "Set-Access",
        "Set-Acl",
        "Set-StrictMode",
        "Start-Process",
        "Start-Sleep",
        "Stop-ScheduledTask",
        "Test-Link",
        "Test-Path",
        "Unregister-ScheduledTask",
        "Write-Host",
        "Write-Verbose",
        "Write-Warning",
        "$program",
    ];
    for name in SCRIPTS {
        let script = text(name);
        for command in all(parse(&script).root_node(), "command_name", &script) {
            assert!(known.contains(&command), "{name}: {command}");
        }
    }
}

#[test]
fn uninstalling_takes_back_what_installing_made() {
    let [install, uninstall] = SCRIPTS.map(text);
    // What both name: the tasks and their folder, the event source, the folders, the configuration.
    for shared in [
        r"$taskPath = '\PyDynDNS\'",
        r"$source = 'HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\PyDynDNS'",
        "$programFolder = Join-Path $programFiles 'PyDynDNS'",
        "$dataFolder = Join-Path $env:ProgramData 'PyDynDNS'",
        "$configuration = Join-Path $programFolder 'pydyndns.conf'",
        "'Normal', 'Force', 'Network'",
    ] {
        assert!(install.contains(shared), "install: {shared}");
        assert!(uninstall.contains(shared), "uninstall: {shared}");
    }
    for file in [
        "pydyndns.exe",
        "uninstall.ps1",
        "LICENSE.txt",
        "LICENSES.txt",
        "README.txt",
    ] {
        assert!(
            install.contains(&format!("'{file}'")) && uninstall.contains(&format!("'{file}'")),
            "{file}"
        );
    }
    for file in [
        "pydyndns.cache",
        "pydyndns.cache.lock",
        "pydyndns.cache.new",
    ] {
        assert!(uninstall.contains(&format!("'{file}'")), "{file}");
    }
}

#[test]
fn the_configuration_goes_only_when_that_is_asked_for() {
    let uninstall = text("windows/uninstall.ps1");
    let removals: Vec<&str> = uninstall
        .lines()
        .filter(|line| line.contains("Remove-Item") && line.contains("$configuration"))
        .collect();
    assert_eq!(
        removals,
        ["    Remove-Item -LiteralPath $configuration -Force"]
    );
    assert!(uninstall.contains("if ($RemoveConfiguration -and "));
}

#[test]
fn the_access_lists_name_system_administrators_and_local_service_alone() {
    let install = text("windows/install.ps1");
    let list = |name: &str| {
        let line = install
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} = '")))
            .and_then(|line| line.strip_suffix('\''))
            .expect("the list is there");
        // Owner and group are the administrators; P: nothing is inherited.
        line.strip_prefix("O:BAG:BAD:PAI")
            .expect("protected")
            .to_owned()
    };
    assert_eq!(
        list("$dataAccess"),
        "(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;LS)"
    );
    // Local Service reads the secret and cannot change it.
    assert_eq!(
        list("$secretAccess"),
        "(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)"
    );
}

#[test]
fn the_event_source_is_what_the_program_would_register() {
    let install = text("windows/install.ps1");
    assert!(install.contains(r"-Value '%SystemRoot%\System32\EventCreate.exe'"));
    assert!(install.contains("-Name TypesSupported -PropertyType DWord -Value 7 "));
}

#[test]
fn nothing_goes_on_before_the_editor_is_closed() {
    let install = text("windows/install.ps1");
    let mut editors = install.lines().filter(|line| line.contains("notepad"));
    let editor = editors.next().expect("an editor is opened");
    assert!(editor.contains("Start-Process") && editor.trim_end().ends_with(" -Wait"));
    assert_eq!(editors.next(), None);
}

#[test]
fn the_page_explains_every_exit_status_and_fits_on_a_screen() {
    let page = text("windows/README.txt");
    for word in [
        "0x0",
        "0x1",
        "0x2",
        "install.ps1",
        "uninstall.ps1",
        "--status",
    ] {
        assert!(page.contains(word), "{word}");
    }
    assert!(page.is_ascii() && page.lines().count() <= 60);
}
