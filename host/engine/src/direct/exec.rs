//! Commands that a backend's cloud runs beside a container's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use sockerless_agents::Block;
use sockerless_backend::sessions::{ExecProcess, ExecState};
use sockerless_backend::types::Container;
use sockerless_backend::{Backend, BackendError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{open, said, size};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::frames::Blocks;
use crate::process::{Input, Process};

/// How soon it is asked again how a command has ended that has closed its output, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// So many errors in a row, and nobody knows how it ended.
const ERRORS: u32 = 5;

/// A command, and the connection to it. A task reads the connection to its end, whether or not a client wants what comes: that is how
/// the end of the command is learnt.
pub(crate) struct DirectExec {
    which: Which,
    output: Mutex<Option<mpsc::Receiver<Result<Block>>>>,
    input: Mutex<Option<Box<dyn Input>>>,
    exited: watch::Receiver<Option<Result<i32>>>,
    /// Nobody wants to know any more how it ends.
    over: CancellationToken,
}

/// What the backend needs to know it by.
#[derive(Clone)]
struct Which {
    backend: Arc<dyn Backend>,
    container: Container,
    id: String,
}

impl DirectExec {
    /// Has the backend run the command.
    pub(crate) async fn start(
        engine: &Inner,
        backend: Arc<dyn Backend>,
        container: Container,
        process: ExecProcess,
    ) -> Result<Self> {
        let started = backend.exec_start(container.clone(), process).await?;
        let which = Which { backend, container, id: started.id };
        let (blocks, input) = open(started.connection);
        // One block may wait: a client that does not read holds up the process, as with the Engine.
        let (sender, output) = mpsc::channel(1);
        let (ended, exited) = watch::channel(None);
        let over = CancellationToken::new();
        let (task, asked_no_more, shutdown) = (which.clone(), over.clone(), engine.shutdown.clone());
        engine.tasks.spawn(async move {
            tokio::select! {
                code = task.carry(blocks, sender, asked_no_more) => drop(ended.send(Some(code))),
                () = shutdown.cancelled() => {}
            }
        });
        Ok(Self { which, output: Mutex::new(Some(output)), input: Mutex::new(Some(input)), exited, over })
    }
}

impl Which {
    /// Moves the output until it ends, and answers the exit code. If nobody knows it, the client is told why.
    async fn carry(
        &self,
        mut blocks: Blocks,
        client: mpsc::Sender<Result<Block>>,
        over: CancellationToken,
    ) -> Result<i32> {
        let (mut wanted, mut broken) = (true, None);
        while let Some(block) = blocks.next().await {
            match block {
                Ok(block) => wanted = wanted && client.send(Ok(block)).await.is_ok(),
                Err(error) => broken = Some(error),
            }
        }
        let (ended, text) = match broken {
            None => {
                let ended = tokio::select! {
                    ended = self.ended() => ended,
                    () = over.cancelled() => return Err(Error::conflict("the container has ended, and the command with it")),
                };
                let text = ended.as_ref().err().map(|error| format!("how the command ended is not known: {error}"));
                (ended, text)
            }
            Some(error) => match self.state().await {
                Ok(ExecState::Exited(code)) => (Ok(code), Some(format!("some of the output may be missing: {error}"))),
                _ => {
                    let text = format!("whether the command still runs is not known: {error}");
                    (Err(Error::fault(text.clone())), Some(text))
                }
            },
        };
        if let Some(text) = text {
            // A client that has gone reads no more.
            let _ = client.send(Ok(said(&text))).await;
        }
        ended
    }

    async fn state(&self) -> Result<ExecState, BackendError> {
        self.backend.exec_inspect(self.container.clone(), self.id.clone()).await
    }

    /// Asks until it has ended: a command may close its output, and go on.
    async fn ended(&self) -> Result<i32> {
        let (mut pause, mut errors) = (AGAIN.0, 0);
        loop {
            match self.state().await {
                Ok(ExecState::Exited(code)) => return Ok(code),
                Ok(ExecState::Running) => errors = 0,
                Err(error) => {
                    errors += 1;
                    if errors == ERRORS || matches!(error, BackendError::NotFound(_)) {
                        return Err(error.into());
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[async_trait]
impl Process for DirectExec {
    async fn output(&self) -> Result<Blocks> {
        let output = take(&self.output).ok_or_else(|| Error::conflict("the output of the command is read already"))?;
        let blocks = futures_util::stream::unfold(output, |mut output| async move {
            let block = output.recv().await?;
            Some((block, output))
        });
        Ok(blocks.boxed())
    }

    async fn input(&self) -> Result<Box<dyn Input>> {
        take(&self.input).ok_or_else(|| Error::conflict("somebody else writes to the command"))
    }

    async fn release(&self) -> Result<()> {
        drop(take(&self.output));
        Ok(())
    }

    async fn resize(&self, height: u16, width: u16) -> Result<()> {
        let Which { backend, container, id } = self.which.clone();
        Ok(backend.exec_resize(container, id, size(height, width)).await?)
    }

    async fn exited(&self) -> Result<i32> {
        let mut exited = self.exited.clone();
        let code = exited.wait_for(Option::is_some).await.map(|code| code.clone());
        code.ok().flatten().unwrap_or_else(|| Err(Error::unavailable("the daemon is about to end")))
    }

    async fn forget(&self) {
        self.over.cancel();
        // The connection is closed when nobody has either half of it.
        drop((take(&self.output), take(&self.input)));
    }
}
