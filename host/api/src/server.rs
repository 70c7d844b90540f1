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
mod room;
mod tls;
mod unix;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use sockerless_engine::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use certificates::Certificates;
pub(crate) use connection::{Peer, RequestBody};
pub(crate) use hijack::{Hijack, Input, pump};
pub(crate) use listener::Stream;
pub use listener::{ListenError, Listener};
use room::{Place, Room, refuse};
pub use tls::TlsFiles;
pub use unix::SocketAccess;

use crate::wire::{Body, error_response};

/// What the server protects itself by.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, of each listener. Further ones are answered with 503.
    pub connections: usize,
    /// Requests whose handlers are at work. Further ones are answered with 503.
    pub requests: usize,
    /// Answers without an end of their own, and sessions. Further ones are answered with 429.
    pub streams: usize,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// How long the head of a request may take from its first byte on.
    pub head_timeout: Duration,
    /// How long a client may send nothing between two requests, or in the middle of the body of one.
    pub idle_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests under way may go on after the shutdown has begun. Streams without an end end at once.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            requests: 4096,
            streams: 4096,
            header_bytes: 256 << 10,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
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

    /// The answer to a request for which there is no room.
    fn refuse(&self, reason: &Error) -> Response<Body> {
        error_response(reason)
    }
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
    let tasks = TaskTracker::new();
    let ending = Ending { begun: shutdown, cut: CancellationToken::new() };
    // Cancelled when those have had their last words whom the end of the grace has cut off.
    let abort = CancellationToken::new();
    for listener in listeners {
        let (handler, limits, room) = (handler.clone(), limits.clone(), Room::new(limits.connections));
        let (ending, abort, connections) = (ending.clone(), abort.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(socket) = listener.accept(&ending.begun).await {
                let Some(place) = room.place(&ending.begun).await else { break };
                let (handler, limits, ending) = (handler.clone(), limits.clone(), ending.clone());
                let connection = async move {
                    let Some((io, client)) = socket.establish(limits.handshake_timeout).await else { return };
                    match place {
                        Place::Served(_permit) => connection::drive(io, client, handler, &limits, ending).await,
                        Place::Refused(_permit) => refuse(io, client, handler, &limits, ending).await,
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
