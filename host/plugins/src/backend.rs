//! A backend's name, and whichever generation serves under it.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use async_trait::async_trait;
use sockerless_backend::sessions::{
    BodyStream, Connection, ExecProcess, ExecStarted, ExecState, Extraction, FileStat, StreamsWanted, TerminalSize,
    Upload,
};
use sockerless_backend::types::{
    Container, Disposition, Finding, Handle, InventoryPage, Loaded, LogPage, LogQuery, Outcome, Recovered, RunVerdict,
    Started,
};
use sockerless_backend::{Backend, BackendError, HttpError, Upgrade};

use crate::breaker::Outage;
use crate::egress;
use crate::generation::Generation;

/// What the engine calls. Each call takes the generation that serves when it begins, and stays with it: a swap in between
/// touches it not.
pub struct PluginBackend {
    current: ArcSwap<Generation>,
    /// The generation before, kept so that it can be brought back. Its calls under way keep it alive by themselves.
    previous: ArcSwapOption<Generation>,
}

impl PluginBackend {
    pub(crate) fn new(generation: Arc<Generation>) -> Self {
        Self { current: ArcSwap::new(generation), previous: ArcSwapOption::empty() }
    }

    pub(crate) fn generation(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    pub(crate) fn previous_generation(&self) -> Option<Arc<Generation>> {
        self.previous.load_full()
    }

    /// Makes a generation serve, from the next call on. Answers what served.
    pub(crate) fn publish(&self, generation: Arc<Generation>) -> Arc<Generation> {
        let replaced = self.current.swap(generation);
        self.previous.store(Some(Arc::clone(&replaced)));
        replaced.tally.news.notify_waiters();
        replaced
    }

    /// What served before the last swap, if it is still there to be brought back.
    #[must_use]
    pub fn previous(&self) -> Option<Arc<Loaded>> {
        self.previous.load().as_ref().map(|generation| Arc::clone(&generation.loaded))
    }

    /// That what serves now is out of service, if it is.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.current.load().breaker.outage()
    }

    /// Gives up the generation before. It goes when its last call has ended.
    pub fn forget_previous(&self) {
        self.previous.store(None);
    }
}

impl std::fmt::Debug for PluginBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginBackend").field("loaded", &self.loaded()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for PluginBackend {
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.load().loaded)
    }

    fn out_of_service(&self) -> Option<String> {
        let generation = self.generation();
        generation.breaker.outage().map(|outage| format!("the backend `{}` is {outage}", generation.context.backend))
    }

    async fn check(&self) -> Result<(), BackendError> {
        self.generation().check().await
    }

    async fn plan(&self, spec: String) -> Result<Vec<Finding>, BackendError> {
        self.generation().plan(spec).await
    }

    async fn create(&self, container: Container, key: String) -> Result<Handle, BackendError> {
        self.generation().create(container, key).await
    }

    async fn start(&self, container: Container, run: String, key: String) -> Result<Started, BackendError> {
        self.generation().start(container, run, key).await
    }

    async fn finished(&self, container: Container, run: String, outcome: Outcome) -> Result<RunVerdict, BackendError> {
        self.generation().finished(container, run, outcome).await
    }

    async fn stop(&self, container: Container, timeout: Option<i32>, key: String) -> Result<Disposition, BackendError> {
        self.generation().stop(container, timeout, key).await
    }

    async fn kill(&self, container: Container, signal: String, key: String) -> Result<Disposition, BackendError> {
        self.generation().kill(container, signal, key).await
    }

    async fn restart(
        &self,
        container: Container,
        timeout: Option<i32>,
        key: String,
    ) -> Result<Disposition, BackendError> {
        self.generation().restart(container, timeout, key).await
    }

    async fn remove(&self, container: Container, force: bool, key: String) -> Result<(), BackendError> {
        self.generation().remove(container, force, key).await
    }

    async fn recover(&self, container: Container) -> Result<Recovered, BackendError> {
        self.generation().recover(container).await
    }

    async fn logs(
        &self,
        container: Container,
        query: LogQuery,
        cursor: Option<String>,
    ) -> Result<LogPage, BackendError> {
        self.generation().logs(container, query, cursor).await
    }

    async fn inventory(&self, cursor: Option<String>) -> Result<InventoryPage, BackendError> {
        self.generation().inventory(cursor).await
    }

    async fn agent_environment(
        &self,
        container: String,
        handle: Handle,
    ) -> Result<Vec<(String, String)>, BackendError> {
        self.generation().agent_environment(container, handle).await
    }

    async fn exec_start(&self, container: Container, process: ExecProcess) -> Result<ExecStarted, BackendError> {
        self.generation().exec_start(container, process).await
    }

    async fn exec_inspect(&self, container: Container, id: String) -> Result<ExecState, BackendError> {
        self.generation().exec_inspect(container, id).await
    }

    async fn exec_resize(&self, container: Container, id: String, size: TerminalSize) -> Result<(), BackendError> {
        self.generation().exec_resize(container, id, size).await
    }

    async fn attach(&self, container: Container, wanted: StreamsWanted) -> Result<Connection, BackendError> {
        self.generation().attach(container, wanted).await
    }

    async fn attach_resize(&self, container: Container, size: TerminalSize) -> Result<(), BackendError> {
        self.generation().attach_resize(container, size).await
    }

    async fn archive_stat(&self, container: Container, path: String) -> Result<FileStat, BackendError> {
        self.generation().archive_stat(container, path).await
    }

    async fn archive_get(&self, container: Container, path: String) -> Result<(FileStat, BodyStream), BackendError> {
        self.generation().archive_get(container, path).await
    }

    async fn archive_put(
        &self,
        container: Container,
        directory: String,
        extraction: Extraction,
    ) -> Result<Box<dyn Upload>, BackendError> {
        self.generation().archive_put(container, directory, extraction).await
    }

    async fn archive_extracted(
        &self,
        container: Container,
        directory: String,
        answer: Outcome,
    ) -> Result<(), BackendError> {
        self.generation().archive_extracted(container, directory, answer).await
    }

    async fn archive_file_system(&self, container: Container) -> Result<BodyStream, BackendError> {
        self.generation().archive_file_system(container).await
    }

    async fn resume(&self, container: Container, run: String) -> Result<(), BackendError> {
        self.generation().resume(container, run).await
    }

    async fn upgrade(&self, url: &str, headers: &[(&str, &str)]) -> Result<Upgrade, HttpError> {
        let context = Arc::clone(&self.generation().context);
        egress::upgrade(&context.shared.upgrade_http, &context.grants, url, headers).await
    }
}
