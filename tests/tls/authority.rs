//! Certificates for the tests, and a small server that speaks TLS in front of a name server, as a proxy does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// An authority that signs certificates into a folder.
pub(crate) struct Authority {
    /// Who signs.
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Where files go.
    folder: PathBuf,
    /// The file with its own certificate.
    pub(crate) file: PathBuf,
}

/// A certificate and its key, in files.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The certificate's file.
    pub(crate) certificate: PathBuf,
    /// The key's file.
    pub(crate) key: PathBuf,
}

/// Writes a file that is its owner's alone.
pub(crate) fn write(path: PathBuf, text: impl AsRef<[u8]>) -> PathBuf {
    std::fs::write(&path, text).expect("a file can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .expect("a mode can be set");
    }
    path
}

impl Authority {
    /// A new one of this name.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names are fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it signs itself");
        let file = write(folder.join(format!("{name}.pem")), issuer.pem());
        Self {
            issuer,
            folder: folder.to_owned(),
            file,
        }
    }

    /// A certificate for these names and addresses, from one year to another.
    pub(crate) fn pair_between(&self, names: &[&str], from: i32, to: i32) -> Pair {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let stem = format!("{}-{from}-{to}", names.join("+").replace(':', "_"));
        let mut params = CertificateParams::new(names).expect("the names are names");
        params.distinguished_name.push(DnType::CommonName, "server");
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the authority signs");
        Pair {
            certificate: write(self.folder.join(format!("{stem}.crt")), certificate.pem()),
            key: write(self.folder.join(format!("{stem}.key")), key.serialize_pem()),
        }
    }

    /// A certificate that is valid now.
    pub(crate) fn pair(&self, names: &[&str]) -> Pair {
        self.pair_between(names, 2020, 2090)
    }
}

/// A certificate that signs itself.
pub(crate) fn self_signed(folder: &Path, names: &[&str]) -> Pair {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("it signs itself");
    Pair {
        certificate: write(folder.join("self.crt"), made.cert.pem()),
        key: write(folder.join("self.key"), made.signing_key.serialize_pem()),
    }
}

/// A server's settings: its certificate, the protocols it confirms, and whose clients it admits.
pub(crate) fn server(pair: &Pair, protocols: &[&str], clients: Option<&Authority>) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&pair.certificate)
        .expect("the certificate can be read")
        .map(|one| one.expect("the certificate is one"))
        .collect();
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("the key can be read");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("all versions are known");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_file(&authority.file).expect("it is one");
            roots.add(certificate).expect("it can be trusted");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .expect("a verifier can be made");
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).expect("the pair fits");
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    config
}

/// Starts a listener whose connections are served one by one; its address. It lasts as long as the test's process.
pub(crate) fn listen(at: &str, serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(at).expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream);
        }
    });
    address
}

/// A proxy that ends TLS and passes each message on to a name server.
pub(crate) fn proxy(at: &str, config: ServerConfig, backend: SocketAddr) -> SocketAddr {
    let config = Arc::new(config);
    listen(at, move |stream| {
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout can be set");
        let connection = ServerConnection::new(Arc::clone(&config)).expect("the settings are fine");
        // What fails is the client's to tell.
        let _ = pass_on(StreamOwned::new(connection, stream), backend);
    })
}

/// Passes messages on until the client leaves.
fn pass_on(
    mut session: StreamOwned<ServerConnection, TcpStream>,
    backend: SocketAddr,
) -> std::io::Result<()> {
    loop {
        let query = message(&mut session)?;
        let mut server = TcpStream::connect(backend)?;
        server.write_all(&query)?;
        let answer = message(&mut server)?;
        session.write_all(&answer)?;
        session.flush()?;
    }
}

/// A message with the length before it.
fn message(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; 2];
    stream.read_exact(&mut message)?;
    let length = usize::from(u16::from_be_bytes([message[0], message[1]]));
    message.resize(2 + length, 0);
    stream.read_exact(&mut message[2..])?;
    Ok(message)
}
