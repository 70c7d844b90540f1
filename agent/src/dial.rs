//! The link to the daemon: dialled again and again, for as long as the container lives.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::{HeaderValue, StatusCode, header};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sockerless_agent_protocol::link::{
    LINK_WINDOW, Link, MAX_STREAMS, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW, websocket_config,
};
use sockerless_agent_protocol::{VERSION, headers, paths};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::config::Callback;
use crate::connect::connect;
use crate::process::Processes;

const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// To a daemon that does not know this agent, which may be a matter of a restore from an old copy of its state.
const UNKNOWN: Duration = Duration::from_secs(30);
/// While another instance of the container is the one that counts.
const BUSY: Duration = Duration::from_secs(3);
/// A link that lasted so long was a good one: the next pause is short again.
const LASTED: Duration = Duration::from_secs(30);
const HANDSHAKE: Duration = Duration::from_secs(20);

/// Dials for ever.
pub(crate) async fn for_ever(callback: Callback, boot: String, processes: Processes, container: String) -> Infallible {
    let container: Arc<str> = container.into();
    let mut pause = BACK_OFF;
    loop {
        let begin = Instant::now();
        let next = match dial(&callback, &boot, &processes, &container).await {
            Ok(()) => {
                tracing::info!("the link to the daemon has ended");
                None
            }
            Err(error) => {
                let status = error.downcast_ref::<Refused>().map(|refused| refused.0);
                tracing::warn!("no link to the daemon: {error:#}");
                match status {
                    Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::UPGRADE_REQUIRED) => {
                        Some(UNKNOWN)
                    }
                    Some(StatusCode::CONFLICT) => Some(BUSY),
                    _ => None,
                }
            }
        };
        if begin.elapsed() > LASTED {
            pause = BACK_OFF;
        }
        sleep(jittered(next.unwrap_or(pause))).await;
        pause = (pause * 2).min(BACK_OFF_MAX);
    }
}

/// Between half of it and the whole, so that many agents do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    pause / 2 + pause * u32::from(random) / 512
}

/// The daemon answered the handshake with another status than 101.
#[derive(Debug, thiserror::Error)]
#[error("the daemon answers with status {0}")]
struct Refused(StatusCode);

/// Opens a link and serves the daemon on it until it ends.
async fn dial(callback: &Callback, boot: &str, processes: &Processes, container: &Arc<str>) -> Result<()> {
    let mut url = callback.url.clone();
    url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), paths::CONNECT));
    let mut request = url.as_str().into_client_request().context("the callback URL")?;
    let map = request.headers_mut();
    let mut token = HeaderValue::from_str(&format!("Bearer {}", callback.token.expose())).context("the token")?;
    token.set_sensitive(true);
    map.insert(header::AUTHORIZATION, token);
    map.insert(headers::CONTAINER_ID, HeaderValue::from_str(container).context("the container's id")?);
    map.insert(headers::BOOT_ID, HeaderValue::from_str(boot)?);
    map.insert(headers::PROTOCOL, HeaderValue::from_static(VERSION));
    let stream = connect(&callback.url).await?;
    let handshake = client_async_with_config(request, stream, Some(websocket_config()));
    let (socket, _) = match timeout(HANDSHAKE, handshake).await.context("the daemon does not answer")? {
        Ok(open) => open,
        Err(WebSocketError::Http(answer)) => {
            let text =
                answer.body().as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
            return Err(anyhow::Error::new(Refused(answer.status())).context(text));
        }
        Err(error) => return Err(error).context("the WebSocket to the daemon"),
    };
    tracing::info!("the daemon is connected");
    let link = CancellationToken::new();
    let _ended = link.clone().drop_guard();
    let api = Arc::new(Api { processes: processes.clone(), container: container.clone(), link });
    let service = service_fn(move |request| api.clone().answer(request));
    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(LINK_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(usize::try_from(STREAM_WINDOW).unwrap_or(usize::MAX))
        .serve_connection(TokioIo::new(Link::new(socket)), service)
        .await
        .context("the link to the daemon")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_between_half_and_whole() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(1));
            assert!((Duration::from_millis(500)..=Duration::from_secs(1)).contains(&pause), "{pause:?}");
        }
    }
}
