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

use super::super::{Certificates, Limits, ListenError, Listener, TlsFiles, run};
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

async fn listener(files: TlsFiles) -> Listener {
    let certificates = Certificates::load(files).await.unwrap();
    Listener::tls("127.0.0.1:0".parse().unwrap(), certificates).await.unwrap()
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_served() {
    let listener = listener(files()).await;
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
    let error = Certificates::load(TlsFiles { key: "/nowhere".into(), ..files() }).await.unwrap_err();
    assert!(matches!(error, ListenError::Certificate { path, .. } if path == Path::new("/nowhere")));
    let error = Certificates::load(TlsFiles { client_ca: certificate("client.key"), ..files() }).await.unwrap_err();
    assert!(error.to_string().contains("there is no certificate in it"), "{error}");
}

#[tokio::test]
async fn changed_files_are_read_again_before_the_next_client_and_broken_ones_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let put = |from: &str, to: &str| std::fs::copy(certificate(from), folder.path().join(to)).unwrap();
    for (from, to) in [("ca.pem", "ca.pem"), ("server.pem", "own.pem"), ("server.key", "own.key")] {
        put(from, to);
    }
    let own = |name: &str| folder.path().join(name);
    let certificates =
        Certificates::load(TlsFiles { client_ca: own("ca.pem"), certificate: own("own.pem"), key: own("own.key") });
    let certificates = certificates.await.unwrap();
    let listener = Listener::tls("127.0.0.1:0".parse().unwrap(), certificates.clone()).await.unwrap();
    let address = listener.url().strip_prefix("tcp://").unwrap().to_owned();
    let stop = CancellationToken::new();
    let (dropped, _receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = tokio::spawn(run(vec![listener], Probe { dropped }.into(), Limits::default(), stop.clone()));
    let mut old = connect(&address, Some("client")).await.unwrap();

    // Half of a change: the certificate of another key, and then no certificate at all.
    put("stranger.pem", "own.pem");
    connect(&address, Some("client")).await.unwrap();
    std::fs::write(own("own.pem"), "").unwrap();
    connect(&address, Some("client")).await.unwrap();
    certificates.reload().await;
    connect(&address, Some("client")).await.unwrap();

    put("stranger.pem", "own.pem");
    put("stranger.key", "own.key");
    let error = connect(&address, Some("client")).await.unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");

    old.write_all(b"GET /old HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut old).await.ends_with("/old"), "a connection that is there goes on");
    stop.cancel();
    server.await.unwrap();
}
