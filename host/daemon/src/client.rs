//! A client of a running daemon, for the commands that manage one.

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sockerless_docker::RegistryAuth;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::address::Address;

/// As long as a line of an answer may be, in bytes.
const LINE_LIMIT: usize = 1 << 20;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What a request sends.
pub(crate) struct Body {
    media_type: &'static str,
    bytes: Bytes,
    auth: Option<RegistryAuth>,
}

impl Body {
    pub(crate) fn of(media_type: &'static str, bytes: Bytes) -> Self {
        Self { media_type, bytes, auth: None }
    }

    pub(crate) fn none() -> Self {
        Self::of("application/octet-stream", Bytes::new())
    }

    /// # Errors
    /// The value cannot be written as JSON.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::of("application/json", serde_json::to_vec(value)?.into()))
    }

    /// The same, with what a registry is to be shown.
    pub(crate) fn by(self, auth: Option<RegistryAuth>) -> Self {
        Self { auth, ..self }
    }
}

/// One request to the daemon, with a component or nothing.
///
/// # Errors
/// The daemon is not there; it answers with an error, whose text this has.
pub(crate) async fn request(host: &Address, method: &str, path: &str, body: Bytes) -> Result<Value> {
    request_with(host, method, path, Body::of("application/wasm", body)).await
}

/// One request to the daemon.
///
/// # Errors
/// The daemon is not there; it answers with an error, whose text this has.
pub(crate) async fn request_with(host: &Address, method: &str, path: &str, body: Body) -> Result<Value> {
    let bytes = answered(send(host, method, path, body).await?).await?.collect().await?.to_bytes();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|error| anyhow!("the daemon's answer is not understood: {error}"))
}

/// The same for an answer that comes line by line. Answers the head.
///
/// # Errors
/// The daemon is not there; it answers with an error; one of the lines is one.
pub(crate) async fn progress(
    host: &Address,
    method: &str,
    path: &str,
    body: Body,
    mut line: impl FnMut(&Value),
) -> Result<HeaderMap> {
    let response = send(host, method, path, body).await?;
    let headers = response.headers().clone();
    let mut body = answered(response).await?;
    let mut waiting = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        waiting.extend_from_slice(&data);
        if waiting.len() > LINE_LIMIT {
            bail!("the daemon's answer is not understood: a line has no end");
        }
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let text = waiting.split_to(end + 1);
            let value: Value = serde_json::from_slice(&text)
                .map_err(|error| anyhow!("the daemon's answer is not understood: {error}"))?;
            if let Some(error) = value.get("error").and_then(Value::as_str) {
                bail!("{error}");
            }
            line(&value);
        }
    }
    Ok(headers)
}

/// The body of a success.
async fn answered(response: Response<Incoming>) -> Result<Incoming> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let bytes = response.into_body().collect().await?.to_bytes();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match value.get("message").and_then(Value::as_str) {
        Some(message) => bail!("{message}"),
        None => bail!("the daemon answers with status {status}, and no message"),
    }
}

/// Sends a request on a connection of its own.
async fn send(host: &Address, method: &str, path: &str, body: Body) -> Result<Response<Incoming>> {
    let io: Box<dyn Io> = match host {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await.with_context(|| {
            format!("no daemon at {host}: is `sockerless serve` running, and may this user reach it?")
        })?),
        Address::Tcp(authority) => {
            Box::new(TcpStream::connect(authority).await.with_context(|| format!("no daemon at {host}"))?)
        }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    // Ends when the answer has been read, as nothing else is asked on it.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "sockerless")
        .header("connection", "close")
        .header("content-type", body.media_type);
    let request = match &body.auth {
        Some(auth) => request.header("x-registry-auth", URL_SAFE.encode(serde_json::to_vec(auth)?)),
        None => request,
    };
    let request = request.body(Full::new(body.bytes))?;
    sender.send_request(request).await.with_context(|| format!("the daemon at {host} did not answer"))
}

/// What a command that does one thing after the other runs on.
///
/// # Errors
/// The system gives none of what it takes.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// A part of a path or of a query.
pub(crate) fn encoded(part: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC)
}
