//! `host`: whom a backend works for.

use crate::bindings::sockerless::backend::host::Host;
use crate::state::CallState;
use crate::tape::taped;

impl Host for CallState {
    async fn id(&mut self) -> wasmtime::Result<String> {
        Ok(taped!(self, "host.id", {}, {
            self.host_call()?;
            self.context.shared.daemon.to_string()
        }))
    }
}
