//! What is known of an app's containers.

use serde::Serialize;

/// Where an app is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub(crate) enum Phase {
    /// Nothing was started yet: the first request will.
    Waiting,
    /// A container is starting.
    Starting,
    /// A container takes requests.
    Ready {
        /// The port it listens on.
        port: u16,
    },
    /// The last start failed; the next comes after a pause.
    Failed {
        /// Why.
        reason: String,
    },
    /// Stopped by its owner.
    Stopped,
    /// Deleted.
    Deleted,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContainerView {
    /// Its name.
    pub(crate) name: String,
    /// Process id on this machine, once the command runs.
    pub(crate) pid: Option<i32>,
    /// The port it was given.
    pub(crate) port: u16,
    /// Whether it answered the warm-up ping.
    pub(crate) ready: bool,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    /// The app.
    #[serde(flatten)]
    pub(crate) phase: Phase,
    /// Its containers: none, one, or for a while the old and the new.
    pub(crate) containers: Vec<ContainerView>,
    /// Containers started so far.
    pub(crate) starts: u64,
}
