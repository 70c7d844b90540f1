//! What has changed in a container's file system.

use sockerless_docker::FilesystemChange;

use crate::engine::Engine;
use crate::error::Result;

impl Engine {
    /// The changes since the container was made, as its agent knows them; nothing if there are none.
    ///
    /// # Errors
    /// No such container; no agent, or one that does not know, and says why.
    pub async fn changes(&self, reference: &str) -> Result<Option<Vec<FilesystemChange>>> {
        let cell = self.inner.containers.find(reference)?;
        let changes = self.inner.agents.changes(&cell.id).await?;
        Ok(Some(changes).filter(|changes| !changes.is_empty()))
    }
}
