//! TLS: rustls with ring, and the certificates of this machine.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// A client's TLS, with the machine's own certificates, which an operator can extend by `SSL_CERT_FILE`; those of Mozilla where it has none,
/// as in a container without a distribution.
///
/// # Errors
/// The TLS library has no protocol in common with its cryptography.
pub fn config() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a certificate store of this machine cannot be read");
    }
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
