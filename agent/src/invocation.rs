//! The platform's front end: it pings, it brings the invocation that starts the command, and, where the daemon dials, the daemon's
//! links.

use std::convert::Infallible;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sockerless_agent_protocol::process::ProcessState;
use sockerless_agent_protocol::{headers, paths};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Config;
use crate::door::Door;
use crate::process::{Busy, Processes};

/// The front end keeps few connections; anybody on the Internet may open more.
const CONNECTIONS: usize = 256;
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
const HEAD_BYTES: usize = 64 << 10;

pub(crate) type Answer = Response<Full<Bytes>>;

struct Front {
    /// Where the daemon dials in; nothing if the agent dials the daemon.
    door: Option<Arc<Door>>,
    processes: Processes,
    key: String,
    limit: Duration,
}

/// Begins to serve the front end.
///
/// # Errors
/// The port cannot be had.
pub(crate) async fn serve(config: &Config, processes: Processes, door: Option<Door>) -> Result<JoinHandle<()>> {
    let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, config.port)).await {
        Ok(listener) => listener,
        // A machine without IPv6.
        Err(_) => TcpListener::bind(("0.0.0.0", config.port))
            .await
            .with_context(|| format!("port {} cannot be listened on: the platform names it in PORT", config.port))?,
    };
    tracing::info!(port = config.port, "waiting for the invocation");
    let door = door.map(Arc::new);
    let front = Arc::new(Front { door, processes, key: config.invocation_key.clone(), limit: config.response_limit });
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    Ok(tokio::spawn(async move {
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let front = front.clone();
            tokio::spawn(async move {
                let _permit = permit;
                let service = service_fn(move |request| {
                    let front = front.clone();
                    async move { Ok::<_, Infallible>(front.answer(request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .max_buf_size(HEAD_BYTES)
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades();
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the front end ended");
                }
            });
        }
    }))
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if let Some(door) = &self.door
            && request.method() == Method::GET
            && request.uri().path() == paths::LINK
        {
            return door.clone().answer(request).await;
        }
        if request.method() != Method::POST || request.uri().path() != paths::INVOCATION {
            // A ping: any answer will do, and nothing may happen.
            return text(StatusCode::OK, "sockerless-agent\n");
        }
        if !self.is_allowed(request.headers()) {
            return text(StatusCode::UNAUTHORIZED, "the invocation's key is wrong\n");
        }
        let run = request.headers().get(headers::RUN_ID).and_then(|run| run.to_str().ok()).unwrap_or_default();
        if run.is_empty() || run.len() > 64 {
            return text(StatusCode::BAD_REQUEST, "the invocation names no run\n");
        }
        let mut answer = self.run(run).await;
        if let Ok(run) = HeaderValue::from_str(run) {
            answer.headers_mut().insert(headers::RUN_ID, run);
        }
        answer
    }

    fn is_allowed(&self, map: &HeaderMap) -> bool {
        let given = map.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| value.strip_prefix(b"Bearer "));
        given.is_some_and(|given| given.ct_eq(self.key.as_bytes()).into())
    }

    async fn run(&self, run: &str) -> Answer {
        let process = match self.processes.run(run) {
            Ok(process) => process,
            Err(Busy::OtherRun(other)) => {
                return text(StatusCode::CONFLICT, format!("another run is under way: {other}\n"));
            }
            Err(Busy::Stopping) => return text(StatusCode::SERVICE_UNAVAILABLE, "the container is being stopped\n"),
        };
        match timeout(self.limit, process.ended()).await {
            Ok(ProcessState::Exited { code }) => with_code(text(StatusCode::OK, ""), code),
            Ok(ProcessState::Failed { code, message }) => with_code(text(StatusCode::OK, message), code),
            Ok(ProcessState::Starting | ProcessState::Running { .. }) | Err(_) => {
                text(StatusCode::ACCEPTED, "the command runs on\n")
            }
        }
    }
}

fn with_code(mut answer: Answer, code: i32) -> Answer {
    answer.headers_mut().insert(headers::EXIT_CODE, HeaderValue::from(code));
    answer
}

/// An answer of a few words.
pub(crate) fn text(status: StatusCode, message: impl Into<String>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(message.into())));
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_key_of_this_container_invokes() {
        let processes = Processes::start(Default::default(), None, crate::changes::Changes::unknown("a test")).unwrap();
        let front = Front { door: None, processes, key: "right".into(), limit: Duration::from_secs(1) };
        let allowed = |value: Option<&'static str>| {
            let map = value.map(|value| (AUTHORIZATION, HeaderValue::from_static(value)));
            front.is_allowed(&HeaderMap::from_iter(map))
        };
        assert!(allowed(Some("Bearer right")));
        for wrong in [None, Some("Bearer wrong"), Some("right"), Some("Bearer right "), Some("Bearer ")] {
            assert!(!allowed(wrong), "{wrong:?}");
        }
    }
}
