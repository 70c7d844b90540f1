//! The end of the server, as clients see it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::{Limits, Listener, SocketAccess, run};
use super::{Probe, read_to_end, read_until};

/// A server that is told to stop.
struct Stopping {
    path: std::path::PathBuf,
    stop: CancellationToken,
    server: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Stopping {
    /// One whose grace is far longer than a test.
    async fn serve() -> Self {
        Self::serve_with(Limits { shutdown_grace: Duration::from_secs(600), ..Limits::default() }).await
    }

    async fn serve_with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker.sock");
        let listener = Listener::unix(&path, &SocketAccess::default()).await.unwrap();
        let stop = CancellationToken::new();
        let (dropped, _) = mpsc::unbounded_channel();
        let server = tokio::spawn(run(vec![listener], Probe { dropped }.into(), limits, stop.clone()));
        Self { path, stop, server, _directory: directory }
    }

    async fn asked(&self, path: &str) -> UnixStream {
        let mut socket = UnixStream::connect(&self.path).await.unwrap();
        socket.write_all(format!("POST {path} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes()).await.unwrap();
        socket
    }

    async fn ends(self) {
        tokio::time::timeout(Duration::from_secs(60), self.server).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_stream_without_an_end_gets_one() {
    let server = Stopping::serve().await;
    let mut socket = server.asked("/silence").await;
    read_until(&mut socket, "\r\n\r\n").await;
    server.stop.cancel();
    assert_eq!(read_to_end(&mut socket).await, "0\r\n\r\n");
    server.ends().await;
}

#[tokio::test]
async fn a_session_ends_without_a_reset() {
    let server = Stopping::serve().await;
    let mut socket = server.asked("/echo").await;
    read_until(&mut socket, "HEAD\r\n\r\n").await;
    socket.write_all(b"here").await.unwrap();
    read_until(&mut socket, "here").await;
    server.stop.cancel();
    assert_eq!(read_to_end(&mut socket).await, "");
    drop(socket);
    server.ends().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let server = Stopping::serve().await;
    let mut socket = server.asked("/flood").await;
    let mut first = [0; 1];
    socket.read_exact(&mut first).await.unwrap();
    server.stop.cancel();
    server.ends().await;
}

#[tokio::test]
async fn a_client_that_has_just_connected_is_answered() {
    let server = Stopping::serve().await;
    let mut busy = server.asked("/a").await;
    // The server takes clients in turn: the one before this one was answered, so it is about to be accepted, or was.
    let mut fresh = UnixStream::connect(&server.path).await.unwrap();
    read_until(&mut busy, "/a").await;
    let mut next = server.asked("/b").await;
    read_until(&mut next, "/b").await;
    server.stop.cancel();
    tokio::task::yield_now().await;
    fresh.write_all(b"GET /c HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut fresh).await.ends_with("/c"));
    server.ends().await;
}

#[tokio::test]
async fn who_connects_and_asks_for_nothing_is_let_go() {
    let server = Stopping::serve().await;
    let mut fresh = UnixStream::connect(&server.path).await.unwrap();
    let mut next = server.asked("/b").await;
    read_until(&mut next, "/b").await;
    server.stop.cancel();
    assert_eq!(read_to_end(&mut fresh).await, "");
    server.ends().await;
}
