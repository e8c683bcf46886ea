//! What a program is told: errors that no destination has taken, complaints, and what goes to stderr.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on has failed, and JSON is handed over as it stands"
)]

use dictconfig::{Configuration, Environment, Logger};
use log::{Level, Log, Record};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Complaints that have been made.
type Complaints = Arc<Mutex<Vec<String>>>;

/// A logger of this name, with a list of its complaints. It finds no host.
fn logger_named(name: &str, configuration: Value) -> (Logger, Complaints) {
    let complaints = Complaints::default();
    let list = Arc::clone(&complaints);
    let environment = Environment {
        resolve: Arc::new(|_, _| Err(std::io::Error::other("unknown host"))),
        complain: Box::new(move |complaint| list.lock().unwrap().push(complaint.to_owned())),
        authorities: Arc::new(Vec::new),
        network_time: Duration::from_secs(2),
    };
    let configuration = Configuration::from_json(&configuration, name).unwrap();
    (configuration.open(environment), complaints)
}

/// The same for the name `app`.
fn logger(configuration: Value) -> (Logger, Complaints) {
    logger_named("app", configuration)
}

/// A configuration with this one handler.
fn only(handler: Value) -> Value {
    json!({"version": 1, "handlers": {"h": handler}, "root": {"level": "INFO", "handlers": ["h"]}})
}

/// Logs one message.
fn say(logger: &Logger, level: Level, message: &str) {
    logger.log(
        &Record::builder()
            .level(level)
            .args(format_args!("{message}"))
            .build(),
    );
}

/// What a file has.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn errors_that_no_destination_takes_come_back() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let port = closed.unwrap().port();
    let devnull = json!({"class": "logging.FileHandler", "filename": "ext://os.devnull"});
    let configurations = [
        (json!({"version": 1, "root": {"level": "CRITICAL"}}), 1),
        (only(json!({"class": "logging.NullHandler"})), 1),
        (only(devnull.clone()), 0),
        (
            only(json!({"class": "logging.FileHandler", "filename": "no/such/folder"})),
            1,
        ),
        (
            only(
                json!({"class": "logging.FileHandler", "filename": "ext://os.devnull", "level": 41}),
            ),
            1,
        ),
        (
            only(
                json!({"class": "logging.handlers.SocketHandler", "host": "127.0.0.1", "port": port}),
            ),
            1,
        ),
        (
            only(json!({"class": "logging.handlers.HTTPHandler", "host": "nowhere", "url": "/"})),
            1,
        ),
        (
            only(json!({"class": "logging.handlers.MemoryHandler", "capacity": 9})),
            1,
        ),
        (
            json!({"version": 1, "handlers": {"n": devnull, "m": {"class": "logging.handlers.MemoryHandler", "capacity": 9,
                "flushLevel": 50, "target": "n"}}, "root": {"handlers": ["m"]}}),
            0,
        ),
        // It is enough that one of them has it.
        (
            json!({"version": 1, "handlers": {"a": {"class": "logging.NullHandler"}, "b": devnull}, "root": {"handlers": ["a", "b"]}}),
            0,
        ),
    ];
    for (configuration, expected) in configurations {
        let (logger, _) = logger(configuration.clone());
        say(&logger, Level::Warn, "a warning");
        say(&logger, Level::Error, "an error");
        assert_eq!(
            logger.finish(),
            vec!["an error"; expected],
            "{configuration}"
        );
        assert!(logger.finish().is_empty());
    }
}

#[test]
fn what_is_sent_in_the_end_counts() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let handler =
        json!({"class": "logging.handlers.SocketHandler", "host": "127.0.0.1", "port": port});
    let (logger, complaints) = logger(only(handler));
    say(&logger, Level::Error, "an error");
    assert!(logger.finish().is_empty());
    assert!(complaints.lock().unwrap().is_empty());
}

#[test]
fn a_handler_is_complained_of_once() {
    let file = json!({"class": "logging.FileHandler", "filename": "no/such/folder", "delay": true});
    let (logger, complaints) = logger(only(file));
    for _ in 0..3 {
        say(&logger, Level::Error, "an error");
    }
    assert_eq!(logger.finish().len(), 3);
    let complaints = complaints.lock().unwrap();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].starts_with("handlers.h: "), "{complaints:?}");
}

#[test]
fn what_goes_to_stderr_is_known_before() {
    let stderr = json!({"class": "logging.StreamHandler"});
    let stdout = json!({"class": "logging.StreamHandler", "stream": "ext://sys.stdout"});
    let at = |level: &str| json!({"class": "logging.StreamHandler", "level": level});
    let memory = |target: &Value| {
        json!({"version": 1, "root": {"level": "INFO", "handlers": ["m"]}, "handlers": {
            "m": {"class": "logging.handlers.MemoryHandler", "capacity": 9, "target": "t"}, "t": target}})
    };
    let filtered = json!({"version": 1, "filters": {"f": {"name": "other"}}, "root": {"handlers": ["h"]},
        "handlers": {"h": {"class": "logging.StreamHandler", "filters": ["f"]}}});
    for (configuration, warning, information) in [
        (json!({"version": 1}), true, false),
        (
            json!({"version": 1, "root": {"level": "INFO"}}),
            true,
            false,
        ),
        (only(stderr.clone()), true, true),
        (only(stdout.clone()), false, false),
        (only(at("WARNING")), true, false),
        (only(at("ERROR")), false, false),
        (memory(&stderr), true, true),
        (memory(&stdout), false, false),
        (filtered, false, false),
    ] {
        let (logger, _) = logger(configuration.clone());
        assert_eq!(
            (
                logger.writes_to_stderr(Level::Warn),
                logger.writes_to_stderr(Level::Info)
            ),
            (warning, information),
            "{configuration}"
        );
    }
}

#[test]
fn records_go_to_the_logger_that_is_named_and_to_its_parents() {
    let folder = std::env::temp_dir().join(format!("dictconfig-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let names = ["root", "a", "ab", "own", "below"];
    let path = |name: &str| folder.join(name);
    let handlers: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| {
            let handler =
                json!({"class": "logging.FileHandler", "filename": path(name), "mode": "w"});
            ((*name).to_owned(), handler)
        })
        .collect();
    let configuration = |propagate: bool| {
        json!({"version": 1, "handlers": handlers, "root": {"level": "ERROR", "handlers": ["root"]}, "loggers": {
            "a": {"level": "INFO", "handlers": ["a"], "propagate": propagate},
            "ab": {"handlers": ["ab"]},
            "a.b": {"handlers": ["own"]},
            "a.b.c": {"handlers": ["below"]}}})
    };
    for propagate in [true, false] {
        let (logger, _) = logger_named("a.b", configuration(propagate));
        assert_eq!(logger.max_level(), log::LevelFilter::Info);
        say(&logger, Level::Info, "message");
        assert!(logger.finish().is_empty());
        let got = names.map(|name| read(&path(name)).lines().eq(["message"]));
        assert_eq!(got, [propagate, true, false, true, false]);
    }
    for name in ["", "root"] {
        let (logger, _) = logger_named(name, configuration(true));
        assert_eq!(logger.max_level(), log::LevelFilter::Error);
        say(&logger, Level::Error, "message");
        assert!(logger.finish().is_empty());
        let got = names.map(|name| read(&path(name)).lines().eq(["message"]));
        assert_eq!(got, [true, false, false, false, false]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_logged_after_the_end() {
    let (logger, complaints) = logger(only(
        json!({"class": "logging.FileHandler", "filename": "no/such/folder", "delay": true}),
    ));
    assert!(logger.finish().is_empty());
    say(&logger, Level::Warn, "late");
    assert!(complaints.lock().unwrap().is_empty());
}

#[test]
fn a_format_makes_no_more_than_fits_into_memory() {
    let wide = "%(message)16777216s".repeat(1000);
    let configuration = json!({"version": 1, "formatters": {"f": {"format": wide}}, "root": {"handlers": ["h"]},
        "handlers": {"h": {"class": "logging.FileHandler", "filename": "ext://os.devnull", "formatter": "f"}}});
    let (logger, complaints) = logger(configuration);
    say(&logger, Level::Error, "an error");
    assert_eq!(logger.finish(), ["an error"]);
    assert!(complaints.lock().unwrap()[0].contains("too long"));
}

#[test]
fn references_cannot_make_much_of_little() {
    // Each object has the next one twice, so that the first would have the last a billion times over.
    let mut configuration = json!({"version": 1, "a30": {"x": 1}});
    let mut handlers = serde_json::Map::new();
    for number in (0..30).rev() {
        let next = format!("cfg://a{}", number + 1);
        configuration[format!("a{number}")] = json!({"x": next, "y": next});
        for key in ["x", "y"] {
            let handler =
                json!({"class": "logging.NullHandler", ".": format!("cfg://a{number}.{key}")});
            handlers.insert(format!("h{number:02}{key}"), handler);
        }
    }
    configuration["handlers"] = handlers.into();
    let error = Configuration::from_json(&configuration, "app")
        .err()
        .unwrap();
    assert!(error.to_string().contains("refers to too much"), "{error}");
}

#[test]
fn nesting_has_an_end() {
    let mut deep = json!(1);
    for _ in 0..300 {
        deep = Value::Array(vec![deep]);
    }
    let mut configuration = json!({"version": 1});
    configuration["x"] = deep;
    let error = Configuration::from_json(&configuration, "app")
        .err()
        .unwrap();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}
