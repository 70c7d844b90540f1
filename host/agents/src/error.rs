//! How a request to an agent fails.

/// Why an agent did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentFailure {
    /// There is no agent: none was ever given to the container, or it has not dialled in for longer than a caller can wait.
    #[error("{0}")]
    NotConnected(String),
    /// The agent answered with this status, and says why.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The agent's words.
        message: String,
    },
    /// The agent and this daemon do not understand each other, or an exchange that cannot be repeated broke off.
    #[error("{0}")]
    Broken(String),
}

/// The result of a request to an agent.
pub type Result<T, E = AgentFailure> = std::result::Result<T, E>;
