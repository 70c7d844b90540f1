//! How a backend, its agents and its requests fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a backend could not do what it was asked: `types.error` of the WIT package, and the ways in which the component
/// itself can fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BackendError {
    /// The container, or something that it needs in the cloud, does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The state of the thing does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The name that derives from the container's id is taken; another id may do.
    #[error("{0}")]
    NameTaken(String),
    /// The request is wrong: the same call will fail again.
    #[error("{0}")]
    Invalid(String),
    /// A configuration key is missing or malformed.
    #[error("{0}")]
    Configuration(String),
    /// The cloud refused the credential.
    #[error("{0}")]
    Denied(String),
    /// The cloud asks to slow down.
    #[error("{message}")]
    Throttled {
        /// What the cloud said.
        message: String,
        /// How long it asked to wait, if it said.
        retry_after: Option<Duration>,
    },
    /// The cloud does not answer, or not now.
    #[error("{0}")]
    Unavailable(String),
    /// What was waited for did not happen in time.
    #[error("{0}")]
    Timeout(String),
    /// This backend cannot do that at all.
    #[error("{0}")]
    NotSupported(String),
    /// The component failed, not the cloud: it trapped, ran into its deadline or asked for too much memory. The
    /// call is lost, the daemon and all other calls are not.
    #[error("{0}")]
    Fault(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl BackendError {
    /// The same error in other words.
    #[must_use]
    pub fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::NotFound(text) => Self::NotFound(words(&text)),
            Self::Conflict(text) => Self::Conflict(words(&text)),
            Self::NameTaken(text) => Self::NameTaken(words(&text)),
            Self::Invalid(text) => Self::Invalid(words(&text)),
            Self::Configuration(text) => Self::Configuration(words(&text)),
            Self::Denied(text) => Self::Denied(words(&text)),
            Self::Throttled { message, retry_after } => Self::Throttled { message: words(&message), retry_after },
            Self::Unavailable(text) => Self::Unavailable(words(&text)),
            Self::Timeout(text) => Self::Timeout(words(&text)),
            Self::NotSupported(text) => Self::NotSupported(words(&text)),
            Self::Fault(text) => Self::Fault(words(&text)),
            Self::Other(text) => Self::Other(words(&text)),
        }
    }
}

/// Why there is no HTTP response: `http.http-error` of the WIT package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HttpError {
    /// The policy forbids the request.
    #[error("not allowed: {0}")]
    Denied(String),
    /// The request is malformed.
    #[error("malformed request: {0}")]
    Invalid(String),
    /// The server was not reached, and saw nothing.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// No full response in time.
    #[error("timed out: {0}")]
    Timeout(String),
    /// The connection broke before the response was whole.
    #[error("connection broke: {0}")]
    Interrupted(String),
    /// The body is larger than so many bytes.
    #[error("the response is larger than {0} bytes")]
    TooLarge(u64),
    /// The call's limit of host calls or bytes is used up.
    #[error("{0}")]
    Exhausted(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why the host could not do what a backend asked of an agent: `agents.agent-error` of the WIT package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AgentError {
    /// The host does not know this container.
    #[error("no such container: {0}")]
    UnknownContainer(String),
    /// The run was not announced.
    #[error("run {0} was not prepared")]
    NotPrepared(String),
    /// It did not happen in time.
    #[error("{0}")]
    Timeout(String),
    /// The agent reported that it could not.
    #[error("{0}")]
    Failed(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
