//! One connection, from its first request to its end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::hijack::Hijack;
use super::io::{Io, Patience, Phase};
use super::listener::Stream;
use super::{Ending, Handler, LAST_WORDS, Limits};
use crate::access::Client;
use crate::wire::Body;

/// The client at the other end, as a handler sees it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    client: Client,
    phase: Phase,
    ending: Ending,
}

impl Peer {
    /// Who it is.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Cancelled when the client ended its input during the answer: streams that may be silent for long end by it.
    pub(crate) fn gone(&self) -> CancellationToken {
        self.phase.gone().clone()
    }

    /// Cancelled when the shutdown begins: sessions end by it.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.ending.begun.clone()
    }

    /// Cancelled when the shutdown's grace is over.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.ending.cut.clone()
    }

    /// Ends when nobody is to be told more: the client is gone, or the shutdown begins. For answers without an end of their own.
    pub(crate) fn left(&self) -> impl Future<Output = ()> + Send + use<> {
        self.phase.endless();
        let (gone, stopping) = (self.gone(), self.stopping());
        async move {
            tokio::select! {
                () = gone.cancelled() => {}
                () = stopping.cancelled() => {}
            }
        }
    }
}

/// A request's body. What is left of it is of no interest once this is dropped.
pub(crate) struct RequestBody<B> {
    body: B,
    phase: Phase,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if frame.is_none() || this.body.is_end_stream() {
            this.phase.answering();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        self.phase.answering();
    }
}

/// A body of an answer: when it is dropped, the answer is out.
struct Answer {
    body: Body,
    phase: Phase,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.phase.idle();
    }
}

/// Says to hyper that this connection is no longer HTTP. hyper answers nothing to an error of a service, and gives the
/// socket back together with what it has read ahead.
#[derive(Debug, thiserror::Error)]
#[error("the connection was taken over")]
struct TakenOver;

/// Where a handler leaves what is to become of the connection.
type Slot = Arc<Mutex<Option<Hijack>>>;

struct Connection<H> {
    handler: Arc<H>,
    client: Client,
    phase: Phase,
    ending: Ending,
    slot: Slot,
}

impl<H: Handler> Service<Request<Incoming>> for Connection<H> {
    type Response = Response<Answer>;
    type Error = TakenOver;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.phase.begin();
        if request.body().is_end_stream() {
            self.phase.answering();
        } else {
            self.phase.receiving();
        }
        let phase = self.phase.clone();
        let request = request.map(|body| RequestBody { body, phase: phase.clone() });
        let peer = Peer { client: self.client.clone(), phase: phase.clone(), ending: self.ending.clone() };
        let answer = self.handler.clone().handle(request, peer);
        let slot = self.slot.clone();
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(response.map(|body| Answer { body, phase })),
                Err(hijack) => {
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(hijack);
                    Err(TakenOver)
                }
            }
        })
    }
}

/// How long a client that was accepted when the shutdown began, and has asked for nothing yet, may take to do so.
const FIRST_REQUEST: Duration = Duration::from_secs(2);

/// What is left to do on a connection after the shutdown has begun.
struct Farewell {
    /// hyper has been told.
    told: bool,
    /// An answer that has no end of its own was under way. It has ended now, but it may not be out.
    endless: bool,
    first_request: Pin<Box<Sleep>>,
    last_words: Pin<Box<Sleep>>,
}

impl Farewell {
    fn begin(phase: &Phase) -> Self {
        Self {
            told: false,
            endless: phase.is_endless(),
            first_request: Box::pin(sleep(FIRST_REQUEST)),
            last_words: Box::pin(sleep(LAST_WORDS)),
        }
    }

    /// Whether hyper is to be told now. It closes a connection on which nothing has come yet, and the request of a client that has just
    /// connected would be lost.
    fn is_due(&mut self, phase: &Phase, context: &mut Context<'_>) -> bool {
        let due = !self.told && (phase.has_begun() || self.first_request.as_mut().poll(context).is_ready());
        self.told |= due;
        due
    }

    /// Whether the client of such an answer had its time to read the end of it.
    fn is_over(&mut self, phase: &Phase, context: &mut Context<'_>) -> bool {
        self.endless |= phase.is_endless();
        self.last_words.as_mut().poll(context).is_ready() && self.endless
    }
}

/// Answers the requests of one connection, in turn, until either side ends it or a handler takes it over.
pub(super) async fn drive(
    socket: Box<dyn Stream>,
    client: Client,
    handler: Arc<impl Handler>,
    limits: &Limits,
    ending: Ending,
) {
    let phase = Phase::default();
    let slot = Slot::default();
    let service = Connection { handler, client, phase: phase.clone(), ending: ending.clone(), slot: slot.clone() };
    let patience = Patience::new(limits.head_timeout, limits.idle_timeout);
    let mut connection = http1::Builder::new()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_header_size(limits.header_bytes)
        .serve_connection(TokioIo::new(Io::new(socket, phase.clone(), patience)), service);
    let mut stop = pin!(ending.begun.cancelled());
    let mut farewell = None;
    let ended = poll_fn(|context| {
        if farewell.is_none() && stop.as_mut().poll(context).is_ready() {
            farewell = Some(Farewell::begin(&phase));
        }
        loop {
            let polled = connection.poll_without_shutdown(context);
            let Some(farewell) = farewell.as_mut().filter(|_| polled.is_pending()) else { return polled };
            if farewell.is_over(&phase, context) {
                return Poll::Ready(Ok(()));
            }
            if !farewell.is_due(&phase, context) {
                return Poll::Pending;
            }
            Pin::new(&mut connection).graceful_shutdown();
        }
    })
    .await;
    let parts = connection.into_parts();
    let mut socket = parts.io.into_inner().into_inner();
    let hijack = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (hijack, ended) {
        (Some(hijack), _) => hijack.run(socket, parts.read_buf).await,
        (None, ended) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            // A peer that is gone already is no news.
            let _ = socket.shutdown().await;
        }
    }
}
