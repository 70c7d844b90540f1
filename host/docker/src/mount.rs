//! Mounts: as they are asked for, and as they are shown.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;

object! {
    /// A mount as it is asked for in `HostConfig.Mounts`.
    pub struct Mount {
        #[serde(skip_serializing_if = "is_default")]
        pub r#type: String,
        #[serde(skip_serializing_if = "is_default")]
        pub source: String,
        #[serde(skip_serializing_if = "is_default")]
        pub target: String,
        #[serde(skip_serializing_if = "is_default")]
        pub read_only: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub consistency: String,
        #[serde(skip_serializing_if = "is_default")]
        pub bind_options: Option<BindOptions>,
        #[serde(skip_serializing_if = "is_default")]
        pub volume_options: Option<VolumeOptions>,
        #[serde(skip_serializing_if = "is_default")]
        pub image_options: Option<ImageOptions>,
        #[serde(skip_serializing_if = "is_default")]
        pub tmpfs_options: Option<TmpfsOptions>,
        #[serde(skip_serializing_if = "is_default")]
        pub cluster_options: Option<serde_json::Map<String, serde_json::Value>>,
    }

    /// Of a mount of type `bind`.
    pub struct BindOptions {
        #[serde(skip_serializing_if = "is_default")]
        pub propagation: String,
        #[serde(skip_serializing_if = "is_default")]
        pub non_recursive: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub create_mountpoint: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub read_only_non_recursive: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub read_only_force_recursive: bool,
    }

    /// Of a mount of type `volume`.
    pub struct VolumeOptions {
        #[serde(skip_serializing_if = "is_default")]
        pub no_copy: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub labels: BTreeMap<String, String>,
        #[serde(skip_serializing_if = "is_default")]
        pub subpath: String,
        #[serde(skip_serializing_if = "is_default")]
        pub driver_config: Option<VolumeDriverConfig>,
    }

    /// Which driver makes the volume.
    pub struct VolumeDriverConfig {
        #[serde(skip_serializing_if = "is_default")]
        pub name: String,
        #[serde(skip_serializing_if = "is_default")]
        pub options: BTreeMap<String, String>,
    }

    /// Of a mount of type `image`.
    pub struct ImageOptions {
        #[serde(skip_serializing_if = "is_default")]
        pub subpath: String,
    }

    /// Of a mount of type `tmpfs`.
    pub struct TmpfsOptions {
        #[serde(skip_serializing_if = "is_default")]
        pub size_bytes: i64,
        #[serde(skip_serializing_if = "is_default")]
        pub mode: u32,
        #[serde(skip_serializing_if = "is_default")]
        pub options: Vec<Vec<String>>,
    }

    /// A mount as inspect and list show it.
    pub struct MountPoint {
        #[serde(skip_serializing_if = "is_default")]
        pub r#type: String,
        #[serde(skip_serializing_if = "is_default")]
        pub name: String,
        pub source: String,
        pub destination: String,
        #[serde(skip_serializing_if = "is_default")]
        pub driver: String,
        pub mode: String,
        #[serde(rename = "RW")]
        pub rw: bool,
        pub propagation: String,
    }
}
