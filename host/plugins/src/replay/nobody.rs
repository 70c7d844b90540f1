//! Who answers what a replay does not: nobody. A tape answers every import before it does anything, and if one did not, nothing would leave
//! the machine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sockerless_backend::types::{Outcome, Response};
use sockerless_backend::{AgentBroker, AgentError, HttpError, OutcomeSink, Provision};
use tokio::sync::broadcast;
use url::Url;

use crate::clock::SystemClock;
use crate::context::Shared;
use crate::dispatch::Dispatcher;
use crate::egress::{Connections, HttpClient, HttpConfig, Transport, Transported};
use crate::error::EngineError;
use crate::tape::Tapes;

const NOTHING_THERE: &str = "a replay has no network and no agents";

pub(super) struct Nobody;

impl Nobody {
    /// What calls of a replay share.
    pub(super) fn shared() -> Result<Shared, EngineError> {
        let http = HttpConfig { transport: Some(Arc::new(Self)), ..HttpConfig::default() };
        Ok(Shared {
            daemon: "".into(),
            agents: Arc::new(Self),
            outcomes: Arc::new(Self),
            tokens: None,
            http: Arc::new(HttpClient::new(&http, Connections::Reused)?),
            dispatch_http: Arc::new(HttpClient::new(&http, Connections::Fresh)?),
            upgrade_http: Arc::new(HttpClient::new(&http, Connections::Upgraded)?),
            dispatcher: Arc::new(Dispatcher::default()),
            clock: Arc::new(SystemClock),
            service: broadcast::Sender::new(1),
            tapes: Tapes::None,
        })
    }

    fn agent<T>() -> Result<T, AgentError> {
        Err(AgentError::Other(NOTHING_THERE.to_owned()))
    }
}

#[async_trait]
impl AgentBroker for Nobody {
    async fn provision(&self, _: &str) -> Result<Option<Provision>, AgentError> {
        Self::agent()
    }

    async fn prepare(&self, _: &str, _: &str) -> Result<(), AgentError> {
        Self::agent()
    }

    async fn await_connect(&self, _: &str, _: &str, _: Duration) -> Result<(), AgentError> {
        Self::agent()
    }

    fn answered(&self, _: &str, _: &str) -> Option<u16> {
        None
    }

    fn connected(&self, _: &str) -> bool {
        false
    }

    async fn disconnect(&self, _: &str) -> Result<(), AgentError> {
        Self::agent()
    }

    async fn reachable_at(&self, _: &str, _: &str, _: &str) -> Result<(), AgentError> {
        Self::agent()
    }

    async fn invocation_key(&self, _: &str) -> Result<String, AgentError> {
        Self::agent()
    }
}

#[async_trait]
impl OutcomeSink for Nobody {
    async fn dispatched(&self, _: &str, _: &str, _: Outcome) {}
}

#[async_trait]
impl Transport for Nobody {
    fn dispatched(&self, _: &Url) {}

    async fn perform(&self, _: Transported<'_>) -> Result<Response, HttpError> {
        Err(HttpError::Denied(NOTHING_THERE.to_owned()))
    }
}
