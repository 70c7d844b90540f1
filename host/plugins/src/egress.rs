//! Requests that leave the daemon on behalf of a backend.

mod address;
mod client;
mod exchange;
mod request;
mod resolve;
mod streams;
mod tls;
mod transport;
mod upgrade;

pub use client::HttpConfig;
pub(crate) use client::{Connections, HttpClient, Outgoing};
pub(crate) use exchange::{Exchange, Signature, exchange};
pub(crate) use request::outgoing;
pub use resolve::{Resolver, SystemResolver};
pub(crate) use streams::{Downloading, Waiting, ask_for, connect, download};
pub use tls::config as tls_config;
pub use transport::{Transport, Transported};
pub(crate) use upgrade::{may_dial, upgrade};
