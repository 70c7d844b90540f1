//! Starts and ends the whole.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Cloud, EmulatorConfig, LiveConfig};
use crate::container::{Isolation, Runtime};
use crate::http::{Authority, TlsError, serve};
use crate::storage::Storage;
use crate::sync::lock;
use crate::world::World;

/// Name of the binary that can be a container's helper process.
const BINARY: &str = "azure-emulator";

/// A running emulator. [`shutdown`](Self::shutdown) ends it in order; dropping it orders its containers
/// to end, without waiting for them. Nor do they outlive the process.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    world: Arc<World>,
    stop: CancellationToken,
    server: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// Why the emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was wanted.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Nothing serves as the helper process of a container.
    #[error(
        "the setting `container_init` must be the path of the azure-emulator binary, which starts the containers \
         ({reason}); build it with `cargo build -p sockerless-emulator`"
    )]
    ContainerInit {
        /// What is wrong.
        reason: String,
    },
    /// There is no certificate to serve HTTPS with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The authority's certificate cannot be written.
    #[error("the setting `ca_file` names {path}, which cannot be written: {source}")]
    CaFile {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no place for the shares of storage accounts.
    #[error("the setting `storage.folder` must name a folder that can be written: {source}")]
    Storage {
        /// Why it is none.
        source: io::Error,
    },
    /// The agent is not there.
    #[error("the setting `agent` names {path}, which cannot be read: {source}")]
    Agent {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Emulator {
    /// Starts an emulator on the current Tokio runtime.
    ///
    /// # Errors
    /// The address is taken, or a binary that the containers need is missing. A machine on which containers
    /// cannot be isolated is no error: see [`isolation`](Self::isolation).
    pub async fn start(mut config: EmulatorConfig) -> Result<Self, StartError> {
        let init = absolute(container_init(&config)?)
            .map_err(|error| StartError::ContainerInit { reason: error.to_string() })?;
        if let Some(path) = config.agent.take() {
            let agent = absolute(path.clone()).map_err(|source| StartError::Agent { path, source })?;
            config.agent = Some(agent);
        }
        let listen = config.listen;
        let live = Arc::new(LiveConfig::new(config));
        let storage = Arc::new(Storage::open(Arc::clone(&live)).map_err(|source| StartError::Storage { source })?);
        let listening = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let runtime = Runtime::new(Arc::clone(&live), Arc::clone(&storage), init, address)
            .await
            .map_err(|error| StartError::ContainerInit { reason: error.to_string() })?;
        match runtime.isolation() {
            Isolation::Namespaces => tracing::info!("containers run in namespaces over a scratch file system"),
            Isolation::Plain { reason } => {
                tracing::warn!("containers run as plain processes and CAN CHANGE THIS MACHINE: {reason}");
            }
        }
        let authority = Authority::new(live.get().cloud.names())?;
        let tls = authority.acceptor()?;
        if let Some(path) = &live.get().ca_file {
            std::fs::write(path, authority.pem())
                .map_err(|source| StartError::CaFile { path: path.clone(), source })?;
        }
        let world = Arc::new(World::new(live, authority, storage, runtime));
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(Arc::clone(&world), tls, listener, stop.clone()));
        tracing::info!(%address, "the Azure emulator is listening");
        Ok(Self { address, world, stop, server: std::sync::Mutex::new(Some(server)) })
    }

    /// The address it listens on. `http://<address>` and `https://<address>` are base URLs of every service, told apart by the
    /// `Host` header; as an HTTP proxy it leads clients of Azure to itself, whatever host they ask for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The configuration it runs with now.
    #[must_use]
    pub fn config(&self) -> Arc<EmulatorConfig> {
        self.world.config()
    }

    /// How containers are kept apart from the machine.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        self.world.runtime.isolation()
    }

    /// The connection string that apps send telemetry with.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let config = self.world.config();
        let key = &config.logs.instrumentation_key;
        format!("InstrumentationKey={key};IngestionEndpoint=http://{}/", self.address)
    }

    /// The environment in which a daemon with the azf backend uses this emulator: its client's credentials, the first group, plan
    /// and storage account of the subscription, the workspace, the cloud if it is not the public one, and where everything is.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        let config = self.world.config();
        let EmulatorConfig { cloud, identity, arm, logs, storage, .. } = &*config;
        let mut environment = BTreeMap::from([
            ("AZURE_TENANT_ID", identity.tenant.clone()),
            ("AZURE_CLIENT_ID", identity.client_id.clone()),
            ("AZURE_CLIENT_SECRET", identity.client_secret.clone()),
            ("SOCKERLESS_AZF_SUBSCRIPTION_ID", arm.subscription.clone()),
            ("SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE", logs.workspace.clone()),
            ("SOCKERLESS_AZF_APPLICATIONINSIGHTS_CONNECTION_STRING", self.connection_string()),
            ("SOCKERLESS_ENDPOINT_URL", format!("http://{}", self.address)),
            // The agents run on this machine.
            ("SOCKERLESS_CALLBACK_URL", "auto".to_owned()),
        ]);
        if *cloud != Cloud::Public {
            let names = cloud.names();
            environment.insert("SOCKERLESS_AZF_CLOUD", names.setting.to_owned());
            environment.insert("AZURE_AUTHORITY_HOST", format!("https://{}", names.login[0]));
        }
        if let Some(group) = arm.resource_groups.first() {
            environment.insert("SOCKERLESS_AZF_RESOURCE_GROUP", group.clone());
        }
        if let Some(account) = storage.accounts.first() {
            environment.insert("SOCKERLESS_AZF_STORAGE_ACCOUNT", account.name.clone());
        }
        if let Some(plan) = arm.plans.first() {
            environment.insert("SOCKERLESS_AZF_APP_SERVICE_PLAN", plan.name.clone());
        }
        environment
    }

    /// Stops listening, kills every container and waits until nothing is left of them. Doing it again
    /// changes nothing.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let server = lock(&self.server).take();
        if let Some(server) = server {
            // A panic of the accept loop has been reported already.
            let _ = server.await;
        }
        self.world.arm.shut_down();
        self.world.runtime.ended().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.cancel();
        self.world.arm.shut_down();
    }
}

fn container_init(config: &EmulatorConfig) -> Result<PathBuf, StartError> {
    if let Some(path) = &config.container_init {
        return Ok(path.clone());
    }
    let current = std::env::current_exe().map_err(|error| StartError::ContainerInit { reason: error.to_string() })?;
    if current.file_stem().is_some_and(|name| name == BINARY) {
        return Ok(current);
    }
    Err(StartError::ContainerInit { reason: format!("it is not set, and {} is another program", current.display()) })
}

fn absolute(path: PathBuf) -> io::Result<PathBuf> {
    path.canonicalize().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
