//! A link to the daemon, once it is open: the daemon's requests on it are answered until it ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sockerless_agent_protocol::link::{LINK_WINDOW, Link, MAX_STREAMS, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::changes::Changes;
use crate::process::Processes;
use crate::transfer::Transfers;

/// How long requests that are under way may take to be answered when the agent ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves the daemon on links.
#[derive(Clone)]
pub(crate) struct LinkServer {
    /// Of this instance of the container.
    pub(crate) boot: Arc<str>,
    pub(crate) container: Arc<str>,
    pub(crate) processes: Processes,
    pub(crate) transfers: Transfers,
    pub(crate) changes: Changes,
    /// The agent ends: requests under way are answered, and no more are taken.
    pub(crate) ending: CancellationToken,
}

impl LinkServer {
    /// Answers on one link until it ends, or is cut.
    ///
    /// # Errors
    /// The link broke.
    pub(crate) async fn serve<S>(&self, socket: WebSocketStream<S>, cut: &CancellationToken) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        tracing::info!("the daemon is connected");
        let link = CancellationToken::new();
        let _ended = link.clone().drop_guard();
        let api = Arc::new(Api {
            processes: self.processes.clone(),
            container: self.container.clone(),
            transfers: self.transfers.clone(),
            changes: self.changes.clone(),
            link,
        });
        let service = service_fn(move |request| api.clone().answer(request));
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(LINK_WINDOW)
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(usize::try_from(STREAM_WINDOW).unwrap_or(usize::MAX))
            .serve_connection(TokioIo::new(Link::new(socket)), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            result = connection.as_mut() => return result.context("the link to the daemon"),
            () = cut.cancelled() => return Ok(()),
            () = self.ending.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        match timeout(LAST_ANSWERS, connection).await {
            Ok(result) => result.context("the link to the daemon"),
            // What the daemon waits for beyond that will not come.
            Err(_) => Ok(()),
        }
    }
}
