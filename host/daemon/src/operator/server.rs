//! HTTP for the operator's listener.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use sockerless_telemetry::metrics::CONTENT_TYPE as METRICS;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health::{Health, Report};

/// Connections at once. Further ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long a connection may be idle, or take to send the head of a request.
const IDLE: Duration = Duration::from_secs(90);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;

type Answer = Response<Full<Bytes>>;

pub(super) async fn serve(listener: TcpListener, health: Arc<Health>, shutdown: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) => {
                let (health, shutdown) = (health.clone(), shutdown.clone());
                tasks.spawn(async move {
                    let _permit = permit;
                    tokio::select! {
                        () = drive(socket, health) => {}
                        () = shutdown.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the operator's listener could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn drive(socket: TcpStream, health: Arc<Health>) {
    let service = service_fn(move |request| {
        let health = health.clone();
        async move { Ok::<_, Infallible>(answer(&request, &health).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the operator's listener ended");
    }
}

async fn answer(request: &Request<Incoming>, health: &Health) -> Answer {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match request.uri().path() {
        "/healthz" => report(&health.lives().await),
        "/readyz" => report(&health.is_ready().await),
        "/metrics" => reply(StatusCode::OK, METRICS, health.metrics()),
        _ => text(StatusCode::NOT_FOUND, "here are /healthz, /readyz and /metrics; the Docker API is elsewhere\n"),
    }
}

fn report(report: &Report) -> Answer {
    let status = if report.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, report)
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(body) => reply(status, "application/json", format!("{body}\n")),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer cannot be written: {error}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    reply(status, "text/plain; charset=utf-8", body.into())
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
