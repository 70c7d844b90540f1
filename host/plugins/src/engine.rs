//! The wasmtime engine: one in a process.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::PluginWithEverything;
use crate::error::EngineError;
use crate::state::CallState;
use crate::ticker::Ticker;

/// Sizes of the pool from which instances are taken.
///
/// The pool reserves address space, 4 GiB for each memory, and no memory before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Takes instances from a pool. Without it each is allocated anew: slower, but works where the address space is
    /// limited.
    pub pooling: bool,
    /// Calls that can be under way at once, over all backends.
    pub instances: u32,
    /// Largest linear memory, in bytes; [`Limits::memory_bytes`](crate::Limits) of a backend cannot be more.
    pub max_memory_bytes: usize,
    /// The guest's stack, in bytes.
    pub stack_bytes: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { pooling: true, instances: 1_500, max_memory_bytes: 1 << 30, stack_bytes: 1 << 20 }
    }
}

/// Compiles components and holds what their instances live in. Cheap to clone; one in a process suffices.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Arc<Linker<CallState>>,
    pub(crate) ticker: Arc<Ticker>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Room on a fiber's stack for the host functions that run on it, beyond the guest's own.
const HOST_STACK_BYTES: usize = 1 << 20;

impl Engine {
    /// Makes the engine, links the host's imports and starts the ticker.
    ///
    /// Where the pool's address space is not to be had (a container with a limit of virtual memory) it goes on
    /// without a pool, and says so in the log.
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let wasmtime = match wasmtime::Engine::new(&settings(config, config.pooling)) {
            Ok(engine) => engine,
            Err(error) if config.pooling => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "cannot reserve the pool of instances; each will be allocated by itself, which is slower"
                );
                wasmtime::Engine::new(&settings(config, false)).map_err(EngineError::new)?
            }
            Err(error) => return Err(EngineError::new(error)),
        };
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(EngineError::new)?;
        PluginWithEverything::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)
            .map_err(EngineError::new)?;
        let ticker = Ticker::start(wasmtime.weak()).map_err(|error| EngineError::new(error.into()))?;
        Ok(Self { wasmtime, linker: Arc::new(linker), ticker: Arc::new(ticker) })
    }
}

fn settings(config: &EngineConfig, pooling: bool) -> Config {
    let mut settings = Config::new();
    settings
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(config.stack_bytes)
        .async_stack_size(config.stack_bytes.saturating_add(HOST_STACK_BYTES));
    if pooling {
        let mut pool = PoolingAllocationConfig::new();
        // A component brings a few core instances with it (the module, and shims around it), and each may have a
        // memory and tables: QuickJS has three memories, Python's runtime some ten instances.
        let several = |factor: u32| config.instances.saturating_mul(factor);
        pool.total_component_instances(config.instances)
            .total_stacks(config.instances)
            .total_core_instances(several(8))
            .total_memories(several(2))
            .total_tables(several(4))
            .max_memory_size(config.max_memory_bytes)
            .table_elements(50_000)
            .max_core_instance_size(4 << 20)
            .max_component_instance_size(16 << 20)
            // Small instances are reset by writing zeroes, which is quicker than giving their pages back.
            .linear_memory_keep_resident(64 << 10)
            .table_keep_resident(16 << 10)
            .max_unused_warm_slots(64);
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    } else {
        // Without a pool each reservation is a mapping of its own, of which Linux allows some 65,000.
        settings.memory_reservation(0).memory_guard_size(64 << 10);
    }
    settings
}
