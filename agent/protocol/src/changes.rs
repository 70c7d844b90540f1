//! What has changed in a container's file system.

use serde::{Deserialize, Serialize};

/// It was written to, or its permissions, owner or time have changed, or something in it has.
pub const MODIFIED: u8 = 0;
/// It was not there before.
pub const ADDED: u8 = 1;
/// It is not there any more.
pub const DELETED: u8 = 2;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Absolute.
    pub path: String,
    /// [`MODIFIED`], [`ADDED`] or [`DELETED`].
    pub kind: u8,
}
