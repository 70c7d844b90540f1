//! Exchanges that a guest begins and the host has from then on: use, misuse and limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sockerless_backend::sessions::{
    ExecProcess, ExecStarted, ExecState, Extraction, Framing, StreamsWanted, TerminalSize,
};
use sockerless_backend::{Backend, BackendError, HttpError};
use sockerless_plugins::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::guest::{guest, guest_without_logs};
use crate::server::{response, serve};
use crate::support::{Setup, World, container};

/// A server that switches protocols: it hands each connection on that has.
async fn switching() -> (String, mpsc::UnboundedReceiver<(String, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, switched) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream
                .write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ")
                .await
                .unwrap();
            let _ = sender.send((String::from_utf8(head).unwrap(), stream));
        }
    });
    (url, switched)
}

async fn serving(url: &str) -> (World, Arc<dyn Backend>) {
    Setup::default().hosts("127.0.0.1", &[url]).serving().await
}

fn process() -> ExecProcess {
    ExecProcess { command: vec!["7".to_owned()], ..ExecProcess::default() }
}

async fn start(backend: &Arc<dyn Backend>, name: &str, url: &str) -> Result<ExecStarted, BackendError> {
    backend.exec_start(container(name, &["POST", url], &[]), process()).await
}

#[tokio::test]
async fn a_connection_outlives_the_call_and_each_direction_ends_by_itself() {
    let (url, mut switched) = switching().await;
    let (world, backend) = serving(&url).await;
    let started = start(&backend, "plain", &format!("{url}/a?b")).await.unwrap();
    assert_eq!((started.id.as_str(), started.connection.framing), ("7", Framing::Raw));
    let (head, mut server) = switched.recv().await.unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /a?b http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nupgrade: tcp\r\n") && head.contains("\r\nconnection: upgrade\r\n"), "{head}");
    // Not even another version in its place touches it.
    world.load(guest()).await.unwrap();
    let mut connection = started.connection.stream;
    connection.write_all(b"question").await.unwrap();
    connection.shutdown().await.unwrap();
    let mut asked = String::new();
    server.read_to_string(&mut asked).await.unwrap();
    assert_eq!(asked, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answered = String::new();
    connection.read_to_string(&mut answered).await.unwrap();
    assert_eq!(answered, "early answer");
    let of = || container("plain", &[], &[]);
    assert_eq!(backend.exec_inspect(of(), "7".into()).await.unwrap(), ExecState::Exited(7));
    let size = TerminalSize { rows: 33, columns: 101 };
    let told = BackendError::Other("33 by 101".into());
    assert_eq!(backend.exec_resize(of(), "7".into(), size).await.unwrap_err(), told);
    assert_eq!(backend.attach_resize(of(), size).await.unwrap_err(), told);
    let wanted = StreamsWanted { stderr: true, ..StreamsWanted::default() };
    let attached = backend.attach(container("plain", &["POST", &url], &[]), wanted).await.unwrap();
    assert_eq!(attached.framing, Framing::Multiplexed);
}

/// Whatever a call holds when it ends, other than by giving it away, is closed.
#[tokio::test]
async fn what_is_not_given_to_the_host_is_closed() {
    for (name, left) in [("unused", 1), ("forgotten", 1), ("trap", 1), ("long-id", 1), ("many", 4)] {
        let (url, mut switched) = switching().await;
        let (_world, backend) = serving(&url).await;
        let error = start(&backend, name, &url).await.err().unwrap();
        match name {
            "many" => assert!(error.to_string().contains("has begun 4 streams"), "{error}"),
            "trap" | "long-id" => assert!(matches!(error, BackendError::Fault(_)), "{error}"),
            _ => assert!(matches!(error, BackendError::Conflict(_)), "{error}"),
        }
        for _ in 0..left {
            let (_, mut server) = switched.recv().await.unwrap();
            assert!(server.read_u8().await.is_err(), "{name}");
        }
    }
    // Of two, the one that was given away stays.
    let (url, mut switched) = switching().await;
    let (_world, backend) = serving(&url).await;
    let mut started = start(&backend, "twice", &url).await.unwrap();
    let (_, mut first) = switched.recv().await.unwrap();
    assert!(first.read_u8().await.is_err());
    let (_, mut second) = switched.recv().await.unwrap();
    started.connection.stream.write_u8(9).await.unwrap();
    assert_eq!(second.read_u8().await.unwrap(), 9);
}

#[tokio::test]
async fn a_stream_is_begun_by_the_rules_of_any_request() {
    let address = serve(|_| async { response(409, "no streams here") }).await;
    let url = format!("http://{address}");
    let (_world, backend) = serving(&url).await;
    let error = async |name: &str, url: &str| start(&backend, name, url).await.err().unwrap().to_string();
    assert_eq!(error("plain", &url).await, "declined with 409: no streams here");
    assert!(error("plain", "https://evil.example/").await.contains("HttpError::Denied"));
    assert!(error("protocol", &url).await.contains("the protocol is not a name"));
    let denied = container("x", &["PUT", "https://evil.example/"], &[]);
    let put = backend.archive_put(denied.clone(), "/".into(), Extraction::default()).await;
    assert!(put.err().unwrap().to_string().contains("HttpError::Denied"));
    let got = backend.archive_get(denied, "/".into()).await;
    assert!(got.err().unwrap().to_string().contains("HttpError::Denied"));
    // The client's bytes are the body.
    let with_body = container("x", &["PUT", &url], &["body=mine"]);
    let put = backend.archive_put(with_body, "/".into(), Extraction::default()).await;
    assert!(put.err().unwrap().to_string().contains("is what Docker's client sends"));
}

/// Bytes that the host moves are no part of what a call may move.
#[tokio::test]
async fn archives_are_larger_than_what_a_call_may_move() {
    let address = serve(|request| async move {
        match request.method.as_str() {
            "GET" => response(200, vec![7; 1 << 20]),
            _ => response(200, format!("{} bytes", request.body.len())),
        }
    })
    .await;
    let url = format!("http://{address}");
    let limits = Limits { http_bytes: 1000, ..Limits::default() };
    let setup = Setup { limits, ..Setup::default() }.hosts("127.0.0.1", &[&url]);
    let (_world, backend) = setup.serving().await;
    let of = |method: &str| container("x", &[method, &url], &[]);
    let (stat, body) = backend.archive_get(of("GET"), "/etc".into()).await.unwrap();
    assert!(stat.name == "/etc" && stat.size > 0, "{stat:?}");
    assert_eq!(body.try_collect::<Vec<_>>().await.unwrap().concat().len(), 1 << 20);
    let body = backend.archive_file_system(of("GET")).await.unwrap();
    assert_eq!(body.try_collect::<Vec<_>>().await.unwrap().concat().len(), 1 << 20);
    let upload = backend.archive_put(of("PUT"), "/etc".into(), Extraction::default()).await.unwrap();
    let pieces = stream::iter((0..64).map(|_| Ok(Bytes::from(vec![1; 1 << 14]))));
    let answer = upload.send(pieces.boxed()).await;
    let judged = backend.archive_extracted(of("PUT"), "/etc".into(), answer).await;
    assert_eq!(judged.unwrap_err(), BackendError::Other("200 1048576 bytes".into()));
    // A client that goes away in the midst of its archive has not sent one.
    let upload = backend.archive_put(of("PUT"), "/etc".into(), Extraction::default()).await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(HttpError::Interrupted("gone".into()))]);
    let sent = tokio::time::timeout(Duration::from_secs(60), upload.send(broken.boxed())).await;
    assert!(sent.unwrap().is_err());
}

#[tokio::test]
async fn a_component_without_the_interfaces_is_not_asked() {
    let world = Setup::default().world();
    let loaded = world.load(guest_without_logs()).await.unwrap().loaded;
    assert!(
        !(loaded.interfaces.exec || loaded.interfaces.attach || loaded.interfaces.archive || loaded.interfaces.runs)
    );
    let backend = world.host.default_backend().unwrap();
    let of = || container("plain", &[], &[]);
    let error = backend.exec_start(of(), process()).await.err().unwrap();
    assert_eq!(error, BackendError::NotSupported("the backend `guest` runs no commands".into()));
    let error = backend.archive_stat(of(), "/".into()).await.unwrap_err();
    assert!(matches!(error, BackendError::NotSupported(_)), "{error}");
    let error = backend.resume(of(), "run".into()).await.unwrap_err();
    assert!(matches!(error, BackendError::NotSupported(_)), "{error}");
    let loaded = world.load(guest()).await.unwrap().loaded;
    assert!(loaded.interfaces.exec && loaded.interfaces.attach && loaded.interfaces.archive && loaded.interfaces.runs);
    assert_eq!(backend.resume(of(), "run".into()).await.unwrap_err(), BackendError::NotFound("run".into()));
}
