//! A client of a running daemon, for the commands that manage one.

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::address::Address;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What a request sends.
pub(crate) struct Body {
    media_type: &'static str,
    bytes: Bytes,
}

impl Body {
    pub(crate) fn of(media_type: &'static str, bytes: Bytes) -> Self {
        Self { media_type, bytes }
    }

    pub(crate) fn none() -> Self {
        Self::of("application/octet-stream", Bytes::new())
    }

    /// # Errors
    /// The value cannot be written as JSON.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::of("application/json", serde_json::to_vec(value)?.into()))
    }
}

/// One request to the daemon, with a component or nothing.
///
/// # Errors
/// The daemon is not there; it answers with an error, whose text this has.
pub(crate) async fn request(host: &Address, method: &str, path: &str, body: Bytes) -> Result<serde_json::Value> {
    request_with(host, method, path, Body::of("application/wasm", body)).await
}

/// One request to the daemon.
///
/// # Errors
/// The daemon is not there; it answers with an error, whose text this has.
pub(crate) async fn request_with(host: &Address, method: &str, path: &str, body: Body) -> Result<serde_json::Value> {
    let io: Box<dyn Io> = match host {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await.with_context(|| {
            format!("no daemon at {host}: is `sockerless serve` running, and may this user reach it?")
        })?),
        Address::Tcp(authority) => {
            Box::new(TcpStream::connect(authority).await.with_context(|| format!("no daemon at {host}"))?)
        }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "sockerless")
        .header("content-type", body.media_type)
        .body(Full::new(body.bytes))?;
    let response =
        sender.send_request(request).await.with_context(|| format!("the daemon at {host} did not answer"))?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    connection.abort();
    let value: serde_json::Value = if bytes.is_empty() {
        serde_json::Value::Null
    } else {
        serde_json::from_slice(&bytes).map_err(|error| anyhow!("the daemon's answer is not understood: {error}"))?
    };
    if !status.is_success() {
        let message = value.get("message").and_then(serde_json::Value::as_str).unwrap_or("no message");
        bail!("{message}");
    }
    Ok(value)
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
