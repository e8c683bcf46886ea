//! The secret is in no message, at no level, and in no file but its own.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use crate::harness::local::Local;
use crate::harness::primary::Answer;
use crate::harness::primary::tsig::{Algorithm, Key};
use crate::harness::program::{Run, logging, tsig};
use crate::harness::secret;

/// A key whose secret is text, so that it can be looked for in every form.
fn key() -> Key {
    Key {
        name: "secret.key.".into(),
        algorithm: Algorithm::Sha256,
        secret: b"TopSecretTopSecretTopSecretTopS!".to_vec(),
    }
}

/// Every form in which the secret could come out.
fn forms() -> Vec<String> {
    let key = key();
    let hexadecimal: String = key
        .secret
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let numbers: Vec<String> = key.secret[..4].iter().map(ToString::to_string).collect();
    vec![
        secret(&key),
        "TopSecret".into(),
        hexadecimal[..12].to_owned(),
        hexadecimal[..12].to_uppercase(),
        numbers.join(", "),
    ]
}

/// Expects no form of the secret in what a run printed, or in any file but the configuration.
#[track_caller]
fn is_kept(local: &Local, run: &Run, key_file: &str) {
    let files = local
        .files()
        .into_iter()
        .filter(|(name, _)| name != "pydyndns.conf" && name != key_file);
    let files = files.map(|(_, content)| String::from_utf8_lossy(&content).into_owned());
    for text in [run.stdout.clone(), run.stderr.clone()]
        .into_iter()
        .chain(files)
    {
        for form in forms() {
            assert!(!text.contains(&form), "the secret is in {text}");
        }
    }
}

#[test]
fn no_level_no_error_no_dry_run_and_no_cache_has_the_secret() {
    let local = Local::new();
    let key = key();
    fs::write(
        local.path().join("key.file"),
        format!(
            "key \"{}\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n",
            key.name,
            secret(&key)
        ),
    )
    .unwrap();
    for tsig in [tsig(&key), json!({"keyfile": "key.file"})] {
        let program = |keys: serde_json::Value| {
            let mut all = json!({"tsig": tsig, "timeout": 0.5, "logging": logging("NOTSET")});
            all.as_object_mut()
                .unwrap()
                .extend(keys.as_object().unwrap().clone());
            local.program(all)
        };
        // The primary does not know the key, refuses, lies, and is silent; all this at every level.
        for lie in 0..5 {
            fs::remove_file(local.cache()).ok();
            let key = key.clone();
            local.primary.lie(Arc::new(move |request| {
                let mac = request
                    .tsig
                    .map(|tsig| tsig.mac.clone())
                    .unwrap_or_default();
                let now = request.tsig.map_or(0, |tsig| tsig.time);
                match lie {
                    0 => Answer::Message(request.honest.clone()),
                    1 => Answer::Message(request.unsigned.clone()),
                    2 => Answer::Silence,
                    3 => Answer::Message(key.sign(&request.unsigned, &mac, now + 7200, 0, &[])),
                    _ => {
                        let mut body = request.unsigned.clone();
                        body[3] = 0;
                        Answer::Message(key.sign(&body, &mac, now, 0, &[]))
                    }
                }
            }));
            for arguments in [&[][..], &["-v"], &["-n"], &["-n", "-v"], &["-f", "-v"]] {
                for filter in [None, Some("trace")] {
                    let mut program = program(json!({})).args(arguments);
                    if let Some(filter) = filter {
                        program = program
                            .env("RUST_LOG", filter)
                            .env("RUST_BACKTRACE", "full");
                    }
                    let run = program.run();
                    let is_good = lie == 4 || arguments.contains(&"-n");
                    assert_eq!(
                        run.status,
                        Some(i32::from(!is_good)),
                        "{arguments:?}: {}",
                        run.stderr
                    );
                    is_kept(&local, &run, "key.file");
                }
            }
        }
        let traced = program(json!({})).args(["-f", "-v"]).run();
        assert!(
            traced.stderr.lines().count() > 2,
            "a trace says something: {}",
            traced.stderr
        );
    }
}

#[test]
fn a_name_looked_up_at_every_level_does_not_show_the_secret() {
    let local = Local::new();
    // Whatever this machine's resolver says, the look-up's own log lines are what is looked at.
    let program =
        local.program(json!({"tsig": tsig(&key()), "timeout": 0.5, "server": "ns.invalid:5353"}));
    let run = program.args(["-v"]).env("RUST_LOG", "trace").run();
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    is_kept(&local, &run, "");
}
