//! How a container is bound to the machine that runs it.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;
use crate::{Mount, PortMap};

object! {
    /// How a container is bound to the machine that runs it.
    pub struct HostConfig {
        pub binds: Option<Vec<String>>,
        #[serde(rename = "ContainerIDFile")]
        pub container_id_file: String,
        pub log_config: LogConfig,
        pub network_mode: String,
        pub port_bindings: Option<PortMap>,
        pub restart_policy: RestartPolicy,
        pub auto_remove: bool,
        pub volume_driver: String,
        pub volumes_from: Option<Vec<String>>,
        /// Height and width.
        pub console_size: [u32; 2],
        #[serde(skip_serializing_if = "is_default")]
        pub annotations: BTreeMap<String, String>,
        pub cap_add: Option<Vec<String>>,
        pub cap_drop: Option<Vec<String>>,
        pub cgroupns_mode: String,
        pub dns: Option<Vec<String>>,
        pub dns_options: Option<Vec<String>>,
        pub dns_search: Option<Vec<String>>,
        pub extra_hosts: Option<Vec<String>>,
        pub group_add: Option<Vec<String>>,
        pub ipc_mode: String,
        pub cgroup: String,
        pub links: Option<Vec<String>>,
        pub oom_score_adj: i64,
        pub pid_mode: String,
        pub privileged: bool,
        pub publish_all_ports: bool,
        pub readonly_rootfs: bool,
        pub security_opt: Option<Vec<String>>,
        #[serde(skip_serializing_if = "is_default")]
        pub storage_opt: BTreeMap<String, String>,
        #[serde(skip_serializing_if = "is_default")]
        pub tmpfs: BTreeMap<String, String>,
        #[serde(rename = "UTSMode")]
        pub uts_mode: String,
        pub userns_mode: String,
        pub shm_size: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub sysctls: BTreeMap<String, String>,
        pub runtime: String,
        pub isolation: String,
        pub cpu_shares: i64,
        pub memory: i64,
        pub nano_cpus: i64,
        pub cgroup_parent: String,
        pub blkio_weight: u16,
        pub blkio_weight_device: Option<Vec<BlkioWeightDevice>>,
        pub blkio_device_read_bps: Option<Vec<ThrottleDevice>>,
        pub blkio_device_write_bps: Option<Vec<ThrottleDevice>>,
        #[serde(rename = "BlkioDeviceReadIOps")]
        pub blkio_device_read_iops: Option<Vec<ThrottleDevice>>,
        #[serde(rename = "BlkioDeviceWriteIOps")]
        pub blkio_device_write_iops: Option<Vec<ThrottleDevice>>,
        pub cpu_period: i64,
        pub cpu_quota: i64,
        pub cpu_realtime_period: i64,
        pub cpu_realtime_runtime: i64,
        pub cpuset_cpus: String,
        pub cpuset_mems: String,
        pub devices: Option<Vec<DeviceMapping>>,
        pub device_cgroup_rules: Option<Vec<String>>,
        pub device_requests: Option<Vec<DeviceRequest>>,
        #[serde(skip_serializing_if = "is_default")]
        pub kernel_memory: i64,
        #[serde(rename = "KernelMemoryTCP", skip_serializing_if = "is_default")]
        pub kernel_memory_tcp: i64,
        pub memory_reservation: i64,
        pub memory_swap: i64,
        pub memory_swappiness: Option<i64>,
        pub oom_kill_disable: Option<bool>,
        pub pids_limit: Option<i64>,
        pub ulimits: Option<Vec<Ulimit>>,
        pub cpu_count: i64,
        pub cpu_percent: i64,
        #[serde(rename = "IOMaximumIOps")]
        pub io_maximum_iops: u64,
        #[serde(rename = "IOMaximumBandwidth")]
        pub io_maximum_bandwidth: u64,
        #[serde(skip_serializing_if = "is_default")]
        pub mounts: Vec<Mount>,
        pub masked_paths: Option<Vec<String>>,
        pub readonly_paths: Option<Vec<String>>,
        #[serde(skip_serializing_if = "is_default")]
        pub init: Option<bool>,
    }

    /// Where the container's output goes.
    pub struct LogConfig {
        pub r#type: String,
        pub config: BTreeMap<String, String>,
    }

    /// Whether the container is started again when it ends: `no`, `always`, `unless-stopped` or `on-failure`.
    pub struct RestartPolicy {
        pub name: String,
        pub maximum_retry_count: i64,
    }

    /// The weight of a block device.
    pub struct BlkioWeightDevice {
        pub path: String,
        pub weight: u16,
    }

    /// The rate limit of a block device.
    pub struct ThrottleDevice {
        pub path: String,
        pub rate: u64,
    }

    /// A device of the machine inside the container.
    pub struct DeviceMapping {
        pub path_on_host: String,
        pub path_in_container: String,
        pub cgroup_permissions: String,
    }

    /// Devices that a driver chooses.
    pub struct DeviceRequest {
        pub driver: String,
        pub count: i64,
        #[serde(rename = "DeviceIDs")]
        pub device_ids: Option<Vec<String>>,
        pub capabilities: Option<Vec<Vec<String>>>,
        pub options: Option<BTreeMap<String, String>>,
    }

    /// A resource limit of the process.
    pub struct Ulimit {
        pub name: String,
        pub hard: i64,
        pub soft: i64,
    }
}

/// What the Engine hides from an unprivileged container.
const MASKED_PATHS: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// What an unprivileged container may only read.
const READONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl HostConfig {
    /// Fills in what the Engine itself fills in at create when the client left it out.
    ///
    /// `runtime` is the name of the default runtime.
    pub fn apply_defaults(&mut self, runtime: &str) {
        set_if_empty(&mut self.log_config.r#type, "json-file");
        if self.network_mode.is_empty() || self.network_mode == "default" {
            "bridge".clone_into(&mut self.network_mode);
        }
        set_if_empty(&mut self.restart_policy.name, "no");
        set_if_empty(&mut self.cgroupns_mode, if self.privileged { "host" } else { "private" });
        set_if_empty(&mut self.ipc_mode, "private");
        set_if_empty(&mut self.runtime, runtime);
        if self.shm_size == 0 {
            self.shm_size = 64 << 20;
        }
        // How the command line says that it says nothing.
        self.memory_swappiness = self.memory_swappiness.filter(|swappiness| *swappiness >= 0);
        self.oom_kill_disable.get_or_insert(false);
        if self.memory > 0 && self.memory_swap == 0 {
            self.memory_swap = self.memory.saturating_mul(2);
        }
        if self.privileged {
            self.security_opt.get_or_insert_with(|| vec!["label=disable".to_owned()]);
        } else {
            self.masked_paths.get_or_insert_with(|| MASKED_PATHS.map(str::to_owned).to_vec());
            self.readonly_paths.get_or_insert_with(|| READONLY_PATHS.map(str::to_owned).to_vec());
        }
    }
}

fn set_if_empty(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}
