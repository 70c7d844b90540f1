//! The agents, and where outcomes of dispatched requests go.

use std::time::Duration;

use async_trait::async_trait;
use sockerless_backend::types::Outcome;
use sockerless_backend::{AgentBroker, AgentError, OutcomeSink, Provision};

use super::{AGENT_SECRET, Act, Agents, EXIT_CODE, Shared};

#[async_trait]
impl AgentBroker for Shared {
    async fn provision(&self, container: &str) -> Result<Option<Provision>, AgentError> {
        self.0.act(Act::Provisioned);
        if self.0.state().agents == Agents::None {
            return Ok(None);
        }
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Ok(Some(Provision {
            environment: vec![
                pair("SOCKERLESS_AGENT_TOKEN", AGENT_SECRET),
                pair("SOCKERLESS_CONTAINER_ID", container),
                pair("SOCKERLESS_AGENT_CALLBACK_URL", "wss://sockerless.example"),
                pair("SOCKERLESS_AGENT_SPEC", "e30"),
            ],
            startup: ["sockerless-agent", "run", "--"].map(str::to_owned).to_vec(),
            invocation_path: "/api/function".to_owned(),
            exit_code_header: EXIT_CODE.to_owned(),
        }))
    }

    async fn prepare(&self, _container: &str, run: &str) -> Result<(), AgentError> {
        self.0.act(Act::Prepared { run: run.to_owned() });
        Ok(())
    }

    async fn await_connect(&self, _container: &str, run: &str, timeout: Duration) -> Result<(), AgentError> {
        let prepared = self.0.acts().iter().any(|act| matches!(act, Act::Prepared { run: known } if known == run));
        if !prepared {
            return Err(AgentError::NotPrepared(run.to_owned()));
        }
        if self.0.state().agents == Agents::Connect {
            self.0.state().connected = true;
            return Ok(());
        }
        self.0.pass(timeout).await;
        Err(AgentError::Timeout(format!("no agent has connected within {} s", timeout.as_secs())))
    }

    fn answered(&self, _container: &str, _run: &str) -> Option<u16> {
        self.0.state().outcomes.last()?.as_ref().ok().map(|response| response.status)
    }

    fn connected(&self, _container: &str) -> bool {
        self.0.state().connected
    }

    async fn disconnect(&self, _container: &str) -> Result<(), AgentError> {
        self.0.act(Act::Disconnected);
        self.0.state().connected = false;
        Ok(())
    }

    async fn reachable_at(&self, _backend: &str, _container: &str, _url: &str) -> Result<(), AgentError> {
        // Agents dial here, and a host that they dial takes no note.
        Ok(())
    }

    async fn invocation_key(&self, _container: &str) -> Result<String, AgentError> {
        self.0.act(Act::Keyed);
        Ok(AGENT_SECRET.to_owned())
    }
}

#[async_trait]
impl OutcomeSink for Shared {
    async fn dispatched(&self, _container: &str, _run: &str, outcome: Outcome) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        state.outcomes.push(outcome);
        self.0.ended.notify_one();
    }
}
