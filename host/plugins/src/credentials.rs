//! Credentials of the daemon's user, by which it signs the requests of backends.

mod azure;
mod cache;
mod transport;

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use sockerless_backend::HttpError;

pub use azure::{AzureConfig, AzureCredentials};
pub(crate) use cache::TokenCache;

/// The headers by which Azure is told what a request is called, and in the course of what it is sent: it logs the first, and shows the
/// second in its activity log. Other services do not mind them.
pub(crate) const CORRELATION: [HeaderName; 2] =
    [HeaderName::from_static("x-ms-client-request-id"), HeaderName::from_static("x-ms-correlation-request-id")];

/// A bearer token. Shows itself nowhere.
#[derive(Clone)]
pub struct Token {
    secret: Arc<str>,
    expires: SystemTime,
}

impl Token {
    /// A token that is valid until `expires`.
    pub fn new(secret: impl Into<Arc<str>>, expires: SystemTime) -> Self {
        Self { secret: secret.into(), expires }
    }

    /// The `Authorization` header, which does not show itself either.
    ///
    /// # Errors
    /// The token has characters that cannot stand in a header.
    pub fn bearer(&self) -> Result<HeaderValue, HttpError> {
        bearer(&self.secret)
    }
}

/// The `Authorization` header for a secret.
pub(crate) fn bearer(secret: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {secret}"))
        .map_err(|_| HttpError::Other("the token has characters that cannot stand in a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why there is no token. The text names each source that was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenError(pub String);

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// Acquires a new token for a scope such as `https://management.azure.com/.default`. Must not answer from a cache:
    /// the host has one, and asks when what is in it will not do.
    async fn acquire(&self, scope: &str) -> Result<Token, TokenError>;
}
