//! What the daemon and the agent inside a container say to each other.
//!
//! The agent dials the daemon's agent listener over WebSocket, or the daemon the agent ([`link`]). Over that stream runs HTTP/2,
//! in which, whoever dialled, the daemon is the client, the agent the server of the API whose paths are in [`paths`] and whose
//! bodies are in [`process`], [`frame`], [`input`], [`transfer`] and [`archive`]. Besides, the platform's front end invokes
//! the agent over plain HTTP at [`paths::INVOCATION`].
//!
//! - [`env`], [`spec`], [`token`]: what the agent is started with.
//! - [`headers`]: what identifies an agent, a run and an exit code.
//! - [`redial`]: how whoever dials waits before the next attempt.

#![forbid(unsafe_code)]

pub mod archive;
pub mod changes;
pub mod env;
pub mod frame;
pub mod handshake;
pub mod headers;
pub mod input;
pub mod link;
pub mod paths;
pub mod process;
pub mod redial;
pub mod sample;
pub mod spec;
pub mod token;
pub mod transfer;

/// Version of this protocol, in [`headers::PROTOCOL`]. A daemon refuses an agent that speaks another one.
pub const VERSION: &str = "1";
