//! A program for the tests of logging: does one job, given as JSON in the file that `PYDYNDNS_LOGGING_JOB` names.
//! The job has a `section`, and `records` of `level`, `message`, and perhaps `file`, `line` and `module`.
//! Without that variable it does nothing.

// The module's own tests are run elsewhere, so that what they need has no use here.
#![allow(clippy::expect_used, dead_code, unused_imports)]

#[path = "../src/logging/mod.rs"]
mod logging;

use std::net::IpAddr;
use std::process::exit;

/// Finds hosts: only this one is needed here.
fn resolve(host: &str) -> std::io::Result<Vec<IpAddr>> {
    match host {
        "localhost" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
        _ => Err(std::io::Error::other("Name or service not known")),
    }
}

fn main() {
    let Some(path) = std::env::var_os("PYDYNDNS_LOGGING_JOB") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("the job can be read");
    let job: serde_json::Value = serde_json::from_str(&text).expect("the job is JSON");
    let configuration = match logging::Configuration::from_json(&job["section"]) {
        Ok(configuration) => configuration,
        Err(error) => {
            println!("rejected: {error}");
            exit(2);
        }
    };
    let logger: &'static logging::Logger = Box::leak(Box::new(configuration.open(resolve)));
    log::set_max_level(logger.max_level());
    log::set_logger(logger).expect("no other logger");
    for record in job["records"].as_array().into_iter().flatten() {
        let level = match record["level"].as_i64() {
            Some(40) => log::Level::Error,
            Some(30) => log::Level::Warn,
            Some(20) => log::Level::Info,
            Some(10) => log::Level::Debug,
            _ => log::Level::Trace,
        };
        if level > log::max_level() {
            continue;
        }
        log::logger().log(
            &log::Record::builder()
                .level(level)
                .target("whatever")
                .file(Some(record["file"].as_str().unwrap_or("src/main.rs")))
                .line(Some(
                    record["line"]
                        .as_u64()
                        .and_then(|line| line.try_into().ok())
                        .unwrap_or(1),
                ))
                .module_path(Some(record["module"].as_str().unwrap_or("pydyndns")))
                .args(format_args!(
                    "{}",
                    record["message"].as_str().unwrap_or_default()
                ))
                .build(),
        );
    }
    logger.finish();
}
