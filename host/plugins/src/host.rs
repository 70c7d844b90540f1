//! All backends of the daemon, by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use sockerless_backend::types::Loaded;
use sockerless_backend::{AgentBroker, Backend, OutcomeSink};
use sockerless_recorder::Recorder;
use sockerless_telemetry::metrics::metrics;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::backend::PluginBackend;
use crate::breaker::ServiceChange;
use crate::cache::ComponentCache;
use crate::clock::{Clock, SystemClock};
use crate::context::Shared;
use crate::credentials::{TokenCache, TokenSource};
use crate::dispatch::Dispatcher;
use crate::egress::{Connections, HttpClient, HttpConfig};
use crate::engine::{Engine, EngineConfig};
use crate::error::{EngineError, LoadError};
use crate::generation::Generation;
use crate::load::{
    Candidate, Described, Ledger, LiveContainers, LoadOutcome, LoadRequest, Loader, SettingsSource, recover,
};
use crate::tape::Tapes;
use crate::watch::{Verdict, watch};

/// So many changes a listener may be behind before it misses the oldest.
const SERVICE_CHANGES: usize = 64;

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
    /// Instead of the clock of this machine, for the interface `clock`. Deadlines are this machine's in any case.
    pub clock: Option<Arc<dyn Clock>>,
    /// Takes down the calls of exports and imports.
    pub recorder: Option<Recorder>,
}

/// What the daemon gives to every backend.
#[derive(Clone)]
pub struct Services {
    /// The id of the daemon, by which it knows again what its backends have made.
    pub daemon: String,
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
    /// Ends the timers of generations that serve no more.
    draining: CancellationToken,
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
            daemon: services.daemon.into(),
            agents: services.agents,
            outcomes: services.outcomes,
            tokens: services.tokens.map(|source| Arc::new(TokenCache::new(source))),
            http: Arc::new(HttpClient::new(&config.http, Connections::Reused)?),
            dispatch_http: Arc::new(HttpClient::new(&config.http, Connections::Fresh)?),
            upgrade_http: Arc::new(HttpClient::new(&config.http, Connections::Upgraded)?),
            dispatcher: Arc::new(Dispatcher::default()),
            clock: config.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            service: broadcast::Sender::new(SERVICE_CHANGES),
            tapes: config.recorder.map_or(Tapes::None, Tapes::Recorder),
        };
        Ok(Self {
            engine: Engine::new(&config.engine)?,
            cache,
            shared,
            slots: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
            draining: CancellationToken::new(),
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
        ledger: &dyn Ledger,
    ) -> Result<LoadOutcome, LoadError> {
        let component = request.component.clone();
        let _one = self.loading.lock().await;
        let loader = Loader { engine: &self.engine, cache: &self.cache, shared: &self.shared };
        let next = |name: &str| self.backend(name).map_or(1, |backend| backend.loaded().generation + 1);
        let Candidate { generation, recovered, cached } = Box::pin(loader.load(request, settings, live, next)).await?;
        let loaded = Arc::clone(&generation.loaded);
        note(ledger, &loaded, Some(&component)).await?;
        let replaced = self.publish(generation);
        if let Some(old) = &replaced {
            metrics().backends.swapped(&loaded.descriptor.name);
            self.drain(old);
        }
        let replaced = replaced.map(|old| Arc::clone(&old.loaded));
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

    /// Asks a component what it says of itself, and loads nothing. It is given the configuration as far as there is one: that a required
    /// key has no value is no error yet.
    ///
    /// # Errors
    /// Those of the steps of a load before the one that needs a complete configuration.
    pub async fn describe(&self, request: LoadRequest, settings: &dyn SettingsSource) -> Result<Described, LoadError> {
        let loader = Loader { engine: &self.engine, cache: &self.cache, shared: &self.shared };
        Box::pin(loader.describe(request, settings)).await
    }

    /// Brings back the version that served before. Like a new one it must be able to take over the containers that live.
    ///
    /// `instead_of` is the generation that is to go, if it must be that and no other.
    ///
    /// # Errors
    /// No such backend, no version before, or another one serves by now; it cannot take over a container. Everything then stays
    /// as it was.
    pub async fn rollback(
        &self,
        name: &str,
        instead_of: Option<u64>,
        live: &dyn LiveContainers,
        ledger: &dyn Ledger,
    ) -> Result<LoadOutcome, LoadError> {
        let _one = self.loading.lock().await;
        let backend = self.backend(name).ok_or_else(|| LoadError::NotLoaded(name.to_owned()))?;
        let number = backend.loaded().generation;
        if instead_of.is_some_and(|expected| expected != number) {
            return Err(LoadError::Superseded(name.to_owned()));
        }
        let previous = backend.previous_generation().ok_or_else(|| LoadError::NothingBefore(name.to_owned()))?;
        let generation = previous.again(number + 1);
        // It is not asked whether the cloud is fine: it may well not be, and the old version is to serve nevertheless.
        let recovered = recover(&generation, live.live(name).await).await?;
        let loaded = Arc::clone(&generation.loaded);
        note(ledger, &loaded, None).await?;
        let old = backend.publish(Arc::new(generation));
        metrics().backends.swapped(name);
        metrics().backends.rolled_back(name);
        self.drain(&old);
        tracing::info!(
            backend = name,
            version = loaded.descriptor.version,
            digest = loaded.digest,
            generation = loaded.generation,
            replaced = old.loaded.descriptor.version,
            "backend rolled back"
        );
        Ok(LoadOutcome { loaded, replaced: Some(Arc::clone(&old.loaded)), recovered, cached: true })
    }

    /// Gives a backend up. Answers what served, and how many containers are left without it.
    ///
    /// # Errors
    /// No such backend; it has containers, and is not to go by force.
    pub async fn unload(
        &self,
        name: &str,
        force: bool,
        live: &dyn LiveContainers,
    ) -> Result<(Arc<Loaded>, usize), LoadError> {
        let _one = self.loading.lock().await;
        let backend = self.backend(name).ok_or_else(|| LoadError::NotLoaded(name.to_owned()))?;
        let containers: Vec<String> = live.live(name).await.into_iter().map(|container| container.name).collect();
        let left = containers.len();
        if left > 0 && !force {
            return Err(LoadError::InUse { backend: name.to_owned(), containers });
        }
        {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            slots.by_name.remove(name);
            if slots.default.as_deref() == Some(name) {
                slots.default = slots.by_name.keys().next().cloned();
            }
        }
        self.drain(&backend.generation());
        tracing::info!(backend = name, containers = left, "backend unloaded");
        Ok((backend.loaded(), left))
    }

    /// Waits until it is clear whether the version that serves under this name does worse than the one before.
    pub async fn watch(&self, name: &str) -> Verdict {
        match self.backend(name) {
            Some(backend) => watch(&backend).await,
            None => Verdict::Superseded,
        }
    }

    /// Each time from now on that a backend goes out of service, for the first time or for longer, or is back.
    #[must_use]
    pub fn service_changes(&self) -> broadcast::Receiver<ServiceChange> {
        self.shared.service.subscribe()
    }

    /// Lets the calls of a generation that serves no more end, and ends those that do not.
    fn drain(&self, old: &Generation) {
        let (interrupted, limit, stop) =
            (old.context.interrupted.clone(), old.context.swap.drain, self.draining.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(limit) => interrupted.cancel(),
                () = stop.cancelled() => {}
            }
        });
    }

    fn publish(&self, generation: Generation) -> Option<Arc<Generation>> {
        let name = generation.loaded.descriptor.name.clone();
        let generation = Arc::new(generation);
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(backend) = slots.by_name.get(&name) {
            return Some(backend.publish(generation));
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
        self.draining.cancel();
        self.shared.dispatcher.shutdown().await;
    }
}

async fn note(ledger: &dyn Ledger, loaded: &Loaded, component: Option<&Bytes>) -> Result<(), LoadError> {
    ledger
        .about_to_serve(loaded, component)
        .await
        .map_err(|reason| LoadError::NotNoted { backend: loaded.descriptor.name.clone(), reason })
}

impl std::fmt::Debug for BackendHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendHost").field("backends", &self.backends()).finish_non_exhaustive()
    }
}
