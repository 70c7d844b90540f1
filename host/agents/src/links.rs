//! A link to an agent, from when the WebSocket is open until it ends, whichever side has opened it.

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sockerless_agent_protocol::link::{
    LINK_WINDOW, Link as Bytes, MAX_STREAMS, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW,
};
use sockerless_telemetry::metrics::metrics;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

use crate::cut::Cuttable;
use crate::registry::{Admission, AgentRegistry};

/// Whose link it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) container: &'a str,
    pub(crate) boot: &'a str,
    pub(crate) admission: Admission,
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
    let cut = CancellationToken::new();
    // Whatever happens, exchanges of this link do not outlive it.
    let _cut = cut.clone().drop_guard();
    let socket = Cuttable::new(Bytes::new(socket), cut);
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(LINK_WINDOW)
        .initial_max_send_streams(usize::try_from(MAX_STREAMS).unwrap_or(usize::MAX))
        .handshake(TokioIo::new(socket))
        .await
        .map_err(|error| format!("the agent does not speak HTTP/2: {error}"))?;
    let Some(link) = registry.connect(peer.container, peer.boot, peer.admission, sender) else {
        return Ok(());
    };
    let _linked = metrics().agents.linked();
    tracing::info!(container = peer.container, boot = peer.boot, link = link.number, "the agent is connected");
    let ended = tokio::select! {
        result = connection => result.map_err(|error| format!("the agent's link {} broke: {error}", link.number)),
        () = link.closed.cancelled() => Ok(()),
        () = shutdown.cancelled() => Ok(()),
    };
    registry.disconnect(peer.container, &link);
    ended
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use sockerless_agent_protocol::token::AgentToken;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::exchange::whole;

    const CONTAINER: &str = "c";
    const TOKEN: &str = "token";

    /// An agent that answers nothing, and the daemon's end of its link.
    fn silent_agent(registry: &AgentRegistry, boot: &'static str) -> tokio::task::JoinHandle<Result<(), String>> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
            let silence = |_: Request<Incoming>| std::future::pending::<Result<Response<Full<bytes::Bytes>>, String>>();
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(Bytes::new(socket)), service_fn(silence)).await
        });
        let registry = registry.clone();
        let admission = registry.admit(CONTAINER, TOKEN, boot).unwrap();
        tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
            keep(&registry, Peer { container: CONTAINER, boot, admission }, socket, &CancellationToken::new()).await
        })
    }

    #[tokio::test]
    async fn what_waits_on_a_link_ends_when_another_takes_its_place() {
        let registry = AgentRegistry::default();
        registry.register(CONTAINER, &AgentToken::new(TOKEN).callback_hash());
        let first = silent_agent(&registry, "one");
        let link = registry.link(CONTAINER, 0).await.unwrap();
        let waits = tokio::spawn(async move {
            let request = Request::get("http://agent/v1/processes/r").body(whole("")).unwrap();
            let mut sender = link.sender.clone();
            sender.ready().await.unwrap();
            sender.send_request(request).await.map(drop)
        });
        // So that the exchange is under way.
        tokio::task::yield_now().await;
        let _second = silent_agent(&registry, "two");
        registry.link(CONTAINER, 1).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), waits).await.expect("the exchange goes on");
        assert!(ended.unwrap().is_err(), "a silent agent has answered");
        assert_eq!(first.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn who_was_let_in_before_the_token_changed_gets_no_link() {
        let registry = AgentRegistry::default();
        registry.register(CONTAINER, &AgentToken::new(TOKEN).callback_hash());
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let admission = registry.admit(CONTAINER, TOKEN, "old").unwrap();
        // The app was made anew while the handshake of the old one's agent was under way.
        let new = AgentToken::generate().unwrap();
        registry.register(CONTAINER, &new.callback_hash());
        let agent = tokio::spawn(async move {
            let socket = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
            let nothing =
                |_: Request<Incoming>| async { Ok::<_, String>(Response::new(Full::new(bytes::Bytes::new()))) };
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(Bytes::new(socket)), service_fn(nothing)).await;
        });
        let socket = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let peer = Peer { container: CONTAINER, boot: "old", admission };
        assert_eq!(keep(&registry, peer, socket, &CancellationToken::new()).await, Ok(()));
        assert!(!registry.connected(CONTAINER));
        agent.await.unwrap();
    }

    #[tokio::test]
    async fn a_new_token_cuts_the_link_of_the_old_one() {
        let registry = AgentRegistry::default();
        registry.register(CONTAINER, &AgentToken::new(TOKEN).callback_hash());
        let old = silent_agent(&registry, "old");
        registry.link(CONTAINER, 0).await.unwrap();
        registry.register(CONTAINER, &AgentToken::generate().unwrap().callback_hash());
        assert_eq!(old.await.unwrap(), Ok(()));
        assert!(!registry.connected(CONTAINER));
    }
}
