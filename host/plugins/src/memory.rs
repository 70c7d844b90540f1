//! How much memory an instance may take.

use wasmtime::ResourceLimiter;

/// The guest asked for more memory than it may have.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the guest asked for more than {limit} bytes of memory")]
pub(crate) struct TooMuchMemory {
    pub(crate) limit: usize,
}

const TABLE_ELEMENTS: usize = 50_000;
const INSTANCES: usize = 100;
const TABLES: usize = 100;
const MEMORIES: usize = 16;

/// Counts all memories of a store together, and ends the call at the limit.
///
/// A refused growth could be left to the guest, as WebAssembly has it: but no language's runtime goes on from there, most
/// abort without a word, and some try for ever. So it ends here, with the reason.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: usize,
    used: usize,
    last: usize,
}

impl MemoryLimiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: 0, last: 0 }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let used = self.used.saturating_add(more);
        if used > self.limit {
            return Err(TooMuchMemory { limit: self.limit }.into());
        }
        self.used = used;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
        Ok(())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}
