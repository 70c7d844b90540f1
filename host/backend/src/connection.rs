//! Connections that the host opens at addresses which a backend named, by the rules for that backend's requests.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::types::Response;

/// A stream of bytes, both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// How a server answers a request for another protocol.
pub enum Upgrade {
    /// 101, with these headers, names in lower case: the connection speaks the other protocol from here on.
    Switched(Vec<(String, String)>, Box<dyn Stream>),
    /// It stays with HTTP.
    Declined(Response),
}
