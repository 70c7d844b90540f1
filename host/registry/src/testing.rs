//! A registry of a test's own, on a port of this machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use sockerless_docker::{ImagePlatform, ImageReference, RegistryAuth};
use sockerless_engine::Fetch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{RegistryClient, RegistryOptions, digest};

/// A request, as the server got it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /v2/`
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn authorization(&self) -> &str {
        self.headers.get("authorization").map_or("", String::as_str)
    }
}

/// What it answers: status, headers, body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// The server. Ends with the test's runtime.
pub(crate) struct Server {
    /// `127.0.0.1:port`
    pub(crate) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                tokio::spawn(async move {
                    // Whoever speaks TLS is hung up on, as plain servers do.
                    if let Some((stream, asked)) = read(stream).await {
                        log.lock().unwrap().push(asked.clone());
                        write(stream, answer(&asked)).await;
                    }
                });
            }
        });
        Self { host, asked }
    }

    /// Everything it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The lines of everything it was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// An image in it.
    pub(crate) fn fetch(&self, name: &str, auth: Option<RegistryAuth>) -> Fetch {
        let reference = ImageReference::parse(&format!("{}/{name}", self.host)).unwrap();
        Fetch { reference, platform: ImagePlatform::linux("amd64"), auth, known: Vec::new() }
    }
}

async fn read(mut stream: TcpStream) -> Option<(TcpStream, Asked)> {
    let mut bytes = Vec::new();
    let head = loop {
        if bytes.first() == Some(&0x16) || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let body = String::from_utf8(bytes[head + 4..].to_vec()).ok()?;
    Some((stream, Asked { line, headers, body }))
}

async fn write(mut stream: TcpStream, (status, headers, body): Reply) {
    let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

/// A client that trusts nobody's certificates.
pub(crate) fn client() -> RegistryClient {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    RegistryClient::new(RegistryOptions { tls, insecure: Vec::new() }).unwrap()
}

/// An image: its manifest and its configuration.
pub(crate) fn image(config: &Value) -> (Vec<u8>, Vec<u8>) {
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest::sha256(&config),
            "size": config.len(),
        },
        "layers": [{ "digest": digest::sha256(b"layer"), "size": 5 }],
    });
    (manifest.to_string().into_bytes(), config)
}

pub(crate) fn user(password: &str) -> RegistryAuth {
    RegistryAuth { username: "user".to_owned(), password: password.to_owned(), ..RegistryAuth::default() }
}

pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
    (200, Vec::new(), body.into())
}
