//! What can go wrong.

/// What the service answers when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Azure Files answered {status} {code}{}", .message.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct Refusal {
    /// Status of the answer.
    pub status: u16,
    /// The error's code, such as `ShareNotFound`; empty if somebody else answered.
    pub code: String,
    /// The first line of the error's text, where there is one.
    pub message: Option<String>,
}

impl Refusal {
    /// Whether it is this error.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no answer. Whether the service acted is not known.
    #[error("Azure Files cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    /// There is no token to ask with.
    #[error("there is no token for Azure Files: {0}")]
    Token(String),
    /// The key is not base64.
    #[error("the key of the storage account is not base64")]
    Key,
    /// The service did what it says, and it is not what was asked for.
    #[error("the file in the share is not the one that was sent: {0}")]
    Mismatch(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
