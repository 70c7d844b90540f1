//! The end of a client's input, which hyper takes for the end of the client.
//!
//! A client may shut down its writing side as soon as its request is out, and still wants its answer; with an attached
//! container it is how standard input ends. hyper would either drop such a connection, or, told to allow it, would not
//! notice that a client is gone while an answer is streamed. So the end of input is kept from hyper while an answer is
//! under way, and told to whoever produces it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// What a connection is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    phase: AtomicU8,
    requests: AtomicU64,
    endless: AtomicBool,
    gone: CancellationToken,
}

/// Between two requests.
const IDLE: u8 = 0;
/// The body of a request is wanted.
const RECEIVING: u8 = 1;
/// An answer is prepared or under way, and nothing more is wanted of the client.
const ANSWERING: u8 = 2;

impl Phase {
    pub(crate) fn receiving(&self) {
        self.0.phase.store(RECEIVING, Ordering::Release);
    }

    pub(crate) fn answering(&self) {
        self.0.phase.store(ANSWERING, Ordering::Release);
    }

    pub(crate) fn idle(&self) {
        self.0.endless.store(false, Ordering::Release);
        self.0.phase.store(IDLE, Ordering::Release);
    }

    /// A request has come.
    pub(crate) fn begin(&self) {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether any request has come on this connection.
    pub(crate) fn has_begun(&self) -> bool {
        self.requests() > 0
    }

    /// The answer under way has no end of its own.
    pub(crate) fn endless(&self) {
        self.0.endless.store(true, Ordering::Release);
    }

    /// Whether the answer under way ends with the shutdown.
    pub(crate) fn is_endless(&self) -> bool {
        self.0.endless.load(Ordering::Acquire)
    }

    /// Cancelled when the client has ended its input while it was answered.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.0.gone
    }

    fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Acquire)
    }

    fn get(&self) -> u8 {
        self.0.phase.load(Ordering::Acquire)
    }
}

/// How long a client may take, and how long it has taken.
#[derive(Debug)]
pub(crate) struct Patience {
    head: Duration,
    silence: Duration,
    /// For what, and until when.
    timer: Option<(Wanted, Pin<Box<Sleep>>)>,
}

/// What of a client is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The rest of a head, behind so many requests.
    Head(u64),
    /// Something of a body.
    Body,
}

impl Patience {
    /// `head` is for the head of a request from its first byte on, `silence` for one in the middle of its body.
    pub(crate) fn new(head: Duration, silence: Duration) -> Self {
        Self { head, silence, timer: None }
    }

    /// The client has sent something.
    fn received(&mut self, phase: &Phase) {
        match phase.get() {
            // However much it sends, the head has one time.
            IDLE => self.wait(Wanted::Head(phase.requests()), self.head),
            _ => self.timer = None,
        }
    }

    fn wait(&mut self, wanted: Wanted, limit: Duration) {
        if self.timer.as_ref().is_none_or(|(other, _)| *other != wanted) {
            self.timer = Some((wanted, Box::pin(sleep(limit))));
        }
    }

    /// Whether the client has taken too long for what it sends nothing of.
    fn poll(&mut self, phase: &Phase, context: &mut Context<'_>) -> Poll<()> {
        match phase.get() {
            // Between two requests hyper keeps the time.
            IDLE => {}
            RECEIVING => self.wait(Wanted::Body, self.silence),
            _ => self.timer = None,
        }
        match &mut self.timer {
            Some((Wanted::Head(requests), _)) if *requests != phase.requests() => Poll::Pending,
            Some((_, timer)) => timer.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

/// A socket whose end of input depends on the phase.
#[derive(Debug)]
pub(crate) struct Io<T> {
    socket: T,
    phase: Phase,
    patience: Patience,
    seen: bool,
}

impl<T> Io<T> {
    pub(crate) fn new(socket: T, phase: Phase, patience: Patience) -> Self {
        Self { socket, phase, patience, seen: false }
    }

    pub(crate) fn into_inner(self) -> T {
        self.socket
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Io<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.socket).poll_read(context, buffer) else {
            ready!(this.patience.poll(&this.phase, context));
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client takes too long to send its request",
            )));
        };
        read?;
        if buffer.filled().len() > before || buffer.remaining() == 0 {
            this.patience.received(&this.phase);
            return Poll::Ready(Ok(()));
        }
        let first = !std::mem::replace(&mut this.seen, true);
        match this.phase.get() {
            ANSWERING => {
                this.phase.gone().cancel();
                Poll::Pending
            }
            // Whoever reads the body may not yet have seen that it is whole: they get one turn to find out.
            RECEIVING if first => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Io<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
