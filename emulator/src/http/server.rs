//! Accepts connections and hands each request to its service.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HOST;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::body::{Body, read_body, text};
use super::exchange::Exchange;
use super::host::Service;
use crate::control::Received;
use crate::world::World;
use crate::{arm, control, frontend, identity, logs};

/// Serves until told to stop.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(Arc::clone(&world), stream, peer);
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection => {}
                    }
                });
            }
            Err(error) => {
                // Most often too many open files: the next attempt would fail at once again.
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(world: Arc<World>, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let service = service_fn(move |request| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(Box::pin(answer(world, request, peer)).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}

async fn answer(world: Arc<World>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let host = host_of(&request);
    let Some(service) = Service::of(&host, request.uri().path()) else {
        return text(
            StatusCode::NOT_FOUND,
            format!(
                "The Azure emulator has no service at host '{host}', path '{}'.\n\
                 It tells its services apart by the Host header: management.azure.com, login.microsoftonline.com, \
                 api.loganalytics.azure.com, <region>.in.applicationinsights.azure.com, <site>.azurewebsites.net, \
                 control.emulator; its own address serves /v2/track and /_control/.\n",
                request.uri().path()
            ),
        );
    };
    let mut received = Received::new(&service, &host, &request);
    let response = match &service {
        Service::Site(site) => frontend::handle(&world, site, request, peer).await,
        service => whole(&world, service, host, request, &mut received).await,
    };
    if service != Service::Control {
        received.status = response.status().as_u16();
        world.requests.add(received);
    }
    response
}

async fn whole(
    world: &Arc<World>,
    service: &Service,
    host: String,
    request: Request<Incoming>,
    received: &mut Received,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let exchange = Exchange {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        host,
        headers: parts.headers,
        body,
    };
    received.take_body(service, &exchange);
    let answer = match world.faults.answer(service.name(), &exchange) {
        Some(answer) => answer,
        None => match service {
            Service::Arm => arm::handle(world, &exchange),
            Service::Login => identity::handle(world, &exchange),
            Service::Logs => logs::handle_query(world, &exchange),
            Service::Ingestion => logs::handle_track(world, &exchange),
            Service::Control | Service::Site(_) => control::handle(world, &exchange),
        },
    };
    answer.into_response()
}

/// The host that the client named: in the request line, as a proxy's client does, or in the header.
fn host_of(request: &Request<Incoming>) -> String {
    match request.uri().authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
    }
}
