//! Who is trusted: the authorities of the configuration's file or of the system, and the words for a certificate that is
//! not accepted.

use super::{Settings, pem};
use crate::host;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::name::Name;

/// Verifies servers' certificates, and remembers the last one for messages.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Does the work.
    webpki: Arc<WebPkiServerVerifier>,
    /// The certificates of the file in the configuration. A server's own may be among them, as the one to trust.
    pinned: Vec<CertificateDer<'static>>,
    /// Where the authorities come from, for messages.
    source: String,
    /// What the last server has shown.
    shown: Mutex<Option<CertificateDer<'static>>>,
}

impl Verifier {
    /// Reads the authorities.
    pub(super) fn load(
        settings: &Settings,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let (pinned, source) = if let Some(file) = &settings.ca {
            let found = pem::certificates(file)?;
            for certificate in &found {
                roots.add(certificate.clone()).map_err(|error| {
                    format!("{}: a certificate cannot be read: {error}", file.display())
                })?;
            }
            (found, file.display().to_string())
        } else {
            roots.add_parsable_certificates(host::authorities());
            (Vec::new(), "the system's list".to_owned())
        };
        if roots.is_empty() {
            return Err(
                "this system has no list of certificate authorities: install one (the package ca-certificates), or give `tls.ca`"
                    .into(),
            );
        }
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(|error| format!("cannot prepare TLS: {error}"))?;
        Ok(Self {
            webpki,
            pinned,
            source,
            shown: Mutex::new(None),
        })
    }

    /// Why a certificate is not accepted, and what to do.
    pub(super) fn explain(
        &self,
        wrong: &CertificateError,
        expected: &ServerName<'static>,
    ) -> String {
        let shown_certificate = self
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let found = shown_certificate.and_then(|der| Certificate::from_der(&der).ok());
        let subject = found.as_ref().map_or_else(
            || "the server's certificate".to_owned(),
            |found| {
                format!(
                    "the server's certificate ({})",
                    distinguished(found.tbs_certificate().subject())
                )
            },
        );
        let expected = shown(expected);
        match wrong {
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names = if presented.is_empty() {
                    "no name".to_owned()
                } else {
                    presented.join(", ")
                };
                format!(
                    "{subject} is for {names}, not for {expected}; correct `server`, or set `tls.name`"
                )
            }
            CertificateError::NotValidForName => {
                format!("{subject} is not for {expected}; correct `server`, or set `tls.name`")
            }
            CertificateError::ExpiredContext { time, not_after } => format!(
                "{subject} expired at {}, and this machine's clock says {}; renew the certificate, or set the clock",
                date(*not_after),
                date(*time)
            ),
            CertificateError::NotValidYetContext { time, not_before } => format!(
                "{subject} begins at {}, and this machine's clock says {}; set the clock",
                date(*not_before),
                date(*time)
            ),
            CertificateError::Revoked => {
                format!("{subject} is revoked; the server needs a new one")
            }
            CertificateError::UnknownIssuer => {
                match found.as_ref().map(Certificate::tbs_certificate) {
                    Some(found) if found.issuer() == found.subject() => format!(
                        "{subject} is signed by itself and not in {}; set `tls.ca` to a file with it",
                        self.source
                    ),
                    Some(found) => format!(
                        "{subject} is signed by {}, which is not in {}; set `tls.ca` to the file with that authority's certificate",
                        distinguished(found.issuer()),
                        self.source
                    ),
                    None => format!(
                        "{subject} is signed by an authority that is not in {}; set `tls.ca`",
                        self.source
                    ),
                }
            }
            wrong => format!("{subject} is not accepted: {wrong}"),
        }
    }

    /// Accepts a certificate that the configuration's file holds itself: trusted as it is, so only name and time count.
    fn verify_pinned(
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found =
            Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let validity = found.tbs_certificate().validity();
        let seconds =
            |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
        let (not_before, not_after) = (seconds(validity.not_before), seconds(validity.not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before,
            }
            .into());
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext {
                time: now,
                not_after,
            }
            .into());
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
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
    attributes.collect::<Vec<_>>().join(", ")
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(end_entity.clone().into_owned());
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            return Self::verify_pinned(end_entity, server_name, now);
        }
        self.webpki
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// A server's name for people.
pub(super) fn shown(name: &ServerName<'_>) -> String {
    match name {
        ServerName::IpAddress(address) => std::net::IpAddr::from(*address).to_string(),
        name => name.to_str().into_owned(),
    }
}

/// A time for people.
fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| "an unknown time".to_owned(), |time| time.to_string())
}
