//! The agents inside the containers, as the engine uses them: in its errors, and with its streams.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sockerless_agent_protocol::spec::ProcessSpec;
use sockerless_agents::{AgentClient, AgentFailure, AgentRegistry, Output, Piece, ProcessState, Sample, Wait};
use sockerless_backend::sessions::Extraction;
use sockerless_docker::{FilesystemChange, PathStat, Top};

pub(crate) use sockerless_agents::From;

use crate::attach::Reading;
use crate::error::{Error, ErrorKind, Result};
use crate::frames::{Blocks, ByteStream, pieces};
use crate::process::Input;

/// What became of a process that was to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begun {
    Started {
        pid: u32,
    },
    /// There is no such command, or it cannot be executed.
    Failed {
        code: i32,
        message: String,
    },
}

impl Begun {
    fn of(state: ProcessState) -> Self {
        match state {
            ProcessState::Running { pid } => Self::Started { pid },
            // It has begun, however soon it ended.
            ProcessState::Exited { .. } | ProcessState::Starting => Self::Started { pid: 0 },
            ProcessState::Failed { code, message } => Self::Failed { code, message },
        }
    }
}

/// All agents.
#[derive(Clone)]
pub(crate) struct Agents {
    client: AgentClient,
}

impl Agents {
    pub(crate) fn new(registry: AgentRegistry) -> Self {
        Self { client: AgentClient::new(registry) }
    }

    pub(crate) fn connected(&self, container: &str) -> bool {
        self.client.connected(container)
    }

    /// Waits until the agent has been told of a run.
    pub(crate) async fn accepted(&self, container: &str, run: &str) -> Result<()> {
        self.client.begun(container, run).await?;
        Ok(())
    }

    /// What became of a run that the agent has accepted.
    pub(crate) async fn begun(&self, container: &str, run: &str) -> Result<Begun> {
        Ok(Begun::of(self.client.begun(container, run).await?))
    }

    /// The same, of a run that the agent may never have been told of.
    pub(crate) async fn begun_if_known(&self, container: &str, run: &str) -> Result<Option<Begun>> {
        if self.client.state(container, run, Wait::No).await?.is_none() {
            return Ok(None);
        }
        self.begun(container, run).await.map(Some)
    }

    /// The run that the container's agent has been asked for last, under way or over.
    pub(crate) async fn main_run(&self, container: &str) -> Result<Option<String>> {
        Ok(self.client.main_run(container).await?)
    }

    pub(crate) async fn start_process(&self, container: &str, process: &str, spec: &ProcessSpec) -> Result<Begun> {
        Ok(Begun::of(self.client.start(container, process, spec).await?))
    }

    /// Waits for the end of a process, and answers its exit code. Its output is complete then.
    pub(crate) async fn exited(&self, container: &str, process: &str) -> Result<i32> {
        match self.client.state(container, process, Wait::Exited).await? {
            Some(ProcessState::Exited { code } | ProcessState::Failed { code, .. }) => Ok(code),
            Some(_) => Err(Error::fault("the agent says that the process has ended and runs")),
            None => Err(Error::fault(
                "the platform has replaced the instance in which the command ran: how the command ended is not known",
            )),
        }
    }

    /// A container's run is over: another instance of it may connect.
    pub(crate) fn run_ended(&self, container: &str) {
        self.client.ended(container);
    }

    pub(crate) async fn release(&self, container: &str, process: &str) -> Result<()> {
        Ok(self.client.release(container, process).await?)
    }

    /// Best effort: an agent that has gone has nothing to forget.
    pub(crate) async fn forget(&self, container: &str, process: &str) {
        if let Err(error) = self.client.forget(container, process).await {
            tracing::debug!(container, process, %error, "the agent was not told to forget a process");
        }
    }

    pub(crate) async fn signal(&self, container: &str, process: &str, signal: &str) -> Result<()> {
        Ok(self.client.signal(container, process, signal).await?)
    }

    pub(crate) async fn resize(&self, container: &str, process: &str, height: u16, width: u16) -> Result<()> {
        Ok(self.client.resize(container, process, height, width).await?)
    }

    pub(crate) async fn top(&self, container: &str, arguments: &str) -> Result<Top> {
        let top = self.client.top(container, arguments).await?;
        Ok(Top { titles: top.titles, processes: top.processes })
    }

    pub(crate) async fn changes(&self, container: &str) -> Result<Vec<FilesystemChange>> {
        let changes = self.client.changes(container).await?.into_iter();
        Ok(changes.map(|change| FilesystemChange { path: change.path, kind: change.kind }).collect())
    }

    pub(crate) async fn sample(&self, container: &str) -> Result<Sample> {
        Ok(self.client.sample(container).await?)
    }

    pub(crate) async fn export(&self, container: &str) -> Result<ByteStream> {
        Ok(self.client.export(container).await?.into_stream().map_err(Error::from).boxed())
    }

    pub(crate) async fn output(&self, container: &str, process: &str, from: From) -> Result<Reader> {
        let output = self.client.output(container, process, from).await?;
        Ok(Reader { output, until: None, _reading: None })
    }

    pub(crate) fn stdin(&self, container: &str, process: &str, close: bool) -> Writer {
        Writer(self.client.input(container, process, close))
    }

    pub(crate) async fn archive_stat(&self, container: &str, path: &str) -> Result<PathStat> {
        Ok(path_stat(self.client.stat(container, path).await?))
    }

    pub(crate) async fn archive_get(&self, container: &str, path: &str) -> Result<(PathStat, ByteStream)> {
        let (stat, archive) = self.client.archive(container, path).await?;
        Ok((path_stat(stat), archive.into_stream().map_err(Error::from).boxed()))
    }

    pub(crate) async fn archive_put(
        &self,
        container: &str,
        path: &str,
        extraction: Extraction,
        body: ByteStream,
    ) -> Result<()> {
        let Extraction { no_overwrite_dir_non_dir, copy_uid_gid } = extraction;
        let options = [("no_overwrite_dir_non_dir", no_overwrite_dir_non_dir), ("copy_uid_gid", copy_uid_gid)];
        Ok(self.client.extract(container, path, &options, body.map_err(Into::into)).await?)
    }
}

fn path_stat(stat: sockerless_agents::PathStat) -> PathStat {
    let sockerless_agents::PathStat { name, size, mode, mtime, link_target } = stat;
    PathStat { name, size, mode, mtime, link_target }
}

impl std::convert::From<AgentFailure> for Error {
    fn from(failure: AgentFailure) -> Self {
        match failure {
            AgentFailure::NotConnected(message) => Self::conflict(message),
            AgentFailure::Broken(message) => Self::fault(message),
            AgentFailure::Refused { status, message } => {
                let kind = match status {
                    400 => ErrorKind::InvalidParameter,
                    403 => ErrorKind::Forbidden,
                    404 => ErrorKind::NotFound,
                    409 => ErrorKind::Conflict,
                    501 => ErrorKind::NotImplemented,
                    503 => ErrorKind::Unavailable,
                    _ => ErrorKind::Internal,
                };
                Self { kind, message, fault: matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable) }
            }
        }
    }
}

/// The way into a process.
pub(crate) struct Writer(sockerless_agents::Input);

#[async_trait]
impl Input for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        Ok(self.0.write(bytes).await?)
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        Ok(self.0.finish().await?)
    }
}

/// The output of a process, from somewhere on.
pub(crate) struct Reader {
    output: Output,
    /// Ends here, if not with the process.
    until: Option<u64>,
    /// Held until the reader is dropped.
    _reading: Option<Reading>,
}

impl Reader {
    /// The end of the run is not told before this reader is done.
    pub(crate) fn counted(self, reading: Reading) -> Self {
        Self { _reading: Some(reading), ..self }
    }

    /// Ends where the output ended when this was opened.
    pub(crate) fn until_now(self) -> Self {
        Self { until: Some(self.output.behind()), ..self }
    }

    /// Offset of what comes next.
    pub(crate) fn offset(&self) -> u64 {
        self.output.offset()
    }

    /// Offset up to which there was output when this was opened.
    pub(crate) fn behind(&self) -> u64 {
        self.output.behind()
    }

    /// Some whole frames at a time.
    pub(crate) fn into_blocks(self) -> Blocks {
        let blocks = stream::unfold(Some(self), |reader| async move {
            let mut reader = reader?;
            if reader.until.is_some_and(|until| reader.output.offset() >= until) {
                return None;
            }
            match reader.output.next().await {
                Ok(Some(block)) => Some((Ok(block), Some(reader))),
                Ok(None) => None,
                Err(error) => Some((Err(error.into()), None)),
            }
        });
        blocks.boxed()
    }

    /// Piece by piece.
    pub(crate) fn into_frames(self) -> impl Stream<Item = Result<Piece>> + Send {
        pieces(self.into_blocks())
    }
}
