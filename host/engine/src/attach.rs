//! Clients that are attached to a container.
//!
//! Each attached client reads the agent's spool on a stream of its own, so one that does not read holds up nobody but
//! the process itself, as with the Engine. A client may attach before the start: it then waits here, and the container's
//! task opens its reader at offset 0 before the agent may drop anything.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sockerless_docker::Config;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::agents::{Agents, From, Reader, Writer};
use crate::cell::Cell;
use crate::detach::{DetachKeys, Scanned};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frames::{ByteStream, Framing, Streams};
use crate::record::Status;

/// What a client wants of an attached container.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// Output from now on.
    pub stream: bool,
    /// Output from before, too.
    pub logs: bool,
    /// The client writes.
    pub stdin: bool,
    /// Standard output is wanted.
    pub stdout: bool,
    /// Standard error is wanted.
    pub stderr: bool,
    /// The keys that detach a terminal; absent is `ctrl-p,ctrl-q`.
    pub detach_keys: Option<String>,
    /// Both streams come mixed and without frames.
    pub bare: bool,
}

/// A client's two directions to a process.
pub struct Session {
    /// The output is a terminal's, without frames.
    pub tty: bool,
    /// Bytes as they go to the client. The session ends with it.
    pub output: Option<ByteStream>,
    /// Where the client's bytes go.
    pub stdin: Option<Stdin>,
}

/// Everybody who is attached to one container.
#[derive(Default)]
pub(crate) struct Attachments {
    waiting: Vec<Waiting>,
    active: watch::Sender<usize>,
}

impl Attachments {
    /// Those who attached before the start.
    pub(crate) fn take_waiting(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting)
    }

    /// Lets everybody go who waits for a start.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Counts a reader whose output must be complete before the end of the run is told.
    pub(crate) fn reading(&self) -> Reading {
        self.active.send_modify(|count| *count += 1);
        Reading(self.active.clone())
    }

    /// Waits until no client reads any more.
    pub(crate) fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut active = self.active.subscribe();
        async move {
            // An error means that the container is gone, and with it everybody who reads.
            let _ = active.wait_for(|count| *count == 0).await;
        }
    }
}

/// A client that reads. Dropped, it reads no longer.
pub(crate) struct Reading(watch::Sender<usize>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// A client that attached before the start.
pub(crate) struct Waiting {
    output: Option<oneshot::Sender<Result<Reader>>>,
    stdin: Option<oneshot::Sender<String>>,
    reading: Reading,
}

impl Waiting {
    /// The run has begun: opens its reader.
    pub(crate) async fn open(self, agents: &Agents, container: &str, run: &str) {
        if let Some(stdin) = self.stdin {
            let _ = stdin.send(run.to_owned());
        }
        if let Some(output) = self.output {
            let reader = agents.output(container, run, From::Offset(0)).await;
            // The client may have gone; then nobody reads.
            let _ = output.send(reader.map(|reader| reader.counted(self.reading)));
        }
    }
}

/// Where the process is that a client writes to.
enum Target {
    /// Not started yet.
    Later(oneshot::Receiver<String>),
    Run(String),
}

/// The way of a client's bytes into a process. Dropped without [`Stdin::finish`], the client has vanished: the process's standard input
/// stays open.
pub struct Stdin {
    agents: Agents,
    container: String,
    target: Option<Target>,
    writer: Option<Writer>,
    /// The process sees the end when this client's input ends.
    close: bool,
    detach: Option<(DetachKeys, CancellationToken)>,
}

impl Stdin {
    pub(crate) fn of_process(
        agents: Agents,
        container: &str,
        process: &str,
        close: bool,
        detach: Option<(DetachKeys, CancellationToken)>,
    ) -> Self {
        let target = Some(Target::Run(process.to_owned()));
        Self { agents, container: container.to_owned(), target, writer: None, close, detach }
    }

    /// Sends bytes to the process. Returns when they are on their way, which may take until the process is started and reads.
    ///
    /// # Errors
    /// When the process does not take input any more; the output may go on.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let bytes = match &mut self.detach {
            None => bytes,
            Some((keys, detached)) => match keys.scan(&bytes) {
                Scanned::Pass(bytes) => bytes,
                Scanned::Detach(before) => {
                    let detached = detached.clone();
                    self.detach = None;
                    self.send(before).await?;
                    detached.cancel();
                    return Ok(());
                }
            },
        };
        self.send(bytes).await
    }

    /// The client has sent all it will.
    ///
    /// # Errors
    /// When the process could not be told.
    pub async fn finish(mut self) -> Result<()> {
        if !self.close {
            return Ok(());
        }
        self.open().await?;
        match self.writer.take() {
            Some(writer) => writer.finish().await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.open().await?;
        match &mut self.writer {
            Some(writer) => writer.write(bytes).await,
            None => Err(Error::conflict("the container was removed before it was started")),
        }
    }

    async fn open(&mut self) -> Result<()> {
        if self.writer.is_some() {
            return Ok(());
        }
        let process = match self.target.take() {
            Some(Target::Run(process)) => process,
            Some(Target::Later(started)) => {
                started.await.map_err(|_| Error::conflict("the container was removed before it was started"))?
            }
            None => return Err(Error::conflict("the container was removed before it was started")),
        };
        self.writer = Some(self.agents.stdin(&self.container, &process, self.close));
        Ok(())
    }
}

impl Engine {
    /// Attaches a client to a container, which may not have been started yet.
    ///
    /// # Errors
    /// No such container; it is paused; malformed detach keys.
    pub async fn attach(&self, reference: &str, options: AttachOptions) -> Result<Session> {
        let cell = self.inner.containers.find(reference)?;
        let record = cell.record();
        if record.state.status == Status::Paused {
            return Err(Error::conflict(format!(
                "container {} is paused, unpause the container before attach",
                record.id
            )));
        }
        let config = &record.config;
        let detached = CancellationToken::new();
        let keys = DetachKeys::parse(options.detach_keys.as_deref())?;
        let detach = config.tty.then(|| (keys, detached.clone()));
        self.inner.events.container(&record, "attach", &[]);
        let wants_output = (options.stdout || options.stderr) && (options.stream || options.logs);
        let wants_stdin = options.stdin && options.stream && config.open_stdin;
        let streams = Streams { stdout: options.stdout, stderr: options.stderr };
        let run = record.run_id().filter(|_| record.state.status.is_live()).map(str::to_owned);
        let session = match run {
            Some(run) => self.attach_running(&cell, &run, wants_output, &options).await?,
            None if options.stream => attach_later(&cell, wants_output, wants_stdin),
            None => Opened { reader: None, started: None },
        };
        let stdin = wants_stdin.then(|| Stdin {
            agents: self.inner.agents.clone(),
            container: cell.id.clone(),
            target: session.started,
            writer: None,
            close: closes(config),
            detach,
        });
        let framing = if options.bare && !config.tty { Framing::Bare } else { Framing::of(config.tty) };
        let output = session.reader.map(|reader| output(reader, framing, streams, detached));
        Ok(Session { tty: config.tty, output, stdin })
    }

    async fn attach_running(
        &self,
        cell: &Cell,
        run: &str,
        wants_output: bool,
        options: &AttachOptions,
    ) -> Result<Opened> {
        let reader = if wants_output {
            let from = if options.logs { From::Oldest } else { From::End };
            let reading = cell.attachments().reading();
            let (sender, receiver) = oneshot::channel();
            let mut reader = self.inner.agents.output(&cell.id, run, from).await?.counted(reading);
            if !options.stream {
                reader = reader.until_now();
            }
            let _ = sender.send(Ok(reader));
            Some(receiver)
        } else {
            None
        };
        Ok(Opened { reader, started: Some(Target::Run(run.to_owned())) })
    }
}

struct Opened {
    reader: Option<oneshot::Receiver<Result<Reader>>>,
    started: Option<Target>,
}

fn attach_later(cell: &Cell, wants_output: bool, wants_stdin: bool) -> Opened {
    let (output, reader) = oneshot::channel();
    let (stdin, started) = oneshot::channel();
    let mut attachments = cell.attachments();
    let reading = attachments.reading();
    attachments.waiting.push(Waiting {
        output: wants_output.then_some(output),
        stdin: wants_stdin.then_some(stdin),
        reading,
    });
    Opened { reader: wants_output.then_some(reader), started: Some(Target::Later(started)) }
}

/// Whether the end of a client's input is the end of the process's: `docker run -i`, not `docker attach` to a shell of somebody else.
fn closes(config: &Config) -> bool {
    config.stdin_once && !config.tty
}

/// The output of a process as it goes to a client.
pub(crate) fn output(
    reader: oneshot::Receiver<Result<Reader>>,
    framing: Framing,
    streams: Streams,
    detached: CancellationToken,
) -> ByteStream {
    let opened = stream::once(reader).flat_map(move |reader| match reader {
        Ok(Ok(reader)) => reader.into_stream(framing, streams),
        Ok(Err(error)) => stream::once(async { Err(error) }).boxed(),
        // Removed before it was started: there is no output.
        Err(_) => stream::empty().boxed(),
    });
    opened.take_until(async move { detached.cancelled().await }).boxed()
}
