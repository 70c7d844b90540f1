//! Commands in a running container.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use serde::{Deserialize, Serialize};

use crate::object::{is_default, or_default};

object! {
    /// The body of `POST /containers/{id}/exec`.
    pub struct ExecCreate {
        pub user: String,
        pub privileged: bool,
        pub tty: bool,
        #[serde(skip_serializing_if = "is_default")]
        pub console_size: Option<[u32; 2]>,
        pub attach_stdin: bool,
        pub attach_stderr: bool,
        pub attach_stdout: bool,
        pub detach: bool,
        pub detach_keys: String,
        pub env: Option<Vec<String>>,
        pub working_dir: String,
        pub cmd: Option<Vec<String>>,
    }

    /// The body of `POST /exec/{id}/start`.
    pub struct ExecStart {
        pub detach: bool,
        pub tty: bool,
        /// Height and width.
        #[serde(skip_serializing_if = "is_default")]
        pub console_size: Option<[u32; 2]>,
    }

    /// A command as `GET /exec/{id}/json` shows it.
    pub struct ExecInspect {
        #[serde(rename = "ID")]
        pub id: String,
        pub running: bool,
        pub exit_code: Option<i64>,
        pub process_config: ProcessConfig,
        pub open_stdin: bool,
        pub open_stderr: bool,
        pub open_stdout: bool,
        pub can_remove: bool,
        #[serde(rename = "ContainerID")]
        pub container_id: String,
        /// The bytes of the key sequence in base64.
        pub detach_keys: String,
        pub pid: i64,
    }
}

/// What is run. Alone of all types, its names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessConfig {
    #[serde(deserialize_with = "or_default")]
    pub tty: bool,
    #[serde(deserialize_with = "or_default")]
    pub entrypoint: String,
    #[serde(deserialize_with = "or_default")]
    pub arguments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub user: String,
}
