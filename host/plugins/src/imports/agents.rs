//! `agents`: the broker that the daemon gave.

use std::sync::Arc;
use std::time::Duration;

use sockerless_backend::{self as contract, AgentBroker};

use crate::bindings::sockerless::backend::agents::{AgentError, AgentSetup, Host};
use crate::egress::may_dial;
use crate::state::CallState;
use crate::tape::taped;

impl From<contract::AgentError> for AgentError {
    fn from(error: contract::AgentError) -> Self {
        match error {
            contract::AgentError::UnknownContainer(text) => Self::UnknownContainer(text),
            contract::AgentError::NotPrepared(text) => Self::NotPrepared(text),
            contract::AgentError::Timeout(text) => Self::Timeout(text),
            contract::AgentError::Failed(text) => Self::Failed(text),
            contract::AgentError::Other(text) => Self::Other(text),
        }
    }
}

impl CallState {
    fn agent_call(&mut self) -> Result<Arc<dyn AgentBroker>, contract::AgentError> {
        self.host_call().map_err(|error| contract::AgentError::Other(error.to_string()))?;
        Ok(Arc::clone(&self.context.shared.agents))
    }

    fn provision_of(setup: contract::Provision) -> AgentSetup {
        let contract::Provision { environment, startup, invocation_path, exit_code_header } = setup;
        AgentSetup { environment, startup, invocation_path, exit_code_header }
    }

    /// Takes note of an address that may be dialled.
    async fn note_address(&mut self, container: &str, url: &str) -> Result<(), contract::AgentError> {
        let agents = self.agent_call()?;
        may_dial(url, &self.context.grants).map_err(|error| contract::AgentError::Other(error.to_string()))?;
        agents.reachable_at(&self.context.backend, container, url).await
    }
}

impl Host for CallState {
    async fn provision(&mut self, container: String) -> wasmtime::Result<Result<Option<AgentSetup>, AgentError>> {
        let setup = taped!(self, "agents.provision", { container }, {
            match self.agent_call() {
                Ok(agents) => agents.provision(&container).await,
                Err(error) => Err(error),
            }
        });
        Ok(setup.map(|setup| setup.map(Self::provision_of)).map_err(Into::into))
    }

    async fn prepare(&mut self, container: String, run: String) -> wasmtime::Result<Result<(), AgentError>> {
        let prepared = taped!(self, "agents.prepare", { container, run }, {
            match self.agent_call() {
                Ok(agents) => agents.prepare(&container, &run).await,
                Err(error) => Err(error),
            }
        });
        Ok(prepared.map_err(Into::into))
    }

    async fn await_connect(
        &mut self,
        container: String,
        run: String,
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<(), AgentError>> {
        let connected = taped!(self, "agents.await-connect", { container, run, timeout_ms }, {
            match self.agent_call() {
                Ok(agents) => agents.await_connect(&container, &run, Duration::from_millis(timeout_ms.into())).await,
                Err(error) => Err(error),
            }
        });
        Ok(connected.map_err(Into::into))
    }

    async fn answered(&mut self, container: String, run: String) -> wasmtime::Result<Option<u16>> {
        Ok(taped!(self, "agents.answered", { container, run }, {
            self.host_call()?;
            self.context.shared.agents.answered(&container, &run)
        }))
    }

    async fn connected(&mut self, container: String) -> wasmtime::Result<bool> {
        Ok(taped!(self, "agents.connected", { container }, {
            self.host_call()?;
            self.context.shared.agents.connected(&container)
        }))
    }

    async fn disconnect(&mut self, container: String) -> wasmtime::Result<Result<(), AgentError>> {
        let disconnected = taped!(self, "agents.disconnect", { container }, {
            match self.agent_call() {
                Ok(agents) => agents.disconnect(&container).await,
                Err(error) => Err(error),
            }
        });
        Ok(disconnected.map_err(Into::into))
    }

    async fn reachable_at(&mut self, container: String, url: String) -> wasmtime::Result<Result<(), AgentError>> {
        let noted = taped!(self, "agents.reachable-at", { container, url }, self.note_address(&container, &url).await);
        Ok(noted.map_err(Into::into))
    }
}
