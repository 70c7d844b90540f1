//! What a container uses.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sockerless_agents::Sample;
use sockerless_docker::{
    BlkioEntry, BlkioStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, Stats, ThrottlingData, ZERO_TIME,
};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frames::ByteStream;
use crate::record::{ContainerRecord, Status};

/// Between two readings.
const INTERVAL: Duration = Duration::from_secs(1);

/// Which statistics a client wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatsOptions {
    /// Goes on for ever, a reading a second.
    pub stream: bool,
    /// One reading, without another before it for the CPU's share to be counted from.
    pub one_shot: bool,
}

impl Engine {
    /// The statistics of a container, an object a line.
    ///
    /// # Errors
    /// No such container; no agent.
    pub async fn stats(&self, reference: &str, options: StatsOptions) -> Result<ByteStream> {
        let cell = self.inner.containers.find(reference)?;
        if !options.stream {
            let before = if options.one_shot { None } else { self.reading(&cell.record()).await? };
            if before.is_some() {
                tokio::time::sleep(INTERVAL).await;
            }
            let record = cell.record();
            let line = line(&stats(&record, self.reading(&record).await?, before))?;
            return Ok(stream::once(async { Ok(line) }).boxed());
        }
        let engine = self.clone();
        let lines = stream::unfold((cell, None, true), move |(cell, before, first)| {
            let engine = engine.clone();
            async move {
                if !first {
                    tokio::time::sleep(INTERVAL).await;
                }
                let record = cell.record();
                if record.state.status == Status::Removed {
                    return None;
                }
                let after = match engine.reading(&record).await {
                    Ok(after) => after,
                    Err(error) => {
                        tracing::debug!(container = %record.id, %error, "no statistics");
                        None
                    }
                };
                let line = line(&stats(&record, after.clone(), before));
                Some((line, (cell, after, false)))
            }
        });
        Ok(lines.boxed())
    }

    /// Nothing of a container that does not run.
    async fn reading(&self, record: &ContainerRecord) -> Result<Option<Sample>> {
        match record.state.status {
            Status::Running | Status::Paused => self.inner.agents.sample(&record.id).await.map(Some),
            _ => Ok(None),
        }
    }
}

fn line(stats: &Stats) -> Result<Bytes> {
    let mut line = serde_json::to_vec(stats).map_err(|error| Error::internal(error.to_string()))?;
    line.push(b'\n');
    Ok(line.into())
}

fn stats(record: &ContainerRecord, after: Option<Sample>, before: Option<Sample>) -> Stats {
    let (name, id) = (format!("/{}", record.name), record.id.clone());
    let Some(after) = after else {
        return Stats { name, id, ..Stats::default() };
    };
    let entry = |op: &str, value| BlkioEntry { op: op.to_owned(), value, ..BlkioEntry::default() };
    let block = [entry("read", after.block_read), entry("write", after.block_written)];
    Stats {
        name,
        id,
        preread: before.as_ref().map_or_else(|| ZERO_TIME.to_owned(), |before| before.time.clone()),
        pids_stats: PidsStats { current: after.pids, limit: after.pids_limit.unwrap_or_default() },
        blkio_stats: BlkioStats {
            io_service_bytes_recursive: Some(if after.block_read + after.block_written > 0 {
                block.to_vec()
            } else {
                Vec::new()
            }),
            io_serviced_recursive: Some(Vec::new()),
            io_queue_recursive: Some(Vec::new()),
            io_service_time_recursive: Some(Vec::new()),
            io_wait_time_recursive: Some(Vec::new()),
            io_merged_recursive: Some(Vec::new()),
            io_time_recursive: Some(Vec::new()),
            sectors_recursive: Some(Vec::new()),
        },
        cpu_stats: cpu(&after),
        precpu_stats: before.as_ref().map(cpu).unwrap_or_default(),
        memory_stats: MemoryStats { usage: after.memory, stats: after.memory_parts.clone(), limit: after.memory_limit },
        networks: after.networks.iter().map(|(name, network)| (name.clone(), counters(*network))).collect(),
        read: after.time,
        ..Stats::default()
    }
}

fn cpu(sample: &Sample) -> CpuStats {
    CpuStats {
        cpu_usage: CpuUsage {
            total_usage: sample.cpu_total,
            usage_in_kernelmode: sample.cpu_kernel,
            usage_in_usermode: sample.cpu_user,
        },
        system_cpu_usage: sample.cpu_machine,
        online_cpus: sample.cpus,
        throttling_data: ThrottlingData::default(),
    }
}

fn counters(network: sockerless_agents::Network) -> NetworkStats {
    let sockerless_agents::Network {
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_dropped,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_dropped,
    } = network;
    NetworkStats { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped }
}
