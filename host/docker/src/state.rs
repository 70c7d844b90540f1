//! What a container is doing.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use crate::Health;
use crate::object::is_default;

object! {
    /// What a container is doing. The times are RFC 3339, [`ZERO_TIME`](crate::ZERO_TIME) for never.
    pub struct State {
        pub status: String,
        pub running: bool,
        pub paused: bool,
        pub restarting: bool,
        #[serde(rename = "OOMKilled")]
        pub oom_killed: bool,
        pub dead: bool,
        pub pid: i64,
        pub exit_code: i64,
        pub error: String,
        pub started_at: String,
        pub finished_at: String,
        #[serde(skip_serializing_if = "is_default")]
        pub health: Option<Health>,
    }
}
