//! The end of a client's input, which hyper takes for the end of the client.
//!
//! A client may shut down its writing side as soon as its request is out, and still wants its answer; with an attached
//! container it is how standard input ends. hyper would either drop such a connection, or, told to allow it, would not
//! notice that a client is gone while an answer is streamed. So the end of input is kept from hyper while an answer is
//! under way, and told to whoever produces it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// What a connection is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    phase: AtomicU8,
    begun: AtomicBool,
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
        self.0.begun.store(true, Ordering::Release);
    }

    /// Whether any request has come on this connection.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Acquire)
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

    fn get(&self) -> u8 {
        self.0.phase.load(Ordering::Acquire)
    }
}

/// A socket whose end of input depends on the phase.
#[derive(Debug)]
pub(crate) struct Io<T> {
    socket: T,
    phase: Phase,
    seen: bool,
}

impl<T> Io<T> {
    pub(crate) fn new(socket: T, phase: Phase) -> Self {
        Self { socket, phase, seen: false }
    }

    pub(crate) fn into_inner(self) -> T {
        self.socket
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Io<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(context, buffer))?;
        if buffer.filled().len() > before || buffer.remaining() == 0 {
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
