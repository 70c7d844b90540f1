//! What the engine gives to backends: the agents of its containers, and a place for the outcomes of their requests.
//!
//! Made before the engine and before any backend, so that each of them can be given to the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sockerless_agent_protocol::{env, headers, paths, token::AgentToken};
use sockerless_agents::{AgentDialler, AgentRegistry};
use sockerless_backend::types::Outcome;
use sockerless_backend::{AgentBroker, AgentError, OutcomeSink, Provision};
use sockerless_store::{Change, Kind, Store};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::backup;
use crate::dial::{AgentLink, ByBackend, Dialled};
use crate::engine::Backends;
use crate::error::Result;
use crate::record::ContainerRecord;
use crate::run::Control;
use crate::spec;

/// How long the agent may still take to accept a run after its invocation has failed: the response may be lost
/// and the invocation not.
const AFTER_FAILURE: Duration = Duration::from_secs(3);

/// What the host keeps to recognise the agent of a container, and to be recognised by it. Neither gives away the token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AgentSecret {
    /// Of the token with which the agent dials in.
    pub(crate) callback_hash: String,
    /// With which the host invokes the agent.
    pub(crate) invocation_key: String,
    /// Absent: the agent dials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialled: Option<Dialled>,
}

impl AgentSecret {
    /// `dialled`: the agent does not dial.
    fn of(token: &AgentToken, dialled: bool) -> Self {
        Self {
            callback_hash: token.callback_hash(),
            invocation_key: token.invocation_key(),
            dialled: dialled.then(|| Dialled::by(token.dial_key())),
        }
    }
}

struct ActiveRun {
    id: String,
    outcome: watch::Sender<Option<Outcome>>,
    disconnected: CancellationToken,
}

#[derive(Default)]
struct State {
    /// By id, from before a container is made.
    expected: HashMap<String, ContainerRecord>,
    secrets: HashMap<String, AgentSecret>,
    runs: HashMap<String, ActiveRun>,
}

/// The agents and outcomes of all containers.
pub struct Services {
    store: Arc<dyn Store>,
    registry: AgentRegistry,
    agents: Agents,
    /// Set once there are backends by whose rules agents can be dialled.
    dialler: OnceLock<AgentDialler>,
    link: AgentLink,
    state: Mutex<State>,
}

impl Services {
    /// `link`: how new containers find this daemon, or are found by it. Those that are there keep the way with which they were made.
    pub fn new(store: Arc<dyn Store>, registry: AgentRegistry, link: AgentLink) -> Arc<Self> {
        let agents = Agents::new(registry.clone());
        Arc::new(Self { store, registry, agents, dialler: OnceLock::new(), link, state: Mutex::default() })
    }

    /// Begins to dial the agents that are to be dialled.
    pub(crate) fn begin_dialling(&self, backends: Arc<dyn Backends>) {
        self.dialler.get_or_init(|| AgentDialler::new(self.registry.clone(), Arc::new(ByBackend(backends))));
        let containers: Vec<String> = self.lock().secrets.keys().cloned().collect();
        for container in containers {
            self.dial(&container);
        }
    }

    /// Cuts the links to the agents that are dialled.
    pub(crate) async fn end_dialling(&self) {
        if let Some(dialler) = self.dialler.get() {
            dialler.shutdown().await;
        }
    }

    /// Keeps a link to a container's agent from now on, if it is dialled and it is known where.
    fn dial(&self, container: &str) {
        let address = self.lock().secrets.get(container).and_then(|secret| secret.dialled.as_ref()?.address());
        if let (Some(dialler), Some(address)) = (self.dialler.get(), address) {
            dialler.keep(container, address);
        }
    }

    async fn save(&self, container: &str, secret: &AgentSecret) -> Result<(), AgentError> {
        let body = serde_json::to_string(secret).map_err(|error| AgentError::Other(error.to_string()))?;
        let saved = self.store.apply(vec![Change::put(Kind::Agent, container, body)]).await;
        saved.map_err(|error| AgentError::Other(error.to_string()))
    }

    pub(crate) fn registry(&self) -> &AgentRegistry {
        &self.registry
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a container that is about to be made, or was found in the store.
    pub(crate) fn expect(&self, record: &ContainerRecord) {
        self.lock().expected.insert(record.id.clone(), record.clone());
    }

    /// Takes an agent for that of a container again, by the token that it was given; one that is `dialled` when the backend has told
    /// where.
    pub(crate) async fn recognise(&self, container: &str, token: &AgentToken, dialled: bool) -> Result<(), AgentError> {
        let secret = AgentSecret::of(token, dialled);
        self.save(container, &secret).await?;
        self.registry.register(container, &secret.callback_hash);
        self.lock().secrets.insert(container.to_owned(), secret);
        Ok(())
    }

    /// Takes up the secrets that were stored.
    pub(crate) async fn restore(&self) -> Result<()> {
        for record in self.store.all(Kind::Agent).await? {
            match serde_json::from_str::<AgentSecret>(&record.body) {
                Ok(secret) => {
                    self.registry.register(&record.id, &secret.callback_hash);
                    self.lock().secrets.insert(record.id, secret);
                }
                Err(error) => {
                    tracing::error!(container = %record.id, %error, "the stored secret of an agent is unreadable: its container cannot be reached");
                }
            }
        }
        Ok(())
    }

    /// A container is gone.
    pub(crate) fn forget(&self, container: &str) {
        let mut state = self.lock();
        state.expected.remove(container);
        state.secrets.remove(container);
        state.runs.remove(container);
        drop(state);
        if let Some(dialler) = self.dialler.get() {
            dialler.forget(container);
        }
        self.registry.forget(container);
    }

    /// A run is about to be asked for.
    pub(crate) fn begin(&self, container: &str, run: &str) -> Control {
        let (outcome, watched) = watch::channel(None);
        let disconnected = CancellationToken::new();
        let active = ActiveRun { id: run.to_owned(), outcome, disconnected: disconnected.clone() };
        self.lock().runs.insert(container.to_owned(), active);
        Control { outcome: watched, disconnected }
    }

    /// The run is over.
    pub(crate) fn end(&self, container: &str) {
        self.lock().runs.remove(container);
        self.agents.run_ended(container);
    }

    /// Ends the run of a container, if one is under way: kills its processes if the agent can be reached, and cuts the link.
    pub(crate) async fn disconnect_run(&self, container: &str) {
        let Some((run, disconnected)) =
            self.lock().runs.get(container).map(|run| (run.id.clone(), run.disconnected.clone()))
        else {
            return;
        };
        if self.registry.connected(container)
            && let Err(error) = self.agents.signal(container, &run, "SIGKILL").await
        {
            tracing::warn!(container, %error, "the agent could not be told to kill the processes");
        }
        disconnected.cancel();
    }

    /// Whether the run that is under way has been cut off, and only its end is not written yet.
    pub(crate) fn is_cut(&self, container: &str) -> bool {
        self.lock().runs.get(container).is_some_and(|run| run.disconnected.is_cancelled())
    }

    fn outcome_of(&self, container: &str, run: &str) -> Option<watch::Receiver<Option<Outcome>>> {
        self.lock().runs.get(container).filter(|active| active.id == run).map(|active| active.outcome.subscribe())
    }
}

#[async_trait]
impl AgentBroker for Services {
    async fn provision(&self, container: &str) -> Result<Option<Provision>, AgentError> {
        let link = match &self.link {
            AgentLink::None => return Ok(None),
            AgentLink::Callback(url) => (env::CALLBACK_URL.to_owned(), url.clone()),
            AgentLink::Dial => (env::LINK.to_owned(), env::LINK_DIAL.to_owned()),
        };
        let expected = self.lock().expected.get(container).cloned();
        let record = expected.ok_or_else(|| AgentError::UnknownContainer(container.to_owned()))?;
        let token = AgentToken::generate().map_err(|error| AgentError::Other(error.to_string()))?;
        let secret = AgentSecret::of(&token, self.link == AgentLink::Dial);
        self.save(container, &secret).await?;
        self.registry.register(container, &secret.callback_hash);
        self.lock().secrets.insert(container.to_owned(), secret);
        let mut environment = vec![
            (env::TOKEN.to_owned(), token.expose().to_owned()),
            (env::CONTAINER_ID.to_owned(), container.to_owned()),
            link,
            (env::SPEC.to_owned(), spec::process(&record).encode()),
        ];
        // For a daemon that has lost it.
        environment.extend(backup::encode(&record).map(|record| (env::RECORD.to_owned(), record)));
        Ok(Some(Provision {
            environment,
            startup: ["sockerless-agent", "run", "--"].map(str::to_owned).to_vec(),
            invocation_path: paths::INVOCATION.to_owned(),
            exit_code_header: headers::EXIT_CODE.to_owned(),
        }))
    }

    async fn prepare(&self, container: &str, run: &str) -> Result<(), AgentError> {
        match self.lock().runs.get(container) {
            Some(active) if active.id == run => {
                // Of an invocation that is sent again only the last one counts.
                active.outcome.send_replace(None);
                if let Some(dialler) = self.dialler.get() {
                    dialler.hurry(container);
                }
                Ok(())
            }
            Some(_) => Err(AgentError::NotPrepared(run.to_owned())),
            None => Err(AgentError::UnknownContainer(container.to_owned())),
        }
    }

    async fn await_connect(&self, container: &str, run: &str, limit: Duration) -> Result<(), AgentError> {
        let lost = self.lock().secrets.get(container).and_then(|secret| secret.dialled.as_ref().map(Dialled::address));
        if let Some(None) = lost {
            return Err(AgentError::Failed(
                "the daemon is to dial the agent, and the backend has not told where: it was built for daemons that agents dial. Set \
                 SOCKERLESS_AGENT_LINK=callback, and create the container again"
                    .to_owned(),
            ));
        }
        let mut outcome = self.outcome_of(container, run).ok_or_else(|| AgentError::NotPrepared(run.to_owned()))?;
        // The request may have ended before it is waited for.
        outcome.mark_changed();
        let mut accepted = std::pin::pin!(self.agents.accepted(container, run));
        let mut deadline = Instant::now() + limit;
        let mut failure: Option<String> = None;
        loop {
            tokio::select! {
                result = &mut accepted => return result.map_err(|error| AgentError::Failed(error.message)),
                () = tokio::time::sleep_until(deadline) => return Err(match failure {
                    Some(text) => AgentError::Failed(text),
                    None => {
                        let why = self.registry.why_missed(container).filter(|_| !self.registry.connected(container));
                        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                        AgentError::Timeout(format!("the agent did not connect and accept the run within {} s{why}", limit.as_secs()))
                    }
                }),
                Ok(()) = outcome.changed(), if failure.is_none() => {
                    let text = match &*outcome.borrow_and_update() {
                        Some(Ok(response)) if response.status >= 400 => {
                            Some(format!("the invocation was answered with status {}{}", response.status, excerpt(&response.body)))
                        }
                        Some(Err(error)) => Some(format!("the invocation failed: {error}")),
                        Some(Ok(_)) | None => None,
                    };
                    if text.is_some() {
                        deadline = deadline.min(Instant::now() + AFTER_FAILURE);
                        failure = text;
                    }
                }
            }
        }
    }

    fn answered(&self, container: &str, run: &str) -> Option<u16> {
        match &*self.outcome_of(container, run)?.borrow() {
            Some(Ok(response)) => Some(response.status),
            Some(Err(_)) | None => None,
        }
    }

    fn connected(&self, container: &str) -> bool {
        self.registry.connected(container)
    }

    async fn disconnect(&self, container: &str) -> Result<(), AgentError> {
        self.disconnect_run(container).await;
        Ok(())
    }

    async fn reachable_at(&self, backend: &str, container: &str, url: &str) -> Result<(), AgentError> {
        let secret = self.lock().secrets.get(container).cloned();
        let secret = secret.ok_or_else(|| AgentError::UnknownContainer(container.to_owned()))?;
        // This one's agent dials.
        let Some(dialled) = secret.dialled.clone() else { return Ok(()) };
        let told = dialled.clone().at(backend, url);
        if told != dialled {
            let secret = AgentSecret { dialled: Some(told), ..secret };
            self.save(container, &secret).await?;
            self.lock().secrets.insert(container.to_owned(), secret);
        }
        self.dial(container);
        Ok(())
    }

    async fn invocation_key(&self, container: &str) -> Result<String, AgentError> {
        self.lock()
            .secrets
            .get(container)
            .map(|secret| secret.invocation_key.clone())
            .ok_or_else(|| AgentError::UnknownContainer(container.to_owned()))
    }
}

#[async_trait]
impl OutcomeSink for Services {
    async fn dispatched(&self, container: &str, run: &str, outcome: Outcome) {
        let state = self.lock();
        match state.runs.get(container).filter(|active| active.id == run) {
            Some(active) => {
                active.outcome.send_replace(Some(outcome));
            }
            None => tracing::debug!(container, run, "the outcome of a run that is over"),
        }
    }
}

/// The beginning of a response's body, for an error's text.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text: String = text.trim().chars().take(300).collect();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

#[cfg(test)]
mod tests {
    use sockerless_backend::types::Response;
    use sockerless_store::MemoryStore;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    /// With a container `c`, whose agent stays away.
    fn services() -> Arc<Services> {
        let services = Services::new(Arc::new(MemoryStore::default()), AgentRegistry::default(), AgentLink::None);
        services.registry().register("c", "hash");
        services
    }

    fn answer(status: u16) -> Outcome {
        Ok(Response { status, headers: Vec::new(), body: Vec::new() })
    }

    #[tokio::test]
    async fn an_invocation_that_failed_before_it_was_waited_for_is_seen() {
        let services = services();
        let _control = services.begin("c", "r");
        services.dispatched("c", "r", answer(503)).await;
        let Err(AgentError::Failed(text)) = services.await_connect("c", "r", SOON).await else { panic!() };
        assert!(text.contains("503"), "{text}");
    }

    #[tokio::test]
    async fn of_an_invocation_that_is_sent_again_only_the_last_one_counts() {
        let services = services();
        let control = services.begin("c", "r");
        services.prepare("c", "r").await.unwrap();
        assert_eq!(services.answered("c", "r"), None);
        services.dispatched("c", "r", answer(503)).await;
        assert_eq!(services.answered("c", "r"), Some(503));
        services.prepare("c", "r").await.unwrap();
        assert_eq!((services.answered("c", "r"), control.outcome.borrow().is_none()), (None, true));
        assert!(matches!(services.await_connect("c", "r", SOON).await, Err(AgentError::Timeout(_))));
        services.dispatched("c", "other", answer(502)).await;
        assert_eq!((services.answered("c", "r"), services.answered("c", "other")), (None, None));
    }
}
