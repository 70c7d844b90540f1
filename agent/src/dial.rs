//! The link to the daemon: dialled again and again, for as long as the container lives.

use std::time::Duration;

use anyhow::{Context, Result};
use http::{HeaderValue, StatusCode, header};
use sockerless_agent_protocol::link::websocket_config;
use sockerless_agent_protocol::redial::{self, Redial};
use sockerless_agent_protocol::{VERSION, headers, paths};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::config::Callback;
use crate::connect::{Stream, connect};
use crate::link::LinkServer;

const HANDSHAKE: Duration = Duration::from_secs(20);

/// Keeps a link to the daemon.
pub(crate) struct Dialler {
    pub(crate) callback: Callback,
    pub(crate) server: LinkServer,
}

impl Dialler {
    /// Dials again and again, until the agent ends.
    pub(crate) async fn dial_until_the_end(self) {
        let mut redials = Redial::default();
        while !self.server.ending.is_cancelled() {
            let begin = Instant::now();
            let next = match self.dial().await {
                Ok(()) => {
                    tracing::info!("the link to the daemon has ended");
                    None
                }
                Err(error) => {
                    tracing::warn!("no link to the daemon: {error:#}");
                    match error.downcast_ref::<Refused>().map(|refused| refused.0) {
                        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::UPGRADE_REQUIRED) => {
                            Some(redial::UNKNOWN)
                        }
                        Some(StatusCode::CONFLICT) => Some(redial::BUSY),
                        _ => None,
                    }
                }
            };
            tokio::select! {
                () = sleep(redials.pause(begin.elapsed(), next)) => {}
                () = self.server.ending.cancelled() => return,
            }
        }
    }

    /// Opens a link and serves the daemon on it until either ends.
    async fn dial(&self) -> Result<()> {
        let socket = tokio::select! {
            socket = self.open() => socket?,
            () = self.server.ending.cancelled() => return Ok(()),
        };
        self.server.serve(socket, &CancellationToken::new()).await
    }

    async fn open(&self) -> Result<WebSocketStream<Box<dyn Stream>>> {
        let Callback { url, token } = &self.callback;
        let mut target = url.clone();
        target.set_path(&format!("{}{}", url.path().trim_end_matches('/'), paths::CONNECT));
        let mut request = target.as_str().into_client_request().context("the callback URL")?;
        let map = request.headers_mut();
        let mut token = HeaderValue::from_str(&format!("Bearer {}", token.expose())).context("the token")?;
        token.set_sensitive(true);
        map.insert(header::AUTHORIZATION, token);
        map.insert(headers::CONTAINER_ID, HeaderValue::from_str(&self.server.container).context("the container's id")?);
        map.insert(headers::BOOT_ID, HeaderValue::from_str(&self.server.boot)?);
        map.insert(headers::PROTOCOL, HeaderValue::from_static(VERSION));
        let stream = connect(url).await?;
        let handshake = client_async_with_config(request, stream, Some(websocket_config()));
        match timeout(HANDSHAKE, handshake).await.context("the daemon does not answer")? {
            Ok((socket, _)) => Ok(socket),
            Err(WebSocketError::Http(answer)) => {
                let text = answer.body().as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
                Err(anyhow::Error::new(Refused(answer.status())).context(text.unwrap_or_default()))
            }
            Err(error) => Err(error).context("the WebSocket to the daemon"),
        }
    }
}

/// The daemon answered the handshake with another status than 101.
#[derive(Debug, thiserror::Error)]
#[error("the daemon answers with status {0}")]
struct Refused(StatusCode);
