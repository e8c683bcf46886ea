//! Who is trusted: the authorities of the configuration's file or of the system.

use super::{Settings, certificate, pem};
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

/// Verifies servers' certificates, and remembers the last ones for messages.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Does the work.
    webpki: Arc<WebPkiServerVerifier>,
    /// The certificates of the file in the configuration. A server's own may be among them, as the one to trust.
    pinned: Vec<CertificateDer<'static>>,
    /// Where the authorities come from, for messages.
    source: String,
    /// What the last server has shown: its own certificate, and those that it sent along.
    shown: Mutex<Vec<CertificateDer<'static>>>,
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
            for (index, certificate) in found.iter().enumerate() {
                roots.add(certificate.clone()).map_err(|_| {
                    format!(
                        "{}: certificate {} of {} is damaged, or of a form that is not known here",
                        file.display(),
                        index + 1,
                        found.len()
                    )
                })?;
            }
            (found, file.display().to_string())
        } else {
            roots.add_parsable_certificates(host::authorities());
            (Vec::new(), "the system's list".to_owned())
        };
        if roots.is_empty() {
            return Err(
                "this system has no list of certificate authorities (nor has SSL_CERT_FILE, if that is set): install one (the package ca-certificates), or give `tls.ca`"
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
            shown: Mutex::default(),
        })
    }

    /// Why the certificates that the last server has shown are not accepted, and what to do.
    pub(super) fn explain(
        &self,
        wrong: &CertificateError,
        expected: &ServerName<'static>,
    ) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        certificate::refusal(wrong, &shown, expected, &self.source)
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

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = [end_entity]
            .into_iter()
            .chain(intermediates)
            .map(|one| one.clone().into_owned())
            .collect();
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
