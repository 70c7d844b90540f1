//! What operators see of calls and requests.

use http::HeaderMap;
use http::header::HeaderName;
use sockerless_backend::BackendError;
use sockerless_telemetry::metrics::metrics;
use sockerless_telemetry::{Kind, Name, Span};
use tokio::time::Instant;

use crate::egress::Outgoing;
use crate::limits::Export;

/// What Azure calls a request of its own, in its answer.
const SERVICE_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// A call was not made, since the backend is out of service.
pub(crate) fn refused(span: &Span, backend: &str, export: Export, began: Instant) {
    span.fail("refused");
    metrics().backends.called(backend, export.name(), "refused", began.elapsed());
}

/// A call has ended.
pub(crate) fn ended<T>(span: &Span, backend: &str, export: Export, result: &Result<T, BackendError>, began: Instant) {
    let outcome = match result {
        Ok(_) => "ok",
        Err(error) => {
            let kind = kind(error);
            span.fail(kind);
            kind
        }
    };
    metrics().backends.called(backend, export.name(), outcome, began.elapsed());
}

fn kind(error: &BackendError) -> &'static str {
    match error {
        BackendError::NotFound(_) => "not-found",
        BackendError::Conflict(_) => "conflict",
        BackendError::NameTaken(_) => "name-taken",
        BackendError::Invalid(_) => "invalid",
        BackendError::Denied(_) => "denied",
        BackendError::Throttled { .. } => "throttled",
        BackendError::Unavailable(_) => "unavailable",
        BackendError::Timeout(_) => "timeout",
        BackendError::Configuration(_) => "configuration",
        BackendError::NotSupported(_) => "not-supported",
        BackendError::Fault(_) => "fault",
        BackendError::Other(_) => "other",
    }
}

/// The span of a request that the daemon sends for a backend. Of the URL it has the host alone: path and query can hold secrets.
pub(crate) fn request(request: &Outgoing) -> Span {
    Span::within_trace(Kind::Client, || {
        let host = request.url.host_str().unwrap_or_default();
        Name::new(format!("{} {}", request.method, request.rule))
            .with("http.request.method", request.method.to_string())
            .with("server.address", host.to_owned())
    })
}

/// It was answered; nothing, if it was not.
pub(crate) fn answered(span: &Span, request: &Outgoing, answer: Option<(u16, &HeaderMap)>) {
    metrics().backends.requested(&request.rule, answer.map(|(status, _)| status));
    let Some((status, headers)) = answer else { return span.fail("no answer") };
    span.set("http.response.status_code", i64::from(status));
    if status >= 400 {
        span.fail("the answer is an error");
    }
    if let Some(id) = headers.get(SERVICE_REQUEST_ID).and_then(|id| id.to_str().ok()) {
        span.set("azure.service_request_id", id.to_owned());
    }
}
