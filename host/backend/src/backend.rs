//! What the engine asks of a backend.

use std::sync::Arc;

use async_trait::async_trait;

use crate::connection::Upgrade;
use crate::error::{BackendError, HttpError};
use crate::sessions::{
    BodyStream, Connection, ExecProcess, ExecStarted, ExecState, Extraction, FileStat, StreamsWanted, TerminalSize,
    Upload,
};
use crate::types::{
    Container, Disposition, Finding, Handle, InventoryPage, Loaded, LogPage, LogQuery, Outcome, Recovered, RunVerdict,
    Started,
};

/// What is answered for an export that a component does not have.
fn unable() -> BackendError {
    BackendError::NotSupported("the backend cannot do that".to_owned())
}

/// The exports of the WIT package, plus what the host knows about the component that is loaded.
///
/// The engine calls at most one method at a time for one container, but for its log and for what clients do inside it (from
/// [`exec_start`](Self::exec_start) to [`resume`](Self::resume)); a call may be cancelled by dropping its
/// future, and then may or may not have had its effect. See `wit/lifecycle.wit` for when each is called.
///
/// From [`logs`](Self::logs) on, but for [`upgrade`](Self::upgrade), a backend need not have them.
#[allow(unused_variables, reason = "the names say what is meant")]
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// What is loaded right now; another value after a swap.
    fn loaded(&self) -> Arc<Loaded>;

    /// That calls are refused for a while because too many have failed, as a sentence for people. Absent: it is in service.
    fn out_of_service(&self) -> Option<String> {
        None
    }

    /// Is the configuration whole, and does the cloud answer?
    async fn check(&self) -> Result<(), BackendError>;

    /// What would become of each field of this create body.
    async fn plan(&self, spec: String) -> Result<Vec<Finding>, BackendError>;

    /// Makes the container in the cloud.
    async fn create(&self, container: Container, key: String) -> Result<Handle, BackendError>;

    /// Runs the container's command.
    async fn start(&self, container: Container, run: String, key: String) -> Result<Started, BackendError>;

    /// Judges the outcome of a request that `start` dispatched.
    async fn finished(&self, container: Container, run: String, outcome: Outcome) -> Result<RunVerdict, BackendError>;

    /// `docker stop`.
    async fn stop(
        &self,
        container: Container,
        timeout_seconds: Option<i32>,
        key: String,
    ) -> Result<Disposition, BackendError>;

    /// `docker kill`, with a signal's name such as `SIGKILL`.
    async fn kill(&self, container: Container, signal: String, key: String) -> Result<Disposition, BackendError>;

    /// `docker restart`.
    async fn restart(
        &self,
        container: Container,
        timeout_seconds: Option<i32>,
        key: String,
    ) -> Result<Disposition, BackendError>;

    /// Deletes what `create` made.
    async fn remove(&self, container: Container, force: bool, key: String) -> Result<(), BackendError>;

    /// What became of it?
    async fn recover(&self, container: Container) -> Result<Recovered, BackendError>;

    /// One page of a snapshot of the log. [`BackendError::NotSupported`] when the backend keeps none.
    async fn logs(
        &self,
        container: Container,
        query: LogQuery,
        cursor: Option<String>,
    ) -> Result<LogPage, BackendError> {
        Err(unable())
    }

    /// One page of what there is of containers in the cloud. [`BackendError::NotSupported`] when the backend cannot tell.
    async fn inventory(&self, cursor: Option<String>) -> Result<InventoryPage, BackendError> {
        Err(unable())
    }

    /// The environment of a container's agent, as the cloud keeps it. [`BackendError::NotSupported`] likewise.
    async fn agent_environment(
        &self,
        container: String,
        handle: Handle,
    ) -> Result<Vec<(String, String)>, BackendError> {
        Err(unable())
    }

    /// Has the cloud run a command. [`BackendError::NotSupported`] when it cannot, here as in what follows.
    async fn exec_start(&self, container: Container, process: ExecProcess) -> Result<ExecStarted, BackendError> {
        Err(unable())
    }

    /// Where such a command is.
    async fn exec_inspect(&self, container: Container, id: String) -> Result<ExecState, BackendError> {
        Err(unable())
    }

    /// Tells such a command's terminal its size.
    async fn exec_resize(&self, container: Container, id: String, size: TerminalSize) -> Result<(), BackendError> {
        Err(unable())
    }

    /// Opens a connection to the container's own command, which may not have been started yet.
    async fn attach(&self, container: Container, wanted: StreamsWanted) -> Result<Connection, BackendError> {
        Err(unable())
    }

    /// Tells its terminal its size.
    async fn attach_resize(&self, container: Container, size: TerminalSize) -> Result<(), BackendError> {
        Err(unable())
    }

    /// What is at a path.
    async fn archive_stat(&self, container: Container, path: String) -> Result<FileStat, BackendError> {
        Err(unable())
    }

    /// A path as a tar archive.
    async fn archive_get(&self, container: Container, path: String) -> Result<(FileStat, BodyStream), BackendError> {
        Err(unable())
    }

    /// The request that extracts an archive, which is its body, into a directory.
    async fn archive_put(
        &self,
        container: Container,
        directory: String,
        extraction: Extraction,
    ) -> Result<Box<dyn Upload>, BackendError> {
        Err(unable())
    }

    /// Judges how that request ended.
    async fn archive_extracted(
        &self,
        container: Container,
        directory: String,
        answer: Outcome,
    ) -> Result<(), BackendError> {
        Err(unable())
    }

    /// The whole file system as a tar archive.
    async fn archive_file_system(&self, container: Container) -> Result<BodyStream, BackendError> {
        Err(unable())
    }

    /// Dispatches again what tells of the end of a run that has outlasted a daemon.
    async fn resume(&self, container: Container, run: String) -> Result<(), BackendError> {
        Err(unable())
    }

    /// Opens a WebSocket at a URL (`ws` or `wss`), with these headers over and above those of the handshake's beginning, by the rules that
    /// hold for this backend's requests. Whether the answer fits the key in the headers is for the caller to see.
    async fn upgrade(&self, url: &str, headers: &[(&str, &str)]) -> Result<Upgrade, HttpError>;
}
