//! The HTTP client that Microsoft's identity library uses: ours, so that it has the same TLS and endpoint override.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient as AzureHttpClient, Request, StatusCode};

use crate::egress::{HttpClient, Outgoing};
use crate::policy::Route;

/// Token endpoints answer in seconds, or not at all.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The metadata service is on the machine's own network, or there is none.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
const METADATA: &str = "169.254.169.254";
const MAX_RESPONSE: usize = 1 << 20;

pub(super) struct Transport(pub(super) Arc<HttpClient>);

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let text = std::iter::successors(std::error::Error::source(&error), |error| (*error).source())
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    Error::with_message(ErrorKind::Io, text)
}

#[async_trait]
impl AzureHttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in request.headers().iter() {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(broken)?;
            headers.append(name, value.as_str().parse().map_err(broken)?);
        }
        let body = match request.body() {
            Body::Bytes(bytes) => bytes.clone(),
            Body::SeekableStream(_) => {
                return Err(Error::with_message(ErrorKind::Other, "a request for a token has a stream for a body"));
            }
        };
        let outgoing = Outgoing {
            method: http::Method::from_bytes(request.method().as_str().as_bytes()).map_err(broken)?,
            url: request.url().clone(),
            headers,
            body: (!body.is_empty()).then_some(body),
            route: Route::Trusted,
            rule: "credentials".into(),
        };
        let limit = if request.url().host_str() == Some(METADATA) { METADATA_TIMEOUT } else { TIMEOUT };
        let work = async {
            let mut response = self.0.send(&outgoing, None).await.map_err(broken)?;
            let status = StatusCode::from(response.status().as_u16());
            let mut headers = Headers::new();
            for (name, value) in response.headers() {
                if let Ok(value) = value.to_str() {
                    headers.insert(name.as_str().to_owned(), value.to_owned());
                }
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(broken)? {
                if body.len() + chunk.len() > MAX_RESPONSE {
                    return Err(Error::with_message(ErrorKind::Io, "the token endpoint's response has no end"));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(AsyncRawResponse::from_bytes(status, headers, body))
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Error::with_message(ErrorKind::Io, format!("no answer within {} s", limit.as_secs())))
        })
    }
}
