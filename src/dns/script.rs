//! An update as a script that nsupdate reads, taken from the message itself.

use super::message::Update;
use super::tls;
use crate::escape;
use hickory_proto::op::update_message::UpdateMessage;
use hickory_proto::rr::{DNSClass, Record, RecordType};
use std::fmt::Write;
use std::net::SocketAddr;

/// The realm of Kerberos that signs an update, if it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Realm<'a>(pub(crate) Option<&'a str>);

/// The script that sends the update to the first server, the others as comments. Names are in ASCII and have their final
/// dot, as nsupdate wants them. `gss`: it is signed by Kerberos, in this realm if it is known.
///
/// Over TLS goes what nsupdate 9.20 is told to by options; a script has no word for it.
pub(crate) fn script(
    update: &Update,
    servers: &[SocketAddr],
    tls: Option<&tls::Settings>,
    gss: Option<Realm<'_>>,
) -> String {
    let mut text = String::new();
    if let Some(settings) = tls {
        line(
            &mut text,
            &format!("; over TLS: nsupdate{}", tls_options(settings)),
        );
    }
    if let Some(Realm(realm)) = gss {
        line(&mut text, "gsstsig");
        if let Some(realm) = realm {
            line(&mut text, &format!("realm {realm}"));
        }
    }
    for (index, server) in servers.iter().enumerate() {
        let command = if index == 0 {
            "server"
        } else {
            "; or, should that one not answer, server"
        };
        line(
            &mut text,
            &format!("{command} {} {}", host(server), server.port()),
        );
    }
    line(&mut text, &format!("zone {}", update.zone.to_ascii()));
    for record in update.message.prerequisites() {
        let (name, kind) = (record.name.to_ascii(), record.record_type());
        line(&mut text, &format!("prereq nxrrset {name} {kind}"));
    }
    for record in update.message.updates() {
        line(&mut text, &change(record));
    }
    line(&mut text, "send");
    text
}

/// What makes nsupdate 9.20 use TLS like this.
fn tls_options(settings: &tls::Settings) -> String {
    let mut options = " -S".to_owned();
    let mut add = |option: &str, value: &str| {
        options.extend([" ", option, " ", &escape::one_line(value)]);
    };
    if let Some(ca) = &settings.ca {
        add("-A", &ca.to_string_lossy());
    }
    if let Some(name) = &settings.name {
        add("-H", &tls::shown(name));
    }
    if let Some(client) = &settings.client {
        add("-E", &client.certificate.to_string_lossy());
        add("-K", &client.key.to_string_lossy());
    }
    options
}

/// One change.
fn change(record: &Record) -> String {
    let (name, kind) = (record.name.to_ascii(), record.record_type());
    match record.dns_class {
        DNSClass::ANY if kind == RecordType::ANY => format!("update delete {name}"),
        DNSClass::ANY => format!("update delete {name} {kind}"),
        _ => format!("update add {name} {} {kind} {}", record.ttl, record.data),
    }
}

/// An address with the interface that it is on.
fn host(server: &SocketAddr) -> String {
    match server {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => server.ip().to_string(),
    }
}

/// Adds a line. Writing to a string cannot fail.
fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::message::tests::{name, registration};
    use crate::registration::Replace;

    /// The script of an update, sent to these servers.
    fn of(update: &Update, servers: &[&str]) -> String {
        let servers: Vec<SocketAddr> = servers.iter().map(|text| text.parse().unwrap()).collect();
        script(update, &servers, None, None)
    }

    #[test]
    fn says_what_the_message_says() {
        let update = Update::register(&registration(Replace::All), &name("example.com.")).unwrap();
        assert_eq!(
            of(
                &update,
                &["192.0.2.53:53", "[2001:db8::53]:5353", "[fe80::1%2]:53"]
            ),
            "server 192.0.2.53 53\n\
             ; or, should that one not answer, server 2001:db8::53 5353\n\
             ; or, should that one not answer, server fe80::1%2 53\n\
             zone example.com.\n\
             update delete host.example.com.\n\
             update add host.example.com. 300 A 192.0.2.1\n\
             update add host.example.com. 300 AAAA 2001:db8::1\n\
             send\n"
        );
    }

    #[test]
    fn says_which_records_give_way() {
        let update =
            Update::register(&registration(Replace::Addresses), &name("example.com.")).unwrap();
        let text = of(&update, &["192.0.2.53:53"]);
        assert!(text.contains(
            "prereq nxrrset host.example.com. CNAME\n\
             update delete host.example.com. A\n\
             update delete host.example.com. AAAA\n\
             update add"
        ));
        let update = Update::unregister(&name("host.example.com."), &name("example.com.")).unwrap();
        assert!(of(&update, &["192.0.2.53:53"]).ends_with(
            "zone example.com.\n\
             update delete host.example.com. A\n\
             update delete host.example.com. AAAA\n\
             send\n"
        ));
    }

    #[test]
    fn names_are_in_ascii() {
        let mut registration = registration(Replace::All);
        registration.name = name("xn--mller-kva.example.com.");
        let update = Update::register(&registration, &name("example.com.")).unwrap();
        assert!(
            of(&update, &["192.0.2.53:53"]).contains("update delete xn--mller-kva.example.com.\n")
        );
    }
}
