//! The `tls` key: updates go over TLS (RFC 7858). Files are named here and read only by a run that sends.

use super::path::path;
use super::section::{At, Fault, fault, quoted, section, string};
use crate::dns::tls::{ClientCertificate, Settings};
use crate::name;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;

/// Reads the key: `true` or an object; `false` is as if it were not there.
#[inline(never)]
pub(super) fn tls((at, value): At, folder: &Path) -> Result<Option<Settings>, Fault> {
    match value {
        Value::Bool(enabled) => return Ok(enabled.then(Settings::default)),
        Value::Object(_) => {}
        other => return Err(super::section::neither_true_nor_object(at, &other)),
    }
    let mut tls = section((at.clone(), value), &["ca", "name", "certificate", "key"])?;
    let mut file = |key| {
        tls.optional(key)
            .map(|value| path(value, folder))
            .transpose()
    };
    let (ca, certificate, key) = (file("ca")?, file("certificate")?, file("key")?);
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            return Err(fault(
                format!("{at}.key"),
                "is missing; name the file with the certificate's private key",
            ));
        }
        (None, Some(_)) => {
            return Err(fault(
                format!("{at}.certificate"),
                "is missing; name the file with the key's certificate",
            ));
        }
    };
    Ok(Some(Settings {
        ca,
        name: tls.optional("name").map(certificate_name).transpose()?,
        client,
    }))
}

/// A name that a certificate can have: of a host, or an address.
fn certificate_name(value: At) -> Result<ServerName<'static>, Fault> {
    let (path, text) = string(value)?;
    let read = match text.parse::<IpAddr>() {
        Ok(ip) => return Ok(ServerName::IpAddress(ip.into())),
        Err(_) => name::domain_name(&text).and_then(|_| {
            let bare = text.strip_suffix('.').unwrap_or(&text);
            ServerName::try_from(bare.to_owned())
                .map_err(|_| "is neither an address nor a host name")
        }),
    };
    read.map_err(|wrong| fault(path, format!("{} {wrong}", quoted(&text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Reads a value of the key.
    fn read(value: Value) -> Result<Option<Settings>, String> {
        tls(("tls".into(), value), Path::new("/etc")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn true_is_every_default_and_false_is_nothing() {
        assert_eq!(read(json!(true)).unwrap(), Some(Settings::default()));
        assert_eq!(read(json!({})).unwrap(), Some(Settings::default()));
        assert_eq!(read(json!(false)).unwrap(), None);
    }

    #[test]
    fn files_start_at_the_configurations_folder() {
        let value = json!({"ca": "ca.pem", "name": "ns1.example.com.", "certificate": "c.pem", "key": "/k.pem"});
        let expected = Settings {
            ca: Some("/etc/ca.pem".into()),
            name: Some("ns1.example.com".try_into().unwrap()),
            client: Some(ClientCertificate {
                certificate: "/etc/c.pem".into(),
                key: "/k.pem".into(),
            }),
        };
        assert_eq!(read(value).unwrap(), Some(expected));
        let name = |name: &str| {
            let name = read(json!({"name": name})).unwrap().unwrap().name;
            name.unwrap().to_str().into_owned()
        };
        assert_eq!(name("2001:DB8::1"), "2001:db8::1");
        assert_eq!(name("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn each_fault_names_its_place() {
        for (value, says) in [
            (json!("yes"), "tls: must be true or an object, not a string"),
            (json!(null), "tls: must be true or an object, not null"),
            (
                json!({"cert": "x"}),
                "tls.cert: no such key; there are ca, name, certificate, key",
            ),
            (
                json!({"ca": true}),
                "tls.ca: must be a string, not a boolean",
            ),
            (json!({"ca": ""}), "tls.ca: is empty; name a file"),
            (
                json!({"certificate": "c.pem"}),
                "tls.key: is missing; name the file with the certificate's private key",
            ),
            (
                json!({"key": "k.pem"}),
                "tls.certificate: is missing; name the file with the key's certificate",
            ),
            (
                json!({"name": "a..b"}),
                "tls.name: \"a..b\" has an empty label",
            ),
            (
                json!({"name": "192.0.2"}),
                "tls.name: \"192.0.2\" is neither an address nor a host name",
            ),
        ] {
            assert_eq!(read(value).unwrap_err(), says);
        }
    }
}
