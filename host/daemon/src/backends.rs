//! The backends of this daemon: loading them at the start, and what the operator says of each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use sockerless_backend::Backend;
use sockerless_backend::types::{Container, Recovered};
use sockerless_engine::{Backends, Engine, Services, Stored};
use sockerless_plugins::{
    AzureConfig, AzureCredentials, BackendHost, HostConfig, HttpConfig, LiveContainers, LoadRequest,
    Services as HostServices, Settings,
};

use crate::config::{BackendRules, Config};

/// The backends that are loaded, as the engine sees them.
pub(crate) struct Loaded {
    pub(crate) host: BackendHost,
}

impl Loaded {
    /// Starts the host of backends, with none in it.
    ///
    /// # Errors
    /// The WebAssembly engine cannot be started; a URL is malformed.
    pub(crate) async fn new(config: &Config, services: Arc<Services>) -> Result<Self> {
        let endpoint = config.endpoint_url.as_deref().map(|url| {
            url.parse().with_context(|| format!("SOCKERLESS_ENDPOINT_URL \"{url}\" is no URL: write http://host:port"))
        });
        let http = HttpConfig { endpoint: endpoint.transpose()?, resolver: None };
        let settings = config.settings.clone().into_map();
        let tokens = AzureCredentials::new(AzureConfig::from_map(&settings), &http)?;
        let services = HostServices { agents: services.clone(), outcomes: services, tokens: Some(Arc::new(tokens)) };
        let host = HostConfig { cache: Some(config.cache_dir.clone()), http, ..HostConfig::default() };
        // Reserves address space and compiles the linker: not on the runtime.
        let host = tokio::task::spawn_blocking(move || BackendHost::new(host, services)).await??;
        Ok(Self { host })
    }

    /// Loads a component from a file. It must be able to take over what the store holds. Answers what it has found of that.
    ///
    /// # Errors
    /// The file cannot be read; the component is refused.
    pub(crate) async fn load_file(
        &self,
        file: &Path,
        settings: &LoadSettings,
        stored: &Stored,
    ) -> Result<Vec<(String, Recovered)>> {
        let component =
            tokio::fs::read(file).await.with_context(|| format!("cannot read the backend {}", file.display()))?;
        let request = LoadRequest { component: component.into(), name: None, digest: None };
        let loaded = self.host.load(request, settings, &InStore(stored)).await;
        Ok(loaded.with_context(|| format!("the backend {} is not loaded", file.display()))?.recovered)
    }

    /// Gives up what backends have under way.
    pub(crate) async fn shutdown(&self) {
        self.host.shutdown().await;
    }
}

impl Backends for Loaded {
    fn get(&self, name: &str) -> Option<Arc<dyn Backend>> {
        self.host.backend(name).map(|backend| backend as Arc<dyn Backend>)
    }

    fn default_name(&self) -> Option<String> {
        self.host.default_backend().map(|backend| backend.loaded().descriptor.name.clone())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.host.backends().iter().map(|backend| backend.loaded().descriptor.name.clone()).collect();
        names.sort();
        names
    }
}

/// What the operator says of the backends: each is given those of the values whose keys it declares, and the policy and the
/// limits of its name.
#[derive(Clone)]
pub(crate) struct LoadSettings {
    values: Arc<BTreeMap<String, String>>,
    backends: Arc<BTreeMap<String, BackendRules>>,
}

impl LoadSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self { values: Arc::new(config.settings.clone().into_map()), backends: Arc::new(config.backend_rules.clone()) }
    }
}

impl sockerless_plugins::SettingsSource for LoadSettings {
    fn settings(&self, backend: &str) -> Settings {
        let BackendRules { policy, limits, swap } = self.backends.get(backend).cloned().unwrap_or_default();
        Settings { config: self.values.clone(), policy, limits, swap }
    }
}

struct InStore<'a>(&'a Stored);

#[async_trait]
impl LiveContainers for InStore<'_> {
    async fn live(&self, backend: &str) -> Vec<Container> {
        self.0.of_backend(backend)
    }
}

/// What lives now.
pub(crate) struct InEngine<'a>(pub(crate) &'a Engine);

#[async_trait]
impl LiveContainers for InEngine<'_> {
    async fn live(&self, backend: &str) -> Vec<Container> {
        self.0.containers_of_backend(backend)
    }
}
