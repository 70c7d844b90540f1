//! What the API needs of whoever loads backends.

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use sockerless_engine::Error;

/// A backend that is loaded.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackendSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `sha256:` and 64 hexadecimal digits of the component.
    pub digest: String,
    /// Counts the swaps since the daemon started.
    pub generation: u64,
    /// Whether containers that name no runtime are its.
    pub default: bool,
    /// How many containers it has.
    pub containers: usize,
    /// The version before it, which a rollback would bring back.
    pub previous: Option<String>,
    /// What happened to it that an operator should know: that it was rolled back, and why.
    pub note: Option<String>,
    /// Whether it can tell what there is in its cloud.
    pub inventory: bool,
    /// What it calls itself to people.
    pub driver: String,
    /// What an operator can set.
    pub config: Vec<BackendVariable>,
}

/// A key of a backend's configuration.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackendVariable {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub help: String,
    /// Its value when the operator gives none.
    pub default: Option<String>,
}

/// What came of a load or a rollback.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Swapped {
    /// The backend's name.
    pub name: String,
    /// The version that serves now.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// Its generation.
    pub generation: u64,
    /// The version that it replaces.
    pub replaced: Option<String>,
    /// The containers that it has taken over.
    pub containers: usize,
}

/// Loads backends into the running daemon.
#[async_trait]
pub trait BackendAdmin: Send + Sync + 'static {
    /// Loads a component, or replaces the one of its name.
    ///
    /// # Errors
    /// What is wrong with the component; the one that was there then goes on.
    async fn load(&self, name: Option<String>, component: Bytes) -> Result<Swapped, Error>;

    /// Brings back the version that served before.
    ///
    /// # Errors
    /// There is none, or it cannot take over a container; the one that was there then goes on.
    async fn rollback(&self, name: &str) -> Result<Swapped, Error>;

    /// Gives a backend up. Answers how many containers are left without one.
    ///
    /// # Errors
    /// There is none of this name; it has containers, and is not to go by force.
    async fn unload(&self, name: &str, force: bool) -> Result<usize, Error>;

    /// What is loaded, the default first.
    fn list(&self) -> Vec<BackendSummary>;
}
