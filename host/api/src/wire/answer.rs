//! Answers.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use sockerless_engine::{Error, ErrorKind};

use super::body::{Body, full, streamed};
use crate::server::Hijack;

/// What a handler decided.
pub(crate) enum Reply {
    /// An HTTP response.
    Response(Response<Body>),
    /// The connection is taken over.
    Hijack(Hijack),
}

/// What every handler returns.
pub(crate) type Answer = Result<Reply, Error>;

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Self {
        Self::Response(response)
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn response(status: StatusCode, content_type: Option<HeaderValue>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// An object, with the newline that the Engine puts behind each.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut body =
        serde_json::to_vec(value).map_err(|error| Error::fault(format!("the answer cannot be written: {error}")))?;
    body.push(b'\n');
    Ok(response(status, Some(JSON), full(body)).into())
}

/// A status and nothing else.
pub(crate) fn no_body(status: StatusCode) -> Answer {
    Ok(response(status, None, full(Bytes::new())).into())
}

/// 204, for what has been done.
pub(crate) fn empty() -> Answer {
    no_body(StatusCode::NO_CONTENT)
}

/// 200, where the Engine says it instead of 204.
pub(crate) fn ok_empty() -> Answer {
    no_body(StatusCode::OK)
}

/// 200 and a body that comes by and by.
pub(crate) fn stream(
    content_type: &'static str,
    bytes: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> Response<Body> {
    response(StatusCode::OK, Some(HeaderValue::from_static(content_type)), streamed(bytes))
}

/// The same for a body that may be silent for long: it ends at `left` at the latest, when the client is gone, which nobody would notice
/// otherwise, or the daemon stops.
pub(crate) fn endless(
    content_type: &'static str,
    bytes: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    left: impl Future<Output = ()> + Send + 'static,
) -> Response<Body> {
    stream(content_type, bytes.take_until(left))
}

fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotModified => StatusCode::NOT_MODIFIED,
        ErrorKind::InvalidParameter => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `{"message": …}`, but for 304, which has no body.
pub(crate) fn error_response(error: &Error) -> Response<Body> {
    if error.kind == ErrorKind::NotModified {
        return response(StatusCode::NOT_MODIFIED, None, full(Bytes::new()));
    }
    let status = status(error.kind);
    log(status, error);
    let body = format!("{}\n", serde_json::json!({ "message": error.shown() }));
    response(status, Some(JSON), full(body))
}

/// What is not the client's fault is for the operator to see, with what the client was told.
fn log(status: StatusCode, error: &Error) {
    if !error.fault {
        return;
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(error = %error.message, "a request cannot be answered now");
    } else {
        tracing::error!(error = %error.message, "a request failed");
    }
}

/// What the Engine says to paths and methods that it does not have.
pub(crate) fn page_not_found() -> Response<Body> {
    error_response(&Error::not_found("page not found"))
}

/// How attach says no: the Engine has taken the connection over by then, and writes the answer itself.
pub(crate) fn raw_error(error: &Error) -> Hijack {
    let status = status(error.kind);
    log(status, error);
    Hijack::last_words(format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n{}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        error.shown()
    ))
}
