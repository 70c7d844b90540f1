//! Another way for requests than the network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use sockerless_backend::HttpError;
use sockerless_backend::types::Response;
use url::Url;

/// A request of a backend that has passed its policy, as it would leave.
#[derive(Debug)]
pub struct Transported<'a> {
    /// The method.
    pub method: &'a Method,
    /// Absolute, of http or https.
    pub url: &'a Url,
    /// With what proves who is asking.
    pub headers: &'a HeaderMap,
    /// The body, if there is one.
    pub body: Option<&'a Bytes>,
    /// How long the whole exchange may take. Absent: for ever.
    pub timeout: Option<Duration>,
    /// Whether the host performs it by itself, after the call that asked for it.
    pub dispatched: bool,
}

/// What answers requests in place of the servers that they name.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// A request is about to leave that the host performs by itself, while the call that asks for it waits: what `perform` answers to
    /// it comes to [`OutcomeSink`](sockerless_backend::OutcomeSink).
    fn dispatched(&self, url: &Url);

    /// Performs one exchange.
    async fn perform(&self, request: Transported<'_>) -> Result<Response, HttpError>;
}
