//! What registries answer.

use std::sync::{Arc, Mutex};

use sockerless_docker::{ImagePlatform, ImageReference};
use sockerless_engine::{Fetch, Fetched, Registries as _};
use sockerless_registry::{RegistryClient, RegistryOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::runtime::block_on;

/// Where an answer ends and the next one begins.
const SEPARATOR: &[u8] = b"\n%%\n";

/// The answers of a registry, one after the other, each a line with its media type and a body: manifest, or list and manifest, and
/// configuration.
pub(super) fn fetch(input: &[u8]) {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap();
        let answers: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let bodies = split(input);
        let serving = tokio::spawn(serve(listener, bodies, answers.clone()));
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = RegistryClient::new(RegistryOptions { tls, insecure: Vec::new() }).unwrap();
        let fetch = Fetch {
            reference: ImageReference::parse(&format!("{host}/image:1")).unwrap(),
            platform: ImagePlatform::linux("amd64"),
            auth: None,
            known: Vec::new(),
        };
        if let Ok(Fetched::New(content)) = client.fetch(&fetch).await {
            let digests: Vec<String> = answers.lock().unwrap().iter().map(|body| sha256(body)).collect();
            assert!(digests.contains(&content.digest), "a digest of nothing that was sent: {content:?}");
            assert!(digests.contains(&content.id), "a configuration that was not sent: {content:?}");
        }
        serving.abort();
    });
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes)))
}

/// At most eight: media type and body of each.
fn split(mut input: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut answers = Vec::new();
    while answers.len() < 8 && !input.is_empty() {
        let end = input.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        let (answer, rest) = match end {
            Some(end) => (&input[..end], &input[end + SEPARATOR.len()..]),
            None => (input, &[][..]),
        };
        let line = answer.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let media_type = String::from_utf8_lossy(&answer[..line]).replace(|c: char| !c.is_ascii_graphic(), "");
        answers.push((media_type, answer.get(line + 1..).unwrap_or_default().to_vec()));
        input = rest;
    }
    answers
}

/// Answers each request with the next body, and afterwards with 404.
async fn serve(listener: TcpListener, bodies: Vec<(String, Vec<u8>)>, sent: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut bodies = bodies.into_iter();
    while let Ok((mut socket, _)) = listener.accept().await {
        if !read_head(&mut socket).await {
            continue;
        }
        let (status, (media_type, body)) = match bodies.next() {
            Some(answer) => ("200 OK", answer),
            None => ("404 Not Found", (String::new(), Vec::new())),
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        sent.lock().unwrap().push(body.clone());
        // The client may have heard enough.
        let _ = socket.write_all(&[head.as_bytes(), &body].concat()).await;
        let _ = socket.shutdown().await;
    }
}

/// Whether the head of a request came. Whoever speaks TLS is hung up on.
async fn read_head(socket: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut buffer).await {
            Ok(count @ 1..) if head.len() < (64 << 10) => head.extend_from_slice(&buffer[..count]),
            _ => return false,
        }
        if !head.first().is_some_and(u8::is_ascii_uppercase) {
            return false;
        }
    }
    true
}
