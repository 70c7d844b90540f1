//! All backends of the daemon, by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use sockerless_backend::{AgentBroker, Backend, OutcomeSink};

use crate::backend::PluginBackend;
use crate::cache::ComponentCache;
use crate::context::Shared;
use crate::credentials::{TokenCache, TokenSource};
use crate::dispatch::Dispatcher;
use crate::egress::{HttpClient, HttpConfig};
use crate::engine::{Engine, EngineConfig};
use crate::error::{EngineError, LoadError};
use crate::load::{Candidate, LiveContainers, LoadOutcome, LoadRequest, Loader, SettingsSource};

/// How the host of backends is set up.
#[derive(Debug, Clone, Default)]
pub struct HostConfig {
    /// Sizes of the engine.
    pub engine: EngineConfig,
    /// Where compiled components are kept: a directory of this user alone, made when it is not there. Absent: each load
    /// compiles.
    pub cache: Option<PathBuf>,
    /// How requests leave.
    pub http: HttpConfig,
}

/// What the daemon gives to every backend.
#[derive(Clone)]
pub struct Services {
    /// The agents.
    pub agents: Arc<dyn AgentBroker>,
    /// Where outcomes of dispatched requests go.
    pub outcomes: Arc<dyn OutcomeSink>,
    /// Where tokens come from. Absent: no backend gets credentials.
    pub tokens: Option<Arc<dyn TokenSource>>,
}

/// Loads backends, and holds what serves under each name.
pub struct BackendHost {
    engine: Engine,
    cache: ComponentCache,
    shared: Shared,
    slots: RwLock<Slots>,
    /// One load at a time: two of the same name would each take the other's predecessor for theirs.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Slots {
    by_name: BTreeMap<String, Arc<PluginBackend>>,
    default: Option<String>,
}

impl BackendHost {
    /// Starts the engine. Blocks for some milliseconds.
    pub fn new(config: HostConfig, services: Services) -> Result<Self, EngineError> {
        let cache = match config.cache {
            None => ComponentCache::default(),
            Some(directory) => ComponentCache::open(directory).map_err(|error| EngineError::new(error.into()))?,
        };
        let shared = Shared {
            agents: services.agents,
            outcomes: services.outcomes,
            tokens: services.tokens.map(|source| Arc::new(TokenCache::new(source))),
            http: Arc::new(HttpClient::new(&config.http)?),
            dispatcher: Arc::new(Dispatcher::default()),
        };
        Ok(Self {
            engine: Engine::new(&config.engine)?,
            cache,
            shared,
            slots: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
        })
    }

    /// Loads a component and makes it serve under its name, instead of what served there before. The first one becomes the
    /// default.
    ///
    /// On an error everything stays as it was. When the future is dropped, too.
    pub async fn load(
        &self,
        request: LoadRequest,
        settings: &dyn SettingsSource,
        live: &dyn LiveContainers,
    ) -> Result<LoadOutcome, LoadError> {
        let _one = self.loading.lock().await;
        let loader = Loader { engine: &self.engine, cache: &self.cache, shared: &self.shared };
        let next = |name: &str| self.backend(name).map_or(1, |backend| backend.loaded().generation + 1);
        let Candidate { generation, recovered, cached } = Box::pin(loader.load(request, settings, live, next)).await?;
        let loaded = Arc::clone(&generation.loaded);
        let replaced = self.publish(generation);
        tracing::info!(
            backend = loaded.descriptor.name,
            version = loaded.descriptor.version,
            digest = loaded.digest,
            generation = loaded.generation,
            replaced = replaced.as_ref().map(|old| old.descriptor.version.as_str()),
            cached,
            "backend loaded"
        );
        Ok(LoadOutcome { loaded, replaced, recovered, cached })
    }

    fn publish(&self, generation: crate::generation::Generation) -> Option<Arc<sockerless_backend::types::Loaded>> {
        let name = generation.loaded.descriptor.name.clone();
        let generation = Arc::new(generation);
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(backend) = slots.by_name.get(&name) {
            let replaced = backend.loaded();
            backend.publish(generation);
            return Some(replaced);
        }
        slots.default.get_or_insert_with(|| name.clone());
        slots.by_name.insert(name, Arc::new(PluginBackend::new(generation)));
        None
    }

    /// The backend of this name. It stays the same when its generation changes.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<Arc<PluginBackend>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }

    /// The backend for containers that name none: the one that was loaded first.
    #[must_use]
    pub fn default_backend(&self) -> Option<Arc<PluginBackend>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.default.as_ref().and_then(|name| slots.by_name.get(name)).cloned()
    }

    /// All of them, the default first.
    #[must_use]
    pub fn backends(&self) -> Vec<Arc<PluginBackend>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let default = slots.default.as_deref();
        let (first, others): (Vec<_>, Vec<_>) =
            slots.by_name.iter().partition(|(name, _)| Some(name.as_str()) == default);
        first.into_iter().chain(others).map(|(_, backend)| Arc::clone(backend)).collect()
    }

    /// Gives up the dispatched requests that are under way. Calls under way go on until they end.
    pub async fn shutdown(&self) {
        self.shared.dispatcher.shutdown().await;
    }
}

impl std::fmt::Debug for BackendHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendHost").field("backends", &self.backends()).finish_non_exhaustive()
    }
}
