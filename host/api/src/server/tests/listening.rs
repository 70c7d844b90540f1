//! Where clients may come from, and the end of the server.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

use super::super::{Limits, ListenError, Listener, SocketAccess, run};
use super::{Probe, read_to_end, read_until};

#[tokio::test]
async fn a_socket_is_for_owner_and_group() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/docker.sock");
    let of_the_test = std::fs::metadata(directory.path()).unwrap();
    let access = SocketAccess {
        owner: Some(of_the_test.uid().to_string()),
        group: Some(of_the_test.gid().to_string()),
        ..SocketAccess::default()
    };
    let listener = Listener::unix(&path, &access).await.unwrap();
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    assert_eq!((file.uid(), file.gid()), (of_the_test.uid(), of_the_test.gid()));
    assert_eq!(listener.url(), format!("unix://{}", path.display()));
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_has_the_mode_that_was_told() {
    let directory = tempfile::tempdir().unwrap();
    for mode in [0o600, 0o666] {
        let path = directory.path().join(format!("{mode:o}.sock"));
        let _listener = Listener::unix(&path, &SocketAccess { mode, ..SocketAccess::default() }).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        // The name under which it was prepared is gone.
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn a_served_socket_is_left_alone_and_a_stale_one_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let first = Listener::unix(&path, &SocketAccess::default()).await.unwrap();
    assert!(matches!(Listener::unix(&path, &SocketAccess::default()).await, Err(ListenError::InUse(_))));
    assert!(path.exists());
    drop(first);
    // As a daemon that was killed leaves it behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let second = Listener::unix(&path, &SocketAccess::default()).await.unwrap();
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    std::fs::write(&path, "precious").unwrap();
    let error = Listener::unix(&path, &SocketAccess::default()).await.unwrap_err().to_string();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn an_unknown_user_or_group_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let access = SocketAccess { group: Some("no-such-group".to_owned()), ..SocketAccess::default() };
    let error = Listener::unix(directory.path().join("s"), &access).await.unwrap_err();
    assert!(matches!(error, ListenError::NoSuchGroup(group) if group == "no-such-group"));
    let access = SocketAccess { owner: Some("no-such-user".to_owned()), ..SocketAccess::default() };
    let error = Listener::unix(directory.path().join("s"), &access).await.unwrap_err();
    assert!(matches!(error, ListenError::NoSuchUser(user) if user == "no-such-user"));
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
    let listener = Listener::unix(&path, &SocketAccess::default()).await.unwrap();
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
