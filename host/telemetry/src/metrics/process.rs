//! Metrics of the process itself, under the names that every process has in Prometheus.

use std::fmt;
use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// When this process began, near enough: in seconds since 1970.
static STARTED: LazyLock<f64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());

/// Notes that the process has begun.
pub(super) fn begin() {
    LazyLock::force(&STARTED);
}

/// Reads what the kernel says, and writes it down. What cannot be read is left out.
pub(super) fn encode(text: &mut String, version: &str, commit: &str) -> fmt::Result {
    let mut registry = Registry::default();
    registry.register(
        "sockerless_build",
        "What the daemon was built from",
        Info::new([("version", version.to_owned()), ("commit", commit.to_owned())]),
    );
    registry.register_with_unit(
        "process_start_time",
        "When the process began, since 1970",
        Unit::Seconds,
        ConstGauge::new(*STARTED),
    );
    if let Some(bytes) = resident_bytes() {
        let gauge: Gauge = Gauge::default();
        gauge.set(bytes);
        registry.register_with_unit("process_resident_memory", "Memory that the process has", Unit::Bytes, gauge);
    }
    if let Some(count) = open_descriptors() {
        let gauge: Gauge = Gauge::default();
        gauge.set(count);
        registry.register("process_open_fds", "File descriptors that are open", gauge);
    }
    if let Some(count) = tasks() {
        let gauge: Gauge = Gauge::default();
        gauge.set(count);
        registry.register("sockerless_tasks", "Tasks that the runtime has", gauge);
    }
    encode_registry(text, &registry)
}

/// Nothing outside of a runtime.
fn tasks() -> Option<i64> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    i64::try_from(runtime.metrics().num_alive_tasks()).ok()
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

fn open_descriptors() -> Option<i64> {
    // The one by which they are listed is among them.
    i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok().map(|count| count - 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_is_understood() {
        super::begin();
        let mut text = String::new();
        super::encode(&mut text, "1.2", "abc").unwrap();
        for line in [
            "sockerless_build_info{version=\"1.2\",commit=\"abc\"} 1",
            "# TYPE process_start_time_seconds gauge",
            "# TYPE process_resident_memory_bytes gauge",
            "# TYPE process_open_fds gauge",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
    }
}
