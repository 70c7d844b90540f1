//! `config`: the keys that the descriptor declares, and no others.

use crate::bindings::sockerless::backend::config::Host;
use crate::state::CallState;

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.host_call()?;
        self.spent.asked_config = true;
        Ok(self.context.config.get(&key).cloned())
    }
}
