//! `clock`: the time, and waiting for it.

use std::time::Duration;

use crate::bindings::sockerless::backend::clock::{Host, Timestamp};
use crate::convert::timestamp;
use crate::state::CallState;
use crate::tape::taped;

impl Host for CallState {
    async fn now(&mut self) -> wasmtime::Result<Timestamp> {
        let (seconds, nanoseconds) = taped!(self, "clock.now", {}, {
            self.host_call()?;
            let Timestamp { seconds, nanoseconds } = timestamp(self.context.shared.clock.now());
            (seconds, nanoseconds)
        });
        Ok(Timestamp { seconds, nanoseconds })
    }

    async fn sleep(&mut self, milliseconds: u64) -> wasmtime::Result<()> {
        taped!(self, "clock.sleep", { milliseconds }, {
            self.host_call()?;
            // The call's deadline ends a longer one.
            self.context.shared.clock.sleep(Duration::from_millis(milliseconds)).await;
        });
        Ok(())
    }
}
