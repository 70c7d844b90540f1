//! What the API needs of whoever keeps plugins: the backends, as Docker's commands manage them.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use sockerless_docker::{PluginPrivilege, RegistryAuth};
use sockerless_engine::Error;
use tokio::sync::mpsc;

use crate::backends::BackendVariable;

/// As many lines of progress as wait for a client that does not read; more are lost to it.
const LINES: usize = 64;

/// Where a client is shown how something goes that is under way. That nobody reads it ends nothing, and holds up nothing.
#[derive(Debug, Clone)]
pub struct Progress(mpsc::Sender<Result<Value, Error>>);

impl Progress {
    /// One, and what it is told.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Result<Value, Error>>) {
        let (sender, receiver) = mpsc::channel(LINES);
        (Self(sender), receiver)
    }

    /// Shows one line, in the form of Docker's own.
    pub fn tell(&self, line: Value) {
        let _ = self.0.try_send(Ok(line));
    }

    /// Ends with an error.
    pub(crate) async fn fail(self, error: Error) {
        let _ = self.0.send(Err(error)).await;
    }
}

/// A backend that is loaded, or kept and disabled.
#[derive(Debug, Clone)]
pub struct PluginSummary {
    /// 64 hexadecimal digits, the same for every version.
    pub id: String,
    /// Its name for Docker: a reference with its tag.
    pub name: String,
    /// The name that its component calls itself: that of `docker run --runtime`.
    pub backend: String,
    /// Where it came from, or would be pushed to: a reference. Empty if it was loaded from a file.
    pub reference: String,
    /// The digest of the manifest that it was installed by. Absent if it does not come from a registry.
    pub manifest: Option<String>,
    /// `sha256:` and 64 hexadecimal digits of the component.
    pub digest: String,
    /// Whether it serves.
    pub enabled: bool,
    /// What it calls itself to people.
    pub driver: String,
    /// What happened to it that an operator should know.
    pub note: Option<String>,
    /// What can be set.
    pub config: Vec<BackendVariable>,
    /// What it works with, as `KEY=value`: what was set, else the defaults. A secret is not among them in the clear.
    pub settings: Vec<String>,
    /// What it wants.
    pub privileges: Vec<PluginPrivilege>,
}

/// A plugin in a registry, and what a user says to it.
#[derive(Debug, Clone, Default)]
pub struct Remote {
    /// Where it is: a reference with a tag or a digest.
    pub reference: String,
    /// Who asks the registry.
    pub auth: Option<RegistryAuth>,
    /// The privileges that the user has accepted.
    pub accepted: Vec<PluginPrivilege>,
}

/// Keeps plugins. Each is meant by the name of its backend, but where it has none yet.
#[async_trait]
pub trait PluginAdmin: Send + Sync + 'static {
    /// All of them, the default first.
    fn plugins(&self) -> Vec<PluginSummary>;

    /// Keeps a component under this name, and does not load it.
    ///
    /// # Errors
    /// The name is taken; the component is none of a backend, or of one that is there.
    async fn create(&self, name: String, component: Bytes) -> Result<(), Error>;

    /// Loads one that is kept and disabled, by all the steps of a swap.
    ///
    /// # Errors
    /// It is enabled; what is wrong with it.
    async fn enable(&self, backend: &str) -> Result<(), Error>;

    /// Unloads one and keeps it, disabled over restarts of the daemon.
    ///
    /// # Errors
    /// It is disabled; it has containers, and is not to go by force.
    async fn disable(&self, backend: &str, force: bool) -> Result<(), Error>;

    /// Sets keys of its configuration, each `KEY=value`: instead of what the daemon's own configuration says.
    ///
    /// # Errors
    /// It is enabled; it declares no such key.
    async fn set(&self, backend: &str, settings: Vec<String>) -> Result<(), Error>;

    /// Forgets one.
    ///
    /// # Errors
    /// It is enabled, or has containers, and is not to go by force.
    async fn remove(&self, backend: &str, force: bool) -> Result<(), Error>;

    /// What a plugin in a registry wants.
    ///
    /// # Errors
    /// The registry does not give it; it is no component of a backend.
    async fn privileges(&self, remote: &Remote) -> Result<Vec<PluginPrivilege>, Error>;

    /// Pulls a plugin and keeps it under this name, disabled.
    ///
    /// # Errors
    /// As for [`create`](Self::create); the registry does not give it; it wants something else than was accepted.
    async fn install(&self, name: String, remote: Remote, progress: Progress) -> Result<(), Error>;

    /// Replaces the component of a plugin by one of a registry. If it is enabled, this is a swap.
    ///
    /// # Errors
    /// As for [`install`](Self::install) and [`enable`](Self::enable); it then stays as it was.
    async fn upgrade(&self, backend: &str, remote: Remote, progress: Progress) -> Result<(), Error>;

    /// Pushes the component to where the name of the plugin says.
    ///
    /// # Errors
    /// It has no such name; the registry does not take it.
    async fn push(&self, backend: &str, auth: Option<RegistryAuth>, progress: Progress) -> Result<(), Error>;
}
