//! What the host gives to a backend: the imports of the WIT package, one file each.

mod agents;
mod clock;
mod config;
mod credentials;
mod host;
mod http;
mod log;
mod streams;
mod types;

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use credentials::Credential;
pub use http::longest_exchange;
#[expect(unreachable_pub, reason = "the generated bindings re-export them")]
pub use streams::{Connection, Download, Upload};
