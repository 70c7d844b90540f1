//! Changing the backends while the daemon runs: what the API can do with them, and who watches a new version.

mod plugins;
mod privileges;
mod registry;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_api::{BackendAdmin, BackendSummary, BackendVariable, PluginAdmin, Swapped};
use sockerless_backend::types::{ConfigKey, Descriptor};
use sockerless_backend::{Backend, BackendError};
use sockerless_engine::{Engine, Error};
use sockerless_plugins::{Failing, Ledger, LoadError, LoadOutcome, LoadRequest, ServiceChange, Verdict};
use sockerless_registry::RegistryClient;
use tokio::sync::broadcast::error::RecvError;

use crate::backends::{InEngine, LoadSettings, Loaded};
use crate::remembered::Remembered;
use crate::signatures::SignatureKeys;

/// Loads, unloads and brings back backends.
#[derive(Clone)]
pub(crate) struct Admin(Arc<Inner>);

struct Inner {
    loaded: Arc<Loaded>,
    settings: LoadSettings,
    engine: Engine,
    remembered: Remembered,
    registry: Arc<RegistryClient>,
    signatures: SignatureKeys,
    /// What happened to each that its operator should know.
    notes: Mutex<BTreeMap<String, String>>,
    /// One change at a time that somebody asks for: of what there is, and of what is noted of it.
    changing: tokio::sync::Mutex<()>,
}

impl Admin {
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        settings: LoadSettings,
        engine: Engine,
        remembered: Remembered,
        registry: Arc<RegistryClient>,
        signatures: SignatureKeys,
    ) -> Self {
        Self(Arc::new(Inner {
            loaded,
            settings,
            engine,
            remembered,
            registry,
            signatures,
            notes: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }))
    }

    /// Tells everybody of what was loaded, and watches it if it replaces something.
    async fn loaded(&self, outcome: LoadOutcome) -> Swapped {
        let action = if outcome.replaced.is_some() { "upgrade" } else { "enable" };
        let swapped = self.0.swapped(action, outcome, None).await;
        if swapped.replaced.is_some() {
            self.watch(swapped.name.clone());
        }
        swapped
    }

    /// Tells those who follow the events when a backend goes out of service and when it is back, until the host of backends is gone.
    pub(crate) fn tell_of_outages(&self) {
        let mut changes = self.0.loaded.host.service_changes();
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                match changes.recv().await {
                    Ok(change) => match inner.upgrade() {
                        Some(inner) => inner.service_changed(change),
                        None => return,
                    },
                    // What `docker plugin inspect` shows is the state itself, and misses nothing.
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "events of backends that went out of service were not told");
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// Waits how the version that has just begun to serve does, and brings the old one back if it does worse.
    fn watch(&self, name: String) {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Verdict::Failing(failing) = inner.loaded.host.watch(&name).await {
                inner.take_back(&name, &failing).await;
            }
        });
    }
}

impl Inner {
    async fn take_back(&self, name: &str, failing: &Failing) {
        tracing::error!(backend = name, "the new version fails more than the old one: {failing}");
        match self.loaded.host.rollback(name, Some(failing.generation), &InEngine(&self.engine), &self.remembered).await
        {
            Ok(outcome) => {
                let bad = outcome.replaced.as_ref().map_or("?", |old| &old.descriptor.version).to_owned();
                let note = format!("version {bad} was rolled back: {failing}");
                self.note(name, Some(note.clone()));
                self.swapped("rollback", outcome, Some(note)).await;
            }
            // Whoever loaded another version meanwhile knows better.
            Err(LoadError::Superseded(_) | LoadError::NotLoaded(_)) => {}
            Err(error) => {
                tracing::error!(backend = name, %error, "the old version cannot be brought back");
                self.note(
                    name,
                    Some(format!("it fails, and the version before cannot be brought back: {error}; {failing}")),
                );
            }
        }
    }

    /// Tells everybody that another version serves.
    async fn swapped(&self, action: &str, outcome: LoadOutcome, reason: Option<String>) -> Swapped {
        let LoadOutcome { loaded, replaced, recovered, .. } = outcome;
        let containers = recovered.len();
        self.engine.recovered(recovered).await;
        let version = |loaded: &sockerless_backend::types::Loaded| loaded.descriptor.version.clone();
        let swapped = Swapped {
            name: loaded.descriptor.name.clone(),
            version: version(&loaded),
            digest: loaded.digest.clone(),
            generation: loaded.generation,
            replaced: replaced.as_deref().map(version),
            containers,
        };
        let mut attributes = attributes(&loaded.descriptor, &loaded.digest);
        attributes.extend(swapped.replaced.clone().map(|version| ("replaced".to_owned(), version)));
        attributes.extend(reason.map(|reason| ("reason".to_owned(), reason)));
        self.engine.backend_event(action, &swapped.name, attributes);
        swapped
    }

    /// Tells that a backend has gone out of service, or is back, unless another version serves by now.
    fn service_changed(&self, change: ServiceChange) {
        let ServiceChange { backend: name, generation, outage } = change;
        let loaded = self.loaded.host.backend(&name).map(|backend| backend.loaded());
        let Some(loaded) = loaded.filter(|loaded| loaded.generation == generation) else { return };
        let mut attributes = attributes(&loaded.descriptor, &loaded.digest);
        let action = if outage.is_some() { "out-of-service" } else { "in-service" };
        attributes.extend(outage.map(|outage| ("reason".to_owned(), outage.to_string())));
        self.engine.backend_event(action, &name, attributes);
    }

    /// Loads a component by all the steps, and has what serves from now on be noted by `ledger`.
    async fn load(&self, request: LoadRequest, ledger: &dyn Ledger) -> Result<LoadOutcome, Error> {
        let host = &self.loaded.host;
        let outcome = host.load(request, &self.settings, &InEngine(&self.engine), ledger).await.map_err(refused)?;
        self.note(&outcome.loaded.descriptor.name, None);
        Ok(outcome)
    }

    /// Nothing is noted any more of a backend that is unloaded.
    async fn forget(&self, name: &str) {
        let forgotten = name.to_owned();
        let work = self.remembered.on_disk(move |remembered| remembered.forget(&forgotten));
        if let Err(error) = work.await {
            tracing::warn!(backend = name, "unloaded, but the next start loads it again: {error:#}");
        }
    }

    /// What whoever lists backends should know of one: that it is out of service, and what was noted.
    fn told(&self, name: &str) -> Option<String> {
        let outage = self.loaded.host.backend(name).and_then(|backend| backend.outage());
        let noted = self.notes.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let told: Vec<String> = outage.map(|outage| outage.to_string()).into_iter().chain(noted).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn note(&self, name: &str, note: Option<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Some(note) => notes.insert(name.to_owned(), note),
            None => notes.remove(name),
        };
    }
}

/// What an event says of a backend.
fn attributes(descriptor: &Descriptor, digest: &str) -> BTreeMap<String, String> {
    let attributes = [("name", &*descriptor.name), ("version", &*descriptor.version), ("digest", digest)];
    attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn variables(descriptor: &Descriptor) -> Vec<BackendVariable> {
    let variable = |key: &ConfigKey| BackendVariable {
        name: key.name.clone(),
        help: key.help.clone(),
        default: key.default_value.clone(),
    };
    descriptor.config.iter().map(variable).collect()
}

fn refused(error: LoadError) -> Error {
    Error::from(BackendError::from(error))
}

#[async_trait]
impl BackendAdmin for Admin {
    async fn load(&self, name: Option<String>, component: Bytes) -> Result<Swapped, Error> {
        let _changing = self.0.changing.lock().await;
        let outcome = self.0.load(LoadRequest { component, name, digest: None }, &self.0.remembered).await?;
        Ok(self.loaded(outcome).await)
    }

    async fn rollback(&self, name: &str) -> Result<Swapped, Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let outcome = inner
            .loaded
            .host
            .rollback(name, None, &InEngine(&inner.engine), &inner.remembered)
            .await
            .map_err(refused)?;
        inner.note(name, None);
        Ok(inner.swapped("rollback", outcome, Some("asked for".to_owned())).await)
    }

    async fn unload(&self, name: &str, force: bool) -> Result<usize, Error> {
        let inner = &self.0;
        if inner.serving(name).is_none() && inner.remembered.note(name).is_some() {
            let left = inner.engine.container_count_of_backend(name);
            return self.remove(name, force).await.map(|()| left);
        }
        let _changing = inner.changing.lock().await;
        let (loaded, left) = inner.loaded.host.unload(name, force, &InEngine(&inner.engine)).await.map_err(refused)?;
        inner.note(name, None);
        inner.forget(name).await;
        inner.engine.backend_event("disable", name, attributes(&loaded.descriptor, &loaded.digest));
        Ok(left)
    }

    fn list(&self) -> Vec<BackendSummary> {
        let inner = &self.0;
        let summary = |(index, backend): (usize, &Arc<sockerless_plugins::PluginBackend>)| {
            let loaded = backend.loaded();
            let name = loaded.descriptor.name.clone();
            BackendSummary {
                version: loaded.descriptor.version.clone(),
                digest: loaded.digest.clone(),
                generation: loaded.generation,
                default: index == 0,
                containers: inner.engine.container_count_of_backend(&name),
                previous: backend.previous().map(|previous| previous.descriptor.version.clone()),
                note: inner.told(&name),
                inventory: loaded.interfaces.inventory,
                driver: loaded.descriptor.driver.clone(),
                config: variables(&loaded.descriptor),
                name,
            }
        };
        inner.loaded.host.backends().iter().enumerate().map(summary).collect()
    }
}
