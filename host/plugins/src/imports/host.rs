//! `host`: whom a backend works for.

use crate::bindings::sockerless::backend::host::Host;
use crate::state::CallState;

impl Host for CallState {
    async fn id(&mut self) -> wasmtime::Result<String> {
        self.host_call()?;
        Ok(self.context.shared.daemon.to_string())
    }
}
