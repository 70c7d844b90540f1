//! A container as `GET /containers/{id}/json` shows it, and the answers of calls on one container.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;
use crate::{Config, EndpointSettings, HostConfig, MountPoint, PortMap, State};

object! {
    /// A container in full.
    pub struct ContainerInspect {
        pub id: String,
        pub created: String,
        pub path: String,
        pub args: Vec<String>,
        pub state: State,
        pub image: String,
        pub resolv_conf_path: String,
        pub hostname_path: String,
        pub hosts_path: String,
        pub log_path: String,
        pub name: String,
        pub restart_count: i64,
        pub driver: String,
        pub platform: String,
        pub mount_label: String,
        pub process_label: String,
        pub app_armor_profile: String,
        #[serde(rename = "ExecIDs")]
        pub exec_ids: Option<Vec<String>>,
        pub host_config: HostConfig,
        pub graph_driver: GraphDriver,
        #[serde(skip_serializing_if = "is_default")]
        pub size_rw: Option<i64>,
        #[serde(skip_serializing_if = "is_default")]
        pub size_root_fs: Option<i64>,
        pub mounts: Vec<MountPoint>,
        pub config: Config,
        pub network_settings: NetworkSettings,
    }

    /// Which storage driver holds the layers.
    pub struct GraphDriver {
        pub data: Option<BTreeMap<String, String>>,
        pub name: String,
    }

    /// The networks of a container; the flat fields are those of the default network.
    pub struct NetworkSettings {
        pub bridge: String,
        #[serde(rename = "SandboxID")]
        pub sandbox_id: String,
        pub sandbox_key: String,
        pub ports: PortMap,
        pub hairpin_mode: bool,
        #[serde(rename = "LinkLocalIPv6Address")]
        pub link_local_ipv6_address: String,
        #[serde(rename = "LinkLocalIPv6PrefixLen")]
        pub link_local_ipv6_prefix_len: u8,
        #[serde(rename = "SecondaryIPAddresses")]
        pub secondary_ip_addresses: Option<Vec<serde_json::Value>>,
        #[serde(rename = "SecondaryIPv6Addresses")]
        pub secondary_ipv6_addresses: Option<Vec<serde_json::Value>>,
        #[serde(rename = "EndpointID")]
        pub endpoint_id: String,
        pub gateway: String,
        #[serde(rename = "GlobalIPv6Address")]
        pub global_ipv6_address: String,
        #[serde(rename = "GlobalIPv6PrefixLen")]
        pub global_ipv6_prefix_len: u8,
        #[serde(rename = "IPAddress")]
        pub ip_address: String,
        #[serde(rename = "IPPrefixLen")]
        pub ip_prefix_len: u8,
        #[serde(rename = "IPv6Gateway")]
        pub ipv6_gateway: String,
        pub mac_address: String,
        pub networks: BTreeMap<String, EndpointSettings>,
    }

    /// A change in a container's file system: 0 modified, 1 added, 2 deleted.
    pub struct FilesystemChange {
        pub path: String,
        pub kind: u8,
    }

    /// The processes of a container, as `ps` prints them.
    pub struct Top {
        pub processes: Vec<Vec<String>>,
        pub titles: Vec<String>,
    }

    /// The answer of a wait.
    pub struct WaitResponse {
        #[serde(skip_serializing_if = "is_default")]
        pub error: Option<WaitError>,
        pub status_code: i64,
    }

    /// Why a wait failed after its headers were sent.
    pub struct WaitError {
        #[serde(skip_serializing_if = "is_default")]
        pub message: String,
    }
}
