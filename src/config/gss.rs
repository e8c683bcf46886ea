//! The `gss` key: updates are signed by Kerberos (GSS-TSIG, RFC 3645). The keytab is named here and read only by a run
//! that sends.

use super::path::path;
use super::section::{At, Fault, fault, neither_true_nor_object, quoted, section, string};
use super::servers;
use crate::dns::server::Server;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where MIT's and Heimdal's Kerberos keep a host's keys.
const KEYTAB: &str = "/etc/krb5.keytab";

/// Whose ticket signs updates, and where it comes from. `"gss": true` is the default of each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gss {
    /// The file with the keys.
    pub(crate) keytab: PathBuf,
    /// Whose key to use, like `host/host.example.com` or `HOST$`, without the realm; none to choose from the keytab.
    pub(crate) principal: Option<String>,
    /// The realm; none for that of the keytab's principal. One behind the principal (`HOST$@EXAMPLE.COM`) is here too.
    pub(crate) realm: Option<String>,
    /// The key distribution centres, tried in this order; none to ask `krb5.conf` and DNS. Their port is 88 unless given.
    pub(crate) kdc: Vec<Server>,
    /// The name server's principal, like `DNS/ns1.example.com`; none for `DNS/` and the SOA's MNAME.
    pub(crate) service: Option<String>,
}

/// Reads the key: `true` or an object; `false` is as if it were not there.
#[inline(never)]
pub(super) fn gss((at, value): At, folder: &Path) -> Result<Option<Gss>, Fault> {
    let keys = match value {
        Value::Bool(false) => return Ok(None),
        Value::Bool(true) => Value::Object(serde_json::Map::new()),
        Value::Object(_) => value,
        other => return Err(neither_true_nor_object(at, &other)),
    };
    let mut gss = section(
        (at, keys),
        &["keytab", "principal", "realm", "kdc", "service"],
    )?;
    let realm = gss.optional("realm").map(realm).transpose()?;
    let (principal, own_realm) = match gss.optional("principal").map(principal).transpose()? {
        Some((principal, realm)) => (Some(principal), realm),
        None => (None, None),
    };
    if let (Some(realm), Some(own)) = (&realm, &own_realm)
        && realm != own
    {
        return Err(fault(
            "gss.realm",
            format!(
                "is {}, but the principal's is {}; give one of them",
                quoted(realm),
                quoted(own)
            ),
        ));
    }
    Ok(Some(Gss {
        keytab: gss
            .optional("keytab")
            .map_or_else(|| Ok(KEYTAB.into()), |value| path(value, folder))?,
        principal,
        realm: realm.or(own_realm),
        kdc: gss.optional("kdc").map_or(Ok(Vec::new()), servers::list)?,
        service: gss.optional("service").map(service).transpose()?,
    }))
}

/// A realm's name.
fn realm(value: At) -> Result<String, Fault> {
    let (path, text) = string(value)?;
    if is_word(&text) && !text.contains(['/', '@']) {
        Ok(text)
    } else {
        Err(fault(
            path,
            format!(
                "{} is no realm; write it like \"EXAMPLE.COM\"",
                quoted(&text)
            ),
        ))
    }
}

/// A principal, with its realm if that is behind it.
fn principal(value: At) -> Result<(String, Option<String>), Fault> {
    let (path, text) = string(value)?;
    let wrong = || {
        fault(
            path.as_str(),
            format!(
                "{} is no principal; write it like \"host/host.example.com\" or \"HOST$\"",
                quoted(&text)
            ),
        )
    };
    let (name, realm) = match text.split_once('@') {
        Some((name, realm)) => (name, Some(realm)),
        None => (text.as_str(), None),
    };
    let is_realm = |realm: &str| is_word(realm) && !realm.contains(['/', '@']);
    if !name.split('/').all(is_word) || !realm.is_none_or(is_realm) {
        return Err(wrong());
    }
    Ok((name.to_owned(), realm.map(str::to_owned)))
}

/// A server's principal: a service, a slash, and a host.
fn service(value: At) -> Result<String, Fault> {
    let (path, text) = string(value)?;
    match text.split_once('/') {
        Some((service, host))
            if is_word(service) && is_word(host) && !host.contains(['/', '@']) =>
        {
            Ok(text)
        }
        _ => Err(fault(
            path,
            format!(
                "{} is no service; write it like \"DNS/ns1.example.com\"",
                quoted(&text)
            ),
        )),
    }
}

/// Whether a text can be a part of a principal's name: backslashes and blanks would need quoting, which is not read here.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Reads a value of the key.
    fn read(value: Value) -> Result<Option<Gss>, String> {
        gss(("gss".into(), value), Path::new("/etc")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn true_is_every_default_and_false_is_nothing() {
        let default = Gss {
            keytab: KEYTAB.into(),
            principal: None,
            realm: None,
            kdc: Vec::new(),
            service: None,
        };
        assert_eq!(read(json!(true)).unwrap().unwrap(), default);
        assert_eq!(read(json!({})).unwrap().unwrap(), default);
        assert_eq!(read(json!(false)).unwrap(), None);
    }

    #[test]
    fn every_key_is_read() {
        let gss = read(json!({
            "keytab": "own.keytab", "principal": "HOST$@EXAMPLE.COM",
            "kdc": ["dc1.example.com", "192.0.2.1:8888"], "service": "DNS/dc1.example.com",
        }))
        .unwrap()
        .unwrap();
        assert_eq!(gss.keytab, Path::new("/etc/own.keytab"));
        assert_eq!(gss.principal.as_deref(), Some("HOST$"));
        assert_eq!(gss.realm.as_deref(), Some("EXAMPLE.COM"));
        assert_eq!(gss.service.as_deref(), Some("DNS/dc1.example.com"));
        let ports: Vec<_> = gss.kdc.iter().map(|kdc| kdc.port).collect();
        assert_eq!(ports, [None, Some(8888)]);
        let twice = json!({"principal": "host/a.example.com@EXAMPLE.COM", "realm": "EXAMPLE.COM"});
        assert_eq!(
            read(twice).unwrap().unwrap().principal.as_deref(),
            Some("host/a.example.com")
        );
    }

    #[test]
    fn each_fault_names_its_place() {
        for (value, says) in [
            (json!(1), "gss: must be true or an object, not a number"),
            (
                json!({"keytab": "~/k"}),
                "gss.keytab: \"~/k\" has \"~\" in it, which is not expanded here; write the path in full",
            ),
            (
                json!({"kdc": "dc1"}),
                "gss.kdc: must be a list of strings, not a string",
            ),
            (
                json!({"kdc": ["http://dc1"]}),
                "gss.kdc[0]: \"http://dc1\" is a URL or a path; write an address or a host name, with a port if need be",
            ),
            (
                json!({"realm": "A/B"}),
                "gss.realm: \"A/B\" is no realm; write it like \"EXAMPLE.COM\"",
            ),
            (
                json!({"principal": "a@B", "realm": "C"}),
                "gss.realm: is \"C\", but the principal's is \"B\"; give one of them",
            ),
            (
                json!({"principal": "a b"}),
                "gss.principal: \"a b\" is no principal; write it like \"host/host.example.com\" or \"HOST$\"",
            ),
            (
                json!({"principal": "a@"}),
                "gss.principal: \"a@\" is no principal; write it like \"host/host.example.com\" or \"HOST$\"",
            ),
            (
                json!({"service": "DNS"}),
                "gss.service: \"DNS\" is no service; write it like \"DNS/ns1.example.com\"",
            ),
            (
                json!({"ccache": "x"}),
                "gss.ccache: no such key; there are keytab, principal, realm, kdc, service",
            ),
        ] {
            assert_eq!(read(value).unwrap_err(), says);
        }
    }
}
