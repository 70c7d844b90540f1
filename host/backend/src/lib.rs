//! The contract between the engine and whatever runs containers for it.
//!
//! These are the types and traits of the WIT package `sockerless:backend` in Rust, free of any runtime: the engine
//! and its tests know a [`Backend`], not WebAssembly. `sockerless-plugins` implements it with components; a test
//! implements it with a struct. Meaning and limits of each item are documented in `wit/`.
//!
//! - [`Backend`]: what the engine calls.
//! - [`AgentBroker`], [`OutcomeSink`]: what the engine gives to a backend in return.
//! - [`types`]: what passes between them, [`sessions`]: the same where the cloud does by itself what clients do inside a container;
//!   [`error`]: how it fails; [`octets`]: how bytes stand in JSON.

#![forbid(unsafe_code)]

mod backend;
mod connection;
pub mod error;
pub mod octets;
mod services;
pub mod sessions;
pub mod types;

pub use backend::Backend;
pub use connection::{Stream, Upgrade};
pub use error::{AgentError, BackendError, HttpError};
pub use services::{AgentBroker, OutcomeSink, Provision};
