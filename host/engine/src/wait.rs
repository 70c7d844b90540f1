//! Waiting for a container.

use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::Engine;
use crate::error::Result;
use crate::record::{ContainerRecord, Exit, Status};

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WaitCondition {
    /// The container does not run; at once if it does not now.
    #[default]
    NotRunning,
    /// A run ends from now on, also one that has not begun.
    NextExit,
    /// The container is gone.
    Removed,
}

/// A client that waits. What it waits for cannot be missed from when it has this.
pub struct Wait {
    record: watch::Receiver<Arc<ContainerRecord>>,
    condition: WaitCondition,
    /// How many runs had ended when the wait began.
    exits: u64,
}

/// What a wait brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitResult {
    /// The exit code.
    pub status_code: i64,
    /// Why the wait, or the container, failed.
    pub error: Option<String>,
}

impl Wait {
    /// Waits.
    pub async fn exited(mut self) -> WaitResult {
        let (condition, exits) = (self.condition, self.exits);
        let reached = |record: &Arc<ContainerRecord>| {
            let status = record.state.status;
            match condition {
                // A run that ends is told also when the restart policy begins another one.
                WaitCondition::NotRunning => !record.may_run() || record.state.exits > exits,
                WaitCondition::NextExit => record.state.exits > exits || status == Status::Removed,
                WaitCondition::Removed => status == Status::Removed,
            }
        };
        let exit = match self.record.wait_for(reached).await {
            // That it is gone is what was waited for: whoever started it was told why a start failed.
            Ok(record) if record.state.status == Status::Removed => {
                Exit { code: record.state.exit.code, error: String::new() }
            }
            Ok(record) => record.state.exit.clone(),
            Err(_) => return WaitResult::stopping(),
        };
        WaitResult { status_code: exit.code.into(), error: Some(exit.error).filter(|error| !error.is_empty()) }
    }
}

impl WaitResult {
    /// The daemon ends before the container does. The Engine answers a wait that it gives up with the code -1, too.
    #[must_use]
    pub fn stopping() -> Self {
        Self { status_code: -1, error: Some("the daemon is stopping, and the container goes on".to_owned()) }
    }
}

impl Engine {
    /// Begins to wait for a container.
    ///
    /// # Errors
    /// No such container.
    pub fn wait_container(&self, reference: &str, condition: WaitCondition) -> Result<Wait> {
        let cell = self.inner.containers.find(reference)?;
        let record = cell.watch();
        let exits = record.borrow().state.exits;
        Ok(Wait { record, condition, exits })
    }
}
