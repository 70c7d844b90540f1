//! The one listener, and what every service needs of HTTP.

mod body;
pub(crate) mod client;
mod exchange;
mod host;
pub(crate) mod query;
mod server;
mod tls;

pub(crate) use self::body::{Body, full, text};
pub(crate) use self::exchange::{Answer, Exchange};
pub(crate) use self::host::Service;
pub(crate) use self::server::serve;
pub(crate) use self::tls::Authority;
pub use self::tls::TlsError;
