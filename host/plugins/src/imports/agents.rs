//! `agents`: the broker that the daemon gave.

use std::time::Duration;

use sockerless_backend as contract;

use crate::bindings::sockerless::backend::agents::{AgentError, AgentSetup, Host};
use crate::context::Context;
use crate::egress::may_dial;
use crate::state::CallState;

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
    fn agent_call(&mut self) -> Result<(), AgentError> {
        self.host_call().map_err(|error| AgentError::Other(error.to_string()))
    }

    fn provision_of(setup: contract::Provision) -> AgentSetup {
        let contract::Provision { environment, startup, invocation_path, exit_code_header } = setup;
        AgentSetup { environment, startup, invocation_path, exit_code_header }
    }
}

impl Host for CallState {
    async fn provision(&mut self, container: String) -> wasmtime::Result<Result<Option<AgentSetup>, AgentError>> {
        if let Err(error) = self.agent_call() {
            return Ok(Err(error));
        }
        let setup = self.context.shared.agents.provision(&container).await;
        Ok(setup.map(|setup| setup.map(Self::provision_of)).map_err(Into::into))
    }

    async fn prepare(&mut self, container: String, run: String) -> wasmtime::Result<Result<(), AgentError>> {
        if let Err(error) = self.agent_call() {
            return Ok(Err(error));
        }
        Ok(self.context.shared.agents.prepare(&container, &run).await.map_err(Into::into))
    }

    async fn await_connect(
        &mut self,
        container: String,
        run: String,
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<(), AgentError>> {
        if let Err(error) = self.agent_call() {
            return Ok(Err(error));
        }
        let timeout = Duration::from_millis(timeout_ms.into());
        Ok(self.context.shared.agents.await_connect(&container, &run, timeout).await.map_err(Into::into))
    }

    async fn answered(&mut self, container: String, run: String) -> wasmtime::Result<Option<u16>> {
        self.host_call()?;
        Ok(self.context.shared.agents.answered(&container, &run))
    }

    async fn connected(&mut self, container: String) -> wasmtime::Result<bool> {
        self.host_call()?;
        Ok(self.context.shared.agents.connected(&container))
    }

    async fn disconnect(&mut self, container: String) -> wasmtime::Result<Result<(), AgentError>> {
        if let Err(error) = self.agent_call() {
            return Ok(Err(error));
        }
        Ok(self.context.shared.agents.disconnect(&container).await.map_err(Into::into))
    }

    async fn reachable_at(&mut self, container: String, url: String) -> wasmtime::Result<Result<(), AgentError>> {
        if let Err(error) = self.agent_call() {
            return Ok(Err(error));
        }
        if let Err(error) = may_dial(&url, &self.context.grants) {
            return Ok(Err(AgentError::Other(error.to_string())));
        }
        let Context { backend, shared, .. } = &*self.context;
        Ok(shared.agents.reachable_at(backend, &container, &url).await.map_err(Into::into))
    }
}
