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
    /// How long requests under way may go on after the shutdown has begun.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            header_bytes: 256 << 10,
            header_timeout: Duration::from_secs(300),
            handshake_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(5),
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

/// Serves until `shutdown`, and then until the requests under way are answered or the grace is over.
pub(crate) async fn run(
    listeners: Vec<Listener>,
    handler: Arc<impl Handler>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let limits = Arc::new(limits);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    // Cancelled when the grace is over.
    let abort = CancellationToken::new();
    for listener in listeners {
        let (handler, limits, permits) = (handler.clone(), limits.clone(), permits.clone());
        let (shutdown, abort, connections) = (shutdown.clone(), abort.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some((socket, permit)) = listener.accept(&permits, &shutdown).await {
                let (handler, limits, shutdown) = (handler.clone(), limits.clone(), shutdown.clone());
                let connection = async move {
                    let _permit = permit;
                    if let Some((io, client)) = socket.establish(limits.handshake_timeout).await {
                        connection::drive(io, client, handler, &limits, shutdown).await;
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
    shutdown.cancelled().await;
    tasks.close();
    if tokio::time::timeout(limits.shutdown_grace, tasks.wait()).await.is_err() {
        abort.cancel();
        tasks.wait().await;
    }
}
