//! The processes of a container.

use sockerless_docker::Top;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::record::Status;

/// The Engine's own default.
const DEFAULT: &str = "-ef";

impl Engine {
    /// The processes of a container, as its agent sees them.
    ///
    /// # Errors
    /// No such container; it does not run; no agent; arguments that are not understood.
    pub async fn top(&self, reference: &str, arguments: Option<&str>) -> Result<Top> {
        let cell = self.inner.containers.find(reference)?;
        let record = cell.record();
        match record.state.status {
            Status::Running | Status::Paused => {}
            Status::Restarting => {
                return Err(Error::conflict(format!(
                    "container {reference} is restarting, wait until the container is running"
                )));
            }
            _ => return Err(Error::conflict(format!("container {} is not running", record.id))),
        }
        let arguments = arguments.filter(|arguments| !arguments.is_empty()).unwrap_or(DEFAULT);
        self.inner.agents.top(&cell.id, arguments).await
    }
}
