//! Targets over what Kerberos reads: files of the administrator's, and what KDCs and name servers send.

use gss_tsig::{Choice, Include, Keytab, Krb5Conf, fuzzing};
use hickory_proto::rr::Name;
use pydyndns::dns::gss::Tkey;

/// A keytab: whom it is for is said in one line, and no key.
pub(crate) fn keytab(data: &[u8]) {
    let said = match Keytab::parse(data) {
        Err(error) => error.to_string(),
        Ok(keytab) => {
            for principal in [Some("host/host.example.com"), None] {
                let choice = Choice {
                    principal,
                    realm: None,
                    host: "host.example.com",
                };
                match keytab.credentials(choice) {
                    Err(error) => one_line(&error.to_string()),
                    Ok(credentials) => one_line(&credentials.principal()),
                }
            }
            format!("{keytab:?}")
        }
    };
    one_line(&said);
}

/// A text that is shown.
fn one_line(text: &str) {
    assert!(!text.contains(['\n', '\r', '\u{1b}']), "{text:?}");
}

/// A krb5.conf that takes itself in, again and again.
pub(crate) fn krb5_conf(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut count = 0;
    let conf = Krb5Conf::parse(&text, &mut |include| {
        count += 1;
        match include {
            Include::File(_) => vec![text.to_string()],
            Include::Folder(_) => vec![text.to_string(); 2],
        }
    });
    assert!(count < 20_000, "{count}");
    assert!(conf.kdcs("EXAMPLE.COM").all(|kdc| !kdc.contains('\n')));
}

/// A KDC's answer.
pub(crate) fn kdc(data: &[u8]) {
    fuzzing::kdc_answer(data);
}

/// The inside of one.
pub(crate) fn kdc_inside(data: &[u8]) {
    fuzzing::kdc_answer_inside(data);
}

/// A name server's token.
pub(crate) fn token(data: &[u8]) {
    fuzzing::token(data);
}

/// The inside of one.
pub(crate) fn token_inside(data: &[u8]) {
    fuzzing::token_inside(data);
}

/// An answer to a TKEY query.
pub(crate) fn tkey(data: &[u8]) {
    let key = Name::from_ascii("0123.").unwrap();
    match Tkey::read(data, 7, &key) {
        Ok(record) => assert!(record.token.len() < data.len()),
        Err(error) => one_line(&error.to_string()),
    }
}
