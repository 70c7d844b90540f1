//! One daemon's life: from when it comes up until it is stopped or dies.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sockerless_agents::AgentRegistry;
use sockerless_docker::{
    CreateRequest, DistributionInspect, EventMessage, Filters, ImageReference, LoginAnswer, NetworkConnect,
    NetworkCreate, NetworkDisconnect, RegistryAuth, SearchResult, VolumeCreate,
};
use sockerless_engine::{
    AgentLink, Engine, Error, EventOptions, Fetch, FetchFailure, Fetched, Identity, ListOptions, PullOptions,
    Registries, RegistryAccess, RemoveOptions, Result, Search, Services, Stored, WaitCondition, WaitResult,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cloud::{Cloud, Only};
use crate::disk::{Disk, Platter};
use crate::model::Id;
use crate::operation::{Deed, Name, Trouble};

/// What clients see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Name, status and exit code; and the networks that it is on.
    pub(crate) containers: BTreeMap<Id, (String, String, i64, BTreeSet<String>)>,
    pub(crate) networks: BTreeSet<String>,
    pub(crate) volumes: BTreeSet<String>,
}

/// A client that waits.
pub(crate) struct Waiter {
    pub(crate) id: Id,
    pub(crate) condition: WaitCondition,
    /// How many runs had ended when it began.
    pub(crate) exits: u64,
    pub(crate) answer: JoinHandle<WaitResult>,
}

pub(crate) struct Life {
    runtime: Runtime,
    engine: Engine,
    pub(crate) disk: Arc<Disk>,
    cloud: Arc<Cloud>,
    events: Pin<Box<dyn Stream<Item = EventMessage> + Send>>,
    pub(crate) waiters: Vec<Waiter>,
}

/// No name is the beginning of an id.
pub(crate) fn container(name: Name) -> String {
    format!("x{name}")
}

pub(crate) fn thing(name: Name) -> String {
    format!("thing{name}")
}

impl Life {
    pub(crate) fn begin(cloud: &Arc<Cloud>, platter: &Platter) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let disk = Disk::new(platter.clone());
        let engine = runtime.block_on(open(cloud, &disk)).expect("an engine on what another one has left");
        let events = Box::pin(engine.events(EventOptions::default()).unwrap());
        Self { runtime, engine, disk, cloud: cloud.clone(), events, waiters: Vec::new() }
    }

    /// It is told to stop.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.engine.shutdown());
    }

    /// Does a deed. Answers the id of a container that was made; nothing when the daemon has died of it.
    pub(crate) fn perform(&mut self, deed: Deed, exits: u64) -> Option<Result<Option<Id>>> {
        let (engine, cloud, disk) = (self.engine.clone(), self.cloud.clone(), self.disk.clone());
        let (answer, waiter) = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = disk.dead.notified() => (None, None),
                done = perform(&engine, &cloud, deed, exits) => match done {
                    Ok((id, waiter)) => (Some(Ok(id)), waiter),
                    Err(error) => (Some(Err(error)), None),
                },
            }
        });
        self.waiters.extend(waiter);
        answer
    }

    /// Lets everything go on for a moment.
    pub(crate) fn breathe(&self, time: Duration) {
        self.runtime.block_on(async {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
        });
    }

    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.disk.met(), Some(Trouble::DeathBefore | Trouble::DeathAfter))
    }

    /// What was told of containers since it was asked last: actions, and of which.
    pub(crate) fn told(&mut self) -> Vec<(String, Id)> {
        let mut told = Vec::new();
        while let Some(Some(event)) = self.events.next().now_or_never() {
            if event.r#type == "container" {
                // Some actions say more behind a colon.
                told.push((event.action, event.actor.id));
            }
        }
        told
    }

    /// What a wait was answered, if it was.
    pub(crate) fn answered(&self, waiter: &mut Waiter) -> Option<WaitResult> {
        self.runtime.block_on(async { (&mut waiter.answer).now_or_never() }).map(|answer| answer.unwrap())
    }

    pub(crate) fn see(&self) -> Seen {
        let mut seen = Seen::default();
        for listed in self.list(&[]) {
            // It may be gone in between.
            let Ok(inspected) = self.engine.inspect_container(&listed, false) else { continue };
            let networks = inspected.network_settings.networks.keys().filter(|name| *name != "bridge").cloned();
            let name = inspected.name.trim_start_matches('/').to_owned();
            let state = (name, inspected.state.status, inspected.state.exit_code, networks.collect());
            seen.containers.insert(inspected.id, state);
        }
        let custom: Filters = [("type".to_owned(), vec!["custom".to_owned()])].into_iter().collect();
        seen.networks = self.engine.networks(&custom).unwrap().into_iter().map(|network| network.name).collect();
        seen.volumes =
            self.engine.volumes(&Filters::default()).unwrap().volumes.into_iter().map(|volume| volume.name).collect();
        seen
    }

    /// The containers that pass the filters, without any all of them. Those that run, if there is one without a value.
    pub(crate) fn list(&self, filters: &[(&str, &str)]) -> BTreeSet<Id> {
        let mut options = ListOptions { all: true, ..ListOptions::default() };
        for (name, value) in filters {
            if value.is_empty() {
                options.all = false;
            } else {
                options.filters.insert(*name, *value);
            }
        }
        self.engine.containers(&options).unwrap().into_iter().map(|summary| summary.id).collect()
    }
}

async fn open(cloud: &Arc<Cloud>, disk: &Arc<Disk>) -> Result<Engine> {
    let store: Arc<dyn sockerless_store::Store> = disk.clone();
    let services = Services::new(store.clone(), AgentRegistry::default(), AgentLink::None);
    cloud.serve(services.clone());
    let stored = Stored::read(&*store, &services).await?;
    let identity = Identity {
        id: "model".into(),
        name: "model".into(),
        version: "1".into(),
        commit: "unknown".into(),
        state_dir: "/nowhere".into(),
    };
    let access = RegistryAccess { registries: Arc::new(Nobody), fetch_config: false };
    let engine = Engine::start(identity, store, services, Arc::new(Only(cloud.clone())), access, stored).await?;
    let pull =
        PullOptions { name: "alpine".into(), tag: None, platform: None, auth: None, gone: CancellationToken::new() };
    drop(engine.pull_image(pull).await?);
    Ok(engine)
}

/// A deed, as a client asks for it. `exits`: how many runs of the container have ended that is waited for.
async fn perform(engine: &Engine, cloud: &Cloud, deed: Deed, exits: u64) -> Result<(Option<Id>, Option<Waiter>)> {
    match deed {
        Deed::Create { name, network, volume, auto_remove } => {
            let mut request = CreateRequest::default();
            request.config.image = "alpine".into();
            request.config.cmd = Some(vec!["true".into()]);
            request.host_config.network_mode = network.map(thing).unwrap_or_default();
            request.host_config.binds = volume.map(|volume| vec![format!("{}:/v", thing(volume))]);
            request.host_config.auto_remove = auto_remove;
            let created = engine.create_container(Some(container(name)), None, request).await?;
            return Ok((Some(created.id), None));
        }
        Deed::Start(name) => engine.start_container(&container(name)).await?,
        Deed::Stop(name) => engine.stop_container(&container(name), None, None).await?,
        Deed::Kill(name) => engine.kill_container(&container(name), None).await?,
        Deed::Restart(name) => engine.restart_container(&container(name), None).await?,
        Deed::Pause(name) => engine.pause_container(&container(name)).await?,
        Deed::Unpause(name) => engine.unpause_container(&container(name)).await?,
        Deed::Rename(from, to) => engine.rename_container(&container(from), &container(to)).await?,
        Deed::Remove { name, force } => {
            let options = RemoveOptions { force, ..RemoveOptions::default() };
            engine.remove_container(&container(name), options).await?;
        }
        Deed::Prune => drop(engine.prune_containers(&Filters::default()).await?),
        Deed::End(name, code) => {
            if let Ok(inspected) = engine.inspect_container(&container(name), false) {
                cloud.end(&inspected.id, code).await;
            }
        }
        Deed::Wait(name, condition) => {
            let id = engine.inspect_container(&container(name), false)?.id;
            let wait = engine.wait_container(&id, condition)?;
            let answer = tokio::spawn(wait.exited());
            return Ok((None, Some(Waiter { id, condition, exits, answer })));
        }
        Deed::CreateNetwork(name) => {
            let request = NetworkCreate { name: thing(name), ..NetworkCreate::default() };
            engine.create_network(request).await?;
        }
        Deed::RemoveNetwork(name) => engine.remove_network(&thing(name)).await?,
        Deed::Connect(network, name) => {
            let request = NetworkConnect { container: container(name), ..NetworkConnect::default() };
            engine.connect_network(&thing(network), request).await?;
        }
        Deed::Disconnect(network, name) => {
            let request = NetworkDisconnect { container: container(name), ..NetworkDisconnect::default() };
            engine.disconnect_network(&thing(network), request).await?;
        }
        Deed::CreateVolume(name) => {
            engine.create_volume(VolumeCreate { name: thing(name), ..VolumeCreate::default() }).await?;
        }
        Deed::RemoveVolume(name) => engine.remove_volume(&thing(name), false).await?,
        Deed::Reopen => {}
    }
    Ok((None, None))
}

/// No registry can be reached.
struct Nobody;

#[async_trait]
impl Registries for Nobody {
    async fn fetch(&self, _: &Fetch) -> Result<Fetched, FetchFailure> {
        Err(FetchFailure::Refused(Error::unavailable("nobody is there")))
    }

    async fn distribution(&self, _: &ImageReference, _: Option<&RegistryAuth>) -> Result<DistributionInspect> {
        Err(Error::unavailable("nobody is there"))
    }

    async fn login(&self, _: &RegistryAuth) -> Result<LoginAnswer> {
        Err(Error::unavailable("nobody is there"))
    }

    async fn search(&self, _: &Search) -> Result<Vec<SearchResult>> {
        Err(Error::unavailable("nobody is there"))
    }
}
