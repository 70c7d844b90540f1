//! What a container uses at one moment. Counters count from the start of the container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One reading.
///
/// From the container's cgroup where the agent can read it, else added up over its processes in `/proc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// RFC 3339, by the container's clock.
    pub time: String,
    /// CPU time of the container, in nanoseconds.
    pub cpu_total: u64,
    /// Of that, in user mode.
    pub cpu_user: u64,
    /// Of that, in the kernel.
    pub cpu_kernel: u64,
    /// CPU time of all processors of the machine, in nanoseconds: what `cpu_total` is a share of.
    pub cpu_machine: u64,
    /// Processors that the container may use.
    pub cpus: u32,
    /// Memory in use, in bytes.
    pub memory: u64,
    /// Most memory that the container may use, in bytes.
    pub memory_limit: u64,
    /// Parts of the memory, by the kernel's names for them: `anon`, `file`, `inactive_file`, …
    pub memory_parts: BTreeMap<String, u64>,
    /// Processes and threads.
    pub pids: u64,
    /// Most of them that there may be, if there is a limit.
    pub pids_limit: Option<u64>,
    /// Bytes read from block devices.
    pub block_read: u64,
    /// Bytes written to block devices.
    pub block_written: u64,
    /// By interface, the loopback one left out.
    pub networks: BTreeMap<String, Network>,
}

/// One network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the kernel's names for its counters")]
pub struct Network {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
}
