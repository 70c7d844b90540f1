//! TLS with client certificates. The certificates are made for this test, and nothing else trusts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::super::{Limits, ListenError, Listener, TlsFiles, run};
use super::{Probe, read_to_end};

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/tests/certificates").join(name)
}

fn files() -> TlsFiles {
    TlsFiles {
        client_ca: certificate("ca.pem"),
        certificate: certificate("server.pem"),
        key: certificate("server.key"),
    }
}

async fn connect(address: &str, identity: Option<&str>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(name) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate(&format!("{name}.pem"))).unwrap()],
                PrivateKeyDer::from_pem_file(certificate(&format!("{name}.key"))).unwrap(),
            )
            .unwrap(),
    };
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), socket).await
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_served() {
    let listener = Listener::tls("127.0.0.1:0".parse().unwrap(), files()).await.unwrap();
    let address = listener.url().strip_prefix("tcp://").unwrap().to_owned();
    let stop = CancellationToken::new();
    let (dropped, _receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = tokio::spawn(run(vec![listener], Probe { dropped }.into(), Limits::default(), stop.clone()));
    let mut client = connect(&address, Some("client")).await.unwrap();
    client
        .write_all(b"POST /echo HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nearly")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut client).await, "HEAD\r\n\r\nearly<5>");
    for identity in [None, Some("stranger")] {
        // With TLS 1.3 a client learns of its refusal only when it reads.
        let refused = match connect(&address, identity).await {
            Err(_) => true,
            Ok(mut client) => {
                let _ = client.write_all(b"GET /a HTTP/1.1\r\nHost: d\r\n\r\n").await;
                client.read_to_end(&mut Vec::new()).await.is_err()
            }
        };
        assert!(refused, "{identity:?}");
    }
    stop.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn files_that_are_no_good_are_named() {
    let listen = |files| Listener::tls("127.0.0.1:0".parse().unwrap(), files);
    let error = listen(TlsFiles { key: "/nowhere".into(), ..files() }).await.unwrap_err();
    assert!(matches!(error, ListenError::Certificate { path, .. } if path == Path::new("/nowhere")));
    let error = listen(TlsFiles { client_ca: certificate("client.key"), ..files() }).await.unwrap_err();
    assert!(error.to_string().contains("there is no certificate in it"), "{error}");
}
