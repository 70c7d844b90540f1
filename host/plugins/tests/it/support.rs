//! A host with everything around it that a test needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_backend::types::{Container, Outcome};
use sockerless_backend::{AgentBroker, AgentError, Backend, OutcomeSink, Provision};
use sockerless_plugins::{
    BackendHost, BreakerRules, EngineConfig, HostConfig, HttpConfig, Limits, LoadError, LoadOutcome, LoadRequest,
    Policy, Services, Settings, SwapRules, TokenSource,
};
use sockerless_recorder::Recorder;
use tokio::sync::mpsc;

pub(crate) struct Agents;

#[async_trait]
impl AgentBroker for Agents {
    async fn provision(&self, _: &str) -> Result<Option<Provision>, AgentError> {
        Ok(None)
    }

    async fn prepare(&self, _: &str, _: &str) -> Result<(), AgentError> {
        Ok(())
    }

    async fn await_connect(&self, _: &str, _: &str, _: Duration) -> Result<(), AgentError> {
        Err(AgentError::Timeout("no agent".into()))
    }

    fn answered(&self, _: &str, _: &str) -> Option<u16> {
        None
    }

    fn connected(&self, _: &str) -> bool {
        false
    }

    async fn disconnect(&self, _: &str) -> Result<(), AgentError> {
        Ok(())
    }

    async fn reachable_at(&self, _: &str, _: &str, _: &str) -> Result<(), AgentError> {
        Ok(())
    }

    async fn invocation_key(&self, container: &str) -> Result<String, AgentError> {
        Ok(format!("key-of-{container}"))
    }
}

pub(crate) struct Sink(mpsc::UnboundedSender<(String, String, Outcome)>);

impl Sink {
    /// For those who dispatch nothing.
    pub(crate) fn nowhere() -> Self {
        Self(mpsc::unbounded_channel().0)
    }
}

#[async_trait]
impl OutcomeSink for Sink {
    async fn dispatched(&self, container: &str, run: &str, outcome: Outcome) {
        let _ = self.0.send((container.to_owned(), run.to_owned(), outcome));
    }
}

/// What a test can set before the host is made.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) http: HttpConfig,
    pub(crate) cache: Option<std::path::PathBuf>,
    pub(crate) tokens: Option<Arc<dyn TokenSource>>,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) swap: SwapRules,
    pub(crate) breaker: BreakerRules,
    pub(crate) recorder: Option<Recorder>,
}

pub(crate) struct World {
    pub(crate) host: BackendHost,
    pub(crate) settings: Settings,
    pub(crate) outcomes: mpsc::UnboundedReceiver<(String, String, Outcome)>,
}

impl Setup {
    /// A backend that asks for these hosts, under a policy that grants these rules.
    pub(crate) fn hosts(mut self, hosts: &str, rules: &[&str]) -> Self {
        self.config.insert("SOCKERLESS_TEST_HOSTS".into(), hosts.into());
        self.policy.hosts = Some(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        self
    }

    pub(crate) fn world(self) -> World {
        let (sender, outcomes) = mpsc::unbounded_channel();
        let services = Services {
            daemon: "this-daemon".into(),
            agents: Arc::new(Agents),
            outcomes: Arc::new(Sink(sender)),
            tokens: self.tokens,
        };
        let engine = EngineConfig { instances: 64, ..EngineConfig::default() };
        // Compiling takes long where the compiler itself is not optimised: the tests share what they compile.
        let shared = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let config = HostConfig {
            engine,
            cache: self.cache.or_else(|| Some(shared())),
            http: self.http,
            recorder: self.recorder,
            ..HostConfig::default()
        };
        let host = BackendHost::new(config, services).unwrap();
        World {
            host,
            settings: Settings {
                config: Arc::new(self.config),
                policy: self.policy,
                limits: self.limits,
                swap: self.swap,
                breaker: self.breaker,
            },
            outcomes,
        }
    }

    /// The host with the well-behaved guest in it.
    pub(crate) async fn serving(self) -> (World, Arc<dyn Backend>) {
        let world = self.world();
        world.load(crate::guest::guest()).await.unwrap();
        let backend = world.host.default_backend().unwrap();
        (world, backend)
    }
}

impl World {
    pub(crate) async fn load(&self, component: impl Into<Bytes>) -> Result<LoadOutcome, LoadError> {
        self.load_with(component, vec![]).await
    }

    pub(crate) async fn load_with(
        &self,
        component: impl Into<Bytes>,
        live: Vec<Container>,
    ) -> Result<LoadOutcome, LoadError> {
        let request = LoadRequest { component: component.into(), name: None, digest: None };
        self.host.load(request, &self.settings, &live, &()).await
    }

    /// Whether the backend `guest` still works.
    pub(crate) async fn still_serves(&self) {
        let backend = self.host.backend("guest").unwrap();
        let handle = backend.create(container("fine", &[], &[]), "key".into()).await.unwrap();
        assert_eq!(handle.data, b"fine");
    }
}

pub(crate) fn container(name: &str, command: &[&str], environment: &[&str]) -> Container {
    let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
    Container {
        id: "c0ffee".repeat(11)[..64].to_owned(),
        name: name.into(),
        image: "alpine".into(),
        command: list(command),
        environment: list(environment),
        spec: "{}".into(),
        handle: None,
    }
}

/// What `create` answers for a container of this kind.
pub(crate) async fn act(backend: &Arc<dyn Backend>, name: &str, command: &[&str], environment: &[&str]) -> String {
    match backend.create(container(name, command, environment), "key".into()).await {
        Ok(handle) => String::from_utf8(handle.data).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}
