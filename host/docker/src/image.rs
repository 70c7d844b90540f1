//! Images.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;
use crate::{ExposedPorts, GraphDriver, HealthConfig, Labels};

object! {
    /// An image in the list.
    pub struct ImageSummary {
        /// Of containers that use it; -1 when it was not counted.
        pub containers: i64,
        /// Seconds since 1970.
        pub created: i64,
        pub id: String,
        pub labels: Option<Labels>,
        pub parent_id: String,
        pub repo_digests: Vec<String>,
        pub repo_tags: Vec<String>,
        pub shared_size: i64,
        pub size: i64,
    }

    /// An image in full.
    pub struct ImageInspect {
        pub id: String,
        pub repo_tags: Vec<String>,
        pub repo_digests: Vec<String>,
        pub parent: String,
        pub comment: String,
        #[serde(skip_serializing_if = "is_default")]
        pub created: String,
        pub docker_version: String,
        pub author: String,
        pub architecture: String,
        #[serde(skip_serializing_if = "is_default")]
        pub variant: String,
        pub os: String,
        #[serde(skip_serializing_if = "is_default")]
        pub os_version: String,
        pub size: i64,
        pub graph_driver: GraphDriver,
        #[serde(rename = "RootFS")]
        pub root_fs: RootFs,
        pub metadata: ImageMetadata,
        pub config: Option<ImageConfig>,
    }

    /// The layers.
    pub struct RootFs {
        pub r#type: String,
        #[serde(skip_serializing_if = "is_default")]
        pub layers: Vec<String>,
    }

    /// What the daemon knows of an image beside the image itself.
    pub struct ImageMetadata {
        pub last_tag_time: String,
    }

    /// The defaults that an image gives to its containers.
    pub struct ImageConfig {
        #[serde(skip_serializing_if = "is_default")]
        pub args_escaped: bool,
        pub cmd: Option<Vec<String>>,
        pub entrypoint: Option<Vec<String>>,
        pub env: Option<Vec<String>>,
        #[serde(skip_serializing_if = "is_default")]
        pub exposed_ports: ExposedPorts,
        #[serde(skip_serializing_if = "is_default")]
        pub healthcheck: Option<HealthConfig>,
        pub labels: Option<Labels>,
        pub on_build: Option<Vec<String>>,
        #[serde(skip_serializing_if = "is_default")]
        pub shell: Vec<String>,
        #[serde(skip_serializing_if = "is_default")]
        pub stop_signal: String,
        pub user: String,
        pub volumes: Option<BTreeMap<String, serde_json::Map<String, serde_json::Value>>>,
        pub working_dir: String,
    }

    /// A step of an image's history.
    pub struct ImageHistory {
        pub comment: String,
        /// Seconds since 1970.
        pub created: i64,
        pub created_by: String,
        pub id: String,
        pub size: i64,
        pub tags: Option<Vec<String>>,
    }

    /// One of the things that the removal of an image did: exactly one of the fields is set.
    pub struct ImageDeleted {
        #[serde(skip_serializing_if = "is_default")]
        pub deleted: String,
        #[serde(skip_serializing_if = "is_default")]
        pub untagged: String,
    }
}
