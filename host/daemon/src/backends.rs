//! The backends of this daemon: loading them at the start, and what the operator says of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use ring::digest::{SHA256, digest};
use sockerless_backend::Backend;
use sockerless_backend::types::{Container, Recovered};
use sockerless_engine::{Backends, Engine, Services, Stored};
use sockerless_plugins::{
    AzureConfig, AzureCredentials, BackendHost, HostConfig, HttpConfig, LiveContainers, LoadOutcome, LoadRequest,
    Services as HostServices, Settings,
};
use sockerless_recorder::Recorder;

use crate::component_file;
use crate::config::{BackendRules, Config};
use crate::remembered::{Note, Remembered};

/// The backends that are loaded, as the engine sees them.
pub(crate) struct Loaded {
    pub(crate) host: BackendHost,
}

impl Loaded {
    /// Starts the host of backends, with none in it. `daemon` is the id of this daemon; `recorder` takes down what they do.
    ///
    /// # Errors
    /// The WebAssembly engine cannot be started; a URL is malformed.
    pub(crate) async fn new(
        config: &Config,
        services: Arc<Services>,
        daemon: String,
        recorder: Option<Recorder>,
    ) -> Result<Self> {
        let http = HttpConfig { endpoint: config.endpoint()?, ..HttpConfig::default() };
        let settings = config.settings.clone().into_map();
        let tokens = AzureCredentials::new(AzureConfig::from_map(&settings), &http)?;
        let services =
            HostServices { daemon, agents: services.clone(), outcomes: services, tokens: Some(Arc::new(tokens)) };
        let host = HostConfig { cache: Some(config.cache_dir.clone()), http, recorder, ..HostConfig::default() };
        // Reserves address space and compiles the linker: not on the runtime.
        let host = tokio::task::spawn_blocking(move || BackendHost::new(host, services)).await??;
        Ok(Self { host })
    }

    /// Loads what the command line names, or what was loaded in its place while the daemon ran, and what was loaded besides. Each must
    /// be able to take over what the store holds. Answers what they have found of that.
    ///
    /// # Errors
    /// A file cannot be read; a component is refused.
    pub(crate) async fn load_all(
        &self,
        files: &[PathBuf],
        remembered: &Remembered,
        mut notes: BTreeMap<String, Note>,
        settings: &LoadSettings,
        stored: &Stored,
    ) -> Result<Vec<(String, Recovered)>> {
        let mut found = Vec::new();
        for file in files {
            let (component, digest) = read(file).await?;
            let instead = notes.iter().find(|(_, note)| note.instead_of.as_deref() == Some(&*digest));
            if let Some(name) = instead.map(|(name, _)| name.clone())
                && let Some(note) = notes.remove(&name)
            {
                remembered.configured(&name, &digest, file);
                if note.disabled {
                    tracing::info!(backend = name, file = %file.display(), "it was disabled; `docker plugin enable` loads it");
                } else {
                    tracing::info!(backend = name, digest = note.digest, file = %file.display(),
                        "what was loaded or set while the daemon ran serves again; `sockerless plugin load` changes it");
                    found.extend(self.load_remembered(remembered, &name, &note, settings, stored).await?);
                }
                continue;
            }
            let loaded = self.load_file(file, component, settings, &InStore(stored)).await?;
            remembered.configured(&loaded.loaded.descriptor.name, &digest, file);
            found.extend(loaded.recovered);
        }
        for (name, note) in notes {
            if self.host.backend(&name).is_some() {
                tracing::info!(
                    backend = name,
                    digest = note.digest,
                    "the file of --backend is another one now, and serves"
                );
                remembered.on_disk(move |remembered| remembered.overruled(&name)).await?;
            } else if !note.disabled {
                found.extend(self.load_remembered(remembered, &name, &note, settings, stored).await?);
            }
        }
        Ok(found)
    }

    /// Loads a backend that has no containers, to see whether it can be.
    ///
    /// # Errors
    /// The file cannot be read; the component is refused.
    pub(crate) async fn try_file(&self, file: &Path, settings: &LoadSettings) -> Result<()> {
        let (component, _) = read(file).await?;
        self.load_file(file, component, settings, &Vec::new()).await.map(drop)
    }

    async fn load_file(
        &self,
        file: &Path,
        component: Vec<u8>,
        settings: &LoadSettings,
        live: &dyn LiveContainers,
    ) -> Result<LoadOutcome> {
        let request = LoadRequest { component: component.into(), name: None, digest: None };
        let loaded = self.host.load(request, settings, live, &()).await;
        loaded.with_context(|| format!("the backend {} is not loaded", file.display()))
    }

    async fn load_remembered(
        &self,
        remembered: &Remembered,
        name: &str,
        note: &Note,
        settings: &LoadSettings,
        stored: &Stored,
    ) -> Result<Vec<(String, Recovered)>> {
        let what = || {
            format!(
                "the backend `{name}` that was loaded while the daemon ran is not loaded again: to go back to what --backend names, \
                 remove {}",
                remembered.note_file(name).map_or_else(|_| name.to_owned(), |file| file.display().to_string())
            )
        };
        let digest = note.digest.clone();
        let component = remembered.on_disk(move |remembered| remembered.component(&digest)).await.with_context(what)?;
        let request =
            LoadRequest { component: component.into(), name: Some(name.to_owned()), digest: Some(note.digest.clone()) };
        Ok(self.host.load(request, settings, &InStore(stored), &()).await.with_context(what)?.recovered)
    }

    /// Gives up what backends have under way.
    pub(crate) async fn shutdown(&self) {
        self.host.shutdown().await;
    }
}

/// A component and its digest: off the runtime, since it computes.
async fn read(file: &Path) -> Result<(Vec<u8>, String)> {
    let file = file.to_path_buf();
    let work = tokio::task::spawn_blocking(move || {
        let component = component_file::read(&file)?;
        let digest = format!("sha256:{}", hex::encode(digest(&SHA256, &component)));
        Ok((component, digest))
    });
    work.await?
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
/// limits of its name. What was set while the daemon ran comes before what its configuration says.
#[derive(Clone)]
pub(crate) struct LoadSettings {
    values: Arc<BTreeMap<String, String>>,
    remembered: Option<Remembered>,
    backends: Arc<BTreeMap<String, BackendRules>>,
}

impl LoadSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            values: Arc::new(config.settings.clone().into_map()),
            remembered: None,
            backends: Arc::new(config.backend_rules.clone()),
        }
    }

    /// The same, with what is noted there as set.
    pub(crate) fn with(self, remembered: Remembered) -> Self {
        Self { remembered: Some(remembered), ..self }
    }
}

impl sockerless_plugins::SettingsSource for LoadSettings {
    fn settings(&self, backend: &str) -> Settings {
        let BackendRules { policy, limits, swap, circuit_breaker: breaker, signatures: _ } =
            self.backends.get(backend).cloned().unwrap_or_default();
        let set = self.remembered.as_ref().and_then(|remembered| remembered.note(backend)).unwrap_or_default().settings;
        let config = if set.is_empty() {
            self.values.clone()
        } else {
            let mut values = (*self.values).clone();
            values.extend(set);
            Arc::new(values)
        };
        Settings { config, policy, limits, swap, breaker }
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
