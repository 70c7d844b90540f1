//! The types of the Docker Engine API, as the Engine itself reads and writes them.
//!
//! The Engine is written in Go, and its JSON shows it: a list that was never set is `null` and an empty one is `[]`,
//! maps are sorted, some fields are left out when they hold their zero value and most are not. Clients depend on it, so
//! each type has the Engine's fields in the Engine's order. `Option<Vec<_>>` stands for a list that may be `null`.
//!
//! What the fields mean is told by the published description of the API; the types here do not repeat it.

#![forbid(unsafe_code)]

#[macro_use]
mod object;

mod auth;
mod config;
mod container;
mod create;
mod decode;
mod duration;
mod endpoint;
mod event;
mod exec;
mod filters;
mod health;
mod host_config;
mod image;
mod mount;
mod name;
mod network;
mod path_stat;
mod platform;
mod plugin;
mod port;
mod prune;
mod reference;
mod registry;
mod state;
mod stats;
mod summary;
mod system;
mod time;
mod update;
mod usage;
mod volume;

pub use auth::{AuthError, RegistryAuth};
pub use config::{Config, ExposedPorts, Labels};
pub use container::{ContainerInspect, FilesystemChange, GraphDriver, NetworkSettings, Top, WaitError, WaitResponse};
pub use create::{CreateRequest, Created, NetworkingConfig};
pub use decode::{DecodeError, decode};
pub use duration::{DurationError, parse_go_duration};
pub use endpoint::{EndpointIpamConfig, EndpointSettings};
pub use event::{Actor, EventMessage};
pub use exec::{ExecCreate, ExecInspect, ExecStart, ProcessConfig};
pub use filters::{FilterError, Filters, Patterns};
pub use health::{Health, HealthConfig, HealthResult};
pub use host_config::{
    BlkioWeightDevice, DeviceMapping, DeviceRequest, HostConfig, LogConfig, RestartPolicy, ThrottleDevice, Ulimit,
};
pub use image::{ImageConfig, ImageDeleted, ImageHistory, ImageInspect, ImageMetadata, ImageSummary, RootFs};
pub use mount::{BindOptions, ImageOptions, Mount, MountPoint, TmpfsOptions, VolumeDriverConfig, VolumeOptions};
pub use name::{NameError, check_container_name, check_volume_name};
pub use network::{
    ConfigReference, Ipam, IpamConfig, NetworkConnect, NetworkContainer, NetworkCreate, NetworkCreated,
    NetworkDisconnect, NetworkInspect,
};
pub use path_stat::PathStat;
pub use platform::ImagePlatform;
pub use plugin::{
    Plugin, PluginArgs, PluginConfig, PluginEnv, PluginInterface, PluginLinux, PluginNetwork, PluginPrivilege,
    PluginRootFs, PluginSettings, PluginUser,
};
pub use port::{PortBinding, PortMap, PortSummary};
pub use prune::{ContainersPruned, ImagesPruned, NetworksPruned, VolumesPruned};
pub use reference::{ImageReference, ReferenceError, is_digest};
pub use registry::{
    BuildStep, Descriptor, DistributionInspect, ImageManifestConfig, LayerList, LoginAnswer, SearchResult,
};
pub use state::State;
pub use stats::{
    BlkioEntry, BlkioStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, Stats, ThrottlingData,
};
pub use summary::{ContainerSummary, SummaryHostConfig, SummaryNetworkSettings};
pub use system::{
    Commit, Component, ContainerdInfo, ContainerdNamespaces, FirewallInfo, IndexConfig, Platform, PluginsInfo,
    RegistryConfig, Runtime, SwarmInfo, SystemInfo, SystemVersion,
};
pub use time::{TimeError, ZERO_TIME, format_time, parse_time};
pub use update::{ContainerUpdate, ContainerUpdated};
pub use usage::DiskUsage;
pub use volume::{VolumeCreate, VolumeInspect, VolumeList, VolumeUsage};

/// The newest version of the API that these types describe, and that is announced.
pub const API_VERSION: &str = "1.51";

/// The oldest version of the API that is served.
pub const MIN_API_VERSION: &str = "1.24";
