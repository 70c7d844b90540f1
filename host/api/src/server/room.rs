//! How many clients are served at once, and what becomes of the others.
//!
//! A client beyond the limit is not left waiting: it is accepted, told why it is not served, and let go.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use sockerless_engine::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::connection::{self, Peer, RequestBody};
use super::hijack::Hijack;
use super::listener::Stream;
use super::{Ending, Handler, Limits};
use crate::access::Client;
use crate::wire::Body;

/// Clients that are being refused at once. Further ones wait to be accepted, which takes no longer than a refusal.
const REFUSALS: usize = 64;

/// The clients of one listener.
pub(super) struct Room {
    served: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

/// What a client has got.
pub(super) enum Place {
    Served(OwnedSemaphorePermit),
    Refused(OwnedSemaphorePermit),
}

impl Room {
    pub(super) fn new(connections: usize) -> Self {
        let served = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self { served, refused: Arc::new(Semaphore::new(REFUSALS)) }
    }

    /// A place for one more client; `None` at the shutdown.
    pub(super) async fn place(&self, shutdown: &CancellationToken) -> Option<Place> {
        if let Ok(permit) = self.served.clone().try_acquire_owned() {
            return Some(Place::Served(permit));
        }
        tokio::select! {
            () = shutdown.cancelled() => None,
            permit = self.served.clone().acquire_owned() => permit.ok().map(Place::Served),
            permit = self.refused.clone().acquire_owned() => permit.ok().map(Place::Refused),
        }
    }
}

/// Tells a client that there is no room. It has as long to ask as at a shutdown.
pub(super) async fn refuse(
    io: Box<dyn Stream>,
    client: Client,
    handler: Arc<impl Handler>,
    limits: &Limits,
    ending: Ending,
) {
    let begun = CancellationToken::new();
    begun.cancel();
    let reason = Error::unavailable(format!(
        "this socket has {} connections, as many as it serves at once (--max-connections): try again later",
        limits.connections
    ));
    connection::drive(io, client, Arc::new(Refusing { handler, reason }), limits, Ending { begun, ..ending }).await;
}

/// Answers whatever is asked with the same.
struct Refusing<H> {
    handler: Arc<H>,
    reason: Error,
}

impl<H: Handler> Handler for Refusing<H> {
    fn handle(
        self: Arc<Self>,
        _: Request<RequestBody<Incoming>>,
        _: Peer,
    ) -> BoxFuture<'static, Result<Response<Body>, Hijack>> {
        async move { Ok(self.handler.refuse(&self.reason)) }.boxed()
    }
}
