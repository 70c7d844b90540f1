//! TLS with client certificates: the files, as they are at a time. When they are read again is in `certificates.rs`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::listener::ListenError;

/// The PEM files of a TLS listener.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Whose certificates clients must have.
    pub client_ca: PathBuf,
    /// The daemon's certificate, with the intermediate ones behind it.
    pub certificate: PathBuf,
    /// The daemon's private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads the files. Blocks.
    pub(super) fn read(&self) -> Result<Arc<ServerConfig>, ListenError> {
        let failed = |error: &dyn std::fmt::Display| ListenError::Tls(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.client_ca)? {
            roots.add(certificate).map_err(|error| bad(&self.client_ca, &error))?;
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| bad(&self.key, &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|error| failed(&error))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&self.certificate)?, key)
            .map_err(|error| failed(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    let all = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(path, &error))?;
    if all.is_empty() { Err(bad(path, &"there is no certificate in it")) } else { Ok(all) }
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> ListenError {
    ListenError::Certificate { path: path.to_owned(), reason: error.to_string() }
}
