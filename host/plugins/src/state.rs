//! What the host keeps for one call: it lives as long as the instance.

use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::context::Context;
use crate::label::Label;
use crate::memory::MemoryLimiter;
use crate::meter::Meter;
use crate::stdio::Captured;
use crate::tape::Tape;
use crate::text::TARGET;

/// More resources (streams, credentials, …) than this a call does not hold.
const MAX_RESOURCES: usize = 10_000;

pub(crate) struct CallState {
    wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimiter,
    pub(crate) meter: Arc<Meter>,
    pub(crate) context: Arc<Context>,
    pub(crate) label: Label,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    /// When the call ends, whatever it is doing.
    pub(crate) deadline: Instant,
    pub(crate) spent: Spent,
    pub(crate) tape: Tape,
}

/// What a call has used up.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    pub(crate) host_calls: u64,
    pub(crate) http_bytes: u64,
    /// Streams that it has begun.
    pub(crate) opened: u32,
    pub(crate) log_events: u32,
    pub(crate) log_dropped: u32,
    /// Whether it has asked for its configuration.
    pub(crate) asked_config: bool,
}

/// The call has used up its number of host calls.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("it made more than {limit} calls of the host")]
pub(crate) struct TooManyHostCalls {
    pub(crate) limit: u64,
}

impl CallState {
    pub(crate) fn new(context: Arc<Context>, label: Label, meter: Arc<Meter>, deadline: Instant, tape: Tape) -> Self {
        let limits = &context.limits;
        let stdout = Captured::new(label.clone(), "stdout", limits.stdio_bytes);
        let stderr = Captured::new(label.clone(), "stderr", limits.stdio_bytes);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stdout.clone())
            .stderr(stderr.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        tape.provide(&mut wasi);
        let wasi = wasi.build();
        let memory = MemoryLimiter::new(limits.memory_bytes);
        Self { wasi, table, memory, meter, context, label, stdout, stderr, deadline, spent: Spent::default(), tape }
    }

    /// Counts a call of an import.
    pub(crate) fn host_call(&mut self) -> Result<(), TooManyHostCalls> {
        let limit = self.context.limits.host_calls;
        if self.spent.host_calls >= limit {
            return Err(TooManyHostCalls { limit });
        }
        self.spent.host_calls += 1;
        Ok(())
    }

    /// Writes what is left to write when the call has ended.
    pub(crate) fn finish(&self) {
        self.stdout.finish();
        self.stderr.finish();
        if self.spent.log_dropped > 0 {
            let Label { backend, call, container, .. } = &self.label;
            tracing::warn!(
            target: TARGET, backend = &**backend,
                           call,
                           container,
                           "dropped {} log events beyond the limit of a call",
                           self.spent.log_dropped
                       );
        }
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
