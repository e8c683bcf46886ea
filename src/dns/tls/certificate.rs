//! Why a server's certificate is not accepted, in an administrator's words: which certificate it is, what was expected,
//! and what to do. Pure. Nothing is decided here; what others wrote is escaped where the text is shown.

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::net::IpAddr;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::Decode;
use x509_cert::name::Name;

/// So many of a certificate's names are told.
const MAX_NAMES: usize = 5;

/// The algorithm of RSA keys (RFC 8017, appendix A.1).
const RSA: &str = "1.2.840.113549.1.1.1";

/// The octets of a public RSA key of 2048 bits are more than these, those of a shorter one fewer.
const RSA_2048: usize = 256;

/// Why these certificates of a server are not accepted. `chain` begins with the server's own; `source` is where the
/// authorities are from.
#[must_use]
pub fn refusal(
    wrong: &CertificateError,
    chain: &[CertificateDer<'static>],
    expected: &ServerName<'static>,
    source: &str,
) -> String {
    let chain: Vec<_> = chain
        .iter()
        .map_while(|der| Certificate::from_der(der).ok())
        .collect();
    let mut chain = chain.iter().map(Certificate::tbs_certificate);
    let Some(own) = chain.next() else {
        return format!("the server's certificate cannot be read: {wrong}");
    };
    let others: Vec<_> = chain.collect();
    let subject = format!(
        "the server's certificate ({})",
        distinguished(own.subject())
    );
    match wrong {
        CertificateError::NotValidForNameContext { presented, .. } => {
            let expected = shown(expected);
            if presented.is_empty() {
                return format!(
                    "{subject} has no subjectAltName, which is what counts; the server needs one with {expected} there"
                );
            }
            format!(
                "{subject} is for {}, not for {expected}; correct `server`, or set `tls.name`",
                names(presented)
            )
        }
        CertificateError::ExpiredContext { time, not_after } => {
            let ends = |one: &TbsCertificate| {
                one.validity().not_after.to_unix_duration().as_secs() == not_after.as_secs()
            };
            let subject = subject_of(subject, own, &others, ends);
            format!(
                "{subject} expired at {}, and this machine's clock says {}; renew the certificate, or set the clock",
                date(*not_after),
                date(*time)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let begins = |one: &TbsCertificate| {
                one.validity().not_before.to_unix_duration().as_secs() == not_before.as_secs()
            };
            let subject = subject_of(subject, own, &others, begins);
            format!(
                "{subject} begins at {}, and this machine's clock says {}; set the clock",
                date(*not_before),
                date(*time)
            )
        }
        // As an authority, it cannot be a server's, unless it is trusted by itself.
        CertificateError::UnknownIssuer | CertificateError::Other(_)
            if own.issuer() == own.subject() && own.version() == Version::V3 =>
        {
            format!(
                "{subject} is signed by itself and not in {source}; set `tls.ca` to a file with it"
            )
        }
        CertificateError::UnknownIssuer => {
            let top = distinguished(top(own, &others).issuer());
            let between = if others.is_empty() {
                ", or have the server send the certificates between"
            } else {
                ""
            };
            format!(
                "{subject} is signed by {top}, which is not in {source}; set `tls.ca` to the file with that authority's certificate{between}"
            )
        }
        CertificateError::BadSignature if is_short(own) => format!(
            "{subject} has a key of fewer than 2048 bits; the server needs one with a longer key"
        ),
        CertificateError::BadSignature => format!(
            "{subject} is not signed by the key that {} has in {source}: was the authority made anew? set `tls.ca` to its present certificate",
            distinguished(top(own, &others).issuer())
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "{subject} or one above it has a signature that is too weak, such as one with SHA-1, or of a kind that is not known here; have it signed with SHA-256"
        ),
        CertificateError::InvalidPurposeContext { .. } => format!(
            "{subject} is not for servers; the server needs one with the extended key usage serverAuth"
        ),
        _ if own.version() != Version::V3 => format!(
            "{subject} is of version 1 of X.509, which has no names to check; the server needs one of version 3, with subjectAltName"
        ),
        CertificateError::Other(error) => format!(
            "{subject} is not accepted ({error}); check it and those that the server sends along with `openssl verify`"
        ),
        wrong => format!("{subject} is not accepted ({wrong}); the server needs another one"),
    }
}

/// The certificate that a statement is true of: the server's own, or one that it has sent along.
fn subject_of(
    own_subject: String,
    own: &TbsCertificate,
    others: &[&TbsCertificate],
    is_true: impl Fn(&TbsCertificate) -> bool,
) -> String {
    match others.iter().find(|one| is_true(one)) {
        Some(one) if !is_true(own) => format!(
            "the certificate ({}) above {own_subject}",
            distinguished(one.subject())
        ),
        _ => own_subject,
    }
}

/// The last certificate on the way up from the server's own, by those that it has sent along.
fn top<'a>(own: &'a TbsCertificate, others: &[&'a TbsCertificate]) -> &'a TbsCertificate {
    let mut top = own;
    for _ in others {
        match others.iter().find(|one| one.subject() == top.issuer()) {
            Some(above) => top = above,
            None => break,
        }
    }
    top
}

/// Whether a certificate's key is an RSA key that is too short to be used.
fn is_short(certificate: &TbsCertificate) -> bool {
    let key = certificate.subject_public_key_info();
    key.algorithm.oid.to_string() == RSA && key.subject_public_key.raw_bytes().len() < RSA_2048
}

/// The names that a certificate has, which come as `DnsName("ns.example.com")` and `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = |before, after| name.strip_prefix(before)?.strip_suffix(after);
        match (inner("DnsName(\"", "\")"), inner("IpAddress(", ")")) {
            (Some(name), _) if name.parse::<IpAddr>().is_ok() => {
                format!("a host with the name {name}")
            }
            (Some(name), _) => name.to_owned(),
            // In its usual form.
            (_, Some(text)) => text
                .parse()
                .map_or_else(|_| text.to_owned(), |ip: IpAddr| ip.to_string()),
            _ => name.clone(),
        }
    };
    let mut names: Vec<_> = presented.iter().take(MAX_NAMES).map(bare).collect();
    if presented.len() > MAX_NAMES {
        names.push(format!("{} more", presented.len() - MAX_NAMES));
    }
    names.join(", ")
}

/// A certificate's name with the six attributes that such names consist of. The crate's own way to show it knows two thousand
/// and would have each run relocate its table of them.
fn distinguished(name: &Name) -> String {
    let attributes = name.iter().map(|attribute| {
        let oid = attribute.oid.to_string();
        let kind = match oid.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            other => other,
        };
        format!(
            "{kind}={}",
            String::from_utf8_lossy(attribute.value.value())
        )
    });
    let text = attributes.collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        "without a subject".into()
    } else {
        text
    }
}

/// A server's name for people.
pub(crate) fn shown(name: &ServerName<'_>) -> String {
    match name {
        ServerName::IpAddress(address) => IpAddr::from(*address).to_string(),
        name => name.to_str().into_owned(),
    }
}

/// A time for people.
fn date(time: UnixTime) -> String {
    let since = Duration::from_secs(time.as_secs());
    jiff::Timestamp::UNIX_EPOCH
        .checked_add(since)
        .map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::crypto::ring;
    use std::sync::Arc;

    /// An authority with its key.
    type Authority = CertifiedIssuer<'static, KeyPair>;

    /// What a certificate of this CN and these names says, from 2020 to a year.
    fn params(cn: &str, names: &[&str], until: i32) -> CertificateParams {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, cn);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    }

    /// What an authority's says.
    fn authority(cn: &str, until: i32) -> CertificateParams {
        let mut params = params(cn, &[], until);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// An authority that signs itself.
    fn root() -> Authority {
        let key = KeyPair::generate().unwrap();
        CertifiedIssuer::self_signed(authority("root", 2090), key).unwrap()
    }

    /// One that another signs.
    fn below(above: &Authority, cn: &str, until: i32) -> Authority {
        let key = KeyPair::generate().unwrap();
        CertifiedIssuer::signed_by(authority(cn, until), key, above).unwrap()
    }

    /// A server's certificate.
    fn server(above: &Authority, names: &[&str]) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let made = params("server", names, 2090).signed_by(&key, above);
        made.unwrap().der().clone()
    }

    /// What is said of a chain in 2025 where only `root` is trusted.
    fn said(root: &Authority, chain: &[CertificateDer<'static>]) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        let name = ServerName::try_from("ns.example").unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_hours(482_000));
        match verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now) {
            Err(rustls::Error::InvalidCertificate(wrong)) => {
                refusal(&wrong, chain, &name, "ca.pem")
            }
            other => panic!("{other:?}"),
        }
    }

    /// The server's certificate, as it is told of.
    const OWN: &str = "the server's certificate (CN=server)";

    #[test]
    fn the_names_of_a_certificate_are_told_as_an_administrator_wrote_them() {
        let root = root();
        assert_eq!(
            said(
                &root,
                &[server(
                    &root,
                    &["other.example", "*.example.com", "192.0.2.1", "2001:db8::1"]
                )]
            ),
            format!(
                "{OWN} is for other.example, *.example.com, 192.0.2.1, 2001:db8::1, not for ns.example; correct `server`, or set `tls.name`"
            )
        );
        let many = ["a.b", "c.d", "e.f", "g.h", "i.j", "k.l", "m.n"];
        assert!(
            said(&root, &[server(&root, &many)]).contains(" for a.b, c.d, e.f, g.h, i.j, 2 more,")
        );
        assert_eq!(
            names(&["DnsName(\"192.0.2.1\")".into()]),
            "a host with the name 192.0.2.1"
        );
        assert_eq!(
            said(&root, &[server(&root, &[])]),
            format!(
                "{OWN} has no subjectAltName, which is what counts; the server needs one with ns.example there"
            )
        );
    }

    #[test]
    fn a_certificate_above_the_servers_is_told_by_its_own_name_if_it_is_the_one_that_expired() {
        let root = root();
        let old = below(&root, "old", 2022);
        let said = said(&root, &[server(&old, &["ns.example"]), old.der().clone()]);
        assert!(
            said.starts_with(&format!(
                "the certificate (CN=old) above {OWN} expired at 2022-01-01T00:00:00Z"
            )),
            "{said}"
        );
    }

    #[test]
    fn the_authority_that_is_lacking_is_the_topmost_one_and_may_be_one_that_the_server_should_send()
    {
        let (root, stranger) = (root(), {
            let key = KeyPair::generate().unwrap();
            CertifiedIssuer::self_signed(authority("stranger", 2090), key).unwrap()
        });
        let between = below(&stranger, "between", 2090);
        let own = server(&between, &["ns.example"]);
        let set =
            "which is not in ca.pem; set `tls.ca` to the file with that authority's certificate";
        assert_eq!(
            said(&root, &[own.clone(), between.der().clone()]),
            format!("{OWN} is signed by CN=stranger, {set}")
        );
        assert_eq!(
            said(&root, &[own]),
            format!(
                "{OWN} is signed by CN=between, {set}, or have the server send the certificates between"
            )
        );
    }

    #[test]
    fn a_certificate_that_signs_itself_is_to_be_trusted_by_itself_even_if_it_is_an_authoritys() {
        let (root, own) = (root(), {
            let mut params = authority("server", 2090);
            params.subject_alt_names = params_names(&["ns.example"]);
            let key = KeyPair::generate().unwrap();
            CertifiedIssuer::self_signed(params, key).unwrap()
        });
        assert_eq!(
            said(&root, &[own.der().clone()]),
            format!("{OWN} is signed by itself and not in ca.pem; set `tls.ca` to a file with it")
        );
    }

    /// Names as parameters have them.
    fn params_names(names: &[&str]) -> Vec<rcgen::SanType> {
        params("", names, 2090).subject_alt_names
    }

    #[test]
    fn an_authority_that_was_made_anew_under_its_old_name_is_told() {
        let (root, anew) = (root(), root());
        let said = said(&root, &[server(&anew, &["ns.example"])]);
        assert_eq!(
            said,
            format!(
                "{OWN} is not signed by the key that CN=root has in ca.pem: was the authority made anew? set `tls.ca` to its present certificate"
            )
        );
    }

    #[test]
    fn what_else_is_wrong_with_a_certificate_is_said_without_the_librarys_dump_of_it() {
        let root = root();
        let own = server(&root, &["ns.example"]);
        let name = ServerName::try_from("ns.example").unwrap();
        for wrong in [
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![6, 9, 42],
                supported_algorithms: Vec::new(),
            },
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![6, 9, 42],
                public_key_algorithm_id: vec![6, 9, 42],
            },
            CertificateError::BadEncoding,
            CertificateError::UnhandledCriticalExtension,
        ] {
            let said = refusal(&wrong, std::slice::from_ref(&own), &name, "ca.pem");
            assert!(
                said.starts_with(OWN) && !said.contains(['[', '{']),
                "{said}"
            );
        }
        let key = KeyPair::generate().unwrap();
        let mut params = params("server", &["ns.example"], 2090);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let made = params.signed_by(&key, &root).unwrap();
        let said = said(&root, &[made.der().clone()]);
        assert!(
            said.contains("is not for servers") && said.contains("serverAuth"),
            "{said}"
        );
    }
}
