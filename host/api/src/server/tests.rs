//! The server on real sockets, byte for byte.

mod hijacking;
mod http;
mod listening;
mod stopping;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use sockerless_engine::Error;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Handler, Hijack, Input, Limits, Listener, Peer, RequestBody, SocketAccess, pump, run};
use crate::wire::{Body, endless, full, stream};

/// Says what it does by its path.
pub(super) struct Probe {
    /// Told when a stream of `/silence` is dropped.
    dropped: mpsc::UnboundedSender<()>,
}

/// Sends back what it gets, and says at the end how much it was.
struct Echo {
    output: mpsc::Sender<Result<Bytes, Error>>,
    count: usize,
}

impl Input for Echo {
    type Error = Error;

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.count += bytes.len();
        self.output.send(Ok(bytes)).await.map_err(|_| Error::internal("nobody reads"))
    }

    async fn finish(self) -> Result<(), Error> {
        let _ = self.output.send(Ok(format!("<{}>", self.count).into())).await;
        Ok(())
    }
}

struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl Handler for Probe {
    fn handle(
        self: Arc<Self>,
        request: Request<RequestBody<Incoming>>,
        peer: Peer,
    ) -> BoxFuture<'static, Result<Response<Body>, Hijack>> {
        async move {
            let (head, body) = request.into_parts();
            match head.uri.path() {
                "/count" => match body.collect().await {
                    Ok(body) => Ok(Response::new(full(body.to_bytes().len().to_string()))),
                    Err(error) => Ok(Response::new(full(format!("broken: {error}")))),
                },
                "/ignore" => {
                    drop(body);
                    tokio::task::yield_now().await;
                    Ok(Response::new(full("ignored")))
                }
                "/silence" => {
                    let told = Told(self.dropped.clone());
                    let silence = futures_util::stream::pending().map(move |never: Result<Bytes, Error>| {
                        let _ = &told;
                        never
                    });
                    Ok(endless("text/plain", silence, peer.left()))
                }
                "/flood" => {
                    let flood = futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1 << 16])));
                    Ok(endless("text/plain", flood, peer.left()))
                }
                "/slow" => {
                    let pieces = futures_util::stream::iter(["one", "two"]).then(|piece| async move {
                        tokio::task::yield_now().await;
                        Ok(Bytes::from(piece))
                    });
                    Ok(stream("text/plain", pieces))
                }
                "/echo" => {
                    let _ = body.collect().await;
                    let (output, mut receiver) = mpsc::channel(1);
                    let input = Echo { output, count: 0 };
                    Err(Hijack::new("HEAD\r\n\r\n", move |socket, early| {
                        let output = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
                        pump(socket, early, Some(output), Some(input), peer.stopping())
                    }))
                }
                "/sink" => {
                    let (output, mut receiver) = mpsc::channel(1);
                    let dropped = self.dropped.clone();
                    tokio::spawn(async move {
                        while receiver.recv().await.is_some() {}
                        let _ = dropped.send(());
                    });
                    Err(Hijack::new("HEAD\r\n\r\n", move |socket, early| {
                        type Nothing = futures_util::stream::Empty<Result<Bytes, Error>>;
                        pump(socket, early, None::<Nothing>, Some(Echo { output, count: 0 }), peer.stopping())
                    }))
                }
                "/words" => Err(Hijack::last_words("HTTP/1.1 404 Not Found\r\n\r\nno\r\n")),
                path => Ok(Response::new(full(path.to_owned()))),
            }
        }
        .boxed()
    }
}

/// A server that goes away with this.
pub(super) struct Server {
    pub(super) path: PathBuf,
    pub(super) dropped: mpsc::UnboundedReceiver<()>,
    _stop: DropGuard,
    _directory: TempDir,
}

pub(super) async fn start() -> Server {
    start_with(Limits::default()).await
}

pub(super) async fn start_with(limits: Limits) -> Server {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/docker.sock");
    let listener = Listener::unix(&path, &SocketAccess::default()).await.unwrap();
    let stop = CancellationToken::new();
    let (dropped, receiver) = mpsc::unbounded_channel();
    tokio::spawn(run(vec![listener], Arc::new(Probe { dropped }), limits, stop.clone()));
    Server { path, dropped: receiver, _stop: stop.drop_guard(), _directory: directory }
}

impl Server {
    pub(super) async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    /// Sends bytes, ends the input if asked, and reads to the end.
    pub(super) async fn exchange(&self, request: &str, half_close: bool) -> String {
        let mut socket = self.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        if half_close {
            socket.shutdown().await.unwrap();
        }
        read_to_end(&mut socket).await
    }
}

pub(super) async fn read_to_end(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the text has been seen at the end of what came.
pub(super) async fn read_until(socket: &mut (impl tokio::io::AsyncRead + Unpin), end: &str) -> String {
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(end) {
        let count = tokio::time::timeout(Duration::from_secs(30), socket.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(count, 0, "the connection ended after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    answer
}
