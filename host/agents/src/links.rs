//! A link to an agent, from when the WebSocket is open until it ends, whichever side has opened it.

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sockerless_agent_protocol::link::{
    LINK_WINDOW, Link as Bytes, MAX_STREAMS, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

use crate::registry::AgentRegistry;

/// Whose link it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) container: &'a str,
    pub(crate) boot: &'a str,
}

/// Makes the WebSocket the container's link, and stays until that ends: by itself, because another takes its place, because the
/// container goes, or because the daemon ends. An error says how it broke.
pub(crate) async fn keep<S>(
    registry: &AgentRegistry,
    peer: Peer<'_>,
    socket: WebSocketStream<S>,
    shutdown: &CancellationToken,
) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(LINK_WINDOW)
        .initial_max_send_streams(usize::try_from(MAX_STREAMS).unwrap_or(usize::MAX))
        .handshake(TokioIo::new(Bytes::new(socket)))
        .await
        .map_err(|error| format!("the agent does not speak HTTP/2: {error}"))?;
    let Some(link) = registry.connect(peer.container, peer.boot, sender) else {
        return Ok(());
    };
    tracing::info!(container = peer.container, boot = peer.boot, link = link.number, "the agent is connected");
    let ended = tokio::select! {
        result = connection => result.map_err(|error| format!("the agent's link {} broke: {error}", link.number)),
        () = link.closed.cancelled() => Ok(()),
        () = shutdown.cancelled() => Ok(()),
    };
    registry.disconnect(peer.container, &link);
    ended
}
