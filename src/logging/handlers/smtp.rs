//! `logging.handlers.SMTPHandler`: each record as a mail.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::Message;
use lettre::message::Mailboxes;
use lettre::message::header::ContentType;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{CertificateStore, Identity, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::{ConfigError, reason};
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::network::{self, Delivery, Outside};
use crate::record::Record;
use crate::value::Value;

/// A mail server and what its mails look like.
pub(crate) struct Smtp {
    /// the server's name
    host: Late<String>,
    /// its port
    port: Late<u16>,
    /// user and password
    credentials: Late<Option<(String, String)>>,
    /// how the password is kept from others on the way
    secure: Late<Option<Encryption>>,
    /// the sender
    from: Late<String>,
    /// the recipients, with commas
    to: Late<String>,
    /// the subject
    subject: Late<String>,
    /// how long to wait for the server
    timeout: Late<Duration>,
    /// the mails to be sent
    queue: Vec<Message>,
}

/// STARTTLS before user and password, as `smtplib` does it: it insists on TLS, and takes whatever certificate the server has.
#[derive(Clone)]
struct Encryption {
    /// the files of the client's key and certificate, if it is to show one
    client: Option<[String; 2]>,
}

impl Smtp {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Result<Self, ConfigError> {
        let (host, port) = match arguments.required("mailhost")? {
            Value::List(parts) => match parts.as_slice() {
                [host, port] => (host.clone(), port.clone()),
                _ => return Err(arguments.error("mailhost", "must be a host, or [\"host\", port]")),
            },
            host => (host, Value::None),
        };
        let port = if port.truthy() {
            network::port(&port)
        } else {
            Ok(25)
        };
        let from = late::text("fromaddr", &arguments.required("fromaddr")?);
        let to = recipients(&arguments.required("toaddrs")?);
        let subject = late::text("subject", &arguments.required("subject")?);
        let credentials = match arguments.take("credentials") {
            Some(Value::List(parts)) => match parts.as_slice() {
                [user, _] if !user.truthy() => Ok(None),
                [Value::Str(user), Value::Str(password)] => {
                    Ok(Some((user.clone(), password.clone())))
                }
                [_, _] => Err("credentials must be [\"user\", \"password\"]".to_owned()),
                _ => return Err(arguments.error("credentials", "must be [\"user\", \"password\"]")),
            },
            _ => Ok(None),
        };
        let secure = encryption(&arguments.take("secure").unwrap_or(Value::None));
        let timeout = timeout(&arguments.take("timeout").unwrap_or(Value::Float(5.0)));
        Ok(Smtp {
            host: late::text("mailhost", &host),
            port,
            credentials,
            secure,
            from,
            to,
            subject,
            timeout,
            queue: Vec::new(),
        })
    }

    /// The mail for one record.
    fn mail(&self, mut text: String) -> Result<Message, String> {
        let wrong = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let from = self.from.clone()?;
        let to = self.to.clone()?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut mail = Message::builder().from(
            from.parse()
                .map_err(|error| wrong(&from, &error as &dyn std::fmt::Display))?,
        );
        let recipients: Mailboxes = to
            .parse()
            .map_err(|error| wrong(&to, &error as &dyn std::fmt::Display))?;
        for recipient in recipients {
            mail = mail.to(recipient);
        }
        mail.subject(self.subject.clone()?)
            .date_now()
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| error.to_string())
    }
}

/// The recipients, given as one text or several.
fn recipients(value: &Value) -> Late<String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::List(items) => {
            let texts: Late<Vec<String>> = items
                .iter()
                .map(|item| late::text("toaddrs", item))
                .collect();
            texts.map(|texts| texts.join(","))
        }
        _ => Err(format!(
            "toaddrs must be an address or a list of them, not {}",
            value.repr()
        )),
    }
}

/// The time to wait for the server.
fn timeout(value: &Value) -> Late<Duration> {
    match value {
        Value::None => Ok(Duration::from_mins(1)),
        _ => value
            .number()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| format!("timeout must be a number of seconds, not {}", value.repr())),
    }
}

/// The arguments of `starttls`: the files of the client's key and certificate. Without a user there is no password to keep,
/// and `smtplib` is not asked to.
fn encryption(value: &Value) -> Late<Option<Encryption>> {
    let parts = match value {
        Value::None => return Ok(None),
        Value::List(parts) => parts.as_slice(),
        _ => return Err(format!("secure must be a list, not {}", value.repr())),
    };
    match parts {
        [] => Ok(Some(Encryption { client: None })),
        [Value::Str(key), Value::Str(certificate)] => Ok(Some(Encryption {
            client: Some([key.clone(), certificate.clone()]),
        })),
        _ => Err(r#"secure must be [] or ["key file", "certificate file"]"#.to_owned()),
    }
}

impl Encryption {
    /// What a session with a server of this name needs.
    fn parameters(&self, host: &str) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(host.to_owned())
            .certificate_store(CertificateStore::None)
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true);
        if let Some([key, certificate]) = &self.client {
            let certificate = CertificateDer::from_pem_slice(&contents(certificate)?)
                .map_err(|_| format!("{certificate}: has no certificate in PEM"))?;
            let identity = Identity::from_pem(&certificate, &contents(key)?)
                .map_err(|error| format!("{key}: {error}"))?;
            builder = builder.identify_with(identity);
        }
        builder.build_rustls().map_err(|error| error.to_string())
    }
}

/// A file's contents; no certificate and no key needs more than 1 MiB.
fn contents(file: &str) -> Result<Vec<u8>, String> {
    let mut contents = Vec::new();
    File::open(file)
        .and_then(|open| open.take(1 << 20).read_to_end(&mut contents))
        .map_err(|error| format!("{file}: {}", reason(&error)))?;
    Ok(contents)
}

/// Sends one mail. The crate's own transport would do the same, but takes the server by name, and with the look-up a static
/// build gets a part of the C library that can't work there.
fn send_to(
    server: SocketAddr,
    mail: &Message,
    credentials: Option<&(String, String)>,
    tls: Option<&TlsParameters>,
    timeout: Duration,
) -> Result<(), smtp::Error> {
    let own_name = ClientId::default();
    let mut server = SmtpConnection::connect(server, Some(timeout), &own_name, None, None)?;
    if let Some((user, password)) = credentials {
        if let Some(tls) = tls {
            server.starttls(tls, &own_name)?;
        }
        let credentials = Credentials::new(user.clone(), password.clone());
        server.auth(DEFAULT_MECHANISMS, &credentials)?;
    }
    server.send(mail.envelope(), &mail.formatted())?;
    server.abort();
    Ok(())
}

impl Sink for Smtp {
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        self.host.as_ref().map_err(Clone::clone)?;
        self.port.clone()?;
        self.timeout.clone()?;
        if self.credentials.as_ref().map_err(Clone::clone)?.is_some() {
            self.secure.as_ref().map_err(Clone::clone)?;
        }
        let mail = self.mail(formatter.format(record)?)?;
        self.queue.push(mail);
        Ok(Taken::Queued)
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "mailhost" => self.host = late::text(name, value),
            "mailport" => {
                self.port = if value.truthy() {
                    network::port(value)
                } else {
                    Ok(25)
                }
            }
            "fromaddr" => self.from = late::text(name, value),
            "toaddrs" => self.to = recipients(value),
            "subject" => self.subject = late::text(name, value),
            "timeout" => self.timeout = timeout(value),
            _ => {}
        }
    }

    fn delivery(&mut self) -> Option<Delivery> {
        let (Ok(host), Ok(port), Ok(timeout), Ok(credentials)) = (
            self.host.clone(),
            self.port.clone(),
            self.timeout.clone(),
            self.credentials.clone(),
        ) else {
            return None;
        };
        if self.queue.is_empty() {
            return None;
        }
        let secure = self.secure.clone().ok().flatten();
        let secure = secure.filter(|_| credentials.is_some());
        let queue = std::mem::take(&mut self.queue);
        let destination = format!("{host} port {port}");
        let send = move |outside: &Outside, deadline: Instant| {
            let tls = secure.map(|secure| secure.parameters(&host)).transpose()?;
            let mut waiting = queue.as_slice();
            let mut problem = String::new();
            for address in network::addresses(&host, port, &outside.resolve, deadline)? {
                while let Some((mail, rest)) = waiting.split_first() {
                    let timeout = timeout.min(network::remaining(deadline));
                    match send_to(address, mail, credentials.as_ref(), tls.as_ref(), timeout) {
                        Ok(()) => waiting = rest,
                        // What the server answers is final; another address is for a server that can't be reached.
                        Err(error) if error.status().is_some() => return Err(error.to_string()),
                        Err(error) => {
                            problem = error.to_string();
                            break;
                        }
                    }
                }
                if waiting.is_empty() {
                    return Ok(());
                }
            }
            Err(problem)
        };
        Some(Delivery {
            destination,
            send: Box::new(send),
        })
    }
}
