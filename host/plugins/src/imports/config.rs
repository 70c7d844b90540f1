//! `config`: the keys that the descriptor declares, and no others.

use crate::bindings::sockerless::backend::config::Host;
use crate::state::CallState;
use crate::tape::taped;

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.spent.asked_config = true;
        Ok(taped!(self, "config.get", { key }, {
            self.host_call()?;
            self.context.config.get(&key).cloned()
        }))
    }
}
