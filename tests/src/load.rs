//! Clients that do all day what clients do, how long each had to wait, and what happens meanwhile: swaps of the backend, faults of Azure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::exec::StartExecResults;
use bollard::models::{ContainerCreateBody, ExecConfig};
use bollard::query_parameters as query;
use futures_util::{Stream, TryStreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{World, ask_daemon, built};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What failed, and how.
#[derive(Debug)]
struct Failed {
    what: &'static str,
    source: Failure,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.what, self.source)
    }
}

impl std::error::Error for Failed {}

impl Failed {
    /// Whether the daemon has said that the cloud does not do it now.
    fn is_of_the_cloud(&self) -> bool {
        let Some(bollard::errors::Error::DockerResponseServerError { status_code, message }) =
            self.source.downcast_ref::<bollard::errors::Error>()
        else {
            return false;
        };
        // Every name that was tried was taken, by somebody who has nothing to do with this daemon.
        let taken = *status_code == 409 && message.contains("somebody else's");
        taken || matches!(status_code, 429 | 500..)
    }
}

/// How often a client asks again to have a container removed, and how long it waits before.
const TRIES: usize = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// The longest that anybody had to wait, by what for.
pub type Waits = BTreeMap<&'static str, Duration>;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<Result<(), String>>,
    stop: watch::Sender<bool>,
    waits: Arc<Mutex<Waits>>,
    failed: Arc<AtomicBool>,
    /// How many rounds each client has done.
    rounds: Arc<Vec<AtomicUsize>>,
    /// How many were given up since the cloud refused something.
    refused: Arc<AtomicUsize>,
}

impl Load {
    /// Lets so many clients begin. Their containers are named by `name` and a number.
    #[must_use]
    pub fn begin(docker: &Docker, name: &str, count: usize) -> Self {
        Self::begin_with(docker, name, count, false)
    }

    /// The same, while the cloud has faults: a client that is told so removes its container and begins another.
    #[must_use]
    pub fn begin_amid_faults(docker: &Docker, name: &str, count: usize) -> Self {
        Self::begin_with(docker, name, count, true)
    }

    fn begin_with(docker: &Docker, name: &str, count: usize, forgiving: bool) -> Self {
        let (stop, stopped) = watch::channel(false);
        let waits = Arc::new(Mutex::new(Waits::new()));
        let rounds: Arc<Vec<AtomicUsize>> = Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect());
        let (failed, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut clients = JoinSet::new();
        for number in 0..count {
            let client = Client { docker: docker.clone(), name: format!("{name}-{number}"), waits: Arc::clone(&waits) };
            let (stopped, rounds) = (stopped.clone(), Arc::clone(&rounds));
            let (failed, refused) = (Arc::clone(&failed), Arc::clone(&refused));
            clients.spawn(async move {
                while !*stopped.borrow() {
                    let done = rounds[number].load(Ordering::Relaxed);
                    let mut round = client.round().await;
                    let failure = round.as_ref().err().and_then(|failure| failure.downcast_ref::<Failed>());
                    if forgiving && failure.is_some_and(Failed::is_of_the_cloud) {
                        refused.fetch_add(1, Ordering::Relaxed);
                        round = client.clean().await;
                    }
                    round.map_err(|failure| {
                        failed.store(true, Ordering::Relaxed);
                        format!("{} in round {done}: {failure}", client.name)
                    })?;
                    rounds[number].fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Self { clients, stop, waits, failed, rounds, refused }
    }

    /// The most rounds that a client has done.
    #[must_use]
    pub fn most_rounds(&self) -> usize {
        self.rounds.iter().map(|rounds| rounds.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// How many rounds were given up since the cloud refused something.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// The fewest rounds that a client has done.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds.iter().map(|rounds| rounds.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// Whether a client has given up, which it does at the first thing that is not as it should be.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Lets every client end the round that it is in.
    ///
    /// # Errors
    /// What was not as it should be.
    pub async fn end(mut self) -> Result<Waits, String> {
        self.stop.send_replace(true);
        while let Some(client) = self.clients.join_next().await {
            client.map_err(|error| error.to_string())??;
        }
        Ok(self.waits.lock().unwrap().clone())
    }
}

struct Client {
    docker: Docker,
    name: String,
    waits: Arc<Mutex<Waits>>,
}

impl Client {
    /// A container's whole life, with everything that streams.
    async fn round(&self) -> Result<(), Failure> {
        let body = ContainerCreateBody {
            image: Some("alpine".to_owned()),
            cmd: Some(vec!["cat".to_owned()]),
            open_stdin: Some(true),
            stdin_once: Some(true),
            ..Default::default()
        };
        let named = query::CreateContainerOptionsBuilder::default().name(&self.name).build();
        let id = self.timed("create", self.docker.create_container(Some(named), body)).await?.id;
        let options = query::AttachContainerOptionsBuilder::default().stream(true).stdin(true).stdout(true).build();
        let AttachContainerResults { mut output, mut input } =
            self.timed("attach", self.docker.attach_container(&id, Some(options))).await?;
        self.timed("start", self.docker.start_container(&id, None)).await?;
        self.timed("a line back", echo(&mut input, &mut output, "one\n")).await?;

        let follow = query::LogsOptionsBuilder::default().follow(true).stdout(true).build();
        let logs = self.docker.logs(&id, Some(follow));
        let logs = tokio::spawn(async move { logs.try_collect::<Vec<_>>().await });
        let exec = ExecConfig {
            cmd: Some(vec!["echo".to_owned(), "hello".to_owned()]),
            attach_stdout: Some(true),
            ..Default::default()
        };
        let exec = self.timed("exec create", self.docker.create_exec(&id, exec)).await?.id;
        let hello = self.timed("exec", async {
            let StartExecResults::Attached { output, .. } = self.docker.start_exec(&exec, None).await? else {
                return Err("the exec is not attached".into());
            };
            Ok::<_, Failure>(text(output.try_collect().await?))
        });
        expect("hello\n", &hello.await?)?;
        self.timed("a line back", echo(&mut input, &mut output, "two\n")).await?;

        input.shutdown().await?;
        let wait = self.docker.wait_container(&id, None::<query::WaitContainerOptions>).try_collect::<Vec<_>>();
        let ended = self.timed("wait", wait).await?;
        if ended.first().map(|ended| ended.status_code) != Some(0) {
            return Err(format!("the exit code is {ended:?}").into());
        }
        expect("", &text(output.try_collect().await?))?;
        expect("one\ntwo\n", &text(self.timed("the rest of the log", logs).await??))?;
        self.timed("remove", self.docker.remove_container(&id, None)).await?;
        Ok(())
    }

    /// Removes the container of a round that was given up, if there is one.
    async fn clean(&self) -> Result<(), Failure> {
        let options = query::RemoveContainerOptionsBuilder::default().force(true).build();
        for _ in 0..TRIES {
            match self.timed("remove", self.docker.remove_container(&self.name, Some(options.clone()))).await {
                Err(failure) => match failure.downcast_ref::<Failed>() {
                    Some(failed) if failed.is_of_the_cloud() => tokio::time::sleep(PAUSE).await,
                    Some(Failed { source, .. }) if is_missing(source) => return Ok(()),
                    _ => return Err(failure),
                },
                Ok(()) => return Ok(()),
            }
        }
        Err(format!("the container {} cannot be removed", self.name).into())
    }

    async fn timed<T, E: Into<Failure>>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let begin = Instant::now();
        let result = work.await;
        let taken = begin.elapsed();
        let mut waits = self.waits.lock().unwrap();
        let longest = waits.entry(what).or_default();
        *longest = taken.max(*longest);
        result.map_err(|error| Failed { what, source: error.into() }.into())
    }
}

fn is_missing(failure: &Failure) -> bool {
    let error = failure.downcast_ref::<bollard::errors::Error>();
    matches!(error, Some(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }))
}

fn text(parts: Vec<LogOutput>) -> String {
    parts.into_iter().map(|part| String::from_utf8_lossy(&part.into_bytes()).into_owned()).collect()
}

fn expect(wanted: &str, came: &str) -> Result<(), Failure> {
    if came == wanted { Ok(()) } else { Err(format!("{wanted:?} was to come, and there came {came:?}").into()) }
}

/// Writes a line, and reads it back from `cat`.
async fn echo(
    input: &mut (impl AsyncWrite + Unpin),
    output: &mut (impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin),
    line: &str,
) -> Result<(), Failure> {
    input.write_all(line.as_bytes()).await?;
    let mut back = String::new();
    while back.len() < line.len() {
        let Some(part) = output.try_next().await? else { break };
        back.push_str(&text(vec![part]));
    }
    expect(line, &back)
}

/// Two versions of the backend, which differ in nothing that it does.
#[derive(Debug, Clone)]
pub struct Versions([Vec<u8>; 2]);

impl Default for Versions {
    /// `azf.wasm`, and the same with a section that no one reads.
    fn default() -> Self {
        let one = std::fs::read(built("SOCKERLESS_TEST_COMPONENT")).unwrap();
        let other = [&one[..], b"\0\x05\x04next"].concat();
        Self([one, other])
    }
}

impl Versions {
    /// Swaps to the one or the other.
    ///
    /// # Panics
    /// When the daemon refuses.
    pub fn swap(&self, world: &World, number: usize) {
        let reply = ask_daemon(world, "POST /sockerless/backends/load?name=azf", &[], &self.0[number % 2]);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}
