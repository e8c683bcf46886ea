//! DNS over TLS for updates (RFC 7858): the client's side of the handshake, who is trusted, and what a failure means.
//!
//! The server must show a certificate for the expected name from a trusted authority, and confirm the protocol `dot`
//! (ALPN). TLS 1.3, or 1.2 where the server has no other; no early data, no resumption: a run leaves nothing behind. TLS
//! keeps the update private and lets a server admit known machines only. What makes an answer believed is TSIG.

pub mod certificate;
pub mod pem;
mod verifier;

use crate::escape;
pub(crate) use certificate::shown;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, InconsistentKeys, InvalidMessage,
    ProtocolVersion, StreamOwned,
};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use verifier::Verifier;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The port of DNS over TLS.
pub(crate) const PORT: u16 = 853;

/// The protocol that the server must confirm (RFC 7858, 3.1; its name is registered for ALPN).
const PROTOCOL: &[u8] = b"dot";

/// What else a refused handshake may mean.
const NOTHING_IN_COMMON: &str = "have no TLS version, cipher or kind of key in common with this program (its own key should be RSA of 2048 bits or more, ECDSA with P-256 or P-384, or Ed25519)";

/// How the connection to the server is secured. The default trusts the system's authorities and expects the server's own
/// name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// A PEM file with the authorities to trust in place of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// What the server's certificate must say in place of the server's or primary's name: a host name without the final
    /// dot, or an address.
    pub(crate) name: Option<ServerName<'static>>,
    /// What to show to a server that asks for it.
    pub(crate) client: Option<ClientCertificate>,
}

/// A client's certificate and the private key to it, each in a PEM file; both may be the same file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// The file with the certificate, and those between it and the authority.
    pub(crate) certificate: PathBuf,
    /// The file with the private key.
    pub(crate) key: PathBuf,
}

impl ClientCertificate {
    /// Why both files together are of no use.
    fn explain(&self, error: rustls::Error) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
                "{key}: the key does not fit the first certificate in {certificate}; give the pair that was made together, and this computer's certificate before those of authorities"
            ),
            rustls::Error::General(_) => format!(
                "{key}: the key is damaged or of a kind that cannot be used here; there are RSA of 2048 to 8192 bits, ECDSA with P-256 or P-384, and Ed25519"
            ),
            rustls::Error::InvalidCertificate(_) => format!(
                "{certificate}: the first certificate is damaged, or not of version 3 of X.509, which is needed"
            ),
            error => {
                format!("cannot use the certificate {certificate} with the key {key}: {error}")
            }
        }
    }
}

/// What is needed to open sessions; made once for a run that sends.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    /// rustls' side.
    config: Arc<ClientConfig>,
    /// Remembers the certificate that a server has shown, for messages.
    verifier: Arc<Verifier>,
    /// The name that certificates must have, in place of the server's.
    name: Option<ServerName<'static>>,
    /// Whether a certificate of ours can be shown.
    has_client_certificate: bool,
}

/// A session: TLS over `S`.
pub(crate) type Session<S> = StreamOwned<ClientConnection, S>;

/// What an open session tells of the other side, for `--status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Security {
    /// `TLS 1.3` or `TLS 1.2`.
    pub(crate) version: &'static str,
    /// The name that the certificate was checked for.
    pub(crate) name: String,
    /// When the certificate ends, if it says so in a way that can be read.
    pub(crate) not_after: Option<SystemTime>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is wrong, and what about it.
    pub(crate) fn load(settings: &Settings) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier::load(settings, &provider)?);
        let failed = |error: rustls::Error| format!("cannot prepare TLS: {error}");
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some(client) => builder
                .with_client_auth_cert(
                    pem::certificates(&client.certificate)?,
                    pem::private_key(&client.key)?,
                )
                .map_err(|error| client.explain(error))?,
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            verifier,
            name: settings.name.clone(),
            has_client_certificate: settings.client.is_some(),
        })
    }

    /// Shakes hands over a connection whose reads and writes end by a deadline; `server` is the name or address that it
    /// was made to, which the certificate must have unless the configuration says otherwise.
    ///
    /// # Errors
    /// Why the server is not to be talked to. Nothing has been sent to it but the handshake.
    pub(crate) fn connect<S: Read + Write>(
        &self,
        mut stream: S,
        server: &ServerName<'static>,
    ) -> Result<Session<S>, Failure> {
        let name = self.name.as_ref().unwrap_or(server);
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name.clone())
            .map_err(|error| self.explain(&error, name))?;
        while connection.is_handshaking() {
            let done = connection
                .complete_io(&mut stream)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => closed_in_handshake(),
                    _ => self.failure(error, name),
                })?;
            if done == (0, 0) {
                return Err(closed_in_handshake());
            }
        }
        if connection.alpn_protocol() != Some(PROTOCOL) {
            return Err(Failure::Refused(
                "the server does not confirm the protocol `dot` (ALPN): it may be no DNS server; tell a proxy in front of one to offer ALPN `dot`".into(),
            ));
        }
        Ok(StreamOwned::new(connection, stream))
    }

    /// What a session tells of the other side.
    pub(crate) fn security<S: Read + Write>(
        &self,
        session: &Session<S>,
        server: &ServerName<'static>,
    ) -> Security {
        let not_after = session
            .conn
            .peer_certificates()
            .and_then(|chain| Certificate::from_der(chain.first()?).ok())
            .and_then(|found| {
                let validity = found.tbs_certificate().validity();
                SystemTime::UNIX_EPOCH.checked_add(validity.not_after.to_unix_duration())
            });
        Security {
            version: match session.conn.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
                _ => "TLS 1.3",
            },
            name: shown(self.name.as_ref().unwrap_or(server)),
            not_after,
        }
    }

    /// Why reading or writing within a session failed.
    pub(crate) fn failure(&self, error: io::Error, name: &ServerName<'static>) -> Failure {
        match inner(&error) {
            Some(inner) => self.explain(inner, self.name.as_ref().unwrap_or(name)),
            None => Failure::Io(error),
        }
    }

    /// That a server took the handshake and then left without an answer, as BIND does with clients that it does not admit.
    pub(crate) fn closed_after_handshake(&self) -> Failure {
        let what =
            "could not confirm: the server closed the connection right after the TLS handshake";
        Failure::Refused(if self.has_client_certificate {
            format!(
                "{what}: it may not admit this computer's certificate (check `tls.certificate` and `tls.key`), or be a proxy whose name server is down"
            )
        } else {
            format!(
                "{what}: it may ask for a certificate of this computer (give `tls.certificate` and `tls.key`), or be a proxy whose name server is down"
            )
        })
    }

    /// A failure of the handshake in an administrator's words.
    fn explain(&self, error: &rustls::Error, name: &ServerName<'static>) -> Failure {
        Failure::Refused(match error {
            rustls::Error::AlertReceived(AlertDescription::CloseNotify) => {
                return closed_in_handshake();
            }
            rustls::Error::InvalidCertificate(wrong) => self.verifier.explain(wrong, name),
            rustls::Error::AlertReceived(alert) => self.explain_alert(*alert),
            rustls::Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) => {
                "the server's part of the handshake is longer than 64 KiB: let it send its own certificate and those between, not a whole list".into()
            }
            rustls::Error::InvalidMessage(_)
            | rustls::Error::InappropriateMessage { .. }
            | rustls::Error::PeerSentOversizedRecord => {
                "the server does not speak TLS there: is this the port for DNS over TLS (853)?".into()
            }
            rustls::Error::PeerIncompatible(_) => {
                "the server has no TLS version or cipher in common with this program; it needs TLS 1.2 or 1.3".into()
            }
            rustls::Error::NoCertificatesPresented => "the server shows no certificate".into(),
            error => format!("the TLS session failed: {error}"),
        })
    }

    /// What the server's refusal means.
    fn explain_alert(&self, alert: AlertDescription) -> String {
        use AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired | Alert::NoCertificate => {
                self.about_ours("asks for a certificate of this computer")
            }
            Alert::HandshakeFailure if !self.has_client_certificate => {
                format!(
                    "the server refuses the handshake: it may ask for a certificate of this computer (`tls.certificate` and `tls.key`), or {NOTHING_IN_COMMON}"
                )
            }
            Alert::HandshakeFailure => {
                format!(
                    "the server refuses the handshake: it may not admit this computer's certificate (`tls.certificate`), or {NOTHING_IN_COMMON}"
                )
            }
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied => {
                if !self.has_client_certificate {
                    return self.about_ours("does not admit this computer without a certificate");
                }
                let reason = match alert {
                    Alert::CertificateRevoked => "it is revoked",
                    Alert::CertificateExpired => "it has expired",
                    Alert::UnknownCA => "the server does not know its authority",
                    _ => "it is not one that the server admits",
                };
                self.about_ours(&format!("refuses this computer's certificate: {reason}"))
            }
            Alert::ProtocolVersion => {
                "the server has no TLS version in common with this program; it needs TLS 1.2 or 1.3"
                    .into()
            }
            Alert::NoApplicationProtocol => {
                "the server does not take the protocol `dot` (ALPN): it may be no DNS server".into()
            }
            Alert::UnrecognisedName => {
                "the server has no certificate for that name; check `tls.name`".into()
            }
            Alert::InsufficientSecurity => {
                format!("the server refuses the handshake: it may {NOTHING_IN_COMMON}")
            }
            Alert::InternalError => {
                "the server failed in the TLS handshake (InternalError); see its log".into()
            }
            alert => format!("the server ends the TLS session with the alert {alert:?}"),
        }
    }

    /// A refusal that concerns this computer's certificate.
    fn about_ours(&self, what: &str) -> String {
        if self.has_client_certificate {
            format!("the server {what}; check `tls.certificate` and `tls.key`")
        } else {
            format!("the server {what}; give `tls.certificate` and `tls.key`")
        }
    }
}

/// That there was no whole handshake.
fn closed_in_handshake() -> Failure {
    Failure::Refused(
        "the server closed the connection in the TLS handshake: is this the port for DNS over TLS (853)?".into(),
    )
}

/// Whether an error of reading or writing is TLS's and not the connection's.
pub(crate) fn is_failure(error: &io::Error) -> bool {
    inner(error).is_some()
}

/// rustls hides its errors in those of input and output.
fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Why there is no session, or none any more.
#[derive(Debug)]
pub enum Failure {
    /// The connection below failed.
    Io(io::Error),
    /// One side does not want to talk to the other, and what to do about it.
    Refused(String),
}

impl Failure {
    /// Whether the other side cut the connection, as a server does that has too much to do.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A name server without TLS takes the handshake for the beginning of a long message, and waits for the rest.
            Self::Io(error) => write!(
                f,
                "the TLS handshake came to no end: {}{}",
                escape::system(error),
                if error.kind() == io::ErrorKind::TimedOut {
                    "; is this the port for DNS over TLS (853)?"
                } else {
                    ""
                }
            ),
            Self::Refused(what) => f.write_str(what),
        }
    }
}
