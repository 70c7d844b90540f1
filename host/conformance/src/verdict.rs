//! What a check found.

use serde::Serialize;

/// Why a check has not passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "detail", rename_all = "kebab-case")]
pub enum Verdict {
    /// The contract is kept, as far as this check sees.
    Passed,
    /// The contract is broken. The text says what was done, and what happened.
    Finding(String),
    /// Nothing can be said: this world does not take the backend as far as it would have to come, or the promise does not concern it.
    NotChecked(String),
}

/// A check that goes on as long as all is well.
pub(crate) type Outcome = Result<(), Verdict>;

/// The contract is broken.
pub(crate) fn finding<T>(text: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Finding(text.into()))
}

/// Nothing can be said.
pub(crate) fn not_checked<T>(text: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::NotChecked(text.into()))
}

/// What a promise says of backends that have a cloud, to those that have none.
pub(crate) const ASKS_NOBODY: &str = "it sends no request, so no answer can mislead it";
