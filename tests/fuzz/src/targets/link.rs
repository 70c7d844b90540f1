//! The link between agent and daemon.

use std::time::Duration;

use sockerless_agent_protocol::link::{Link, websocket_config};
use sockerless_agent_protocol::token::AgentToken;
use sockerless_agents::{AgentListener, AgentRegistry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use crate::runtime::block_on;

/// The token of the container `c`, as the corpus has it.
const TOKEN: &str = "7b1f9a4e03c2d586";

/// How long the listener may be silent before what it says is taken for whole.
const SILENCE: Duration = Duration::from_millis(20);

/// Bytes that are to be frames of a WebSocket, with a link on it.
pub(super) fn link(input: &[u8]) {
    block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let socket = WebSocketStream::from_raw_socket(ours, Role::Server, Some(websocket_config())).await;
        let mut link = Link::new(socket);
        theirs.write_all(input).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut read = Vec::new();
        // It may be an error, but it ends, and makes nothing out of nothing.
        let _ = link.read_to_end(&mut read).await;
        assert!(read.len() <= input.len(), "{} bytes out of {}", read.len(), input.len());
    });
}

/// Bytes at the agents' listener: the head of a request, and what follows on it.
pub(super) fn listener(input: &[u8]) {
    block_on(async {
        let registry = AgentRegistry::default();
        registry.register("c", &AgentToken::new(TOKEN).callback_hash());
        let listener = AgentListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.address(), CancellationToken::new());
        let serving = tokio::spawn(listener.serve(registry.clone(), shutdown.clone()));
        let answer = exchange(address, input).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", answer.escape_ascii());
        let accepted = answer.starts_with(b"HTTP/1.1 101 ");
        let named = input.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!accepted || named, "an agent without its token: {}", input.escape_ascii());
        // It serves others as before.
        let answer = exchange(address, b"GET / HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with(b"HTTP/1.1 404 "), "{}", answer.escape_ascii());
        shutdown.cancel();
        serving.await.unwrap();
    });
}

async fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The listener may hang up before it has read everything.
    let _ = socket.write_all(bytes).await;
    let _ = socket.shutdown().await;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(SILENCE, socket.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..count]);
    }
    answer
}
