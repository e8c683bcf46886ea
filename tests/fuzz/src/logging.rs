//! Targets over the logging section, by what `dictconfig` offers every program: a section is read, opened, and written to.

use dictconfig::{Configuration, Environment, Logger};
use log::{Level, Log as _, Record};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The name that records go to.
const NAME: &str = "pydyndns";

/// A format string in one of the three styles, with a format for the time behind a NUL; formatted as well.
pub(crate) fn format(data: &[u8]) {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let (format, time) = text.split_once('\0').unwrap_or((&text, "%H:%M"));
    let style = ["%", "{", "$"][usize::from(choice) % 3];
    let section = json!({
        "version": 1,
        "formatters": {"fuzzed": {"format": format, "datefmt": time, "style": style}},
        "handlers": {"nowhere": {"class": "logging.FileHandler", "filename": "ext://os.devnull", "formatter": "fuzzed"}},
        "root": {"level": "DEBUG", "handlers": ["nowhere"]},
    });
    if let Ok(configuration) = Configuration::from_json(&section, NAME) {
        write_to(&configuration.open(environment()));
    }
}

/// A whole section. Its files lie in a folder that is emptied each time, and its hosts are nowhere.
pub(crate) fn section(data: &[u8]) {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        std::env::temp_dir().join(format!("dictconfig-fuzz-{}", std::process::id()))
    });
    let Ok(mut section) = serde_json::from_slice(data) else {
        return;
    };
    keep_within(&mut section, &folder.join("log").to_string_lossy());
    match Configuration::from_json(&section, NAME) {
        Ok(configuration) => {
            drop(fs::remove_dir_all(folder));
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("log"), "a line\n").unwrap();
            write_to(&configuration.open(environment()));
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
}

/// Puts the one file in the place of every file, and a host that doesn't exist in the place of every address.
fn keep_within(value: &mut Value, file: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| keep_within(item, file)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match key.as_str() {
                    "filename" => *value = file.into(),
                    "address" | "mailhost" => *value = json!(["nowhere", 9]),
                    "host" => *value = "nowhere".into(),
                    _ => keep_within(value, file),
                }
            }
        }
        _ => {}
    }
}

/// Nobody is found, and nobody listens to complaints.
fn environment() -> Environment {
    Environment {
        resolve: Arc::new(|_, _| Err(std::io::ErrorKind::NotFound.into())),
        complain: Box::new(|_| {}),
        authorities: Arc::new(Vec::new),
        network_time: Duration::from_millis(200),
    }
}

/// Logs a few records.
fn write_to(logger: &Logger) {
    for level in [Level::Info, Level::Warn, Level::Error] {
        logger.log(
            &Record::builder()
                .level(level)
                .target("target")
                .args(format_args!("updating {} to {}", "host.example.com.", 1))
                .build(),
        );
    }
    assert!(logger.finish().len() <= 1, "there was one error");
}
