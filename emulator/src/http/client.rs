//! The front end's way to a container: one connection per request. Containers come and go on the same
//! machine, so that pooled connections would save little and break often.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends a request to the process that listens on `port` of this machine.
pub(crate) async fn send<B>(port: u16, request: Request<B>) -> io::Result<Response<Incoming>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(port, "connection to a container ended: {error}");
        }
    });
    sender.send_request(request).await.map_err(io::Error::other)
}

/// A GET of the platform itself. The answer's body is dropped.
pub(crate) async fn get(port: u16, path: &str) -> io::Result<StatusCode> {
    let request = Request::get(path)
        .header(HOST, format!("localhost:{port}"))
        .header(USER_AGENT, "HealthCheck/1.0")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    Ok(send(port, request).await?.status())
}
