//! The table: fields that a function app cannot honour as Docker does. A field that is not here has Docker's effect, or is
//! one that has none.

use serde_json::Value;

use super::network;
use super::value::{Neutral, is_empty, member};
use crate::config::STOP;

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has its effect by other means.
    Changed,
    /// It is kept and shown, and has no effect.
    Ignored,
    /// The container is not made.
    Refused,
}

/// One field of the create body.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its path in Docker's create body.
    pub field: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: &'static str,
    /// A setting and its value with which the field has Docker's effect.
    pub unless: Option<(&'static str, &'static str)>,
    neutral: Neutral,
}

impl Row {
    /// Whether a create body asks for something by this field.
    pub(super) fn concerns(&self, spec: &Value) -> bool {
        if self.field == NETWORKS {
            return network::several(spec);
        }
        if let Some(name) = self.field.strip_prefix(NETWORKS).and_then(|rest| rest.strip_prefix('.')) {
            return network::any(spec, name);
        }
        let value = match self.field.strip_prefix("HostConfig.") {
            Some(name) => member(member(spec, "HostConfig"), name),
            None => member(spec.get("Config").unwrap_or(spec), self.field),
        };
        !self.neutral.holds(value)
    }
}

const NETWORKS: &str = "NetworkingConfig.EndpointsConfig";

const NO_FILES: &str = "Nothing of this machine is mounted into a function app: the path has what the image has there, and docker cp can fill it.";
const NO_CPU: &str = "The App Service plan decides how much processor a function app gets.";
const NO_MEMORY: &str = "The App Service plan decides how much memory a function app gets.";
const NO_DISK: &str = "The platform decides about a function app's disk, and has no such limit.";
const NO_CGROUP: &str = "The platform decides about a function app's control groups.";
const NO_NAMESPACE: &str = "A function app shares no namespace with this machine or with another container.";
const NO_RIGHTS: &str = "The platform decides what a function app's container may do.";
const NO_DNS: &str = "A function app resolves names as the platform does.";
const NO_DEVICE: &str = "A function app has no devices of this machine.";
const NO_NETWORK: &str = "Networks are kept and shown only: no packets pass between function apps by them.";
const WINDOWS: &str = "This is of Windows containers only, and function apps run Linux ones.";

const fn row(verdict: Verdict, field: &'static str, neutral: Neutral, reason: &'static str) -> Row {
    Row { field, verdict, reason, unless: None, neutral }
}

const fn ignored(field: &'static str, reason: &'static str) -> Row {
    row(Verdict::Ignored, field, Neutral::Empty, reason)
}

/// Every field that a function app cannot honour as Docker does.
#[must_use]
pub fn rows() -> &'static [Row] {
    ROWS
}

static ROWS: &[Row] = &[
    row(
        Verdict::Refused,
        "Image",
        Neutral::Which(|image| !is_image_id(image)),
        "Azure pulls an image by its name and does not know this daemon's ids: name the image.",
    ),
    row(
        Verdict::Changed,
        "Hostname",
        Neutral::Which(is_id),
        "The command finds it in the variable HOSTNAME; the system's own host name is the platform's.",
    ),
    ignored("Domainname", "The host name of a function app is the platform's."),
    ignored(
        "Volumes",
        "A function app has no volumes: what is written there is gone with the instance that the platform runs it on.",
    ),
    ignored("NetworkDisabled", "A function app always has the network of the platform."),
    ignored("MacAddress", NO_NETWORK),
    Row {
        unless: Some((STOP, "signal")),
        ..ignored(
            "StopTimeout",
            "docker stop does nothing, as functions run to completion; with SOCKERLESS_AZF_STOP=signal it acts.",
        )
    },
    ignored("HostConfig.Binds", NO_FILES),
    ignored("HostConfig.Mounts", NO_FILES),
    ignored("HostConfig.VolumesFrom", NO_FILES),
    ignored("HostConfig.VolumeDriver", NO_FILES),
    ignored("HostConfig.Tmpfs", "The path is an ordinary directory of the function app's own disk."),
    row(
        Verdict::Ignored,
        "HostConfig.LogConfig",
        Neutral::Which(is_ordinary_log),
        "The output goes to Application Insights, from which docker logs reads it.",
    ),
    row(
        Verdict::Ignored,
        "HostConfig.NetworkMode",
        Neutral::Texts(&["default", "bridge"]),
        "A function app always has the network of the platform, and reaches no other container by name or address.",
    ),
    ignored(
        "HostConfig.PortBindings",
        "A function app is reached by its URL and not by ports: nothing listens on this machine.",
    ),
    ignored(
        "HostConfig.PublishAllPorts",
        "A function app is reached by its URL and not by ports: nothing listens on this machine.",
    ),
    ignored("HostConfig.Annotations", "There is no runtime here that would read annotations."),
    ignored("HostConfig.CapAdd", NO_RIGHTS),
    ignored("HostConfig.CapDrop", NO_RIGHTS),
    ignored("HostConfig.Privileged", NO_RIGHTS),
    ignored("HostConfig.SecurityOpt", NO_RIGHTS),
    ignored("HostConfig.ReadonlyRootfs", "The file system of a function app's container is always writable."),
    row(Verdict::Ignored, "HostConfig.MaskedPaths", Neutral::Only(|paths| holds(paths, "/proc/kcore")), NO_RIGHTS),
    row(Verdict::Ignored, "HostConfig.ReadonlyPaths", Neutral::Only(|paths| holds(paths, "/proc/sys")), NO_RIGHTS),
    ignored("HostConfig.GroupAdd", "The command has the groups of its user and no more."),
    row(Verdict::Ignored, "HostConfig.CgroupnsMode", Neutral::Texts(&["private"]), NO_NAMESPACE),
    row(Verdict::Ignored, "HostConfig.IpcMode", Neutral::Texts(&["private"]), NO_NAMESPACE),
    ignored("HostConfig.PidMode", NO_NAMESPACE),
    ignored("HostConfig.UTSMode", NO_NAMESPACE),
    ignored("HostConfig.UsernsMode", NO_NAMESPACE),
    ignored("HostConfig.Cgroup", NO_CGROUP),
    ignored("HostConfig.CgroupParent", NO_CGROUP),
    ignored("HostConfig.Dns", NO_DNS),
    ignored("HostConfig.DnsOptions", NO_DNS),
    ignored("HostConfig.DnsSearch", NO_DNS),
    ignored("HostConfig.ExtraHosts", NO_DNS),
    ignored("HostConfig.Links", NO_NETWORK),
    row(
        Verdict::Changed,
        "HostConfig.Init",
        Neutral::Empty,
        "The agent in the function app passes signals on and reaps orphans, whether or not an init is asked for.",
    ),
    row(
        Verdict::Ignored,
        "HostConfig.ShmSize",
        Neutral::Numbers(&[64 << 20]),
        "The platform decides how large /dev/shm is.",
    ),
    ignored("HostConfig.Sysctls", "The kernel's parameters are the platform's."),
    ignored("HostConfig.Ulimits", "The resource limits of processes are the platform's."),
    ignored("HostConfig.StorageOpt", NO_DISK),
    ignored("HostConfig.BlkioWeight", NO_DISK),
    ignored("HostConfig.BlkioWeightDevice", NO_DISK),
    ignored("HostConfig.BlkioDeviceReadBps", NO_DISK),
    ignored("HostConfig.BlkioDeviceWriteBps", NO_DISK),
    ignored("HostConfig.BlkioDeviceReadIOps", NO_DISK),
    ignored("HostConfig.BlkioDeviceWriteIOps", NO_DISK),
    ignored("HostConfig.Memory", NO_MEMORY),
    ignored("HostConfig.MemoryReservation", NO_MEMORY),
    row(Verdict::Ignored, "HostConfig.MemorySwap", Neutral::Numbers(&[-1]), NO_MEMORY),
    row(Verdict::Ignored, "HostConfig.MemorySwappiness", Neutral::Numbers(&[-1]), NO_MEMORY),
    ignored("HostConfig.KernelMemory", NO_MEMORY),
    ignored("HostConfig.KernelMemoryTCP", NO_MEMORY),
    ignored("HostConfig.OomKillDisable", NO_MEMORY),
    ignored("HostConfig.OomScoreAdj", NO_MEMORY),
    ignored("HostConfig.NanoCpus", NO_CPU),
    ignored("HostConfig.CpuShares", NO_CPU),
    ignored("HostConfig.CpuPeriod", NO_CPU),
    ignored("HostConfig.CpuQuota", NO_CPU),
    ignored("HostConfig.CpuRealtimePeriod", NO_CPU),
    ignored("HostConfig.CpuRealtimeRuntime", NO_CPU),
    ignored("HostConfig.CpusetCpus", NO_CPU),
    ignored("HostConfig.CpusetMems", NO_CPU),
    row(
        Verdict::Ignored,
        "HostConfig.PidsLimit",
        Neutral::Numbers(&[-1]),
        "The platform decides how many processes a function app may have.",
    ),
    ignored("HostConfig.Devices", NO_DEVICE),
    ignored("HostConfig.DeviceCgroupRules", NO_DEVICE),
    row(
        Verdict::Refused,
        "HostConfig.DeviceRequests",
        Neutral::Empty,
        "No App Service plan has such devices, and a command that was promised a GPU would fail without one.",
    ),
    row(Verdict::Refused, "HostConfig.Isolation", Neutral::Texts(&["default"]), WINDOWS),
    ignored("HostConfig.CpuCount", WINDOWS),
    ignored("HostConfig.CpuPercent", WINDOWS),
    ignored("HostConfig.IOMaximumIOps", WINDOWS),
    ignored("HostConfig.IOMaximumBandwidth", WINDOWS),
    ignored(NETWORKS, NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.IPAMConfig", NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.MacAddress", NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.Aliases", NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.Links", NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.DriverOpts", NO_NETWORK),
    ignored("NetworkingConfig.EndpointsConfig.GwPriority", NO_NETWORK),
];

/// 64 hexadecimal digits, with or without the name of the digest.
fn is_image_id(image: &Value) -> bool {
    let Some(image) = image.as_str() else { return false };
    let digits = image.strip_prefix("sha256:").unwrap_or(image);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The beginning of a container's id, which is its host name by default.
fn is_id(hostname: &Value) -> bool {
    hostname.as_str().is_some_and(|name| {
        name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_ordinary_log(config: &Value) -> bool {
    let kind = member(config, "Type").as_str().unwrap_or_default();
    matches!(kind, "" | "json-file") && is_empty(member(config, "Config"))
}

fn holds(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|entry| entry.as_str() == Some(wanted)))
}
