//! Sessions of the engine over a WebSocket: `GET /containers/{id}/attach/ws`.

use std::fmt;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use sockerless_engine::Error;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use crate::places::Place;
use crate::server::{Hijack, Input, LAST_WORDS, Stream};

/// Most bytes of one message from a client.
const MESSAGE: usize = 1 << 20;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// The answer to the key of the handshake.
///
/// # Errors
/// The request is none.
pub(super) fn accept(headers: &HeaderMap) -> Result<String, Error> {
    let has = |name, wanted: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
    };
    let is_handshake = has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && has(SEC_WEBSOCKET_VERSION, "13");
    match headers.get(SEC_WEBSOCKET_KEY) {
        Some(key) if is_handshake => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Error::invalid("this is no handshake of a WebSocket (RFC 6455, version 13)")),
    }
}

/// Takes the connection over for a session, which ends at `stopping` at the latest.
pub(super) fn hijack<O, E, I>(
    accept: &str,
    output: Option<O>,
    input: Option<I>,
    place: Place,
    stopping: CancellationToken,
) -> Hijack
where
    O: futures_util::Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    E: fmt::Display + Send,
    I: Input<Error: Send> + 'static,
{
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Hijack::new(head, |socket, early| async move {
        let _place = place;
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
        let socket = WebSocketStream::from_partially_read(socket, early.to_vec(), Role::Server, Some(config)).await;
        let (mut sink, source) = socket.split();
        let received = std::pin::pin!(receive(source, input));
        match output {
            None => tokio::select! {
                () = received => {}
                () = stopping.cancelled() => {}
            },
            Some(output) => {
                let mut sent = std::pin::pin!(send(output.take_until(stopping.cancelled()), &mut sink));
                tokio::select! {
                    () = &mut sent => {}
                    () = received => {}
                    // A client that does not read is not waited for.
                    () = async { stopping.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => {}
                }
            }
        }
        // The client may have gone, or may not read.
        let _ = tokio::time::timeout(LAST_WORDS, sink.close()).await;
    })
}

async fn send<O, E>(output: O, sink: &mut SplitSink<Socket, Message>)
where
    O: futures_util::Stream<Item = Result<Bytes, E>>,
    E: fmt::Display,
{
    let mut output = std::pin::pin!(output);
    while let Some(bytes) = output.next().await {
        match bytes {
            Ok(bytes) => {
                if sink.send(Message::Binary(bytes)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the output of a session broke off");
                return;
            }
        }
    }
}

/// Takes in what the client sends. Ends when the client has closed the WebSocket, which has no half of it that could stay open.
async fn receive(mut source: SplitStream<Socket>, mut input: Option<impl Input>) {
    while let Some(Ok(message)) = source.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => text.into(),
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        if let Some(open) = &mut input
            && let Err(error) = open.write(bytes).await
        {
            tracing::debug!(%error, "the input of a session is closed");
            input = None;
        }
    }
    if let Some(input) = input
        && let Err(error) = input.finish().await
    {
        tracing::debug!(%error, "the end of a session's input did not reach the process");
    }
}

#[cfg(test)]
mod tests {
    use super::accept;
    use http::HeaderMap;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_handshake_is_answered() {
        let whole = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        // The key and its answer are those of RFC 6455, section 1.3.
        assert_eq!(accept(&headers(&whole)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for missing in 0..whole.len() {
            let mut rest = whole.to_vec();
            rest.remove(missing);
            assert!(accept(&headers(&rest)).is_err(), "without {}", whole[missing].0);
        }
    }
}
