//! Files in and out of a container, by its agent, or by the backend's cloud where that does it by itself.
//!
//! The agent is there from when the container was made, so files can be copied before the start, too.

use sockerless_backend::sessions::Extraction;
use sockerless_docker::PathStat;

use crate::cell::Cell;
use crate::direct::DirectFiles;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::files::{AgentFiles, Files};
use crate::frames::ByteStream;

impl Engine {
    /// What is at a path.
    ///
    /// # Errors
    /// No such container or path; no agent.
    pub async fn archive_stat(&self, reference: &str, path: &str) -> Result<PathStat> {
        let cell = self.inner.containers.find(reference)?;
        check(path)?;
        self.files(&cell).stat(path).await.map_err(|error| as_called(error, &cell.id, reference))
    }

    /// A path as a tar archive.
    ///
    /// # Errors
    /// No such container or path; no agent.
    pub async fn archive_get(&self, reference: &str, path: &str) -> Result<(PathStat, ByteStream)> {
        let cell = self.inner.containers.find(reference)?;
        check(path)?;
        self.files(&cell).get(path).await.map_err(|error| as_called(error, &cell.id, reference))
    }

    /// The whole file system of a container as a tar archive.
    ///
    /// # Errors
    /// No such container; no agent.
    pub async fn export(&self, reference: &str) -> Result<ByteStream> {
        let cell = self.inner.containers.find(reference)?;
        let archive = self.files(&cell).file_system().await?;
        self.inner.events.container(&cell.record(), "export", &[]);
        Ok(archive)
    }

    /// Extracts a tar archive into a directory.
    ///
    /// # Errors
    /// No such container or directory; no agent; an archive that is malformed or wants to leave the directory.
    pub async fn archive_put(
        &self,
        reference: &str,
        path: &str,
        extraction: Extraction,
        body: ByteStream,
    ) -> Result<()> {
        let cell = self.inner.containers.find(reference)?;
        check(path)?;
        self.files(&cell).put(path, extraction, body).await.map_err(|error| as_called(error, &cell.id, reference))
    }

    /// Whoever reaches the files of a container.
    fn files(&self, cell: &Cell) -> Box<dyn Files> {
        let record = cell.record();
        match self.inner.direct(&record, |loaded| loaded.interfaces.archive) {
            Some(backend) => Box::new(DirectFiles { backend, container: record.for_backend() }),
            None => Box::new(AgentFiles { agents: self.inner.agents.clone(), container: cell.id.clone() }),
        }
    }
}

/// The agent knows its container by the id; the Engine's texts call it as the client did.
fn as_called(mut error: Error, id: &str, reference: &str) -> Error {
    error.message = error.message.replace(id, reference);
    error
}

fn check(path: &str) -> Result<()> {
    if path.is_empty() { Err(Error::invalid("bad parameter: path cannot be empty")) } else { Ok(()) }
}
