//! What the emulator and a container's helper process say to each other: lines of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Longest line; the environment of an app is in one.
pub(crate) const MAX_LINE: u64 = 4 << 20;

/// Name of the agent's binary.
pub(crate) const AGENT_NAME: &str = "sockerless-agent";

/// Where an image has the agent.
pub(crate) const AGENT_PATH: &str = "/usr/local/bin/sockerless-agent";

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InitSpec {
    /// Whether to make namespaces and a file system, or to run a plain process.
    pub(crate) namespaces: bool,
    /// Sets everything up, executes nothing, and tells whether it worked.
    pub(crate) probe: bool,
    /// Name of the machine, as the container sees it.
    pub(crate) hostname: String,
    /// The file system of its image; without one this machine's.
    pub(crate) rootfs: Option<PathBuf>,
    /// Where the command is started; without one at the root of the image, or where the helper is.
    pub(crate) folder: Option<String>,
    /// The command and its arguments.
    pub(crate) argv: Vec<String>,
    /// Its whole environment.
    pub(crate) env: Vec<(String, String)>,
    /// The agent's binary on this machine.
    pub(crate) agent: Option<PathBuf>,
    /// Size of the scratch file system.
    pub(crate) scratch_bytes: u64,
    /// Folders of this machine, each with the path that it has in the container.
    pub(crate) mounts: Vec<(PathBuf, String)>,
}

/// From the emulator to the helper, after the [`InitSpec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub(crate) enum InitOrder {
    /// Send a signal to the first process.
    Signal {
        /// Its number.
        signal: i32,
    },
}

/// From the helper to the emulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum InitEvent {
    /// A remark for the platform log.
    Note {
        /// What.
        message: String,
    },
    /// The command is executed.
    Started {
        /// Its process id on this machine.
        pid: i32,
    },
    /// It could not be; nothing more comes.
    Failed {
        /// Why.
        message: String,
    },
    /// It ended; nothing more comes.
    Exited {
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
}
