//! Clients that are attached to a container.
//!
//! Each attached client reads the agent's spool on a stream of its own, so one that does not read holds up nobody but
//! the process itself, as with the Engine. A client may attach before the start: it then waits here, and the container's
//! task opens its reader at offset 0 before the agent may drop anything. Where the backend's cloud has the streams by itself, each client
//! gets a connection of its own instead (`direct`), before the start, too.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use sockerless_backend::sessions::StreamsWanted;
use sockerless_docker::Config;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::agents::{Agents, From, Reader};
use crate::cell::Cell;
use crate::detach::{DetachKeys, Scanned};
use crate::direct;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frames::{Blocks, ByteStream, Framing, Streams, framed};
use crate::process::Input;
use crate::record::{ContainerRecord, Status};

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

/// Finds the way into a process, which may have to be started first.
type Way = BoxFuture<'static, Result<Box<dyn Input>>>;

/// The way of a client's bytes into a process. Dropped without [`Stdin::finish`], the client has vanished: the process's standard input
/// stays open.
pub struct Stdin {
    /// Not taken yet.
    way: Option<Way>,
    input: Option<Box<dyn Input>>,
    /// The process sees the end when this client's input ends.
    close: bool,
    detach: Option<(DetachKeys, CancellationToken)>,
}

impl Stdin {
    pub(crate) fn new(
        way: impl Future<Output = Result<Box<dyn Input>>> + Send + 'static,
        close: bool,
        detach: Option<(DetachKeys, CancellationToken)>,
    ) -> Self {
        Self { way: Some(way.boxed()), input: None, close, detach }
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
        match self.input.take() {
            Some(input) => input.finish().await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.open().await?;
        match &mut self.input {
            Some(input) => input.write(bytes).await,
            None => Err(never_started()),
        }
    }

    async fn open(&mut self) -> Result<()> {
        if self.input.is_none() {
            let way = self.way.take().ok_or_else(never_started)?;
            self.input = Some(way.await?);
        }
        Ok(())
    }
}

fn never_started() -> Error {
    Error::conflict("the container was removed before it was started")
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
        let opened = match self.inner.direct(&record, |loaded| loaded.interfaces.attach) {
            Some(backend) => {
                let wanted = StreamsWanted {
                    stdin: wants_stdin,
                    stdout: options.stdout,
                    stderr: options.stderr,
                    logs: options.logs,
                    follow: options.stream,
                };
                let reading = cell.attachments().reading();
                let (blocks, input) = direct::open(backend.attach(record.for_backend(), wanted).await?);
                Opened {
                    blocks: wants_output.then(|| direct::told(blocks, reading)),
                    way: Some(async { Ok(input) }.boxed()),
                }
            }
            None => self.attach_by_agent(&cell, &record, wants_output, wants_stdin, &options).await?,
        };
        let stdin = opened.way.filter(|_| wants_stdin).map(|way| Stdin::new(way, closes(config), detach));
        let framing = if options.bare && !config.tty { Framing::Bare } else { Framing::of(config.tty) };
        let output = opened.blocks.map(|blocks| output(blocks, framing, streams, detached));
        Ok(Session { tty: config.tty, output, stdin })
    }

    async fn attach_by_agent(
        &self,
        cell: &Cell,
        record: &ContainerRecord,
        wants_output: bool,
        wants_stdin: bool,
        options: &AttachOptions,
    ) -> Result<Opened> {
        let run = record.run_id().filter(|_| record.state.status.is_live()).map(str::to_owned);
        let agents = self.inner.agents.clone();
        let close = closes(&record.config);
        match run {
            Some(run) => {
                let blocks = self.attach_running(cell, &run, wants_output, options).await?;
                let container = cell.id.clone();
                let way = async move { Ok(Box::new(agents.stdin(&container, &run, close)) as Box<dyn Input>) };
                Ok(Opened { blocks, way: Some(way.boxed()) })
            }
            None if options.stream => Ok(attach_later(agents, cell, wants_output, wants_stdin, close)),
            None => Ok(Opened { blocks: None, way: None }),
        }
    }

    async fn attach_running(
        &self,
        cell: &Cell,
        run: &str,
        wants_output: bool,
        options: &AttachOptions,
    ) -> Result<Option<Blocks>> {
        if !wants_output {
            return Ok(None);
        }
        let from = if options.logs { From::Oldest } else { From::End };
        let reading = cell.attachments().reading();
        let reader = self.inner.agents.output(&cell.id, run, from).await?.counted(reading);
        Ok(Some(if options.stream { reader } else { reader.until_now() }.into_blocks()))
    }
}

/// The two directions, as far as there are any.
struct Opened {
    blocks: Option<Blocks>,
    way: Option<Way>,
}

fn attach_later(agents: Agents, cell: &Cell, wants_output: bool, wants_stdin: bool, close: bool) -> Opened {
    let (output, reader) = oneshot::channel();
    let (stdin, started) = oneshot::channel();
    let mut attachments = cell.attachments();
    let reading = attachments.reading();
    attachments.waiting.push(Waiting {
        output: wants_output.then_some(output),
        stdin: wants_stdin.then_some(stdin),
        reading,
    });
    let blocks = stream::once(reader).flat_map(|reader| match reader {
        Ok(Ok(reader)) => reader.into_blocks(),
        Ok(Err(error)) => stream::once(async { Err(error) }).boxed(),
        // Removed before it was started: there is no output.
        Err(_) => stream::empty().boxed(),
    });
    let container = cell.id.clone();
    let way = async move {
        let run: String = started.await.map_err(|_| never_started())?;
        Ok(Box::new(agents.stdin(&container, &run, close)) as Box<dyn Input>)
    };
    Opened { blocks: wants_output.then(|| blocks.boxed()), way: Some(way.boxed()) }
}

/// Whether the end of a client's input is the end of the process's: `docker run -i`, not `docker attach` to a shell of somebody else.
fn closes(config: &Config) -> bool {
    config.stdin_once && !config.tty
}

/// The output of a process as it goes to a client.
pub(crate) fn output(blocks: Blocks, framing: Framing, streams: Streams, detached: CancellationToken) -> ByteStream {
    framed(blocks, framing, streams).take_until(async move { detached.cancelled().await }).boxed()
}
