//! The HTTP server: listeners, connections, and connections that stop being HTTP.
//!
//! It knows no Docker. What answers is a [`Handler`].

mod certificates;
mod connection;
mod hijack;
mod identity;
mod io;
mod listener;
mod names;
mod tls;
mod unix;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use certificates::Certificates;
pub(crate) use connection::{Peer, RequestBody};
pub(crate) use hijack::{Hijack, Input, pump};
pub(crate) use listener::Stream;
pub use listener::{ListenError, Listener};
pub use tls::TlsFiles;
pub use unix::SocketAccess;

use crate::wire::Body;

/// What the server protects itself by.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once. Further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// How long a connection may be idle, or take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests under way may go on after the shutdown has begun. Streams without an end end at once.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            header_bytes: 256 << 10,
            header_timeout: Duration::from_secs(300),
            handshake_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(15),
        }
    }
}

/// What answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one, or takes the connection over.
    fn handle(
        self: Arc<Self>,
        request: Request<RequestBody<Incoming>>,
        peer: Peer,
    ) -> BoxFuture<'static, Result<Response<Body>, Hijack>>;
}

/// How long what is decided at the shutdown may take on its way: the end of a stream to a client that does not read, the refusal of a
/// request that is cut off.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(2);

/// How the server ends, as connections and handlers see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// Cancelled when the shutdown begins.
    pub(crate) begun: CancellationToken,
    /// Cancelled when its grace is over: what is under way is given up.
    pub(crate) cut: CancellationToken,
}

/// Serves until `shutdown`, and then until the requests under way are answered or the grace is over. Streams without an end end at once.
pub(crate) async fn run(
    listeners: Vec<Listener>,
    handler: Arc<impl Handler>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let limits = Arc::new(limits);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let ending = Ending { begun: shutdown, cut: CancellationToken::new() };
    // Cancelled when those have had their last words whom the end of the grace has cut off.
    let abort = CancellationToken::new();
    for listener in listeners {
        let (handler, limits, permits) = (handler.clone(), limits.clone(), permits.clone());
        let (ending, abort, connections) = (ending.clone(), abort.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some((socket, permit)) = listener.accept(&permits, &ending.begun).await {
                let (handler, limits, ending) = (handler.clone(), limits.clone(), ending.clone());
                let connection = async move {
                    let _permit = permit;
                    if let Some((io, client)) = socket.establish(limits.handshake_timeout).await {
                        connection::drive(io, client, handler, &limits, ending).await;
                    }
                };
                let aborted = abort.clone().cancelled_owned();
                connections.spawn(async move {
                    tokio::select! {
                        () = connection => {}
                        () = aborted => {}
                    }
                });
            }
        });
    }
    ending.begun.cancelled().await;
    tasks.close();
    if tokio::time::timeout(limits.shutdown_grace, tasks.wait()).await.is_ok() {
        return;
    }
    ending.cut.cancel();
    if tokio::time::timeout(LAST_WORDS, tasks.wait()).await.is_err() {
        abort.cancel();
        tasks.wait().await;
    }
}
