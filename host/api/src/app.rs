//! A request, from its path to its answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, LOCATION, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use sockerless_engine::{Engine, Error};
use sockerless_telemetry::Context as Work;

use crate::backends::BackendAdmin;
use crate::places::{Place, Places};
use crate::plugins::PluginAdmin;
use crate::router::{self, Route};
use crate::routes::routes;
use crate::server::{Handler, Hijack, Limits, Peer, RequestBody};
use crate::telemetry::Observed;
use crate::under_way::UnderWay;
use crate::wire::{
    Answer, Body, MAX_VERSION, Query, Reply, Version, VersionError, clean, decode_path, error_response, full,
    page_not_found,
};
use crate::witness::{Asked, Witness};

/// A handler of a kind of request.
pub(crate) type HandlerFn = fn(Context) -> BoxFuture<'static, Answer>;

/// What handlers have in common.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) backends: Arc<dyn BackendAdmin>,
    pub(crate) plugins: Arc<dyn PluginAdmin>,
    witness: Option<Arc<dyn Witness>>,
    routes: Vec<Route<HandlerFn>>,
    server: HeaderValue,
    pub(crate) under_way: UnderWay,
    pub(crate) streams: Places,
    pub(crate) uploads: Places,
}

/// A request, as a handler gets it.
pub(crate) struct Context {
    pub(crate) app: Arc<App>,
    pub(crate) version: Version,
    /// What stands in the path where the pattern has `{}`.
    pub(crate) name: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RequestBody<Incoming>,
    pub(crate) peer: Peer,
}

impl Context {
    /// A place for a stream, or a session, that ends only when somebody ends it. To be kept as long as that goes on.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn stream(&self) -> Result<Place, Error> {
        self.app.streams.take()
    }

    /// When an answer without an end of its own is to end. Has a place for it.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn left(&self) -> Result<impl Future<Output = ()> + Send + use<>, Error> {
        let (place, left) = (self.stream()?, self.peer.left());
        Ok(async move {
            left.await;
            drop(place);
        })
    }
}

const API_VERSION: HeaderName = HeaderName::from_static("api-version");
const OSTYPE: HeaderName = HeaderName::from_static("ostype");
const EXPERIMENTAL: HeaderName = HeaderName::from_static("docker-experimental");

/// How much is read of the body of a request that is refused, and for how long.
const DRAIN_BYTES: usize = 256 << 10;
const DRAIN_TIME: Duration = Duration::from_secs(2);

impl App {
    pub(crate) fn new(
        engine: Engine,
        backends: Arc<dyn BackendAdmin>,
        plugins: Arc<dyn PluginAdmin>,
        witness: Option<Arc<dyn Witness>>,
        limits: &Limits,
    ) -> Self {
        let server = format!("Docker/{} (linux)", engine.version().version);
        let server = HeaderValue::from_str(&server).unwrap_or(HeaderValue::from_static("Docker (linux)"));
        Self {
            engine,
            backends,
            plugins,
            witness,
            routes: routes(),
            server,
            under_way: UnderWay::new(limits.requests),
            streams: Places::for_streams(limits.streams),
            uploads: Places::for_uploads(),
        }
    }

    /// Answers a request. `route` becomes the pattern of its path, if it has one.
    async fn answer(
        self: Arc<Self>,
        request: Request<RequestBody<Incoming>>,
        peer: Peer,
        route: &mut Option<&'static str>,
    ) -> Result<Response<Body>, Hijack> {
        let (head, body) = request.into_parts();
        let path = match decode_path(head.uri.path()) {
            Ok(path) => path,
            Err(error) => return Ok(error_response(&error)),
        };
        if let Some(cleaned) = clean(&path) {
            return Ok(moved(&cleaned));
        }
        let (version, path) = Version::split(&path);
        if head.method == Method::OPTIONS {
            let mut response = Response::new(full(""));
            self.identify(response.headers_mut());
            return Ok(response);
        }
        let Some((found, name)) = router::find(&self.routes, &head.method, path) else {
            return Ok(page_not_found());
        };
        *route = Some(found.pattern);
        let allowed = peer.client().may(found.role, &format_args!("{} {path}", head.method));
        if let Err(error) = allowed {
            // Who is still sending would not see the answer.
            drain(body).await;
            return Ok(self.identified(error_response(&error)));
        }
        let version = match Version::negotiate(version) {
            Ok(version) => version,
            Err(error) => return Ok(self.refuse_version(&error)),
        };
        let query = match Query::parse(head.uri.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(error) => return Ok(self.identified(error_response(&error))),
        };
        let (handler, cut) = (found.handler, peer.cut());
        let path = path.to_owned();
        let context = Context { app: self.clone(), version, name, query, headers: head.headers, body, peer };
        // In a task of its own: what was begun is done to its end, also when the client goes away in the middle.
        let handler = match self.under_way.spawn(head.method, path, Work::current().run(handler(context))) {
            Ok(handler) => handler,
            Err(error) => return Ok(self.identified(error_response(&error))),
        };
        let answer = tokio::select! {
            answer = handler => answer,
            () = cut.cancelled() => return Ok(self.identified(error_response(&cut_off()))),
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::error!(%error, "a handler broke down");
            Err(Error::fault("the daemon could not handle the request: its log says why"))
        });
        match answer {
            Ok(Reply::Response(response)) => Ok(self.identified(response)),
            Ok(Reply::Hijack(hijack)) => Err(hijack),
            Err(error) => Ok(self.identified(error_response(&error))),
        }
    }

    fn identified(&self, mut response: Response<Body>) -> Response<Body> {
        self.identify(response.headers_mut());
        response
    }

    /// The headers by which clients know the daemon.
    fn identify(&self, headers: &mut HeaderMap) {
        headers.insert(API_VERSION, HeaderValue::from_static(sockerless_docker::API_VERSION));
        headers.insert(EXPERIMENTAL, HeaderValue::from_static("false"));
        headers.insert(OSTYPE, HeaderValue::from_static("linux"));
        headers.insert(SERVER, self.server.clone());
    }

    /// The same as they stand in the head of a connection that is taken over.
    pub(crate) fn identity(&self) -> String {
        format!(
            "Api-Version: {MAX_VERSION}\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: {}\r\n",
            self.server.to_str().unwrap_or_default()
        )
    }

    fn refuse_version(&self, error: &VersionError) -> Response<Body> {
        let mut response = match error {
            VersionError::TooNew(_) => error_response(&Error::invalid(error.to_string())),
            // Clients that old do not read JSON here.
            VersionError::TooOld(_) => {
                let mut response = Response::new(full(format!("{error}\n")));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                response
            }
        };
        self.identify(response.headers_mut());
        response.headers_mut().remove(EXPERIMENTAL);
        response
    }
}

impl Handler for App {
    fn refuse(&self, reason: &Error) -> Response<Body> {
        self.identified(error_response(reason))
    }

    fn handle(
        self: Arc<Self>,
        request: Request<RequestBody<Incoming>>,
        peer: Peer,
    ) -> BoxFuture<'static, Result<Response<Body>, Hijack>> {
        let asked = Asked::new(&request);
        let witness = self.witness.clone();
        async move {
            let observed = Observed::begin(&request);
            let mut route = None;
            let answer = observed.run(self.answer(request, peer, &mut route)).await;
            let answered = asked.answered(answer.as_ref().ok().map(|response| response.status().as_u16()));
            let answer = observed.end(answer, route, &answered);
            if let Some(witness) = witness {
                witness.answered(answered);
            }
            answer
        }
        .boxed()
    }
}

/// What a client is told whose request the end of the shutdown's grace cuts off.
fn cut_off() -> Error {
    Error::unavailable(
        "the daemon is stopping, and the request was not done in time: whether it will be is for the next daemon to say",
    )
}

/// Reads what is left of a request that is not looked at: as much as the Engine does, and no longer than a client takes that is in a hurry.
async fn drain(body: RequestBody<Incoming>) {
    let _ = tokio::time::timeout(DRAIN_TIME, Limited::new(body, DRAIN_BYTES).collect()).await;
}

fn moved(path: &str) -> Response<Body> {
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let escaped = percent_encoding::utf8_percent_encode(path, percent_encoding::CONTROLS).to_string();
    if let Ok(location) = HeaderValue::from_str(&escaped) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
