//! HTTPS: the client's side of TLS, with the authorities and the check of names of Python's default context.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::environment::Authorities;

/// What is needed to talk to one server.
pub(crate) struct Client {
    /// who is trusted
    config: Arc<ClientConfig>,
    /// the name that the server's certificate must have
    name: ServerName<'static>,
}

impl Client {
    /// A client of a server with this name or address.
    pub(crate) fn new(authorities: &Authorities, host: &str) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} is no name that a certificate can have"))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities().into_iter().map(CertificateDer::from));
        if roots.is_empty() {
            return Err("there is no authority to trust: install ca-certificates".to_owned());
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }

    /// A session over a connection; the handshake comes with the first write.
    pub(crate) fn over(
        &self,
        stream: TcpStream,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map_err(|error| error.to_string())?;
        Ok(StreamOwned::new(connection, stream))
    }
}
