//! What passes between the engine and a backend. Each type mirrors one of the WIT package; see there for the meaning of
//! every field.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;

use crate::HttpError;

/// The 64 hexadecimal digits by which Docker knows a container.
pub type ContainerId = String;

/// One start of a container.
pub type RunId = String;

/// What a backend must remember of a container, opaque to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    /// Version of the form of `data`.
    pub version: u32,
    /// At most 64 KiB.
    #[serde(with = "crate::octets")]
    pub data: Vec<u8>,
}

/// A container as it is shown to a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Docker's id.
    pub id: ContainerId,
    /// Docker's name without the slash.
    pub name: String,
    /// The image reference as the client wrote it.
    pub image: String,
    /// Entrypoint and command, merged with the image's. Never empty.
    pub command: Vec<String>,
    /// `NAME=value` pairs, merged likewise.
    pub environment: Vec<String>,
    /// The create body as JSON.
    pub spec: String,
    /// What the backend returned last.
    pub handle: Option<Handle>,
}

/// A key of a backend's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigKey {
    /// Environment variable, and key in the configuration file.
    pub name: String,
    /// Whether the backend refuses to work without it.
    pub required: bool,
    /// Used when the operator gave none.
    pub default_value: Option<String>,
    /// Kept out of logs and inspection.
    pub secret: bool,
    /// What it is for.
    pub help: String,
}

/// A scope, and the hosts that may be given a token of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGrant {
    /// For example `https://management.azure.com/.default`.
    pub scope: String,
    /// Host patterns.
    pub hosts: Vec<String>,
}

/// Who a backend is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Short name, `[a-z0-9-]`.
    pub name: String,
    /// The backend's own version.
    pub version: String,
    /// `Driver` of `docker info`.
    pub driver: String,
    /// `OperatingSystem` of `docker info`.
    pub operating_system: String,
    /// `NCPU` of `docker info`.
    pub cpus: u32,
    /// `MemTotal` of `docker info`, in bytes.
    pub memory: u64,
    /// The keys it reads.
    pub config: Vec<ConfigKey>,
    /// The hosts it wants to reach.
    pub hosts: Vec<String>,
    /// The scopes it wants credentials for.
    pub scopes: Vec<ScopeGrant>,
}

/// What is loaded under a backend's name right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Who it says it is.
    pub descriptor: Descriptor,
    /// `sha256:` and 64 hexadecimal digits of the component's bytes.
    pub digest: String,
    /// Counts the swaps since the daemon started, from 1.
    pub generation: u64,
    /// What it exports beyond what it must.
    #[serde(flatten)]
    pub interfaces: Interfaces,
}

/// Which of the optional interfaces a backend exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Interfaces {
    /// Whether it has logs of its own.
    pub logs: bool,
    /// Whether it can tell what there is in the cloud.
    pub inventory: bool,
    /// Whether its cloud runs commands beside a container's own.
    pub exec: bool,
    /// Whether its cloud has the streams of a container's own command.
    pub attach: bool,
    /// Whether its cloud moves files.
    pub archive: bool,
    /// Whether it takes up runs again that have outlasted a daemon.
    pub runs: bool,
}

/// What becomes of a field of the create body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// It has its effect by other means than Docker's.
    Changed,
    /// Kept and shown, without effect: a warning.
    Ignored,
    /// The create fails.
    Refused,
}

/// A verdict on one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The path of the field: `HostConfig.PortBindings`.
    pub field: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// One sentence for the user.
    pub reason: String,
}

/// What the host does next after stop, kill or restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disposition {
    /// The backend did it.
    Done,
    /// Nothing happens, and the client is told that it succeeded.
    Nothing,
    /// The host signals through the agent.
    HostDefault,
}

/// How the host learns that a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEnd {
    /// The agent reports it.
    Agent,
    /// The dispatched request's outcome decides.
    Response,
    /// It counts as ended with 0 after so many milliseconds.
    After(u32),
}

/// A run that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Replaces the stored handle.
    pub handle: Option<Handle>,
    /// How its end is learned.
    pub end: RunEnd,
}

/// An HTTP response, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    #[serde(with = "crate::octets")]
    pub body: Vec<u8>,
}

/// How a dispatched request ended.
pub type Outcome = Result<Response, HttpError>;

/// What an outcome says about the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunVerdict {
    /// The command ended with this code.
    Exited(i32),
    /// Undecided: the host waits for the agent, at most so many milliseconds.
    Unknown(u64),
    /// The command was never started, for this reason.
    NotStarted(String),
}

/// What is left of a container in the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recovered {
    /// It exists; the handle, if any, replaces the stored one.
    Present(Option<Handle>),
    /// It does not.
    Absent,
}

/// A container that is in the cloud, as its marks there tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryItem {
    /// Docker's id.
    pub id: ContainerId,
    /// The id of the daemon that made it, if it carries one.
    pub owner: Option<String>,
    /// Docker's name without the slash, as it was when the container was made.
    pub name: String,
    /// The image reference.
    pub image: String,
    /// Docker's labels, as far as the cloud has room for them.
    pub labels: Vec<(String, String)>,
    /// What it is called in the cloud.
    pub place: String,
    /// By which the backend knows it again.
    pub handle: Handle,
}

/// A part of what there is in the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryPage {
    /// In no particular order.
    pub items: Vec<InventoryItem>,
    /// Fetches the next page, if there is one.
    pub next: Option<String>,
}

/// Which log entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Written at or after this time.
    pub since: Option<SystemTime>,
    /// Written before this time.
    pub until: Option<SystemTime>,
    /// Only the last so many are needed.
    pub tail: Option<u64>,
}

/// The stream that something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogSource {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was written.
    pub time: SystemTime,
    /// Where to.
    pub source: LogSource,
    /// Without its newline.
    #[serde(with = "crate::octets")]
    pub line: Vec<u8>,
    /// No newline follows.
    pub partial: bool,
}

/// A part of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// In the order of writing.
    pub entries: Vec<LogEntry>,
    /// Fetches the next page, if there is one.
    pub next: Option<String>,
}
