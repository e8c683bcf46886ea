//! `logging.handlers.HTTPHandler`: each record as a form for a web server.

use std::sync::Arc;

use std::io::{Read, Write};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::{ConfigError, reason};
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::network::{self, Delivery, Outside};
use crate::record::Record;
use crate::tls::Client;
use crate::value::Value;

/// A web server.
pub(crate) struct Http {
    /// its name, perhaps with a port
    host: Late<String>,
    /// the path of the form
    url: Late<String>,
    /// whether it speaks HTTPS
    secure: bool,
    /// whether records are posted
    post: bool,
    /// user and password, ready for the header
    authorization: Late<Option<String>>,
    /// the requests to be sent
    queue: Vec<Vec<u8>>,
}

impl Http {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let host = late::text("host", &arguments.required("host")?);
        let url = late::text("url", &arguments.required("url")?);
        let method = arguments.text("method", "GET")?.to_uppercase();
        if !matches!(method.as_str(), "GET" | "POST") {
            return Err(arguments.error("method", "must be GET or POST"));
        }
        let secure = arguments.flag("secure", false);
        let authorization = credentials(&arguments.take("credentials").unwrap_or(Value::None));
        if !matches!(arguments.take("context"), None | Some(Value::None)) {
            let message = if secure {
                "only a Python program could have one"
            } else {
                "context parameter only makes sense with secure=True"
            };
            return Err(arguments.error("context", message));
        }
        Ok(Http {
            host,
            url,
            secure,
            post: method == "POST",
            authorization,
            queue: Vec::new(),
        })
    }

    /// The port of a server that names none.
    fn usual_port(&self) -> u16 {
        if self.secure { 443 } else { 80 }
    }

    /// The request for one record.
    fn request(&self, record: &Record) -> Result<Vec<u8>, String> {
        let host = self.host.as_ref().map_err(Clone::clone)?;
        let mut url = self.url.clone()?;
        let data = form(record);
        if !self.post {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&data);
        }
        if url.contains(|c: char| c <= ' ' || c == '\u{7f}' || !c.is_ascii()) {
            return Err(format!(
                "{host}: url can't contain control characters: {url:?}"
            ));
        }
        let (name, port) = split_host(host, self.usual_port())?;
        let name = if name.contains(':') {
            format!("[{name}]")
        } else {
            name
        };
        let named = if port == self.usual_port() {
            name
        } else {
            format!("{name}:{port}")
        };
        let method = if self.post { "POST" } else { "GET" };
        let path = if url.is_empty() { "/" } else { &url };
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {named}\r\nAccept-Encoding: identity\r\n");
        if self.post {
            request.push_str("Content-type: application/x-www-form-urlencoded\r\n");
            request.push_str("Content-length: ");
            request.push_str(&data.len().to_string());
            request.push_str("\r\n");
        }
        if let Some(authorization) = self.authorization.as_ref().map_err(Clone::clone)? {
            request.push_str("Authorization: Basic ");
            request.push_str(authorization);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        if self.post {
            request.push_str(&data);
        }
        Ok(request.into_bytes())
    }
}

/// User and password as the header has them. Python takes a tuple only; a list is what JSON has for it.
fn credentials(value: &Value) -> Late<Option<String>> {
    match value {
        value if !value.truthy() => Ok(None),
        Value::List(parts) if parts.len() == 2 => Ok(Some(STANDARD.encode(format!(
            "{}:{}",
            parts[0].str(),
            parts[1].str()
        )))),
        _ => Err("credentials must be [\"user\", \"password\"]".to_owned()),
    }
}

/// `urllib.parse.urlencode` of the record's fields.
fn form(record: &Record) -> String {
    let mut out = String::new();
    for (name, value) in record.fields() {
        if !out.is_empty() {
            out.push('&');
        }
        quote(name, &mut out);
        out.push('=');
        quote(&value.str(), &mut out);
    }
    out
}

/// `urllib.parse.quote_plus`
fn quote(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(byte.into());
            }
            b' ' => out.push('+'),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(DIGITS[usize::from(byte >> 4)].into());
                out.push(DIGITS[usize::from(byte & 15)].into());
            }
        }
    }
}

/// The host's name, and its port if it names one.
fn split_host(host: &str, usual_port: u16) -> Result<(String, u16), String> {
    let (name, port) = match host.rfind(':') {
        Some(colon) if Some(colon) > host.rfind(']') => (&host[..colon], &host[colon + 1..]),
        _ => (host, ""),
    };
    let port = if port.is_empty() {
        Ok(usual_port)
    } else {
        port.parse()
    };
    let port = port.map_err(|_| format!("{host}: the port is no number"))?;
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    Ok((name.to_owned(), port))
}

/// Sends a request. Like Python, waits for the answer, but whatever it says is no concern of ours.
fn converse(mut stream: impl Read + Write, request: &[u8]) -> Result<(), String> {
    stream
        .write_all(request)
        .and_then(|()| stream.flush())
        .map_err(|error| reason(&error))?;
    let mut answer = [0; 512];
    match stream.read(&mut answer) {
        Ok(0) => Err("the server closed the connection without an answer".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(reason(&error)),
    }
}

impl Sink for Http {
    fn emit(&mut self, record: &Arc<Record>, _: &Formatter) -> Result<Taken, String> {
        let request = self.request(record)?;
        self.queue.push(request);
        Ok(Taken::Queued)
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "host" => self.host = late::text(name, value),
            "url" => self.url = late::text(name, value),
            "secure" => self.secure = value.truthy(),
            "method" => self.post = *value == Value::Str("POST".to_owned()),
            "credentials" => self.authorization = credentials(value),
            _ => {}
        }
    }

    fn delivery(&mut self) -> Option<Delivery> {
        let host = self.host.clone().ok().filter(|_| !self.queue.is_empty())?;
        let queue = std::mem::take(&mut self.queue);
        let (secure, port) = (self.secure, self.usual_port());
        let scheme = if secure { "https" } else { "http" };
        let destination = format!("{scheme}://{host}");
        let send = move |outside: &Outside, deadline: Instant| {
            let (name, port) = split_host(&host, port)?;
            let tls = secure
                .then(|| Client::new(&outside.authorities, &name))
                .transpose()?;
            let addresses = network::addresses(&name, port, &outside.resolve, deadline)?;
            for request in queue {
                let stream = network::connect(&addresses, deadline)?;
                match &tls {
                    None => converse(stream, &request)?,
                    Some(tls) => converse(tls.over(stream)?, &request)?,
                }
            }
            Ok(())
        };
        Some(Delivery {
            destination,
            send: Box::new(send),
        })
    }
}
