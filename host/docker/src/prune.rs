//! What the prune calls removed.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use crate::ImageDeleted;

object! {
    /// The answer of `POST /containers/prune`.
    pub struct ContainersPruned {
        pub containers_deleted: Option<Vec<String>>,
        pub space_reclaimed: u64,
    }

    /// The answer of `POST /images/prune`.
    pub struct ImagesPruned {
        pub images_deleted: Option<Vec<ImageDeleted>>,
        pub space_reclaimed: u64,
    }

    /// The answer of `POST /networks/prune`.
    pub struct NetworksPruned {
        pub networks_deleted: Option<Vec<String>>,
    }

    /// The answer of `POST /volumes/prune`.
    pub struct VolumesPruned {
        /// The Engine answers a list even when it removed none.
        pub volumes_deleted: Vec<String>,
        pub space_reclaimed: u64,
    }
}
