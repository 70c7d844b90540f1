//! A daemon within the process: the server of the API on a socket, its engine, and a backend whose cloud does everything at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_agents::AgentRegistry;
use sockerless_api::{
    BackendAdmin, BackendSummary, Limits, Listener, PluginAdmin, PluginSummary, Progress, Remote, SocketAccess, Swapped,
};
use sockerless_docker::{
    CreateRequest, DistributionInspect, ImageReference, LoginAnswer, PluginPrivilege, RegistryAuth, SearchResult,
};
use sockerless_engine::{
    AgentLink, Engine, Error, Fetch, FetchFailure, Fetched, Identity, PullOptions, Registries, RegistryAccess, Search,
    Services, Stored,
};
use sockerless_store::Store;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::backend::{Instant, Only};

/// How long an answer may be silent before it is taken for one that has no end.
const SILENCE: Duration = Duration::from_millis(30);

/// Of an answer no more is read than this, in bytes.
const ENOUGH: usize = 1 << 20;

/// The engine on a store.
pub(crate) async fn engine(store: Arc<dyn Store>) -> Result<Engine, Error> {
    let services = Services::new(store.clone(), AgentRegistry::default(), AgentLink::None);
    let stored = Stored::read(&*store, &services).await?;
    let identity = Identity {
        id: "fuzz".into(),
        name: "fuzz".into(),
        version: "1".into(),
        commit: "unknown".into(),
        state_dir: "/nowhere".into(),
    };
    let access = RegistryAccess { registries: Arc::new(Nobody), fetch_config: false };
    Engine::start(identity, store, services, Arc::new(Only(Arc::new(Instant::new()))), access, stored).await
}

/// See the module.
pub(crate) struct Daemon {
    engine: Engine,
    socket: PathBuf,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Daemon {
    /// With an image `alpine`, and a container `c` that was not started.
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let engine = engine(store).await.unwrap();
        let pull = PullOptions {
            name: "alpine".into(),
            tag: None,
            platform: None,
            auth: None,
            gone: CancellationToken::new(),
        };
        drop(engine.pull_image(pull).await.unwrap());
        let mut request = CreateRequest::default();
        request.config.image = "alpine".into();
        request.config.cmd = Some(vec!["true".into()]);
        engine.create_container(Some("c".into()), None, request).await.unwrap();
        let listener = Listener::unix(&socket, &SocketAccess::default()).await.unwrap();
        let shutdown = CancellationToken::new();
        let limits = Limits { shutdown_grace: Duration::ZERO, ..Limits::default() };
        tokio::spawn(sockerless_api::serve(
            vec![listener],
            engine.clone(),
            Arc::new(Nobody),
            None,
            limits,
            shutdown.clone(),
        ));
        Self { engine, socket, shutdown, _folder: folder }
    }

    /// Sends some bytes, and reads what is answered until the daemon hangs up or falls silent.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let socket = UnixStream::connect(&self.socket).await.unwrap();
        let (mut reader, mut writer) = socket.into_split();
        let mut answer = Vec::new();
        let sent = async {
            // The daemon may hang up before it has read everything.
            let _ = writer.write_all(request).await;
            let _ = writer.shutdown().await;
        };
        let received = async {
            let mut buffer = vec![0; 16 << 10];
            while answer.len() < ENOUGH
                && let Ok(Ok(count @ 1..)) = tokio::time::timeout(SILENCE, reader.read(&mut buffer)).await
            {
                answer.extend_from_slice(&buffer[..count]);
            }
        };
        tokio::join!(sent, received);
        answer
    }

    /// Asks for what every daemon answers.
    pub(crate) async fn is_there(&self) {
        let answer = self.exchange(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
    }

    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        self.engine.shutdown().await;
    }
}

/// Nothing can be loaded, and no registry be reached.
struct Nobody;

fn nobody<T>() -> Result<T, Error> {
    Err(Error::unavailable("nobody is there"))
}

#[async_trait]
impl Registries for Nobody {
    async fn fetch(&self, _: &Fetch) -> Result<Fetched, FetchFailure> {
        nobody().map_err(FetchFailure::Refused)
    }

    async fn distribution(&self, _: &ImageReference, _: Option<&RegistryAuth>) -> Result<DistributionInspect, Error> {
        nobody()
    }

    async fn login(&self, _: &RegistryAuth) -> Result<LoginAnswer, Error> {
        nobody()
    }

    async fn search(&self, _: &Search) -> Result<Vec<SearchResult>, Error> {
        nobody()
    }
}

#[async_trait]
impl BackendAdmin for Nobody {
    async fn load(&self, _: Option<String>, _: Bytes) -> Result<Swapped, Error> {
        nobody()
    }

    async fn rollback(&self, _: &str) -> Result<Swapped, Error> {
        nobody()
    }

    async fn unload(&self, _: &str, _: bool) -> Result<usize, Error> {
        nobody()
    }

    fn list(&self) -> Vec<BackendSummary> {
        Vec::new()
    }
}

#[async_trait]
impl PluginAdmin for Nobody {
    fn plugins(&self) -> Vec<PluginSummary> {
        Vec::new()
    }

    async fn create(&self, _: String, _: Bytes) -> Result<(), Error> {
        nobody()
    }

    async fn enable(&self, _: &str) -> Result<(), Error> {
        nobody()
    }

    async fn disable(&self, _: &str, _: bool) -> Result<(), Error> {
        nobody()
    }

    async fn set(&self, _: &str, _: Vec<String>) -> Result<(), Error> {
        nobody()
    }

    async fn remove(&self, _: &str, _: bool) -> Result<(), Error> {
        nobody()
    }

    async fn privileges(&self, _: &Remote) -> Result<Vec<PluginPrivilege>, Error> {
        nobody()
    }

    async fn install(&self, _: String, _: Remote, _: Progress) -> Result<(), Error> {
        nobody()
    }

    async fn upgrade(&self, _: &str, _: Remote, _: Progress) -> Result<(), Error> {
        nobody()
    }

    async fn push(&self, _: &str, _: Option<RegistryAuth>, _: Progress) -> Result<(), Error> {
        nobody()
    }
}
