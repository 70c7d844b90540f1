//! From bytes to a generation that may serve.
//!
//! Each step has its own error, and none touches what serves now. Order: the bytes themselves, then what the component
//! declares, then compiling and linking, then what it says of itself, then what the operator says of it, then the
//! cloud, then the containers that live.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ring::digest::{SHA256, digest};
use sockerless_backend::types::{ConfigKey, Container, Descriptor, Interfaces, Loaded, Recovered};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::breaker::BreakerRules;
use crate::cache::{ComponentCache, Origin};
use crate::config::{self, ConfigSource};
use crate::context::{Context, Shared};
use crate::engine::Engine;
use crate::error::LoadError;
use crate::generation::{Generation, describe};
use crate::limits::Limits;
use crate::policy::{Grants, Policy};
use crate::prepared::Prepared;
use crate::watch::SwapRules;
use crate::{descriptor, inspect};

/// What a backend is called before it has said its name.
pub(crate) const NAMELESS: &str = "(not yet known)";

/// Containers that are recovered at the same time.
const RECOVERING: usize = 16;

/// What the operator says of one backend.
#[derive(Clone)]
pub struct Settings {
    /// Values of its keys.
    pub config: Arc<dyn ConfigSource>,
    /// What it is granted.
    pub policy: Policy,
    /// What it may use.
    pub limits: Limits,
    /// How its versions follow each other.
    pub swap: SwapRules,
    /// When it is taken out of service.
    pub breaker: BreakerRules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Arc::new(BTreeMap::<String, String>::new()),
            policy: Policy::default(),
            limits: Limits::default(),
            swap: SwapRules::default(),
            breaker: BreakerRules::default(),
        }
    }
}

/// What the operator says of a backend whose name is known only when it has been asked.
pub trait SettingsSource: Send + Sync {
    /// The settings of the backend of this name.
    fn settings(&self, backend: &str) -> Settings;
}

impl SettingsSource for Settings {
    fn settings(&self, _backend: &str) -> Settings {
        self.clone()
    }
}

impl<F: Fn(&str) -> Settings + Send + Sync> SettingsSource for F {
    fn settings(&self, backend: &str) -> Settings {
        self(backend)
    }
}

/// The containers that a backend would have to take over.
#[async_trait::async_trait]
pub trait LiveContainers: Send + Sync {
    /// Every container of the backend of this name that has not been removed.
    async fn live(&self, backend: &str) -> Vec<Container>;
}

#[async_trait::async_trait]
impl LiveContainers for Vec<Container> {
    async fn live(&self, _backend: &str) -> Vec<Container> {
        self.clone()
    }
}

/// Who must know what serves before it does.
#[async_trait::async_trait]
pub trait Ledger: Send + Sync {
    /// Notes that this version is about to serve; its bytes, unless it has served before. An error, which says why it cannot be noted,
    /// keeps it from serving.
    async fn about_to_serve(&self, loaded: &Loaded, component: Option<&Bytes>) -> Result<(), String>;
}

/// Nobody.
#[async_trait::async_trait]
impl Ledger for () {
    async fn about_to_serve(&self, _: &Loaded, _: Option<&Bytes>) -> Result<(), String> {
        Ok(())
    }
}

/// A component that is to serve.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// Its bytes.
    pub component: Bytes,
    /// The name that it must have. Absent: whatever it calls itself.
    pub name: Option<String>,
    /// The digest that it must have: `sha256:` and 64 hexadecimal digits.
    pub digest: Option<String>,
}

/// What came of a load.
#[derive(Debug, Clone)]
pub struct LoadOutcome {
    /// What serves now.
    pub loaded: Arc<Loaded>,
    /// What served under the name before.
    pub replaced: Option<Arc<Loaded>>,
    /// What the new version says of each container that lives.
    pub recovered: Vec<(String, Recovered)>,
    /// Whether the compiled component came from the cache.
    pub cached: bool,
}

/// What a component says of itself, of which nothing is loaded.
#[derive(Debug, Clone)]
pub struct Described {
    /// Who it is, with the configuration known as far as there is one.
    pub descriptor: Descriptor,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// A generation that may serve.
pub(crate) struct Candidate {
    pub(crate) generation: Generation,
    pub(crate) recovered: Vec<(String, Recovered)>,
    pub(crate) cached: bool,
}

/// What the operator says of how a backend is run.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) swap: SwapRules,
    pub(crate) breaker: BreakerRules,
}

/// A component that has said who it is.
struct Examined {
    prepared: Arc<Prepared>,
    origin: Origin,
    first: Descriptor,
    /// Whether it asked for its configuration to say that.
    configurable: bool,
}

/// What loads.
pub(crate) struct Loader<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) cache: &'a ComponentCache,
    pub(crate) shared: &'a Shared,
}

impl Loader<'_> {
    /// All steps up to the publish. `number` is given to the generation by its name.
    pub(crate) async fn load(
        &self,
        request: LoadRequest,
        settings: &dyn SettingsSource,
        live: &dyn LiveContainers,
        number: impl FnOnce(&str) -> u64,
    ) -> Result<Candidate, LoadError> {
        let Examined { prepared, origin, first, configurable } = self.examine(request, settings).await?;
        let Settings { config, policy, limits, swap, breaker } = settings.settings(&first.name);
        let rules = Rules { limits, swap, breaker };
        let (values, missing) = config::values(&first, &config);
        if !missing.is_empty() {
            return Err(LoadError::Configuration { backend: first.name, keys: missing });
        }
        let descriptor =
            if configurable { self.describe_configured(&prepared, &first, &values, &rules).await? } else { first };
        let backend = descriptor.name.clone();
        let grants =
            Grants::new(&descriptor, &policy).map_err(|wants| LoadError::Policy { backend: backend.clone(), wants })?;

        let context = self.context(&backend, grants, &descriptor.config, values, rules);
        let interfaces = prepared.interfaces();
        let digest = prepared.digest.clone();
        let loaded = Loaded { digest, generation: number(&backend), interfaces, descriptor };
        let generation = Generation::new(loaded, prepared, context);
        generation.check().await.map_err(|error| LoadError::Check { backend: backend.clone(), error })?;
        let recovered = recover(&generation, live.live(&backend).await).await?;
        Ok(Candidate { generation, recovered, cached: origin == Origin::Cached })
    }

    /// The steps up to what the component says of itself, with the configuration as far as there is one.
    pub(crate) async fn describe(
        &self,
        request: LoadRequest,
        settings: &dyn SettingsSource,
    ) -> Result<Described, LoadError> {
        let Examined { prepared, first, configurable, .. } = self.examine(request, settings).await?;
        let Settings { config, limits, swap, breaker, .. } = settings.settings(&first.name);
        let rules = Rules { limits, swap, breaker };
        let (values, _) = config::values(&first, &config);
        let descriptor =
            if configurable { self.describe_configured(&prepared, &first, &values, &rules).await? } else { first };
        Ok(Described { descriptor, digest: prepared.digest.clone() })
    }

    /// Asks the component who it is, before there is a configuration.
    async fn examine(&self, request: LoadRequest, settings: &dyn SettingsSource) -> Result<Examined, LoadError> {
        let LoadRequest { component, name, digest: expected } = request;
        // Until it has said its name, the component has the limits of the name that was asked for.
        let early = name.as_deref().map_or_else(Limits::default, |name| settings.settings(name).limits);
        if component.len() > early.component_bytes {
            return Err(LoadError::TooLarge { bytes: component.len(), limit: early.component_bytes });
        }
        let (prepared, origin) = self.prepare(component, expected).await?;
        let prepared = Arc::new(prepared);

        let label = name.as_deref().unwrap_or(NAMELESS);
        let rules = Rules { limits: early, swap: SwapRules::default(), breaker: BreakerRules::default() };
        let bare = self.context(label, Grants::default(), &[], BTreeMap::new(), rules);
        let (first, configurable) = describe(&prepared, &bare).await?;
        valid(&first)?;
        if let Some(expected) = name.filter(|expected| *expected != first.name) {
            return Err(LoadError::Name { expected, actual: first.name });
        }

        Ok(Examined { prepared, origin, first, configurable })
    }

    /// Asks it again with the values of its keys: what it says of itself may depend on them.
    async fn describe_configured(
        &self,
        prepared: &Prepared,
        first: &Descriptor,
        values: &BTreeMap<String, String>,
        rules: &Rules,
    ) -> Result<Descriptor, LoadError> {
        let context = self.context(&first.name, Grants::default(), &first.config, values.clone(), rules.clone());
        again(first, describe(prepared, &context).await?.0)
    }

    /// Digest, inspection, compiling and linking: off the runtime, since they compute.
    pub(crate) async fn prepare(
        &self,
        component: Bytes,
        expected: Option<String>,
    ) -> Result<(Prepared, Origin), LoadError> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        let work = tokio::task::spawn_blocking(move || {
            let sha256 = hex::encode(digest(&SHA256, &component));
            let actual = format!("sha256:{sha256}");
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                return Err(LoadError::Digest { expected, actual });
            }
            let declared = inspect::declared(&component)?;
            declared.check()?;
            let (component, origin) = cache
                .component(&engine.wasmtime, &component, &sha256)
                .map_err(|error| LoadError::Compile(format!("{error:#}")))?;
            let has = |interface| declared.exports_interface(interface);
            let interfaces = Interfaces {
                logs: has("logs"),
                inventory: has("inventory"),
                exec: has("exec"),
                attach: has("attach"),
                archive: has("archive"),
                runs: has("runs"),
            };
            let prepared = Prepared::new(&engine, &component, interfaces, actual)?;
            Ok((prepared, origin))
        });
        work.await.map_err(|error| LoadError::Host(format!("compiling the component ended in a panic: {error}")))?
    }

    pub(crate) fn context(
        &self,
        backend: &str,
        grants: Grants,
        keys: &[ConfigKey],
        config: BTreeMap<String, String>,
        rules: Rules,
    ) -> Arc<Context> {
        let Rules { limits, swap, breaker } = rules;
        let secrets = keys.iter().filter(|key| key.secret).filter_map(|key| config.get(&key.name)).cloned().collect();
        Arc::new(Context {
            backend: backend.into(),
            grants,
            config,
            secrets,
            places: Arc::new(Semaphore::new(limits.instances)),
            waiting: Arc::new(Semaphore::new(limits.waiting.min(Semaphore::MAX_PERMITS))),
            dispatches: Arc::new(Semaphore::new(limits.dispatched)),
            limits,
            swap,
            breaker,
            interrupted: CancellationToken::new(),
            shared: self.shared.clone(),
        })
    }
}

fn valid(descriptor: &Descriptor) -> Result<(), LoadError> {
    let problems = descriptor::problems(descriptor);
    if problems.is_empty() { Ok(()) } else { Err(LoadError::Descriptor(problems)) }
}

/// The descriptor with the configuration known. Name and keys must not depend on it.
fn again(first: &Descriptor, second: Descriptor) -> Result<Descriptor, LoadError> {
    valid(&second)?;
    if second.name != first.name || second.config != first.config {
        let problem = "name and configuration keys must not depend on the configuration";
        return Err(LoadError::Descriptor(vec![problem.to_owned()]));
    }
    Ok(second)
}

/// Asks a version for every container that lives. It changes nothing.
pub(crate) async fn recover(
    generation: &Generation,
    containers: Vec<Container>,
) -> Result<Vec<(String, Recovered)>, LoadError> {
    let count = containers.len();
    let outcomes: Vec<_> = stream::iter(containers)
        .map(|container| async {
            let (id, name) = (container.id.clone(), container.name.clone());
            (id, name, generation.recover(container).await)
        })
        .buffer_unordered(RECOVERING)
        .collect()
        .await;
    let mut recovered = Vec::with_capacity(count);
    let mut failures = Vec::new();
    for (id, name, outcome) in outcomes {
        match outcome {
            Ok(outcome) => recovered.push((id, outcome)),
            Err(error) => failures.push((format!("{name} ({})", id.get(..12).unwrap_or(&id)), error)),
        }
    }
    if failures.is_empty() {
        return Ok(recovered);
    }
    failures.sort_by(|(one, _), (other, _)| one.cmp(other));
    Err(LoadError::Recover { backend: generation.loaded.descriptor.name.clone(), containers: count, failures })
}
