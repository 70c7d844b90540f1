//! What the engine gives to a backend.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::AgentError;
use crate::types::Outcome;

/// What a container needs for its agent to reach the host: `agents.provision` of the WIT package.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provision {
    /// Environment of the agent. Holds its token.
    pub environment: Vec<(String, String)>,
    /// The words that start the agent.
    pub startup: Vec<String>,
    /// Where the agent accepts the invocation.
    pub invocation_path: String,
    /// The response header that carries the exit code.
    pub exit_code_header: String,
}

/// The agents of all containers, as a backend may use them: the WIT interface `agents`.
#[async_trait]
pub trait AgentBroker: Send + Sync + 'static {
    /// Makes a new token. `None` when agents neither dial nor are dialled.
    async fn provision(&self, container: &str) -> Result<Option<Provision>, AgentError>;

    /// Expects the agent to report this run.
    async fn prepare(&self, container: &str, run: &str) -> Result<(), AgentError>;

    /// Waits until the agent is connected and has accepted the run.
    ///
    /// # Errors
    /// The request that was dispatched for the run has failed, or been answered with an error, and the agent has not come
    /// soon after; or the time is over.
    async fn await_connect(&self, container: &str, run: &str, timeout: Duration) -> Result<(), AgentError>;

    /// The status with which the request was answered that was dispatched for the run since the last
    /// [`prepare`](Self::prepare).
    fn answered(&self, container: &str, run: &str) -> Option<u16>;

    /// Whether an agent of this container is connected now.
    fn connected(&self, container: &str) -> bool;

    /// Ends the run that is under way.
    async fn disconnect(&self, container: &str) -> Result<(), AgentError>;

    /// Takes note of where the agent can be dialled, if the host dials: `ws://` or `wss://`, checked against the policy of this
    /// backend.
    async fn reachable_at(&self, backend: &str, container: &str, url: &str) -> Result<(), AgentError>;

    /// The bearer token by which the agent of this container accepts an invocation. Never shown to a backend:
    /// the host puts it on the request.
    async fn invocation_key(&self, container: &str) -> Result<String, AgentError>;
}

/// Where the outcomes of dispatched requests go.
#[async_trait]
pub trait OutcomeSink: Send + Sync + 'static {
    /// A dispatched request has ended. Returns when the outcome has been taken.
    async fn dispatched(&self, container: &str, run: &str, outcome: Outcome);
}
