//! The parts of the agent that read and write bytes of others: files as archives, and the output of processes.
//!
//! The agent itself is the binary of this package. These are a library so that they can be fuzzed.

pub mod archive;
pub mod spool;
