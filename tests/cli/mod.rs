//! The command line, the exit status, and what is printed.

use serde_json::json;

use crate::harness::local::Local;
use crate::harness::program::{Program, logging};

/// The zone once 127.0.0.1 is registered.
const REGISTERED: [&str; 1] = ["host.example.com. 3600 A 127.0.0.1"];

#[test]
fn prints_its_version() {
    let local = Local::new();
    for option in ["-V", "--version"] {
        let run = Program::new(local.path()).arg(option).run();
        run.is(0, concat!("pydyndns ", env!("CARGO_PKG_VERSION")), "");
    }
}

#[test]
fn help_names_every_option() {
    let local = Local::new();
    for option in ["-h", "--help"] {
        let run = Program::new(local.path()).arg(option).run();
        run.is(0, "...", "");
        for word in [
            "Usage: pydyndns",
            "[OPTIONS]",
            "[INTERFACE]...",
            "-c, --config <FILE>",
            "-f, --force",
            "-n, --dry-run",
            "--status",
            "--json",
            "--unregister",
            "-v, --verbose",
            "-h, --help",
            "-V, --version",
        ] {
            assert!(
                run.stdout.contains(word),
                "{word} is missing in {}",
                run.stdout
            );
        }
    }
}

#[test]
fn a_command_line_that_is_wrong_ends_with_status_2() {
    let local = Local::new();
    for arguments in [
        &["--nonsense"][..],
        &["-c"],
        &["--force=yes"],
        &["eth["],
        &["!"],
        &[""],
        &["--json"],
        &["--json", "-n"],
        &["--status", "--unregister"],
        &["--status", "-f"],
        &["--status", "--json", "--force"],
        &["--ver"],
        &["/?"],
        &["-fx"],
    ] {
        let run = local.program(json!({})).args(arguments).run();
        run.fails(2, "...");
        assert!(!run.stderr.is_empty(), "{arguments:?} is not explained");
    }
    assert_eq!(local.primary.seen(), []);
}

#[test]
fn an_option_that_is_nearly_right_is_told() {
    let local = Local::new();
    for (wrong, right) in [("--forse", "--force"), ("--dryrun", "--dry-run")] {
        let run = local.program(json!({})).arg(wrong).run();
        run.fails(
            2,
            &format!("pydyndns: unexpected argument '{wrong}' found; did you mean {right}?"),
        );
    }
}

#[test]
fn an_abbreviation_that_is_ambiguous_is_told_what_it_could_be() {
    let local = Local::new();
    let run = local.program(json!({})).arg("--ver").run();
    run.fails(
        2,
        "pydyndns: option '--ver' is ambiguous; it could be --verbose, --version",
    );
}

#[test]
fn options_are_read_as_argparse_reads_them() {
    let local = Local::new();
    let file = local.path().join("own.conf");
    std::fs::write(&file, local.config(json!({})).to_string()).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let own = file.to_str().unwrap();
    let (long, short) = (format!("--conf={own}"), format!("-c{own}"));
    let bundle = format!("-fc{own}");
    for (index, arguments) in [
        &["--forc", "--conf", own][..],
        &["--f", &long],
        &["-f", "-f", &short],
        &["-f", "-c", "/nowhere", "--config", own],
        &["-f", "--config=/nowhere", &short, "--"],
        &[&bundle],
    ]
    .into_iter()
    .enumerate()
    {
        Program::new(local.path()).args(arguments).run().succeeds();
        assert_eq!(local.primary.updates(), index + 1, "{arguments:?}");
    }
}

#[test]
fn registers_in_silence_and_then_sends_nothing() {
    let local = Local::with(&["host 60 A 192.0.2.9"]);
    let program = local.program(json!({}));
    program.run().succeeds();
    assert_eq!(local.primary.zone(), REGISTERED);
    assert_eq!(local.primary.updates(), 1);
    program.run().succeeds();
    assert_eq!(local.primary.seen().len(), 1);
}

#[test]
fn takes_the_configuration_file_by_either_option() {
    let local = Local::new();
    let file = local.path().join("other.conf");
    std::fs::write(&file, local.config(json!({"cache": false})).to_string()).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for (index, option) in ["-c", "--config"].into_iter().enumerate() {
        Program::new(local.path())
            .arg(option)
            .arg(&file)
            .run()
            .succeeds();
        assert_eq!(local.primary.updates(), index + 1);
    }
}

#[test]
fn a_configuration_file_that_is_missing_is_one_line_and_status_2() {
    let local = Local::new();
    let file = local.path().join("nowhere.conf");
    let run = Program::new(local.path()).arg("-c").arg(&file).run();
    run.fails(2, &format!("pydyndns: {}: *", file.display()));
}

#[test]
fn force_sends_though_nothing_has_changed() {
    let local = Local::new();
    let program = local.program(json!({}));
    program.run().succeeds();
    for (index, option) in ["-f", "--force"].into_iter().enumerate() {
        program.clone().arg(option).run().succeeds();
        assert_eq!(local.primary.updates(), index + 2);
    }
    assert_eq!(local.primary.zone(), REGISTERED);
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 3);
}

#[test]
fn force_that_fails_makes_the_next_run_send_too() {
    use crate::harness::primary::Answer;
    let local = Local::new();
    let program = local.program(json!({"timeout": 2}));
    program.run().succeeds();
    local.primary.lie(std::sync::Arc::new(|_| Answer::Silence));
    program.clone().arg("-f").run().fails(1, "ERROR: *");
    assert!(!local.cache().exists(), "the cache outlives a failed -f");
    local.primary.repent();
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 3);
}

#[test]
fn force_wipes_the_cache_even_if_the_run_ends_before_it_sends() {
    let local = Local::new();
    local.program(json!({})).run().succeeds();
    let run = local.program(json!({})).args(["-f", "nonexistent0"]).run();
    run.fails(1, "...");
    assert!(!local.cache().exists(), "the cache outlives a failed -f");
    local.program(json!({})).run().succeeds();
    assert_eq!(local.primary.updates(), 2);
}

/// What a dry run prints before 127.0.0.1 is registered at this server.
fn script(local: &Local) -> String {
    let port = local.primary.address().port();
    format!(
        "server 127.0.0.1 {port}\nzone example.com.\nupdate delete host.example.com.\n\
         update add host.example.com. 3600 A 127.0.0.1\nsend\n"
    )
}

#[test]
fn a_dry_run_prints_the_update_and_neither_sends_nor_writes() {
    let local = Local::new();
    let program = local.program(json!({}));
    let before = local.files();
    for option in ["-n", "--dry-run"] {
        program.clone().arg(option).run().is(0, &script(&local), "");
    }
    assert_eq!(local.files(), before);
    assert_eq!(local.primary.seen(), []);
}

#[test]
fn a_dry_run_says_that_nothing_would_be_sent() {
    let local = Local::new();
    let program = local.program(json!({}));
    program.run().succeeds();
    let before = local.files();
    program.clone().arg("-n").run().is(0, "; *", "");
    assert_eq!(local.files(), before);
    assert_eq!(local.primary.updates(), 1);
}

#[test]
fn a_dry_run_with_force_shows_the_update_and_keeps_the_cache() {
    let local = Local::new();
    let program = local.program(json!({}));
    program.run().succeeds();
    let before = local.files();
    program
        .clone()
        .args(["-n", "-f"])
        .run()
        .is(0, &script(&local), "");
    assert_eq!(local.files(), before);
    program.run().succeeds();
    assert_eq!(local.primary.updates(), 1);
}

#[test]
fn a_dry_run_that_replaces_addresses_asks_that_no_cname_is_there() {
    let local = Local::new();
    let port = local.primary.address().port();
    let expected = format!(
        "server 127.0.0.1 {port}\nzone example.com.\nprereq nxrrset host.example.com. CNAME\n\
         update delete host.example.com. A\nupdate delete host.example.com. AAAA\n\
         update add host.example.com. 3600 A 127.0.0.1\nsend\n"
    );
    local
        .program(json!({"replace": "addresses"}))
        .arg("-n")
        .run()
        .is(0, &expected, "");
}

#[test]
fn a_dry_run_never_shows_the_secret() {
    let local = Local::new();
    let run = local
        .program(json!({"logging": logging("DEBUG")}))
        .args(["-n", "-v"])
        .env("RUST_LOG", "trace")
        .run();
    assert_eq!(run.status, Some(0));
    let secret = crate::harness::secret(&local.key);
    assert!(
        !run.stdout.contains(&secret) && !run.stderr.contains(&secret),
        "{run:?}"
    );
}

#[test]
fn verbose_logs_everything_to_stderr_whatever_the_configuration_says() {
    let local = Local::new();
    let quiet = json!({"logging": {"version": 1, "root": {"level": "CRITICAL", "handlers": []}}, "cache": false});
    local.program(quiet.clone()).run().succeeds();
    for option in ["-v", "--verbose"] {
        let run = local.program(quiet.clone()).arg(option).run();
        run.is(0, "", "...");
        for word in ["host.example.com", "127.0.0.1", "INFO", "DEBUG"] {
            assert!(
                run.stderr.contains(word),
                "{word} is missing in {}",
                run.stderr
            );
        }
    }
    assert_eq!(local.primary.updates(), 3);
}

#[test]
fn rust_log_logs_to_stderr_by_its_own_filter() {
    let local = Local::new();
    let quiet = json!({"logging": {"version": 1, "root": {"level": "CRITICAL", "handlers": []}}, "cache": false});
    let run = local
        .program(quiet.clone())
        .env("RUST_LOG", "pydyndns=info")
        .run();
    run.is(0, "", "...");
    assert!(
        run.stderr.contains("INFO") && !run.stderr.contains("DEBUG"),
        "{}",
        run.stderr
    );
    local.program(quiet).env("RUST_LOG", "off").run().succeeds();
}

#[test]
fn without_a_logging_section_warnings_go_to_stderr() {
    let local = Local::new();
    let config = json!({"logging": null, "cache": local.path().join("no").join("cache")});
    let run = local.program(config).run();
    run.is(0, "", "...");
    assert!(run.stderr.contains("WARN"), "{}", run.stderr);
    assert!(!run.stderr.contains("INFO"), "{}", run.stderr);
    local.program(json!({"logging": null})).run().succeeds();
}

#[cfg(target_os = "linux")]
mod in_a_sandbox {
    use super::*;
    use crate::harness::sandbox::{Sandbox, sandbox};

    /// A configuration whose dry run tells which file it came from.
    fn config(name: &str) -> String {
        crate::harness::program::config(json!({
            "hostname": format!("{name}.example.com"), "zone": "example.com", "server": "127.0.0.1", "cache": false,
        }))
        .to_string()
    }

    /// Which of the configurations the program took, as root or as a user with these variables.
    fn taken(sandbox: &Sandbox, user: bool, environment: &[(&str, &str)]) -> String {
        let mut program = Program::new(sandbox.path()).arg("-n");
        for (name, value) in environment {
            program = program.env(name, value);
        }
        if user {
            program = program.under(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
        }
        let run = program.run();
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        let line = run
            .stdout
            .lines()
            .find(|line| line.starts_with("update delete"))
            .expect("an update")
            .to_owned();
        line.split([' ', '.']).nth(2).expect("a name").to_owned()
    }

    #[test]
    fn the_default_configuration_is_etcs_or_a_users_own() {
        sandbox(|sandbox| {
            sandbox.interface("lan0", &["192.0.2.10/24"]);
            sandbox.write("/etc/pydyndns.conf", config("etc"));
            sandbox.shell(
                "mkdir -p /run/sandbox/home/.config /run/sandbox/xdg; chmod -R a+rX /run/sandbox",
            );
            let home = ("HOME", "/run/sandbox/home");
            assert_eq!(taken(sandbox, false, &[home]), "etc");
            assert_eq!(taken(sandbox, true, &[home]), "etc");
            sandbox.write("home/.config/pydyndns.conf", config("home"));
            sandbox.write("xdg/pydyndns.conf", config("xdg"));
            assert_eq!(taken(sandbox, true, &[home]), "home");
            let xdg = ("XDG_CONFIG_HOME", "/run/sandbox/xdg");
            for (environment, expected) in [
                (&[home, xdg][..], "xdg"),
                (&[xdg], "xdg"),
                // A relative folder is none, says the specification.
                (&[home, ("XDG_CONFIG_HOME", "xdg")], "home"),
                (&[("HOME", "")], "etc"),
                (&[], "etc"),
            ] {
                assert_eq!(
                    taken(sandbox, true, environment),
                    expected,
                    "{environment:?}"
                );
            }
            assert_eq!(taken(sandbox, false, &[home]), "etc");
        });
    }

    #[test]
    fn without_a_configuration_it_is_told_where_one_was_looked_for() {
        sandbox(|sandbox| {
            sandbox.shell(
                "rm -f /etc/pydyndns.conf; mkdir -p /run/sandbox/home; chmod -R a+rX /run/sandbox",
            );
            let program = Program::new(sandbox.path()).env("HOME", "/run/sandbox/home");
            program.run().fails(
                2,
                "pydyndns: /etc/pydyndns.conf: there is no such file; name the configuration with --config",
            );
            let user = program.under(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
            user.run().fails(
                2,
                "pydyndns: /etc/pydyndns.conf: there is no such file, nor /run/sandbox/home/.config/pydyndns.conf; name the configuration with --config",
            );
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_that_cannot_be_printed_is_told() {
    let local = Local::new();
    for arguments in [
        &["-h"][..],
        &["--version"],
        &["--status"],
        &["--status", "--json"],
        &["-n"],
    ] {
        let program = local.program(json!({"logging": null})).args(arguments);
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = program.command().stdout(full.unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.ends_with("cannot print: no space left on device\n") && said.lines().count() == 1,
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_dry_run_is_refused_and_warned_of_as_a_real_one() {
    let local = Local::new();
    let dry = [&["-n"][..], &["-n", "-f"], &["-n", "--unregister"]];
    // A file that is no cache.
    std::fs::write(local.cache(), "precious").unwrap();
    for arguments in dry {
        let run = local.program(json!({})).args(arguments).run();
        run.fails(
            1,
            "ERROR: cannot remove the cache *the file does not begin with `{`, so it is no cache and is left alone; name another file",
        );
    }
    std::fs::remove_file(local.cache()).unwrap();
    // The configuration as the cache.
    let own = json!({"cache": local.path().join("pydyndns.conf")});
    for arguments in dry {
        let run = local.program(own.clone()).args(arguments).run();
        run.fails(2, "pydyndns: *: cache: is the configuration itself, *");
    }
    // Another name's cache.
    local.program(json!({})).run().succeeds();
    let other = json!({"hostname": "other.example.com"});
    for arguments in dry {
        let run = local.program(other.clone()).args(arguments).run();
        run.is(
            0,
            "...",
            "WARNING: the cache * is about host.example.com., not other.example.com: *",
        );
        assert!(local.cache().exists());
    }
}

#[cfg(unix)]
#[test]
fn a_dry_run_of_unregistering_warns_of_a_secret_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let local = Local::new();
    let program = local.program(json!({})).args(["-n", "--unregister"]);
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(local.path().join("pydyndns.conf"), mode).unwrap();
    program.run().is(
        0,
        "...",
        "WARNING: *has a secret in it and is readable by others*",
    );
}

#[test]
fn verbose_tells_configuration_and_name_of_unregistering_too() {
    let local = Local::new();
    for arguments in [&["-v", "--unregister"][..], &["-v", "-n", "--unregister"]] {
        let run = local
            .program(json!({"logging": null}))
            .args(arguments)
            .run();
        run.is(
            0,
            "...",
            "pydyndns: DEBUG: the configuration is *pydyndns.conf; the name is host.example.com, from configuration; its addresses are to be removed\n...",
        );
    }
}
