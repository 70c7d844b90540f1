//! Connections to servers: TCP, and TLS where the URL's scheme says so.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(15);

/// A connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the server of a URL; by TLS if its scheme is `https` or `wss`.
pub(crate) async fn connect(url: &Url) -> Result<Box<dyn Stream>> {
    timeout(TIMEOUT, establish(url)).await.map_err(|_| anyhow!("{} cannot be connected to in time", origin(url)))?
}

async fn establish(url: &Url) -> Result<Box<dyn Stream>> {
    let host = url.host_str().context("the URL names no host")?;
    let secure = matches!(url.scheme(), "https" | "wss");
    let port = url.port_or_known_default().context("the URL names no port")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let tcp =
        TcpStream::connect((bare, port)).await.with_context(|| format!("{} cannot be connected to", origin(url)))?;
    tcp.set_nodelay(true)?;
    if !secure {
        return Ok(Box::new(tcp));
    }
    let name = ServerName::try_from(bare.to_owned()).context("the URL's host is no name for a certificate")?;
    let tls =
        TlsConnector::from(tls()?).connect(name, tcp).await.with_context(|| format!("TLS with {}", origin(url)))?;
    Ok(Box::new(tls))
}

fn origin(url: &Url) -> String {
    format!(
        "{}://{}:{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default()
    )
}

/// Mozilla's authorities, and those of the file that `SSL_CERT_FILE` names: an image may bring its own.
fn tls() -> Result<Arc<ClientConfig>> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
        let certificates = CertificateDer::pem_file_iter(&file)
            .with_context(|| format!("SSL_CERT_FILE names {}, which cannot be read", file.display()))?;
        for certificate in certificates.flatten() {
            // One that is no authority helps nobody and harms nothing.
            let _ = roots.add(certificate);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
