//! What is wrong with a query.

/// An error with the number that Kusto has for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(in crate::logs) struct KqlError {
    code: &'static str,
    message: String,
}

impl KqlError {
    /// The text is no query.
    pub(super) fn syntax(position: usize, message: impl std::fmt::Display) -> Self {
        Self { code: "SYN0002", message: format!("Query could not be parsed at position {position}: {message}") }
    }

    /// The query means nothing.
    pub(super) fn semantic(message: impl Into<String>) -> Self {
        Self { code: "SEM0001", message: message.into() }
    }

    /// A table that does not exist, or has no rows yet.
    pub(in crate::logs) fn no_table(name: &str) -> Self {
        let message = format!("'where' operator: Failed to resolve table or column expression named '{name}'");
        Self { code: "SEM0100", message }
    }

    /// A column that does not exist.
    pub(super) fn no_column(name: &str) -> Self {
        Self { code: "SEM0100", message: format!("Failed to resolve column or scalar expression named '{name}'") }
    }

    pub(in crate::logs) fn code(&self) -> &'static str {
        self.code
    }

    pub(in crate::logs) fn is_syntax(&self) -> bool {
        self.code.starts_with("SYN")
    }
}
