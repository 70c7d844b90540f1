//! Volumes.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::Labels;
use crate::object::is_default;

object! {
    /// A volume, in the list and in full.
    pub struct VolumeInspect {
        #[serde(skip_serializing_if = "is_default")]
        pub created_at: String,
        pub driver: String,
        pub labels: Option<Labels>,
        pub mountpoint: String,
        pub name: String,
        pub options: Option<BTreeMap<String, String>>,
        pub scope: String,
        #[serde(skip_serializing_if = "is_default")]
        pub status: BTreeMap<String, serde_json::Value>,
        /// In the answer of `GET /system/df` only.
        #[serde(skip_serializing_if = "is_default")]
        pub usage_data: Option<VolumeUsage>,
    }

    /// How much a volume holds; -1 where it is not known.
    pub struct VolumeUsage {
        pub ref_count: i64,
        pub size: i64,
    }

    /// The answer of `GET /volumes`.
    pub struct VolumeList {
        pub volumes: Vec<VolumeInspect>,
        pub warnings: Option<Vec<String>>,
    }

    /// The body of `POST /volumes/create`.
    pub struct VolumeCreate {
        /// Drawn by the daemon when it is empty.
        pub name: String,
        pub driver: String,
        pub driver_opts: Option<BTreeMap<String, String>>,
        pub labels: Option<Labels>,
        pub cluster_volume_spec: Option<serde_json::Value>,
    }
}
