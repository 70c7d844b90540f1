//! One request through the front end.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::headers::{forward, is_upgrade, strip};
use super::limit::Cut;
use crate::container::NotReady;
use crate::http::{Body, client, full, text};
use crate::world::World;

/// Passes a request on to the container of a site.
pub(crate) async fn handle(world: &World, site: &str, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let Some(app) = world.arm.handle_of(site) else {
        return if world.arm.exists(site) {
            page(StatusCode::SERVICE_UNAVAILABLE, "The site is being made.")
        } else {
            page(StatusCode::NOT_FOUND, "404 Web Site not found.")
        };
    };
    let deadline = Instant::now() + Duration::from_millis(world.config.platform.response_limit_ms);
    let start_limit = Duration::from_millis(world.config.platform.start_limit_ms);
    let port = match timeout_at(deadline, app.ready(start_limit)).await {
        Ok(Ok(port)) => port,
        Ok(Err(NotReady::Stopped)) => return page(StatusCode::FORBIDDEN, "Error 403 - This web app is stopped."),
        Ok(Err(NotReady::Deleted)) => return page(StatusCode::NOT_FOUND, "404 Web Site not found."),
        Ok(Err(NotReady::Failed(reason))) => {
            tracing::info!(site, "503: {reason}");
            return page(StatusCode::SERVICE_UNAVAILABLE, ":( Application Error");
        }
        Ok(Err(NotReady::Late)) | Err(_) => {
            return page(StatusCode::SERVICE_UNAVAILABLE, ":( The application did not start in time.");
        }
    };
    match timeout_at(deadline, pass(request, site, peer, port)).await {
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
    }
}

/// Sends the request. With the answer comes the client's side of a connection that both want upgraded.
async fn pass(
    mut request: Request<Incoming>,
    site: &str,
    peer: SocketAddr,
    port: u16,
) -> std::io::Result<(Response<Incoming>, Option<OnUpgrade>)> {
    let upgrade = is_upgrade(request.headers()).then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    strip(&mut parts.headers);
    forward(&mut parts.headers, &parts.uri, &format!("{site}.azurewebsites.net"), peer);
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
