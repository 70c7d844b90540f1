//! What takes how much room.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use crate::{ContainerSummary, ImageSummary, VolumeInspect};

object! {
    /// The answer of `GET /system/df`. What was not asked for is `null`.
    pub struct DiskUsage {
        pub layers_size: i64,
        pub images: Option<Vec<ImageSummary>>,
        pub containers: Option<Vec<ContainerSummary>>,
        pub volumes: Option<Vec<VolumeInspect>>,
        pub build_cache: Option<Vec<serde_json::Value>>,
    }
}
