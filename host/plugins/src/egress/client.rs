//! The clients by which requests leave.
//!
//! One for each route, since the check of addresses happens where names are resolved, and a client keeps its own
//! connections: what one route has connected to, another cannot borrow. With an endpoint override, a third one goes
//! to the override only.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::ClientBuilder;
use rustls::ClientConfig;
use sockerless_telemetry::{Context, request_id};
use url::{Host, Url};

use super::resolve::{Forbidden, Guarded, Resolver, SystemResolver, admit};
use super::tls;
use super::transport::Transport;
use crate::credentials;
use crate::error::EngineError;
use crate::policy::Route;

/// An idle connection is given up before servers are wont to do that, who take tens of seconds to minutes.
const IDLE: Duration = Duration::from_secs(20);

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// After so long without a sign of life a connection counts as dead, also under a request without a time limit.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How requests leave the daemon, those of backends and those for credentials.
#[derive(Clone, Default)]
pub struct HttpConfig {
    /// Another base URL for every server, `SOCKERLESS_ENDPOINT_URL`: requests keep their URL for the policy and in the
    /// `Host` header, but the connection goes here. May be plain http and at any address, as the operator gave it.
    pub endpoint: Option<Url>,
    /// Instead of the resolver of this machine.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// Instead of the network: nothing leaves then, and neither endpoint nor resolver matters to backends.
    pub transport: Option<Arc<dyn Transport>>,
}

impl std::fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpConfig").field("endpoint", &self.endpoint.as_ref().map(Url::as_str)).finish_non_exhaustive()
    }
}

/// One request, ready to be sent any number of times.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<bytes::Bytes>,
    pub(crate) route: Route,
    /// The pattern of the hosts by which it is granted.
    pub(crate) rule: Arc<str>,
}

impl Outgoing {
    /// The headers, with what proves who is asking.
    pub(super) fn signed(&self, authorization: Option<HeaderValue>) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            headers.insert(http::header::AUTHORIZATION, value);
            correlate(&mut headers);
        }
        headers
    }
}

/// Puts on a request that the daemon signs in the course of which request of a client's, and where in its trace, it is sent. Other
/// requests have nothing of that: the daemon does not know whose they are at the other end.
fn correlate(headers: &mut HeaderMap) {
    if let Some(id) = request_id().and_then(|id| HeaderValue::from_str(&id).ok()) {
        for name in credentials::CORRELATION {
            headers.entry(name).or_insert_with(|| id.clone());
        }
    }
    if let Some(parent) = Context::current().traceparent() {
        headers.insert(TRACEPARENT, parent);
    }
}

pub(crate) struct HttpClient {
    public: reqwest::Client,
    private: reqwest::Client,
    trusted: reqwest::Client,
    endpoint: Option<(Url, reqwest::Client)>,
    sockets: Mutex<BTreeMap<Arc<Path>, reqwest::Client>>,
    tls: ClientConfig,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(super) connections: Connections,
}

/// Which connections requests go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Those that are there, where one is.
    Reused,
    /// A new one for each. A server may close an idle connection at the moment in which a request is written to it, and then nobody
    /// knows whether the request has arrived: what must not be sent twice goes over a connection that is not idle.
    Fresh,
    /// A new one for each, which can become one of another protocol: only HTTP/1.1 knows that.
    Upgraded,
}

impl HttpClient {
    pub(crate) fn new(config: &HttpConfig, connections: Connections) -> Result<Self, EngineError> {
        let tls = tls::config().map_err(|error| EngineError::new(error.into()))?;
        let protocols = match connections {
            Connections::Reused | Connections::Fresh => HTTP_2_OR_1,
            Connections::Upgraded => HTTP_1,
        };
        let resolver = config.resolver.clone().unwrap_or_else(|| Arc::new(SystemResolver));
        let build = |protocols: &[&[u8]], adapt: &dyn Fn(ClientBuilder) -> ClientBuilder| {
            let builder = adapt(builder(&tls, connections, protocols));
            builder.build().map_err(|error| EngineError::new(error.into()))
        };
        let guarded = |route| {
            let resolver = Arc::new(Guarded { resolver: Arc::clone(&resolver), route });
            build(protocols, &|builder| builder.dns_resolver(Arc::clone(&resolver)))
        };
        let endpoint = match &config.endpoint {
            None => None,
            // In HTTP/2 the host is taken from the URL, which is the endpoint's.
            Some(url) => Some((url.clone(), build(HTTP_1, &ClientBuilder::http1_only)?)),
        };
        Ok(Self {
            public: guarded(Route::Public)?,
            private: guarded(Route::Private)?,
            trusted: guarded(Route::Trusted)?,
            endpoint,
            sockets: Mutex::default(),
            tls,
            transport: config.transport.clone(),
            connections,
        })
    }

    /// The client of one unix socket: as many as the policies name.
    fn at(&self, socket: &Arc<Path>) -> Result<reqwest::Client, reqwest::Error> {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = sockets.get(socket) {
            return Ok(client.clone());
        }
        let builder = builder(&self.tls, self.connections, HTTP_1).http1_only();
        let client = builder.unix_socket(Arc::clone(socket)).build()?;
        sockets.insert(Arc::clone(socket), client.clone());
        Ok(client)
    }

    /// Sends a request once, and answers when the head of the response is there.
    pub(crate) async fn send(
        &self,
        request: &Outgoing,
        authorization: Option<HeaderValue>,
    ) -> Result<reqwest::Response, SendError> {
        let body = request.body.clone().map(reqwest::Body::from);
        self.send_body(request, authorization, body).await
    }

    /// The same with another body than the request's own.
    pub(crate) async fn send_body(
        &self,
        request: &Outgoing,
        authorization: Option<HeaderValue>,
        body: Option<reqwest::Body>,
    ) -> Result<reqwest::Response, SendError> {
        let mut headers = request.signed(authorization);
        let url = &request.url;
        let (client, url) = match (&request.route, &self.endpoint) {
            // By an explicit rule of the operator's, as the endpoint is.
            (Route::Socket(socket), _) => (self.at(socket)?, url.clone()),
            (_, Some((endpoint, client))) => {
                headers.insert(HOST, authority(url)?);
                (client.clone(), redirected(endpoint, url))
            }
            (route, None) => {
                if let Some(address) = literal(url) {
                    admit(route, url.host_str().unwrap_or_default(), address)?;
                }
                let client = match route {
                    Route::Trusted => &self.trusted,
                    Route::Private => &self.private,
                    _ => &self.public,
                };
                (client.clone(), url.clone())
            }
        };
        let mut builder = client.request(request.method.clone(), url).headers(headers);
        if let Some(body) = body {
            builder = builder.body(body);
        } else if [Method::POST, Method::PUT, Method::PATCH].contains(&request.method) {
            // Some servers answer 411 without it, and the client leaves it out.
            builder = builder.header(CONTENT_LENGTH, 0);
        }
        Ok(builder.send().await?)
    }
}

const HTTP_1: &[&[u8]] = &[b"http/1.1"];
const HTTP_2_OR_1: &[&[u8]] = &[b"h2", b"http/1.1"];

/// What all clients have in common. `protocols` are those that are offered by TLS.
fn builder(tls: &ClientConfig, connections: Connections, protocols: &[&[u8]]) -> ClientBuilder {
    let mut tls = tls.clone();
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(KEEP_ALIVE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .tls_backend_preconfigured(tls);
    match connections {
        Connections::Reused => builder,
        Connections::Fresh => builder.pool_max_idle_per_host(0),
        Connections::Upgraded => builder.pool_max_idle_per_host(0).http1_only(),
    }
}

/// Why a request could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    #[error("the host of the URL cannot stand in a header")]
    Host(#[from] http::header::InvalidHeaderValue),
}

/// Host and, if it is not the scheme's own, port.
fn authority(url: &Url) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None => HeaderValue::from_str(host),
        Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
    }
}

/// The same path and query at another server.
fn redirected(endpoint: &Url, original: &Url) -> Url {
    let mut url = endpoint.clone();
    url.set_path(&format!("{}{}", endpoint.path().trim_end_matches('/'), original.path()));
    url.set_query(original.query());
    url
}

/// The address of a URL that names no host.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}
