//! What all calls of one generation of a backend share.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sockerless_backend::{AgentBroker, OutcomeSink};
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::breaker::{BreakerRules, ServiceChange};
use crate::clock::Clock;
use crate::credentials::TokenCache;
use crate::dispatch::Dispatcher;
use crate::egress::HttpClient;
use crate::label::Label;
use crate::limits::{Export, Limits};
use crate::policy::Grants;
use crate::tape::Tapes;
use crate::watch::SwapRules;

/// What the host gives to every backend.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The id of the daemon.
    pub(crate) daemon: Arc<str>,
    pub(crate) agents: Arc<dyn AgentBroker>,
    pub(crate) outcomes: Arc<dyn OutcomeSink>,
    pub(crate) tokens: Option<Arc<TokenCache>>,
    pub(crate) http: Arc<HttpClient>,
    /// For requests that the host performs by itself.
    pub(crate) dispatch_http: Arc<HttpClient>,
    /// For the WebSockets that it opens.
    pub(crate) upgrade_http: Arc<HttpClient>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Who is told that a backend is out of service, or back.
    pub(crate) service: broadcast::Sender<ServiceChange>,
    pub(crate) tapes: Tapes,
}

/// What one generation may do, and with what.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) backend: Arc<str>,
    pub(crate) grants: Grants,
    /// Values of the keys that the descriptor declares. Holds secrets.
    pub(crate) config: BTreeMap<String, String>,
    /// Those of the values that are declared secret.
    pub(crate) secrets: Arc<[String]>,
    pub(crate) limits: Limits,
    pub(crate) swap: SwapRules,
    pub(crate) breaker: BreakerRules,
    /// Ends the calls that are still under way long after another version has taken over.
    pub(crate) interrupted: CancellationToken,
    /// A permit for each call under way.
    pub(crate) places: Arc<Semaphore>,
    /// A permit for each call that waits for one of those.
    pub(crate) waiting: Arc<Semaphore>,
    /// A permit for each dispatched request under way.
    pub(crate) dispatches: Arc<Semaphore>,
    pub(crate) shared: Shared,
}

impl Context {
    /// The arguments of an export, where calls are recorded.
    pub(crate) fn recorded(&self, arguments: impl FnOnce() -> Value) -> Option<Value> {
        matches!(self.shared.tapes, Tapes::Recorder(_)).then(arguments)
    }

    /// What a call of this generation is called.
    pub(crate) fn label(&self, export: Export, container: Option<&str>) -> Label {
        Label {
            backend: Arc::clone(&self.backend),
            call: export.name(),
            container: container.map(str::to_owned),
            secrets: Arc::clone(&self.secrets),
        }
    }
}
