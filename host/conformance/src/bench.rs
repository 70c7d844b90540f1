//! A backend on the bench: its exports, called one at a time, with what no call may do.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sockerless_backend::sessions::{
    BodyStream, Connection, ExecProcess, ExecStarted, ExecState, Extraction, FileStat, StreamsWanted, TerminalSize,
    Upload,
};
use sockerless_backend::types::{
    Container, Disposition, Finding, Handle, InventoryItem, InventoryPage, Loaded, LogPage, LogQuery,
    Outcome as RunOutcome, Recovered, RunVerdict, Started,
};
use sockerless_backend::{Backend, BackendError};
use sockerless_plugins::{BackendHost, Export, LoadError, PluginBackend};

use crate::container::{self, PASSWORD};
use crate::run::Loading;
use crate::scenario::Scenario;
use crate::verdict::{Verdict, finding, not_checked};
use crate::world::{AGENT_SECRET, CLOUD_SECRET, World};

/// The world answers at once: a call that takes so long of this machine's time waits for something else.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest error that is still for people, in bytes.
const LONGEST_ERROR: usize = 16 << 10;

/// What a call answers: the outer error is a finding, as by a trap; the inner one is the backend's own.
pub(crate) type Called<T> = Result<Result<T, BackendError>, Verdict>;

pub(crate) struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) host: BackendHost,
    pub(crate) loading: Loading,
    backend: Arc<PluginBackend>,
    pub(crate) loaded: Arc<Loaded>,
    secrets: Vec<String>,
    /// What is wrong with errors that were answered.
    bad_errors: Mutex<Vec<String>>,
    made: AtomicU64,
}

impl Bench {
    pub(crate) fn new(
        world: Arc<World>,
        host: BackendHost,
        loading: Loading,
        backend: Arc<PluginBackend>,
        loaded: Arc<Loaded>,
    ) -> Self {
        let keys = loaded.descriptor.config.iter().filter(|key| key.secret);
        let of_keys = keys.filter_map(|key| loading.scenario.config.get(&key.name)).filter(|value| value.len() >= 6);
        let secrets = of_keys.cloned().chain([AGENT_SECRET, CLOUD_SECRET, PASSWORD].map(str::to_owned)).collect();
        let (bad_errors, made) = (Mutex::default(), AtomicU64::new(1));
        Self { world, host, loading, backend, loaded, secrets, bad_errors, made }
    }

    fn scenario(&self) -> &Scenario {
        &self.loading.scenario
    }

    /// A container that nobody has made yet.
    pub(crate) fn container(&self) -> Container {
        container::container(self.scenario(), self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// A container that the backend has made in an empty cloud. The world is looked at anew.
    pub(crate) async fn made(&self) -> Result<Container, Verdict> {
        self.world.reset();
        let mut container = self.container();
        match self.create(&container, "created").await? {
            Ok(handle) => container.handle = Some(handle),
            Err(error) => return not_checked(format!("create answered: {error}")),
        }
        self.world.look_away();
        Ok(container)
    }

    /// A container that runs. Answers also the answer of `start`.
    pub(crate) async fn running(&self) -> Result<(Container, Started), Verdict> {
        let mut container = self.made().await?;
        let started = match self.start(&container).await? {
            Ok(started) => started,
            Err(error) => return not_checked(format!("start answered: {error}")),
        };
        if let Some(handle) = &started.handle {
            container.handle = Some(handle.clone());
        }
        Ok((container, started))
    }

    /// What is wrong with the errors that were answered so far, each once.
    pub(crate) fn bad_errors(&self) -> Vec<String> {
        self.bad_errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls an export, and sees to its deadline.
    async fn call<T>(&self, export: Export, work: impl Future<Output = Result<T, BackendError>>) -> Called<T> {
        let limit = self.scenario().limits.deadline_of(export);
        let overdue = self.world.begin(limit);
        let work = async {
            let ended = work.await;
            // What the host has been asked to do by itself it does now, and not in the midst of the next call.
            self.world.settled().await;
            ended
        };
        let ended = tokio::select! {
            biased;
            () = overdue.cancelled() => None,
            ended = tokio::time::timeout(PATIENCE, work) => Some(ended),
        };
        self.world.end();
        match ended {
            None => finding(format!(
                "{} did not end within {} s, its deadline: it waits longer for its cloud, or more often, than it has time for",
                export.name(),
                limit.as_secs()
            )),
            Some(Err(_)) => finding(format!(
                "{} did not end within {} s of this machine's time, though the world answers at once: what it waits for is not \
                 the host",
                export.name(),
                PATIENCE.as_secs()
            )),
            Some(Ok(Err(BackendError::Fault(text)))) => finding(text),
            Some(Ok(Err(error))) => {
                self.look_at(export, &error);
                Ok(Err(error))
            }
            Some(Ok(Ok(value))) => Ok(Ok(value)),
        }
    }

    /// Errors go to Docker's client as they are.
    fn look_at(&self, export: Export, error: &BackendError) {
        let (text, name) = (error.to_string(), export.name());
        let mut problems = Vec::new();
        if text.trim().is_empty() {
            problems.push(format!("{name} answered an error without a text"));
        }
        if text.len() > LONGEST_ERROR {
            problems.push(format!("{name} answered an error of {} bytes", text.len()));
        }
        if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t')) {
            problems.push(format!("{name} answered an error with control characters, which a terminal obeys"));
        }
        if let Some(secret) = self.secrets.iter().find(|secret| text.contains(*secret)) {
            problems
                .push(format!("{name} answered an error with a secret in it: {}", text.replace(secret, "[secret]")));
        }
        if matches!(error, BackendError::NameTaken(_)) && export != Export::Create {
            problems.push(format!("{name} answered name-taken, which only create may: {text}"));
        }
        let mut known = self.bad_errors.lock().unwrap_or_else(PoisonError::into_inner);
        problems.retain(|problem| !known.contains(problem));
        known.append(&mut problems);
    }

    /// Loads the component once more, as a version that has to take over these containers.
    pub(crate) async fn load_again(&self, live: Vec<Container>) -> Result<Arc<Loaded>, LoadError> {
        let overdue = self.world.begin(self.scenario().limits.deadline_of(Export::Recover));
        let outcome = self.loading.load(&self.host, &live, &overdue).await;
        self.world.end();
        outcome.map(|outcome| outcome.loaded)
    }

    pub(crate) async fn check(&self) -> Called<()> {
        self.call(Export::Check, self.backend.check()).await
    }

    pub(crate) async fn plan(&self, spec: &str) -> Called<Vec<Finding>> {
        self.call(Export::Plan, self.backend.plan(spec.to_owned())).await
    }

    pub(crate) async fn create(&self, container: &Container, key: &str) -> Called<Handle> {
        self.call(Export::Create, self.backend.create(container.clone(), key.to_owned())).await
    }

    pub(crate) async fn start(&self, container: &Container) -> Called<Started> {
        self.call(Export::Start, self.backend.start(container.clone(), run_of(container), "started".to_owned())).await
    }

    pub(crate) async fn finished(&self, container: &Container, outcome: RunOutcome) -> Called<RunVerdict> {
        self.call(Export::Finished, self.backend.finished(container.clone(), run_of(container), outcome)).await
    }

    pub(crate) async fn stop(&self, container: &Container) -> Called<Disposition> {
        self.call(Export::Stop, self.backend.stop(container.clone(), Some(10), "stopped".to_owned())).await
    }

    pub(crate) async fn kill(&self, container: &Container, signal: &str) -> Called<Disposition> {
        let work = self.backend.kill(container.clone(), signal.to_owned(), "killed".to_owned());
        self.call(Export::Kill, work).await
    }

    pub(crate) async fn restart(&self, container: &Container) -> Called<Disposition> {
        self.call(Export::Restart, self.backend.restart(container.clone(), None, "restarted".to_owned())).await
    }

    pub(crate) async fn remove(&self, container: &Container, force: bool) -> Called<()> {
        self.call(Export::Remove, self.backend.remove(container.clone(), force, "removed".to_owned())).await
    }

    pub(crate) async fn recover(&self, container: &Container) -> Called<Recovered> {
        self.call(Export::Recover, self.backend.recover(container.clone())).await
    }

    pub(crate) async fn logs(&self, container: &Container, query: LogQuery, cursor: Option<String>) -> Called<LogPage> {
        self.call(Export::Logs, self.backend.logs(container.clone(), query, cursor)).await
    }

    pub(crate) async fn inventory(&self, cursor: Option<String>) -> Called<InventoryPage> {
        self.call(Export::Inventory, self.backend.inventory(cursor)).await
    }

    pub(crate) async fn agent_environment(&self, item: &InventoryItem) -> Called<Vec<(String, String)>> {
        let work = self.backend.agent_environment(item.id.clone(), item.handle.clone());
        self.call(Export::AgentEnvironment, work).await
    }

    pub(crate) async fn exec_start(&self, container: &Container, process: ExecProcess) -> Called<ExecStarted> {
        self.call(Export::ExecStart, self.backend.exec_start(container.clone(), process)).await
    }

    pub(crate) async fn exec_inspect(&self, container: &Container, id: &str) -> Called<ExecState> {
        self.call(Export::ExecInspect, self.backend.exec_inspect(container.clone(), id.to_owned())).await
    }

    pub(crate) async fn exec_resize(&self, container: &Container, id: &str, size: TerminalSize) -> Called<()> {
        self.call(Export::ExecResize, self.backend.exec_resize(container.clone(), id.to_owned(), size)).await
    }

    pub(crate) async fn attach(&self, container: &Container, wanted: StreamsWanted) -> Called<Connection> {
        self.call(Export::Attach, self.backend.attach(container.clone(), wanted)).await
    }

    pub(crate) async fn attach_resize(&self, container: &Container, size: TerminalSize) -> Called<()> {
        self.call(Export::AttachResize, self.backend.attach_resize(container.clone(), size)).await
    }

    pub(crate) async fn archive_stat(&self, container: &Container, path: &str) -> Called<FileStat> {
        self.call(Export::ArchiveStat, self.backend.archive_stat(container.clone(), path.to_owned())).await
    }

    pub(crate) async fn archive_get(&self, container: &Container, path: &str) -> Called<(FileStat, BodyStream)> {
        self.call(Export::ArchiveGet, self.backend.archive_get(container.clone(), path.to_owned())).await
    }

    pub(crate) async fn archive_put(
        &self,
        container: &Container,
        directory: &str,
        extraction: Extraction,
    ) -> Called<Box<dyn Upload>> {
        let work = self.backend.archive_put(container.clone(), directory.to_owned(), extraction);
        self.call(Export::ArchivePut, work).await
    }

    pub(crate) async fn archive_extracted(
        &self,
        container: &Container,
        directory: &str,
        answer: RunOutcome,
    ) -> Called<()> {
        let work = self.backend.archive_extracted(container.clone(), directory.to_owned(), answer);
        self.call(Export::ArchiveExtracted, work).await
    }

    pub(crate) async fn archive_file_system(&self, container: &Container) -> Called<BodyStream> {
        self.call(Export::ArchiveFileSystem, self.backend.archive_file_system(container.clone())).await
    }

    pub(crate) async fn resume(&self, container: &Container) -> Called<()> {
        self.call(Export::Resume, self.backend.resume(container.clone(), run_of(container))).await
    }
}

/// The run of a container: each has one.
pub(crate) fn run_of(container: &Container) -> String {
    container.id[..32].to_owned()
}

/// The same without its handle.
pub(crate) fn without_handle(container: &Container) -> Container {
    Container { handle: None, ..container.clone() }
}
