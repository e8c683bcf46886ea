//! A log server by HTTPS.

use crate::harness::local::Local;
use crate::tls::authority::{self, Authority};
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[test]
fn a_web_server_is_believed_if_the_systems_authorities_know_it() {
    let local = Local::new();
    let authority = Authority::new(local.path(), "authority");
    let config = authority::server(&authority.pair(&["127.0.0.1"]), &["http/1.1"], None);
    let config = Arc::new(config);
    let (heard, requests) = mpsc::channel();
    let address = authority::listen("127.0.0.1:0", move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut session = StreamOwned::new(session, stream);
        let mut request = vec![0; 4096];
        // A client that does not trust us makes no request.
        let Ok(length) = session.read(&mut request) else {
            return;
        };
        drop(session.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"));
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        heard.send(request).unwrap();
    });
    let host = address.to_string();
    let section = json!({
        "version": 1,
        "handlers": {"h": {
            "class": "logging.handlers.HTTPHandler", "host": host, "url": "/log", "secure": true,
        }},
        "root": {"handlers": ["h"]},
    });
    // It warns that no interface is called so.
    let program = local
        .program(json!({"logging": section}))
        .args(["lo", "nowhere"]);
    let trusting = program.clone().env("SSL_CERT_FILE", &authority.file);
    trusting.run().is(0, "", "");
    let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(request.starts_with("GET /log?name=pydyndns&"), "{request}");
    let complaint = format!("pydyndns: logging.handlers.h: https://{host}: *certificate*");
    program.arg("-f").run().is(0, "", &complaint);
    assert!(requests.try_recv().is_err());
}
