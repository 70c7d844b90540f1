//! How the engine says no.

use sockerless_backend::{AgentError, BackendError};
use sockerless_docker::FilterError;
use sockerless_store::StoreError;

/// What kind of no it is: the Docker API makes its status of this, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is already so. 304.
    NotModified,
    /// The request is wrong. 400.
    InvalidParameter,
    /// The registry or the cloud does not know who asks. 401.
    Unauthorized,
    /// Not allowed. 403.
    Forbidden,
    /// There is no such thing. 404.
    NotFound,
    /// The state of the thing does not allow it. 409.
    Conflict,
    /// Too often, or too many at once: the registry wants to be asked later, or a limit of the daemon is reached. 429.
    TooManyRequests,
    /// This daemon, or this backend, does not do that. 501.
    NotImplemented,
    /// Not now. 503.
    Unavailable,
    /// Anything else. 500.
    Internal,
}

/// An error with the text that Docker's client is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Its kind.
    pub kind: ErrorKind,
    /// Its text: the Engine's own wording wherever the Engine has the same error.
    pub message: String,
    /// Whether it is a fault of the daemon, the backend or the cloud. The kind does not tell: the Engine has 500 and 503 for some mistakes of
    /// clients too.
    pub fault: bool,
}

/// The result of what the engine does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {
        $($(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Self {
            Self { kind: ErrorKind::$kind, message: message.into(), fault: false }
        })*
    };
}

impl Error {
    constructors! {
        /// It is already so.
        not_modified => NotModified,
        /// The request is wrong.
        invalid => InvalidParameter,
        /// Nobody knows who asks.
        unauthorized => Unauthorized,
        /// Not allowed.
        forbidden => Forbidden,
        /// There is no such thing.
        not_found => NotFound,
        /// Its state does not allow it.
        conflict => Conflict,
        /// Too many at once.
        too_many => TooManyRequests,
        /// Not done here.
        not_implemented => NotImplemented,
        /// Not now.
        unavailable => Unavailable,
        /// Anything else.
        internal => Internal,
    }

    /// The daemon, the backend or the cloud is at fault.
    pub fn fault(message: impl Into<String>) -> Self {
        Self::internal(message).at_fault()
    }

    /// The same as a fault of the daemon, the backend or the cloud.
    #[must_use]
    pub fn at_fault(self) -> Self {
        Self { fault: true, ..self }
    }

    /// The same, said of what was being done.
    #[must_use]
    pub(crate) fn within(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Its text as a client is shown it: that of a fault ends with the id of the request in whose course this is called, by which the log and the
    /// traces have more of it. Any other has the Engine's words alone.
    #[must_use]
    pub fn shown(&self) -> String {
        match sockerless_telemetry::request_id() {
            Some(id) if self.fault => format!("{} (request {id})", self.message),
            _ => self.message.clone(),
        }
    }

    /// `No such container: x`.
    pub fn no_such_container(reference: &str) -> Self {
        Self::not_found(format!("No such container: {reference}"))
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        let kind = match &error {
            BackendError::NotFound(_) => ErrorKind::NotFound,
            BackendError::Conflict(_) | BackendError::NameTaken(_) => ErrorKind::Conflict,
            BackendError::Invalid(_) => ErrorKind::InvalidParameter,
            BackendError::Denied(_) => ErrorKind::Forbidden,
            BackendError::Throttled { .. } | BackendError::Unavailable(_) => ErrorKind::Unavailable,
            BackendError::NotSupported(_) => ErrorKind::NotImplemented,
            BackendError::Configuration(_)
            | BackendError::Timeout(_)
            | BackendError::Fault(_)
            | BackendError::Other(_) => ErrorKind::Internal,
        };
        let fault = matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable);
        Self { kind, message: error.to_string(), fault }
    }
}

impl From<AgentError> for Error {
    fn from(error: AgentError) -> Self {
        Self::fault(error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::fault(error.to_string())
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::invalid(error.to_string())
    }
}
