//! One exchange: request, authorization, whole response, within bounds.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use sockerless_backend::HttpError;
use sockerless_backend::types::Response;
use url::Url;

use super::client::{Connections, HttpClient, Outgoing, SendError};
use super::request::origin;
use super::resolve::Forbidden;
use super::transport::{Transport, Transported};
use crate::credentials::TokenCache;
use crate::observe;

/// What proves to the server who is asking.
#[derive(Clone)]
pub(crate) enum Signature {
    None,
    /// A token of this scope, acquired when the request is sent.
    Scope {
        scope: String,
        tokens: Arc<TokenCache>,
    },
    /// This header, whole.
    Fixed(HeaderValue),
}

/// A request with everything it takes to send it.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Outgoing,
    pub(crate) signature: Signature,
    /// Largest body of the response, in bytes.
    pub(crate) max_response: u64,
    /// For the whole exchange.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of bodies that servers have sent, also of those that were not wanted or did not come whole.
    pub(crate) received: Arc<AtomicU64>,
}

/// An answer of which there is the head, or what has come from something in the place of the network.
pub(super) enum Answer {
    /// The body is still to come.
    Begun(reqwest::Response),
    Whole(Response),
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Begun(response) => response.status().as_u16(),
            Self::Whole(response) => response.status,
        }
    }
}

/// Performs it. Repeats it once with a new token when the server refuses the one it was given.
pub(crate) async fn exchange(client: &HttpClient, exchange: &Exchange) -> Result<Response, HttpError> {
    in_time(exchange, async { whole(signed(client, exchange).await?, exchange).await }).await
}

/// Gives up when the exchange's time is over.
pub(super) async fn in_time<T>(
    exchange: &Exchange,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    match exchange.timeout {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs_f64();
            Err(HttpError::Timeout(format!("no full response from {} within {seconds:.1} s", server(exchange))))
        }),
    }
}

/// Sends it with what proves who is asking, until the head of the answer is there; once more with a new token when the server refuses
/// the one it was given.
pub(super) async fn signed(client: &HttpClient, exchange: &Exchange) -> Result<Answer, HttpError> {
    let (scope, tokens) = match &exchange.signature {
        Signature::None => return once(client, exchange, None).await,
        Signature::Fixed(value) => return once(client, exchange, Some(value.clone())).await,
        Signature::Scope { scope, tokens } => (scope, tokens),
    };
    let unsigned = |error: crate::TokenError| HttpError::Other(format!("no token for {scope}: {error}"));
    let token = tokens.get(scope).await.map_err(unsigned)?;
    let answer = once(client, exchange, Some(token.bearer()?)).await?;
    if answer.status() != StatusCode::UNAUTHORIZED.as_u16() {
        return Ok(answer);
    }
    tracing::debug!(server = server(exchange), scope, "the server refused the token; acquiring a new one");
    tokens.refused(scope, &token).await;
    match tokens.get(scope).await {
        Ok(token) => once(client, exchange, Some(token.bearer()?)).await,
        // The refusal says more than that there is no other token.
        Err(_) => Ok(answer),
    }
}

fn server(exchange: &Exchange) -> String {
    origin(&exchange.request.url)
}

async fn once(
    client: &HttpClient,
    exchange: &Exchange,
    authorization: Option<HeaderValue>,
) -> Result<Answer, HttpError> {
    if let Some(transport) = &client.transport {
        let response = transported(transport.as_ref(), client.connections, exchange, authorization).await;
        return response.map(Answer::Whole);
    }
    let span = observe::request(&exchange.request);
    let sent = span.run(client.send(&exchange.request, authorization)).await;
    observe::answered(
        &span,
        &exchange.request,
        sent.as_ref().ok().map(|sent| (sent.status().as_u16(), sent.headers())),
    );
    sent.map(Answer::Begun).map_err(|error| failed(&error, exchange))
}

/// A response with its body.
pub(super) async fn whole(answer: Answer, exchange: &Exchange) -> Result<Response, HttpError> {
    let response = match answer {
        Answer::Begun(response) => response,
        Answer::Whole(response) => return Ok(response),
    };
    let (status, headers) = head_of(&response);
    let body = body(response, exchange).await?;
    Ok(Response { status, headers, body })
}

/// Status and headers.
pub(super) fn head_of(response: &reqwest::Response) -> (u16, Vec<(String, String)>) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    (response.status().as_u16(), headers.collect())
}

async fn transported(
    transport: &dyn Transport,
    connections: Connections,
    exchange: &Exchange,
    authorization: Option<HeaderValue>,
) -> Result<Response, HttpError> {
    let headers = exchange.request.signed(authorization);
    let request = Transported {
        method: &exchange.request.method,
        url: &exchange.request.url,
        headers: &headers,
        body: exchange.request.body.as_ref(),
        timeout: exchange.timeout,
        dispatched: connections == Connections::Fresh,
    };
    let response = transport.perform(request).await?;
    exchange.received.fetch_add(response.body.len() as u64, Ordering::Relaxed);
    if response.body.len() as u64 > exchange.max_response {
        return Err(HttpError::TooLarge(exchange.max_response));
    }
    Ok(response)
}

/// The body, counted as it comes: what a server announces, or what a compressed body turns into, is not to be trusted.
async fn body(mut response: reqwest::Response, exchange: &Exchange) -> Result<Vec<u8>, HttpError> {
    let limit = exchange.max_response;
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) => {
                exchange.received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                if (body.len() + chunk.len()) as u64 > limit {
                    return Err(HttpError::TooLarge(limit));
                }
                body.extend_from_slice(&chunk);
            }
            Err(error) => return Err(broken(&exchange.request.url, &error)),
        }
    }
}

/// A body that broke off.
pub(super) fn broken(url: &Url, error: &reqwest::Error) -> HttpError {
    HttpError::Interrupted(format!("{}: {}", origin(url), causes(error)))
}

pub(super) fn failed(error: &SendError, exchange: &Exchange) -> HttpError {
    fn text(error: &dyn Error, exchange: &Exchange) -> String {
        format!("{} {}: {}", exchange.request.method, server(exchange), causes(error))
    }
    let error = match error {
        SendError::Forbidden(error) => return HttpError::Denied(text(error, exchange)),
        SendError::Host(error) => return HttpError::Invalid(text(error, exchange)),
        SendError::Request(error) => error,
    };
    let forbidden = std::iter::successors(error.source(), |error| (*error).source())
        .find_map(|error| error.downcast_ref::<Forbidden>());
    match forbidden {
        Some(forbidden) => HttpError::Denied(text(forbidden, exchange)),
        None if error.is_connect() => HttpError::Connect(text(error, exchange)),
        None if error.is_timeout() => HttpError::Timeout(text(error, exchange)),
        None if error.is_builder() => HttpError::Invalid(text(error, exchange)),
        None => HttpError::Interrupted(text(error, exchange)),
    }
}

/// The causes of an error, without its own text: the HTTP client puts the whole URL there, and a query can hold
/// secrets.
fn causes(error: &dyn Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in std::iter::successors(error.source(), |error| (*error).source()) {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
