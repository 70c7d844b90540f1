//! What a call is called in logs and errors.

use std::sync::Arc;

/// Backend, export and container of one call.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) backend: Arc<str>,
    pub(crate) call: &'static str,
    pub(crate) container: Option<String>,
    /// Values that must not stand in the log.
    pub(crate) secrets: Arc<[String]>,
}
