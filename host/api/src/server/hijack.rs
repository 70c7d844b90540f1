//! Connections that stop being HTTP, for the two directions of a process.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use sockerless_telemetry::Context;
use sockerless_telemetry::metrics::metrics;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::LAST_WORDS;
use super::listener::Stream;

/// How much of the client's input is read at once.
const CHUNK: usize = 32 << 10;

/// How long the client may take to read what was sent before the connection is closed under it.
const LINGER: Duration = Duration::from_secs(2);

/// Takes the socket, and the bytes that the client sent behind its request.
type Then = Box<dyn FnOnce(Box<dyn Stream>, Bytes) -> BoxFuture<'static, ()> + Send>;

/// The head of the answer, and what happens after it.
pub(crate) struct Hijack {
    head: Bytes,
    then: Then,
}

impl fmt::Debug for Hijack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hijack").field("head", &self.head).finish_non_exhaustive()
    }
}

impl Hijack {
    /// Writes `head`, status line and blank line included, and hands the socket on, together with the bytes that the
    /// client sent behind its request.
    pub(crate) fn new<F>(
        head: impl Into<Bytes>,
        then: impl FnOnce(Box<dyn Stream>, Bytes) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { head: head.into(), then: Box::new(|socket, early| Box::pin(then(socket, early))) }
    }

    /// An answer after which the connection ends.
    pub(crate) fn last_words(words: impl Into<Bytes>) -> Self {
        Self::new(words, |socket, _| async {
            let (reader, writer) = tokio::io::split(socket);
            close(reader, writer).await;
        })
    }

    /// The same with one more header, the first one, and with all that follows done in the course of a request.
    #[must_use]
    pub(crate) fn of_request(self, name: &str, value: &str, context: Context) -> Self {
        let Self { head, then } = self;
        let line = head.windows(2).position(|pair| pair == b"\r\n").map_or(0, |end| end + 2);
        let (status, headers) = head.split_at(line);
        let head = [status, format!("{name}: {value}\r\n").as_bytes(), headers].concat();
        Self { head: head.into(), then: Box::new(move |socket, early| Box::pin(context.run(then(socket, early)))) }
    }

    pub(super) async fn run(self, mut socket: Box<dyn Stream>, early: Bytes) {
        let _open = metrics().docker.hijacked();
        if socket.write_all(&self.head).await.is_ok() && socket.flush().await.is_ok() {
            (self.then)(socket, early).await;
        }
    }
}

/// Where the bytes of the client go.
pub(crate) trait Input: Send {
    /// Why it takes no more.
    type Error: fmt::Display;

    /// Takes some. After an error nothing further is written.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The client has ended its input.
    fn finish(self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Moves bytes in both directions until the output ends, or, when there is none, the input; at the latest until `stopping`, where what is
/// on its way to the client still gets there. That the client ends its input does not end the output.
pub(crate) async fn pump<O, E, I>(
    socket: Box<dyn Stream>,
    early: Bytes,
    output: Option<O>,
    input: Option<I>,
    stopping: CancellationToken,
) where
    O: futures_util::Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: fmt::Display,
    I: Input,
{
    let (mut reader, mut writer) = tokio::io::split(socket);
    {
        let mut received = pin!(receive(&mut reader, early, input));
        // A client that does not read is not waited for.
        let mut over = pin!(async {
            stopping.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        });
        match output {
            None => tokio::select! {
                _ = received => {}
                () = stopping.cancelled() => {}
            },
            Some(output) => {
                let mut sent = pin!(send(output.take_until(stopping.cancelled()), &mut writer));
                tokio::select! {
                    () = &mut sent => {}
                    () = &mut over => {}
                    reachable = &mut received => {
                        if reachable {
                            tokio::select! {
                                () = sent => {}
                                () = over => {}
                            }
                        }
                    }
                }
            }
        }
    }
    close(reader, writer).await;
}

/// Sends the output; ends early when the client cannot be reached.
async fn send<O, E>(output: O, writer: &mut (impl AsyncWrite + Unpin))
where
    O: futures_util::Stream<Item = Result<Bytes, E>>,
    E: fmt::Display,
{
    let mut output = pin!(output);
    while let Some(bytes) = output.next().await {
        let sent = match bytes {
            Ok(bytes) => writer.write_all(&bytes).await,
            Err(error) => {
                tracing::debug!(%error, "the output of a session broke off");
                return;
            }
        };
        // A TLS stream holds bytes back until it is flushed.
        if sent.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

/// Takes in what the client sends, until it ends its input. Tells whether the client can still be reached.
async fn receive(reader: &mut (impl AsyncRead + Unpin), early: Bytes, mut input: Option<impl Input>) -> bool {
    let mut buffer = BytesMut::new();
    let mut next = early;
    loop {
        if !next.is_empty()
            && let Some(open) = &mut input
            && let Err(error) = open.write(next).await
        {
            // The process reads no more. Its output goes on, and the client must not be stalled.
            tracing::debug!(%error, "the input of a session is closed");
            input = None;
        }
        buffer.reserve(CHUNK);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => break,
            Ok(_) => next = buffer.split().freeze(),
            Err(_) => return false,
        }
    }
    if let Some(input) = input
        && let Err(error) = input.finish().await
    {
        tracing::debug!(%error, "the end of a session's input did not reach the process");
    }
    true
}

/// Ends the connection, after the client had the time to read everything: closing a socket with unread input makes some
/// systems throw away what is still on its way to the client.
async fn close(mut reader: impl AsyncRead + Unpin, mut writer: impl AsyncWrite + Unpin) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let mut scrap = [0; 1024];
    let drained = async { while reader.read(&mut scrap).await.is_ok_and(|count| count > 0) {} };
    // Whoever takes longer loses the rest.
    let _ = tokio::time::timeout(LINGER, drained).await;
}

#[cfg(test)]
mod tests {
    use sockerless_telemetry::{Name, Span, request_id};

    use super::*;

    #[tokio::test]
    async fn the_id_of_the_request_is_in_the_head_and_with_what_follows() {
        let context = Span::of_request(|| Name::new("x"), || None).context().clone();
        let id = context.request_id().unwrap();
        let hijack = Hijack::new("HTTP/1.1 101 UPGRADED\r\nA: b\r\n\r\n", |mut socket, _| async move {
            socket.write_all(request_id().unwrap().as_bytes()).await.unwrap();
        });
        let (mut client, server) = tokio::io::duplex(1 << 10);
        hijack.of_request("X-Request-Id", &id, context).run(Box::new(server), Bytes::new()).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, format!("HTTP/1.1 101 UPGRADED\r\nX-Request-Id: {id}\r\nA: b\r\n\r\n{id}"));
    }
}
