//! The authority that signs for every emulated host.
//!
//! It is made anew at each start, and its key never leaves the process: who trusts its certificate trusts one emulator, as
//! long as that runs.

use std::collections::HashMap;
use std::fmt::{Debug, Formatter};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::Service;
use crate::config::Names;
use crate::sync::lock;

/// Most hosts whose certificates are kept.
const MAX_KEPT: usize = 1_000;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A certificate cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Signs certificates as clients ask for hosts.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    kept: Mutex<HashMap<String, Arc<CertifiedKey>>>,
    /// Whose hosts there are certificates for.
    cloud: &'static Names,
}

impl Authority {
    pub(crate) fn new(cloud: &'static Names) -> Result<Arc<Self>, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "sockerless Azure emulator");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let pem = certificate.pem();
        Ok(Arc::new(Self {
            certificate: certificate.der().clone(),
            pem,
            issuer: Issuer::new(params, key),
            kept: Mutex::default(),
            cloud,
        }))
    }

    /// The certificate to trust.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// What ends TLS for every host.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// The certificate of a host, or of the emulator's own address for a client that names none.
    fn of(&self, host: Option<&str>) -> Result<Arc<CertifiedKey>, TlsError> {
        let name = host.unwrap_or_default();
        if let Some(kept) = lock(&self.kept).get(name) {
            return Ok(Arc::clone(kept));
        }
        let names = host.map_or_else(|| vec!["127.0.0.1".to_owned(), "::1".to_owned()], |host| vec![host.to_owned()]);
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "sockerless Azure emulator, a host");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        let made = Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?);
        let mut kept = lock(&self.kept);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        Ok(Arc::clone(kept.entry(name.to_owned()).or_insert(made)))
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name();
        if host.is_some_and(|host| host != "localhost" && Service::of(self.cloud, host, "/").is_none()) {
            return None;
        }
        self.of(host).inspect_err(|error| tracing::warn!("{error}")).ok()
    }
}

impl Debug for Authority {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cloud;

    #[test]
    fn a_host_has_one_certificate_and_another_host_another() {
        let authority = Authority::new(Cloud::Public.names()).unwrap();
        let of = |host: &str| authority.of(Some(host)).unwrap().cert[0].clone();
        assert_eq!(of("management.azure.com"), of("management.azure.com"));
        assert_ne!(of("management.azure.com"), of("login.microsoftonline.com"));
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
