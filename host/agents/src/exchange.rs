//! One HTTP exchange with an agent over its link, repeated when the link breaks.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sockerless_agent_protocol::headers;
use sockerless_agent_protocol::process::ErrorBody;
use sockerless_telemetry::{Kind, Name, Span, request_id};

use crate::error::{AgentFailure, Result};
use crate::registry::{AgentRegistry, Link};

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Most bytes of an answer that is read whole.
const ANSWER: usize = 4 << 20;

/// How long an agent that is expected back may stay away before a request that a client waits for fails.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long it takes at most until it is known that the link under a failed exchange has ended.
const SETTLE: Duration = Duration::from_secs(1);

/// How long an exchange waits for an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A client waits for it.
    Short,
    /// As long as the container is there.
    Endless,
}

/// A body of bytes that are there.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A path with a query.
pub(crate) fn path(base: &str, parts: &[&str], query: &[(&str, &str)]) -> String {
    let mut path = base.to_owned();
    for part in parts {
        path.push('/');
        path.extend(utf8_percent_encode(part, NON_ALPHANUMERIC));
    }
    for (index, (name, value)) in query.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    path
}

/// How one attempt failed.
pub(crate) enum Attempt {
    /// The link broke: another may do.
    LinkBroke,
    /// It will not get better.
    Failed(AgentFailure),
}

/// Sends one request over one link.
pub(crate) async fn attempt(
    link: &Link,
    method: Method,
    path: &str,
    body: Body,
) -> Result<Response<Incoming>, Attempt> {
    let span = Span::within_trace(Kind::Client, || {
        Name::new(format!("agent {method} {}", template(path)))
            .with("http.request.method", method.to_string())
            .with("sockerless.boot", link.boot.clone())
    });
    let mut request = Request::builder().method(method).uri(format!("http://agent{path}"));
    if let Some(id) = request_id() {
        request = request.header(headers::REQUEST_ID, &*id);
    }
    if let Some(parent) = span.context().traceparent() {
        request = request.header(headers::TRACEPARENT, parent);
    }
    let request = request
        .body(body)
        .map_err(|error| Attempt::Failed(AgentFailure::Broken(format!("the request cannot be made: {error}"))))?;
    let mut sender = link.sender.clone();
    let answer = async {
        sender.ready().await?;
        sender.send_request(request).await
    };
    match answer.await {
        Ok(answer) => {
            span.set("http.response.status_code", i64::from(answer.status().as_u16()));
            Ok(answer)
        }
        Err(error) => {
            span.fail("the exchange broke off");
            Err(broken(link, &error.to_string()).await)
        }
    }
}

/// What of a path is the same for all processes: no ids, and no query, which may name files.
fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    let base: Vec<_> = parts.by_ref().take(2).collect();
    match (parts.next(), parts.next()) {
        (None, _) => format!("/{}", base.join("/")),
        (Some(_), None) => format!("/{}/{{}}", base.join("/")),
        (Some(_), Some(what)) => format!("/{}/{{}}/{what}", base.join("/")),
    }
}

/// What an error within an exchange means: the connection's end may be known a moment later than the exchange's.
pub(crate) async fn broken(link: &Link, error: &str) -> Attempt {
    match tokio::time::timeout(SETTLE, link.closed.cancelled()).await {
        Ok(()) => Attempt::LinkBroke,
        Err(_) => Attempt::Failed(AgentFailure::Broken(format!("the exchange with the agent broke off: {error}"))),
    }
}

/// The link, if the agent is there in time.
pub(crate) async fn link(registry: &AgentRegistry, container: &str, after: u64, patience: Patience) -> Result<Link> {
    let link = registry.link(container, after);
    match patience {
        Patience::Endless => link.await,
        Patience::Short => {
            tokio::time::timeout(PATIENCE, link)
                .map_err(|_| {
                    let short = container.get(..12).unwrap_or(container);
                    AgentFailure::NotConnected(format!(
                        "the agent of container {short} is not connected, and did not come back within {} s",
                        PATIENCE.as_secs()
                    ))
                })
                .await?
        }
    }
}

/// Performs an exchange that may be repeated, over as many links as it takes.
pub(crate) async fn exchange(
    registry: &AgentRegistry,
    container: &str,
    patience: Patience,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(Link, Response<Incoming>)> {
    let mut after = 0;
    loop {
        let link = link(registry, container, after, patience).await?;
        match attempt(&link, method.clone(), path, whole(body.clone())).await {
            Ok(answer) => return Ok((link, answer)),
            Err(Attempt::LinkBroke) => after = link.number,
            Err(Attempt::Failed(failure)) => return Err(failure),
        }
    }
}

/// The same, with the answer read whole.
pub(crate) async fn fetch(
    registry: &AgentRegistry,
    container: &str,
    patience: Patience,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(Link, Bytes)> {
    loop {
        let (link, answer) = exchange(registry, container, patience, method.clone(), path, body.clone()).await?;
        let answer = success(answer).await?;
        match read(answer).await {
            Ok(bytes) => return Ok((link, bytes)),
            Err(error) => match broken(&link, &error).await {
                Attempt::LinkBroke => {}
                Attempt::Failed(failure) => return Err(failure),
            },
        }
    }
}

/// An answer that is no error.
pub(crate) async fn success(answer: Response<Incoming>) -> Result<Response<Incoming>> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let bytes = read(answer).await.unwrap_or_default();
    let message = serde_json::from_slice::<ErrorBody>(&bytes)
        .map_or_else(|_| format!("the agent answered with status {status}"), |body| body.message);
    Err(AgentFailure::Refused { status: status.as_u16(), message })
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(answer.into_body(), ANSWER);
    body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{path, template};

    #[test]
    fn a_template_has_no_ids() {
        for (path, want) in [
            ("/v1/run", "/v1/run"),
            ("/v1/processes/0123", "/v1/processes/{}"),
            ("/v1/processes/0123/output?from=1", "/v1/processes/{}/output"),
            ("/v1/processes/0123/stdin/4567?close=true", "/v1/processes/{}/stdin"),
            ("/v1/archive?path=/etc", "/v1/archive"),
        ] {
            assert_eq!(template(path), want);
        }
    }

    #[test]
    fn parts_and_values_are_escaped() {
        assert_eq!(
            path("/v1/x", &["a b", "c/d"], &[("p", "/é&="), ("q", "1")]),
            "/v1/x/a%20b/c%2Fd?p=%2F%C3%A9%26%3D&q=1"
        );
        assert_eq!(path("/v1/x", &[], &[]), "/v1/x");
    }
}
