//! What is known of a process.

use serde::{Deserialize, Serialize};

/// How far a process has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum ProcessState {
    /// It is being started.
    Starting,
    /// It exists.
    Running {
        /// Its id, as the container sees it.
        pid: u32,
    },
    /// It has ended, and its output is complete.
    Exited {
        /// 0–255; 128 and the number of the signal that ended it.
        code: i32,
    },
    /// It could not be started.
    Failed {
        /// 127 if there is no such command, 126 if it cannot be executed.
        code: i32,
        /// In the words of the Engine's runtime: `exec: "x": executable file not found in $PATH`.
        message: String,
    },
}

/// Which run of the container this agent has been asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainRun {
    /// Its id, whether it is under way or over. Absent: none has been asked for since the agent started.
    pub run: Option<String>,
}

/// The processes of the container: Docker's answer to `top`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// Headings.
    pub titles: Vec<String>,
    /// A row a process, as many fields as headings.
    pub processes: Vec<Vec<String>>,
}

/// The body of an answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For people.
    pub message: String,
}
