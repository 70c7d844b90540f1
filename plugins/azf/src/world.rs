//! All that this backend knows of what is outside of it.
//!
//! Inside a component that is the host's imports; in a test it is a script. No other module names an import.

use std::fmt;

use crate::bindings::agents::{AgentError, AgentSetup};
use crate::bindings::http::{HttpError, Response};
use crate::bindings::log::Level;
use crate::bindings::types::Timestamp;

/// The host, as this backend sees it.
pub(crate) trait World {
    /// Performs one HTTP exchange. For a scope, acquires the credential first.
    fn send(&self, request: &Request) -> Result<Response, SendError>;

    /// Has the host perform a request by itself.
    fn dispatch(&self, request: &Request, container: &str, run: &str) -> Result<(), SendError>;

    /// What the container's agent needs; nothing if no agent can reach the host.
    fn provision(&self, container: &str) -> Result<Option<AgentSetup>, AgentError>;

    /// Tells where the agent can be dialled.
    fn reachable_at(&self, container: &str, url: &str) -> Result<(), AgentError>;

    /// Expects the agent to report a run.
    fn prepare(&self, container: &str, run: &str) -> Result<(), AgentError>;

    /// Waits until the agent has accepted a run.
    fn await_connect(&self, container: &str, run: &str, timeout_ms: u32) -> Result<(), AgentError>;

    /// The status with which the invocation of a run was answered, if it was.
    fn answered(&self, container: &str, run: &str) -> Option<u16>;

    /// Whether the agent is connected.
    fn connected(&self, container: &str) -> bool;

    /// Ends the run that is under way.
    fn disconnect(&self, container: &str) -> Result<(), AgentError>;

    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Suspends the call.
    fn sleep(&self, milliseconds: u64);

    /// Writes to the daemon's log.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);

    /// A value of the configuration.
    fn config(&self, key: &str) -> Option<String>;

    /// The id of the daemon.
    fn daemon(&self) -> String;
}

/// Who a request is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signer {
    /// Nobody.
    None,
    /// The daemon, with a token of this scope.
    Scope(&'static str),
    /// The host, with the key by which the agent of this container knows it.
    Agent(String),
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) timeout_ms: Option<u32>,
    pub(crate) signer: Signer,
    /// Whether a second one has no further effect.
    pub(crate) idempotent: bool,
}

impl Request {
    /// A request without body and signer.
    pub(crate) fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            signer: Signer::None,
            idempotent: !matches!(method, "POST" | "PATCH"),
        }
    }

    /// A POST that only asks.
    pub(crate) fn repeatable(mut self) -> Self {
        self.idempotent = true;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A JSON body.
    pub(crate) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.header("content-type", "application/json")
    }

    pub(crate) fn signed(mut self, signer: Signer) -> Self {
        self.signer = signer;
        self
    }

    pub(crate) fn within(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SendError {
    /// The policy does not grant the scope.
    ScopeDenied(String),
    /// There is no credential to sign with.
    Unsigned(String),
    /// The exchange itself failed.
    Http(HttpError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScopeDenied(text) | Self::Unsigned(text) => f.write_str(text),
            Self::Http(error) => f.write_str(&http_error_text(error)),
        }
    }
}

/// A failed exchange, for people.
pub(crate) fn http_error_text(error: &HttpError) -> String {
    match error {
        HttpError::Denied(text) => format!("the policy forbids it: {text}"),
        HttpError::Invalid(text) => format!("the request is malformed: {text}"),
        HttpError::Connect(text) => format!("cannot connect: {text}"),
        HttpError::Timeout(text) => format!("timed out: {text}"),
        HttpError::Interrupted(text) => format!("the connection broke: {text}"),
        HttpError::TooLarge(limit) => format!("the response is larger than {limit} bytes"),
        HttpError::Exhausted(text) | HttpError::Other(text) => text.clone(),
    }
}

/// What went wrong with an agent, for people.
pub(crate) fn agent_error_text(error: &AgentError) -> String {
    match error {
        AgentError::UnknownContainer(text) => format!("the host does not know the container: {text}"),
        AgentError::NotPrepared(text) => format!("the host does not expect this run: {text}"),
        AgentError::Timeout(text) | AgentError::Failed(text) | AgentError::Other(text) => text.clone(),
    }
}

/// A header of a response. Names are in lower case there.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
