//! The agents: how they are linked to the daemon, and the client of their API.
//!
//! - [`AgentRegistry`]: which containers have an agent, and the link to it while there is one.
//! - [`AgentListener`]: where agents dial in. [`AgentDialler`]: what dials those that cannot.
//! - [`AgentClient`]: what is asked of an agent. A link may break and come back under every call: each waits for the next one and
//!   goes on where it was.
//! - [`Output`], [`Input`]: the streams of a process, which outlive a link too.

#![forbid(unsafe_code)]

mod archive;
mod client;
mod cut;
mod dialler;
mod download;
mod error;
mod exchange;
#[cfg(test)]
mod hostile;
mod input;
mod links;
mod listener;
mod output;
mod refusals;
mod registry;

pub use client::{AgentClient, Wait};
pub use dialler::{Address, AgentDialler, Answer, Connection, Connector};
pub use download::Download;
pub use error::{AgentFailure, Result};
pub use input::Input;
pub use listener::{AgentListener, ListenError};
pub use output::{Block, Output, Piece};
pub use registry::AgentRegistry;
pub use sockerless_agent_protocol::archive::PathStat;
pub use sockerless_agent_protocol::frame::From;
pub use sockerless_agent_protocol::process::{ProcessState, Top};
pub use sockerless_agent_protocol::sample::{Network, Sample};
