//! `clock`: the time, and waiting for it.

use std::time::Duration;

use crate::bindings::sockerless::backend::clock::{Host, Timestamp};
use crate::convert::timestamp;
use crate::state::CallState;

impl Host for CallState {
    async fn now(&mut self) -> wasmtime::Result<Timestamp> {
        self.host_call()?;
        Ok(timestamp(self.context.shared.clock.now()))
    }

    async fn sleep(&mut self, milliseconds: u64) -> wasmtime::Result<()> {
        self.host_call()?;
        // The call's deadline ends a longer one.
        self.context.shared.clock.sleep(Duration::from_millis(milliseconds)).await;
        Ok(())
    }
}
