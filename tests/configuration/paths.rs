//! Files that the configuration names: where a relative name starts, and which files the cache may not be.

use serde_json::json;

use crate::harness::local::Local;
use crate::harness::program::Program;

#[test]
fn a_relative_cache_starts_at_the_configurations_folder() {
    let local = Local::new();
    local
        .program(json!({"cache": "own.cache"}))
        .run()
        .succeeds();
    assert!(local.path().join("own.cache").is_file());
    local
        .program(json!({"cache": "own.cache"}))
        .run()
        .succeeds();
    assert_eq!(local.primary.updates(), 1);
}

/// Expects that every way to run ends with status 2 and that nothing has changed or was sent.
#[track_caller]
fn refused(local: &Local, program: &Program, what: &str) {
    let before = local.files();
    for arguments in [&[][..], &["-f"], &["-n"]] {
        let run = program.clone().args(arguments).run();
        run.fails(
            2,
            &format!("pydyndns: *: cache: is {what}, *; name another file"),
        );
    }
    assert_eq!(local.files(), before);
    assert_eq!(local.primary.seen(), []);
}

#[test]
fn the_configuration_itself_is_never_the_cache() {
    let local = Local::new();
    let file = local.path().join("pydyndns.conf");
    let name = local.path().file_name().unwrap().to_str().unwrap();
    for cache in [
        file.to_str().unwrap().to_owned(),
        "pydyndns.conf".into(),
        "./pydyndns.conf".into(),
        format!("../{name}/pydyndns.conf"),
    ] {
        refused(
            &local,
            &local.program(json!({"cache": cache})),
            "the configuration itself",
        );
    }
}

#[cfg(unix)]
#[test]
fn no_link_makes_the_configuration_or_the_key_file_the_cache() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let local = Local::new();
    let file = local.path().join("pydyndns.conf");
    fs::write(&file, "").unwrap();
    symlink("pydyndns.conf", local.path().join("soft")).unwrap();
    fs::hard_link(&file, local.path().join("hard")).unwrap();
    symlink(".", local.path().join("folder")).unwrap();
    for cache in ["soft", "hard", "folder/pydyndns.conf"] {
        refused(
            &local,
            &local.program(json!({"cache": cache})),
            "the configuration itself",
        );
    }
    let key = local.path().join("k.key");
    let text = format!(
        "key \"{}\" {{ algorithm hmac-sha256; secret \"{}\"; }};",
        local.key.name,
        crate::harness::secret(&local.key)
    );
    fs::write(&key, text).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&key, local.path().join("key-hard")).unwrap();
    for cache in ["k.key", "key-hard"] {
        let keys = json!({"cache": cache, "tsig": {"keyfile": "k.key"}});
        refused(&local, &local.program(keys), "the key file");
    }
}

#[test]
fn a_configuration_that_is_missing_is_told_with_the_way_to_name_it() {
    let local = Local::new();
    let file = local.path().join("nowhere.conf");
    let run = Program::new(local.path()).arg("-c").arg(&file).run();
    run.fails(
        2,
        &format!("pydyndns: {}: there is no such file", file.display()),
    );
}

#[test]
fn a_path_without_a_files_name_is_refused_and_nothing_is_made() {
    let local = Local::new();
    for path in ["/", "..", "sub/.."] {
        for keys in [json!({"cache": path}), json!({"tsig": {"keyfile": path}})] {
            let run = local.program(keys).run();
            run.fails(
                2,
                &format!("pydyndns: *: *: \"{path}\" is a folder; name the file in it"),
            );
        }
    }
    assert_eq!(local.files().len(), 1, "{:?}", local.files());
}
