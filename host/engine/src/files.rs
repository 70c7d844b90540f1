//! The files of a container, whoever reaches them: the agent, or the backend's cloud (`direct`).

use async_trait::async_trait;
use sockerless_backend::sessions::Extraction;
use sockerless_docker::PathStat;

use crate::agents::Agents;
use crate::error::Result;
use crate::frames::ByteStream;

/// The files of one container. Archives are uncompressed tar.
#[async_trait]
pub(crate) trait Files: Send + Sync {
    /// What is at a path.
    async fn stat(&self, path: &str) -> Result<PathStat>;

    /// A path as an archive.
    async fn get(&self, path: &str) -> Result<(PathStat, ByteStream)>;

    /// Extracts an archive into a directory.
    async fn put(&self, directory: &str, extraction: Extraction, body: ByteStream) -> Result<()>;

    /// Everything as an archive.
    async fn file_system(&self) -> Result<ByteStream>;
}

/// Those that the agent reaches.
pub(crate) struct AgentFiles {
    pub(crate) agents: Agents,
    pub(crate) container: String,
}

#[async_trait]
impl Files for AgentFiles {
    async fn stat(&self, path: &str) -> Result<PathStat> {
        self.agents.archive_stat(&self.container, path).await
    }

    async fn get(&self, path: &str) -> Result<(PathStat, ByteStream)> {
        self.agents.archive_get(&self.container, path).await
    }

    async fn put(&self, directory: &str, extraction: Extraction, body: ByteStream) -> Result<()> {
        self.agents.archive_put(&self.container, directory, extraction, body).await
    }

    async fn file_system(&self) -> Result<ByteStream> {
        self.agents.export(&self.container).await
    }
}
