//! The engine: what it owns, and how it comes up.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sockerless_backend::Backend;
use sockerless_store::{Change, Kind, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actor::Actor;
use crate::agents::Agents;
use crate::error::{Error, Result};
use crate::events::{EventOptions, Events};
use crate::execs::Execs;
use crate::follow::Followed;
use crate::images::Images;
use crate::networks::Networks;
use crate::record::{ContainerRecord, Intent, Status};
use crate::registries::Registries;
use crate::registry::Containers;
use crate::services::Services;
use crate::volumes::Volumes;

/// How long containers may take to take in what a backend has found of them, before a load is answered.
const TAKE_IN: std::time::Duration = std::time::Duration::from_secs(2);

/// The backends that are loaded.
pub trait Backends: Send + Sync + 'static {
    /// The one of this name.
    fn get(&self, name: &str) -> Option<Arc<dyn Backend>>;

    /// The name of the one that containers get when their client names none.
    fn default_name(&self) -> Option<String>;

    /// All names, sorted.
    fn names(&self) -> Vec<String>;
}

/// Registries, and what they are used for.
#[derive(Clone)]
pub struct RegistryAccess {
    /// How they are reached.
    pub registries: Arc<dyn Registries>,
    /// Whether a pull fetches the image's configuration. If not, it takes note of the reference and nothing goes to the network.
    pub fetch_config: bool,
}

/// Who this daemon is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Stays the same over restarts.
    pub id: String,
    /// `Name` of `docker info`.
    pub name: String,
    /// Version of sockerless.
    pub version: String,
    /// Commit it was built from, or `unknown`.
    pub commit: String,
    /// `DockerRootDir` of `docker info`: where the state is.
    pub state_dir: String,
}

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) started: Timestamp,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) services: Arc<Services>,
    pub(crate) agents: Agents,
    pub(crate) backends: Arc<dyn Backends>,
    pub(crate) containers: Containers,
    pub(crate) execs: Execs,
    pub(crate) followed: Followed,
    pub(crate) images: Images,
    pub(crate) registry: RegistryAccess,
    pub(crate) networks: Networks,
    pub(crate) volumes: Volumes,
    pub(crate) events: Events,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Inner {
    pub(crate) fn backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        self.backends.get(name).ok_or_else(|| {
            Error::unavailable(format!("the backend \"{name}\" is not loaded: load it with `sockerless plugin load`"))
                .at_fault()
        })
    }

    pub(crate) async fn save(&self, record: &ContainerRecord) -> Result<()> {
        let body = serde_json::to_string(record)
            .map_err(|error| Error::fault(format!("the container's record cannot be written: {error}")))?;
        self.store.apply(vec![Change::put(Kind::Container, record.id.clone(), body)]).await?;
        Ok(())
    }
}

/// Acts on containers, images, networks and volumes as Docker's API asks. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// The containers that the store holds, before any of them has a task.
pub struct Stored {
    records: Vec<ContainerRecord>,
}

impl Stored {
    /// Reads them, and lets their agents dial in.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this version does not understand.
    pub async fn read(store: &dyn Store, services: &Services) -> Result<Self> {
        let mut records = Vec::new();
        for stored in store.all(Kind::Container).await? {
            let record: ContainerRecord = serde_json::from_str(&stored.body).map_err(|error| {
                Error::internal(format!(
                    "the record of container {} in the state file is unreadable: {error}",
                    stored.id
                ))
            })?;
            services.expect(&record);
            records.push(record);
        }
        services.restore().await?;
        Ok(Self { records })
    }

    /// Those which exist in the cloud of a backend, as it is to find them.
    #[must_use]
    pub fn of_backend(&self, name: &str) -> Vec<sockerless_backend::types::Container> {
        self.records
            .iter()
            .filter(|record| record.backend == name && record.handle.is_some())
            .map(ContainerRecord::for_backend)
            .collect()
    }
}

impl Engine {
    /// Brings the engine up with what the store holds: containers are there at once; those that ran are watched again, and
    /// what a crash interrupted is ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        identity: Identity,
        store: Arc<dyn Store>,
        services: Arc<Services>,
        backends: Arc<dyn Backends>,
        registry: RegistryAccess,
        stored: Stored,
    ) -> Result<Self> {
        let inner = Arc::new(Inner {
            identity,
            started: Timestamp::now(),
            agents: Agents::new(services.registry().clone()),
            services,
            backends,
            containers: Containers::default(),
            execs: Execs::default(),
            followed: Followed::default(),
            images: Images::load(&*store).await?,
            registry,
            networks: Networks::load(&*store).await?,
            volumes: Volumes::load(&*store).await?,
            store,
            events: Events::new(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        });
        inner.services.begin_dialling(inner.backends.clone());
        for record in stored.records {
            // Of a create that was not ended nobody was told: its name may be another container's by now.
            if !matches!(record.intent, Some(Intent::Create { .. })) {
                inner.containers.reserve(&record.name, &record.id)?;
                inner.networks.adopt(&record.endpoints);
            }
            inner.restore(record);
        }
        Ok(Self { inner })
    }

    /// Everything that is known of the containers of a backend, for a version of it that is to take over.
    #[must_use]
    pub fn containers_of_backend(&self, name: &str) -> Vec<sockerless_backend::types::Container> {
        self.records_of_backend(name).map(|record| record.for_backend()).collect()
    }

    /// How many containers a backend has.
    #[must_use]
    pub fn container_count_of_backend(&self, name: &str) -> usize {
        self.records_of_backend(name).count()
    }

    fn records_of_backend(&self, name: &str) -> impl Iterator<Item = Arc<ContainerRecord>> {
        let all = self.inner.containers.all();
        let records = all.into_iter().map(|cell| cell.record());
        records.filter(move |record| record.backend == name && record.handle.is_some())
    }

    /// Takes in what a backend that takes over has found in the cloud: handles in its own form, and containers that are gone. A
    /// container that is busy takes it in when it comes to it; nobody waits long for that.
    pub async fn recovered(&self, found: Vec<(String, sockerless_backend::types::Recovered)>) {
        let told: Vec<_> = found
            .into_iter()
            .filter_map(|(id, found)| Some((self.inner.containers.get(&id)?, found)))
            .map(|(cell, found)| {
                self.inner.tasks.spawn(async move {
                    let taken = cell.ask(|reply| crate::cell::Command::Recovered { found, reply }).await;
                    if let Err(error) = taken {
                        tracing::warn!(container = %cell.id, %error, "what the backend has found is not noted");
                    }
                })
            })
            .collect();
        // Those that are left over go on by themselves.
        let _ = tokio::time::timeout(TAKE_IN, futures_util::future::join_all(told)).await;
    }

    /// Tells that a backend was loaded, replaced, brought back or unloaded.
    pub fn backend_event(&self, action: &str, name: &str, attributes: BTreeMap<String, String>) {
        self.inner.events.publish("plugin", action, name, attributes);
    }

    /// Past and future events.
    ///
    /// # Errors
    /// An unknown filter.
    pub fn events(
        &self,
        options: EventOptions,
    ) -> Result<impl futures_util::Stream<Item = sockerless_docker::EventMessage> + Send + use<>> {
        self.inner.events.subscribe(options)
    }

    /// Ends the tasks of all containers. The containers themselves go on, and are found again at the next start.
    pub async fn shutdown(&self) {
        self.inner.shutdown.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.services.end_dialling().await;
    }
}

impl Inner {
    fn restore(self: &Arc<Self>, mut record: ContainerRecord) {
        match &record.intent {
            // Nobody was told of it: what is left in the cloud goes.
            Some(Intent::Create { .. }) => {
                let engine = self.clone();
                self.tasks.spawn(async move { engine.abandon_found(record).await });
                return;
            }
            Some(Intent::Remove { .. }) => {
                record.state.status = Status::Dead;
                let volumes = record.host_config.auto_remove;
                let cell = Actor::spawn(self, record);
                self.containers.insert(cell.clone());
                self.tasks.spawn(async move {
                    if let Err(error) = cell.ask(|reply| crate::cell::Command::Remove { force: true, volumes, reply }).await {
                        tracing::warn!(container = %cell.id, %error, "a removal that was interrupted could not be ended");
                    }
                });
                return;
            }
            Some(Intent::Start { .. } | Intent::Adopt) | None => {}
        }
        self.containers.insert(Actor::spawn(self, record));
    }

    /// Gives back what was taken here for a container that is not made: its name, its addresses, its volumes.
    pub(crate) async fn give_back(&self, record: &ContainerRecord) {
        self.containers.release(&record.name, &record.id);
        self.networks.release(&record.endpoints);
        self.discard_anonymous(&record.mounts).await;
    }
}
