//! What the daemon must not forget.
//!
//! The engine keeps its state in memory and writes every change through a [`Store`] *before* it acts on it or
//! answers for it: an intent is here before the request that costs money leaves, and the result is here before Docker's
//! client hears of it. The store knows nothing of what it keeps: records are the engine's, as JSON, by kind and id.
//!
//! - [`Store`], [`Change`], [`Kind`]: the interface.
//! - [`SqliteStore`]: one file, one writing thread, one transaction for whatever waits.
//! - [`MemoryStore`]: for tests of what is above.

#![forbid(unsafe_code)]

mod memory;
mod schema;
mod sqlite;
mod store;
mod trouble;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
pub use store::{Change, Kind, Record, Store, StoreError};
