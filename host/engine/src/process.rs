//! A command that clients have their streams with, whoever runs it: the agent, or the backend's cloud (`direct`).

use async_trait::async_trait;
use bytes::Bytes;

use crate::agents::{Agents, From};
use crate::error::Result;
use crate::frames::Blocks;

/// A command beside a container's own.
#[async_trait]
pub(crate) trait Process: Send + Sync {
    /// Its output from the first byte on. Asked for at most once, and before [`release`](Self::release).
    async fn output(&self) -> Result<Blocks>;

    /// The way into its standard input, of which it sees the end when the client's input ends. Asked for at most once.
    async fn input(&self) -> Result<Box<dyn Input>>;

    /// What nobody has asked for by now nobody will.
    async fn release(&self) -> Result<()>;

    /// Tells its terminal its size.
    async fn resize(&self, height: u16, width: u16) -> Result<()>;

    /// Waits for its end, and answers its exit code. An error says that nobody knows how it ended.
    async fn exited(&self) -> Result<i32>;

    /// It is over, and nothing more will be asked.
    async fn forget(&self);
}

/// The way into a process. Dropped without [`Input::finish`], the client has vanished: the process's standard input stays open.
#[async_trait]
pub(crate) trait Input: Send {
    /// Returns when the bytes are on their way.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// The client has sent all it will.
    async fn finish(self: Box<Self>) -> Result<()>;
}

/// A command that the agent runs.
pub(crate) struct AgentProcess {
    pub(crate) agents: Agents,
    pub(crate) container: String,
    pub(crate) id: String,
}

#[async_trait]
impl Process for AgentProcess {
    async fn output(&self) -> Result<Blocks> {
        Ok(self.agents.output(&self.container, &self.id, From::Offset(0)).await?.into_blocks())
    }

    async fn input(&self) -> Result<Box<dyn Input>> {
        Ok(Box::new(self.agents.stdin(&self.container, &self.id, true)))
    }

    async fn release(&self) -> Result<()> {
        self.agents.release(&self.container, &self.id).await
    }

    async fn resize(&self, height: u16, width: u16) -> Result<()> {
        self.agents.resize(&self.container, &self.id, height, width).await
    }

    async fn exited(&self) -> Result<i32> {
        self.agents.exited(&self.container, &self.id).await
    }

    async fn forget(&self) {
        self.agents.forget(&self.container, &self.id).await;
    }
}
