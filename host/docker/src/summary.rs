//! A container as `GET /containers/json` lists it.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;
use crate::{EndpointSettings, Labels, MountPoint, PortSummary};

object! {
    /// A container in the list.
    pub struct ContainerSummary {
        pub id: String,
        /// With the leading slash.
        pub names: Vec<String>,
        pub image: String,
        #[serde(rename = "ImageID")]
        pub image_id: String,
        pub command: String,
        /// Seconds since 1970.
        pub created: i64,
        pub ports: Vec<PortSummary>,
        #[serde(skip_serializing_if = "is_default")]
        pub size_rw: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub size_root_fs: Option<i64>,
        pub labels: Labels,
        pub state: String,
        /// For people: `Up 3 minutes`.
        pub status: String,
        pub host_config: SummaryHostConfig,
        pub network_settings: SummaryNetworkSettings,
        pub mounts: Vec<MountPoint>,
    }

    /// The part of the host configuration that the list shows.
    pub struct SummaryHostConfig {
        #[serde(skip_serializing_if = "is_default")]
        pub network_mode: String,
        #[serde(skip_serializing_if = "is_default")]
        pub annotations: BTreeMap<String, String>,
    }

    /// The networks, by name.
    pub struct SummaryNetworkSettings {
        pub networks: BTreeMap<String, EndpointSettings>,
    }
}
