//! Where clients may come from, and the end of the server.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

use super::super::{Limits, ListenError, Listener, run};
use super::{Probe, read_to_end, read_until};

#[tokio::test]
async fn a_socket_is_for_owner_and_group() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/docker.sock");
    let group = std::fs::metadata(directory.path()).unwrap().gid().to_string();
    let listener = Listener::unix(&path, Some(&group)).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert_eq!(listener.url(), format!("unix://{}", path.display()));
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_served_socket_is_left_alone_and_a_stale_one_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let first = Listener::unix(&path, None).await.unwrap();
    assert!(matches!(Listener::unix(&path, None).await, Err(ListenError::InUse(_))));
    assert!(path.exists());
    drop(first);
    // As a daemon that was killed leaves it behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let second = Listener::unix(&path, None).await.unwrap();
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    std::fs::write(&path, "precious").unwrap();
    let error = Listener::unix(&path, None).await.unwrap_err().to_string();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn an_unknown_group_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = Listener::unix(directory.path().join("s"), Some("no-such-group")).await.unwrap_err();
    assert!(matches!(error, ListenError::NoSuchGroup(group) if group == "no-such-group"));
}

#[tokio::test]
async fn tcp_in_the_open_is_for_loopback_only() {
    let error = Listener::tcp("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ListenError::Open(_)));
}

#[tokio::test]
async fn the_shutdown_lets_requests_end_and_idle_clients_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let listener = Listener::unix(&path, None).await.unwrap();
    let stop = CancellationToken::new();
    let (dropped, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let limits = Limits { shutdown_grace: Duration::from_millis(200), ..Limits::default() };
    let server = tokio::spawn(run(vec![listener], Probe { dropped }.into(), limits, stop.clone()));
    let mut idle = tokio::net::UnixStream::connect(&path).await.unwrap();
    idle.write_all(b"GET /a HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    read_until(&mut idle, "/a").await;
    let mut endless = tokio::net::UnixStream::connect(&path).await.unwrap();
    endless.write_all(b"GET /silence HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    read_until(&mut endless, "\r\n\r\n").await;
    stop.cancel();
    assert_eq!(read_to_end(&mut idle).await, "");
    server.await.unwrap();
    receiver.recv().await.unwrap();
    assert!(!path.exists());
}
