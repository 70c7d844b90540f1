//! A WebSocket as a stream of bytes.
//!
//! The agent opens the WebSocket with `GET {callback URL}/v1/agents/connect`, `Authorization: Bearer <token>` and the headers
//! [`CONTAINER_ID`](crate::headers::CONTAINER_ID), [`BOOT_ID`](crate::headers::BOOT_ID) and
//! [`PROTOCOL`](crate::headers::PROTOCOL).
//!
//! Where the agent cannot reach the daemon, the daemon opens it, at [`paths::LINK`](crate::paths::LINK) of the server that takes the
//! invocation, with [the dial key](crate::token::AgentToken::dial_key) as bearer token and `PROTOCOL`. The agent's 101 then has the
//! three headers, and its token in [`AGENT_TOKEN`](crate::headers::AGENT_TOKEN). The newest link counts.
//!
//! Each binary message carries some bytes of the stream; where one ends and the next
//! begins means nothing. Half-open connections are found by HTTP/2's own pings.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long nothing may come over a link before a ping goes out.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long the answer to a ping may take before the link counts as broken: a half-open link is found within 45 s.
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// HTTP/2 window of one stream, in bytes.
pub const STREAM_WINDOW: u32 = 512 * 1024;
/// HTTP/2 window of a link, in bytes: so large that one stream which nobody reads holds up no other.
pub const LINK_WINDOW: u32 = 1 << 30;
/// Streams at once on one link.
pub const MAX_STREAMS: u32 = 4096;
/// Bytes of one message at most.
const MAX_MESSAGE: usize = 256 * 1024;

/// The limits that both sides set on their WebSocket.
#[must_use]
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
}

/// The stream of bytes over a WebSocket.
#[derive(Debug)]
pub struct Link<S> {
    socket: WebSocketStream<S>,
    read: Bytes,
}

impl<S> Link<S> {
    /// Over a WebSocket that is open.
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, read: Bytes::new() }
    }
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionReset.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Link<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => self.read = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a text message on a link of bytes",
                    )));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
            }
        }
        let count = out.remaining().min(self.read.len());
        out.put_slice(&self.read[..count]);
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Link<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(broken)?;
        let count = bytes.len().min(MAX_MESSAGE / 4);
        let message = Message::Binary(Bytes::copy_from_slice(&bytes[..count]));
        Pin::new(&mut self.socket).start_send(message).map_err(broken)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.socket).poll_close(context)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(broken(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::tungstenite::protocol::Role;

    async fn pair() -> (Link<tokio::io::DuplexStream>, Link<tokio::io::DuplexStream>) {
        let (one, other) = tokio::io::duplex(1000);
        let one = WebSocketStream::from_raw_socket(one, Role::Client, Some(websocket_config())).await;
        let other = WebSocketStream::from_raw_socket(other, Role::Server, Some(websocket_config())).await;
        (Link::new(one), Link::new(other))
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_end() {
        let (mut one, mut other) = pair().await;
        let data: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let sent = data.clone();
        let writer = tokio::spawn(async move {
            one.write_all(&sent).await.unwrap();
            one.flush().await.unwrap();
            let mut back = [0; 4];
            one.read_exact(&mut back).await.unwrap();
            assert_eq!(&back, b"back");
            let _ = one.shutdown().await;
        });
        let mut got = vec![0; data.len()];
        other.read_exact(&mut got).await.unwrap();
        assert!(got == data);
        other.write_all(b"back").await.unwrap();
        other.flush().await.unwrap();
        assert_eq!(other.read(&mut [0; 8]).await.unwrap_or(0), 0);
        writer.await.unwrap();
    }
}
