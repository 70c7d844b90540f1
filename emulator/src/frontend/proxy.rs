//! One request through the front end.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::headers::{forward, is_upgrade, strip};
use super::limit::Cut;
use crate::container::NotReady;
use crate::control::FrontEndFault;
use crate::http::{Body, client, full, text};
use crate::world::World;

/// Most bytes of a request that is delivered although its answer is lost.
const MAX_DELIVERED: usize = 16 << 20;

/// The connection to the client is to be broken off without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the emulator was told to break the connection off")]
pub(crate) struct Broken;

/// Passes a request on to the container of a site.
pub(crate) async fn handle(
    world: &World,
    site: &str,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Body>, Broken> {
    let deadline = Instant::now() + Duration::from_millis(world.config().platform.response_limit_ms);
    let host = format!("{site}.{}", world.names().sites);
    let port = match timeout_at(deadline, ready(world, &host)).await {
        Ok(Ok(port)) => port,
        Ok(Err(page)) => return Ok(*page),
        Err(_) => return Ok(late()),
    };
    if let Some(FrontEndFault { status, is_delivered }) = world.faults.front_end(request.uri().path()) {
        if is_delivered {
            deliver(request, host, peer, port).await;
        }
        return status.map(|status| page(status, "The emulator was told to answer this.")).ok_or(Broken);
    }
    Ok(match timeout_at(deadline, pass(request, &host, peer, port)).await {
        Err(_) => page(StatusCode::GATEWAY_TIMEOUT, "504.0 GatewayTimeout"),
        Ok(Err(error)) => {
            tracing::info!(site, "502: {error}");
            page(
                StatusCode::BAD_GATEWAY,
                "502 - Web server received an invalid response while acting as a proxy server.",
            )
        }
        Ok(Ok((response, None))) => response.map(|body| Cut::new(body, deadline).boxed_unsync()),
        Ok(Ok((mut response, Some(client)))) => {
            let container = hyper::upgrade::on(&mut response);
            tokio::spawn(tunnel(client, container));
            response.map(|_| full(""))
        }
    })
}

/// The port of the container that takes the request, or the page that is answered in its stead.
async fn ready(world: &World, host: &str) -> Result<u16, Box<Response<Body>>> {
    let refuse = |status, message| Err(Box::new(page(status, message)));
    let Some(name) = world.arm.name_at(host) else {
        return refuse(StatusCode::NOT_FOUND, "404 Web Site not found.");
    };
    let Some(app) = world.arm.handle_of(&name) else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "The site is being made.");
    };
    let hold = Duration::from_millis(world.config().platform.request_hold_ms);
    match app.ready(hold).await {
        Ok(port) => Ok(port),
        Err(NotReady::Stopped) => refuse(StatusCode::FORBIDDEN, "Error 403 - This web app is stopped."),
        Err(NotReady::Deleted) => refuse(StatusCode::NOT_FOUND, "404 Web Site not found."),
        Err(NotReady::Late) => Err(Box::new(late())),
        Err(NotReady::Failed(reason)) => {
            tracing::info!(host, "503: {reason}");
            refuse(StatusCode::SERVICE_UNAVAILABLE, ":( Application Error")
        }
    }
}

fn late() -> Response<Body> {
    page(StatusCode::SERVICE_UNAVAILABLE, ":( The application did not start in time.")
}

/// Sends the request and lets nobody have the answer.
async fn deliver(request: Request<Incoming>, host: String, peer: SocketAddr, port: u16) {
    let (parts, body) = request.into_parts();
    // The client's connection ends before the container has answered, and with it what was not read yet.
    let Ok(body) = Limited::new(body, MAX_DELIVERED).collect().await else { return };
    let request = Request::from_parts(parts, Full::new(body.to_bytes()));
    tokio::spawn(async move {
        match pass(request, &host, peer, port).await {
            Ok((response, _)) => drop(response.into_body().collect().await),
            Err(error) => tracing::info!(host, "a request whose answer nobody gets: {error}"),
        }
    });
}

/// Sends the request. With the answer comes the client's side of a connection that both want upgraded.
async fn pass<B>(
    mut request: Request<B>,
    host: &str,
    peer: SocketAddr,
    port: u16,
) -> std::io::Result<(Response<Incoming>, Option<OnUpgrade>)>
where
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let upgrade = is_upgrade(request.headers()).then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    strip(&mut parts.headers);
    forward(&mut parts.headers, &parts.uri, host, peer);
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = target.parse().map_err(std::io::Error::other)?;
    *request.headers_mut() = parts.headers;
    let mut response = client::send(port, request).await?;
    strip(response.headers_mut());
    let is_upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    Ok((response, upgrade.filter(|_| is_upgraded)))
}

/// Copies between both ends of an upgraded connection until one closes. The response limit does not
/// concern it.
async fn tunnel(client: OnUpgrade, container: OnUpgrade) {
    let ends = async {
        let (client, container) = tokio::try_join!(client, container).map_err(std::io::Error::other)?;
        tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(container)).await
    };
    if let Err(error) = ends.await {
        tracing::debug!("an upgraded connection ended: {error}");
    }
}

fn page(status: StatusCode, message: &str) -> Response<Body> {
    text(status, format!("{message}\n"))
}
