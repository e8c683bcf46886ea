//! A program for the comparison with `CPython`: does one job, given as JSON in the file that `DICTCONFIG_JOB` names.
//! The job has a `configuration`, and `records` of `level`, `message`, and perhaps `file`, `line` and `module`.
//! Without that variable it does nothing.

#![allow(clippy::expect_used, reason = "a probe that cannot go on has failed")]

use dictconfig::{Configuration, Environment, Logger};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::process::exit;
use std::sync::Arc;

fn main() {
    let Some(path) = std::env::var_os("DICTCONFIG_JOB") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("the job can be read");
    let job: serde_json::Value = serde_json::from_str(&text).expect("the job is JSON");
    let configuration = match Configuration::from_json(&job["configuration"], "pydyndns") {
        Ok(configuration) => configuration,
        Err(error) => {
            println!("rejected: {error}");
            exit(2);
        }
    };
    let environment = Environment {
        // Only this host is needed here.
        resolve: Arc::new(|host, _| match host {
            "localhost" => Ok(vec![[127, 0, 0, 1].into()]),
            _ => Err(io::Error::other("Name or service not known")),
        }),
        complain: Box::new(|complaint| eprintln!("complaint: {complaint}")),
        // Where OpenSSL, and so CPython, looks for them.
        authorities: Arc::new(|| {
            let file = std::env::var_os("SSL_CERT_FILE").expect("a file is named");
            let found = CertificateDer::pem_file_iter(file).expect("it can be read");
            found.map(|one| one.expect("it is one").to_vec()).collect()
        }),
        ..Environment::default()
    };
    let logger: &'static Logger = Box::leak(Box::new(configuration.open(environment)));
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
    // What nobody has taken is compared elsewhere.
    drop(logger.finish());
}
