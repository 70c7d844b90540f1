//! What the daemon asks of the agent over the link. The protocol's `paths` has the table of all requests.

mod files;
mod output;
mod processes;
mod stdin;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use sockerless_agent_protocol::process::{ErrorBody, MainRun};
use sockerless_agent_protocol::{headers, paths};
use tokio_util::sync::CancellationToken;

use crate::changes::Changes;
use crate::process::Processes;
use crate::transfer::Transfers;
use crate::{sample, top};

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;
pub(crate) type Answer = Response<Body>;

/// Most bytes of a request that is read whole.
const REQUEST: usize = 4 << 20;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

type Result<T = Answer> = std::result::Result<T, Problem>;

/// What the log says of a request that fails: in the course of which request of a client's it came.
struct Asked {
    method: Method,
    request_id: Option<String>,
}

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        // The daemon's ids are shorter.
        let id = request.headers().get(headers::REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| id.len() <= 64);
        Self { method: request.method().clone(), request_id: id.map(str::to_owned) }
    }

    fn log(&self, status: StatusCode, message: &str) {
        let Self { method, request_id } = self;
        if status.is_server_error() {
            tracing::warn!(%method, status = status.as_u16(), request_id, "the daemon was answered: {message}");
        } else {
            tracing::debug!(%method, status = status.as_u16(), request_id, "the daemon was answered: {message}");
        }
    }
}

/// Answers requests of one link.
pub(crate) struct Api {
    pub(crate) processes: Processes,
    pub(crate) container: Arc<str>,
    pub(crate) transfers: Transfers,
    pub(crate) changes: Changes,
    /// Cancelled when the link has ended.
    pub(crate) link: CancellationToken,
}

impl Api {
    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> std::result::Result<Answer, Infallible> {
        let asked = Asked::of(&request);
        let answer = self.dispatch(request).await;
        Ok(answer.unwrap_or_else(|Problem { status, message }| {
            asked.log(status, &message);
            json(status, &ErrorBody { message })
        }))
    }

    async fn dispatch(&self, request: Request<Incoming>) -> Result {
        let path = request.uri().path().to_owned();
        let query = Query::of(request.uri().query().unwrap_or_default());
        if let Some(rest) = path.strip_prefix(paths::PROCESSES).and_then(|rest| rest.strip_prefix('/')) {
            let parts: Vec<String> =
                rest.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            return self.process(&parts, &query, request).await;
        }
        let below = |base: &str| path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
        if let (Some(id), &Method::PUT) = (below(paths::ARCHIVE), request.method()) {
            self.changes.about_to_write();
            return files::put(&self.transfers, &self.container, id, &query, request.into_body()).await;
        }
        if let Some(id) = below(paths::TRANSFERS) {
            return self.transfer(id, request.method()).await;
        }
        match (request.method(), path.as_str()) {
            (&Method::GET, paths::RUN) => Ok(json(StatusCode::OK, &MainRun { run: self.processes.main_run() })),
            (&Method::GET, paths::SAMPLE) => blocking(sample::take).await.map(|sample| json(StatusCode::OK, &sample)),
            (&Method::GET, paths::TOP) => {
                let arguments = query.get("ps_args").unwrap_or("-ef").to_owned();
                let top = blocking(move || top::top(&arguments)).await?;
                let top = top.map_err(|message| Problem::new(StatusCode::NOT_IMPLEMENTED, message))?;
                Ok(json(StatusCode::OK, &top))
            }
            (&Method::GET, paths::CHANGES) => match self.changes.since_the_beginning().await {
                Ok(changes) => Ok(json(StatusCode::OK, &changes)),
                Err(why) => Err(Problem::new(
                    StatusCode::NOT_IMPLEMENTED,
                    format!("what has changed in the container is not known: {why}. Look into it with exec or cp"),
                )),
            },
            (&Method::GET, paths::EXPORT) => files::export(&self.transfers, &query),
            (&Method::HEAD, paths::ARCHIVE) => files::stat(&self.container, &query).await,
            (&Method::GET, paths::ARCHIVE) => files::get(&self.transfers, &self.container, &query).await,
            (method, path) => {
                Err(Problem::not_found(format!("this agent has no {method} {path}: it may be older than the daemon")))
            }
        }
    }

    async fn transfer(&self, id: &str, method: &Method) -> Result {
        match *method {
            Method::GET => files::outcome(&self.transfers, &self.container, id).await,
            Method::DELETE => {
                self.transfers.forget(id);
                Ok(empty())
            }
            _ => Err(Problem::not_found(format!("this agent has no {method} of a transfer"))),
        }
    }

    async fn process(&self, parts: &[&str], query: &Query, request: Request<Incoming>) -> Result {
        let method = request.method().clone();
        match (&method, parts) {
            (&Method::GET, [id]) => processes::state(&self.processes, id, query).await,
            (&Method::POST, [id]) => processes::start(&self.processes, id, request.into_body()).await,
            (&Method::DELETE, [id]) => {
                self.processes.forget(id);
                Ok(empty())
            }
            (&Method::POST, [id, "release"]) => processes::release(&self.processes, id),
            (&Method::POST, [id, "signal"]) => processes::signal(&self.processes, id, query),
            (&Method::POST, [id, "resize"]) => processes::resize(&self.processes, id, query),
            (&Method::GET, [id, "output"]) => output::read(&self.processes, id, query, &self.link).await,
            (&Method::PUT, [id, "stdin", writer]) => {
                stdin::write(&self.processes, id, writer, query, request.into_body()).await
            }
            _ => Err(Problem::not_found(format!("this agent has no {method} {}", request.uri().path()))),
        }
    }
}

/// The query of a request.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        let number = self.get(name).and_then(|value| value.parse().ok());
        number.ok_or_else(|| Problem::bad_request(format!("the query names no number {name:?}")))
    }
}

/// Something that blocks, off the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the agent failed: {error}")))
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // The types of the protocol all have JSON.
    let mut answer = Response::new(full(serde_json::to_vec(value).unwrap_or_default()));
    *answer.status_mut() = status;
    answer
}

fn empty() -> Answer {
    let mut answer = Response::new(full(""));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

async fn read(body: Incoming) -> Result<Bytes> {
    let body = Limited::new(body, REQUEST).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| Problem::bad_request(format!("the body of the request: {error}")))
}
