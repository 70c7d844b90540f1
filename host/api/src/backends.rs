//! What the API needs of whoever loads backends.

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_engine::Error;

/// Loads backends into the running daemon.
#[async_trait]
pub trait BackendAdmin: Send + Sync + 'static {
    /// Loads a component, or replaces the one of its name. The answer says what is loaded now.
    ///
    /// # Errors
    /// What is wrong with the component; the one that was there then goes on.
    async fn load(&self, name: Option<String>, component: Bytes) -> Result<serde_json::Value, Error>;

    /// What is loaded.
    async fn list(&self) -> serde_json::Value;
}
