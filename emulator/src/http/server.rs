//! Accepts connections and hands each request to its service.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::header::HOST;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::body::{Body, read_body, text};
use super::exchange::Exchange;
use super::host::Service;
use crate::control::Received;
use crate::frontend::Broken;
use crate::world::World;
use crate::{arm, control, frontend, identity, logs, storage};

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// What every connection needs.
#[derive(Clone)]
struct Server {
    world: Arc<World>,
    tls: TlsAcceptor,
    stop: CancellationToken,
}

/// Serves until told to stop.
pub(crate) async fn serve(world: Arc<World>, tls: TlsAcceptor, listener: TcpListener, stop: CancellationToken) {
    let server = Server { world, tls, stop };
    loop {
        let accepted = tokio::select! {
            () = server.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => server.spawn(server.clone().accept(stream, peer)),
            Err(error) => {
                // Most often too many open files: the next attempt would fail at once again.
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

impl Server {
    /// Runs something until the emulator ends.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Serves a connection, whichever of HTTP and HTTPS its client speaks.
    async fn accept(self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {error}");
        }
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first == [HANDSHAKE] => self.secure(stream, peer).await,
            Ok(_) => self.connection(stream, peer).await,
            Err(error) => tracing::debug!(%peer, "connection ended: {error}"),
        }
    }

    async fn secure(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: SocketAddr) {
        match self.tls.accept(stream).await {
            Ok(stream) => self.connection(stream, peer).await,
            Err(error) => tracing::debug!(%peer, "TLS: {error}"),
        }
    }

    async fn connection(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: SocketAddr) {
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Box::pin(server.answer(request, peer)).await }
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

    async fn answer(self, request: Request<Incoming>, peer: SocketAddr) -> Result<Response<Body>, Broken> {
        if request.method() == Method::CONNECT {
            return Ok(self.connect(request, peer));
        }
        answer(self.world, request, peer).await
    }

    /// A proxy's client: whatever Azure has at the host that it wants, it finds here.
    fn connect(self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let host = host_of(&request);
        if Service::of(self.world.names(), &host, "/").is_none() || !host.ends_with(":443") {
            return text(StatusCode::BAD_GATEWAY, format!("The Azure emulator leads to no '{host}'.\n"));
        }
        let server = self.clone();
        self.spawn(tunnelled(async move {
            match hyper::upgrade::on(request).await {
                Ok(stream) => server.secure(TokioIo::new(stream), peer).await,
                Err(error) => tracing::debug!(%peer, "a tunnel ended: {error}"),
            }
        }));
        text(StatusCode::OK, "")
    }
}

/// Hides the type of a connection within a connection, which otherwise would contain itself.
fn tunnelled(work: impl Future<Output = ()> + Send + 'static) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(work)
}

async fn answer(world: Arc<World>, request: Request<Incoming>, peer: SocketAddr) -> Result<Response<Body>, Broken> {
    let host = host_of(&request);
    let cloud = world.names();
    let Some(service) = Service::of(cloud, &host, request.uri().path()) else {
        return Ok(text(
            StatusCode::NOT_FOUND,
            format!(
                "The Azure emulator has no service at host '{host}', path '{}'.\n\
                 It tells its services apart by the Host header: {}, {}, {}, <region>.{}, <site>.{sites}, <site>.scm.{sites}, \
                 <account>.{}, 169.254.169.254, control.emulator; its own address serves /v2/track, /msi/token and /_control/.\n",
                request.uri().path(),
                cloud.arm,
                cloud.login[0],
                cloud.logs[0],
                cloud.ingestion,
                cloud.files,
                sites = cloud.sites,
            ),
        ));
    };
    let mut received = Received::new(&service, &host, &request);
    let response = match &service {
        Service::Site(site) => frontend::handle(&world, site, request, peer).await,
        service => Ok(whole(&world, service, host, request, &mut received).await),
    };
    if service != Service::Control {
        received.status = response.as_ref().map_or(0, |response| response.status().as_u16());
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
            Service::Metadata => identity::handle_managed(world, &exchange),
            Service::Scm(site) => frontend::handle_scm(world, site, &exchange),
            Service::Logs => logs::handle_query(world, &exchange),
            Service::Ingestion => logs::handle_track(world, &exchange),
            Service::Files(account) => storage::handle(world, account, exchange).await,
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
