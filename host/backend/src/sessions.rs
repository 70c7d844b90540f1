//! What clients do inside a container, where a backend's cloud has that by itself: the types of the WIT interfaces `streams`, `exec`,
//! `attach` and `archive`.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream as FutureStream;
use serde::{Deserialize, Serialize};

use crate::connection::Stream;
use crate::error::HttpError;
use crate::types::Outcome;

/// How output is put on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Framing {
    /// A terminal's output: as it is.
    Raw,
    /// Docker's frames.
    Multiplexed,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Its height.
    pub rows: u16,
    /// Its width.
    pub columns: u16,
}

/// A command that is to be run beside a container's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecProcess {
    /// Never empty.
    pub command: Vec<String>,
    /// `NAME=value` pairs, over and above the container's.
    pub environment: Vec<String>,
    /// Absent: the container's.
    pub working_directory: Option<String>,
    /// Absent: the container's.
    pub user: Option<String>,
    /// With more rights than the container's own command.
    pub privileged: bool,
    /// It gets a terminal.
    pub tty: bool,
    /// Of the terminal.
    pub size: Option<TerminalSize>,
    /// It has a standard input.
    pub stdin: bool,
}

/// The connection to a process, which the host has from now on. Closed when it is dropped.
pub struct Connection {
    /// Output comes from it, input goes into it.
    pub stream: Box<dyn Stream>,
    /// How the output is put on it.
    pub framing: Framing,
}

/// A command that the cloud runs.
pub struct ExecStarted {
    /// What the cloud calls it.
    pub id: String,
    /// Its streams. The end of its output is the end of the process.
    pub connection: Connection,
}

/// Where such a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecState {
    /// It goes on.
    Running,
    /// It has ended with this code.
    Exited(i32),
}

/// What a client wants of the streams of a container's own command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamsWanted {
    /// It writes.
    pub stdin: bool,
    /// It reads standard output.
    pub stdout: bool,
    /// It reads standard error.
    pub stderr: bool,
    /// What was written before.
    pub logs: bool,
    /// What is written from now on.
    pub follow: bool,
}

/// What is at a path inside a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// The last part of the path.
    pub name: String,
    /// In bytes.
    pub size: i64,
    /// As Go has it.
    pub mode: u32,
    /// When it was changed, by RFC 3339.
    pub modified: String,
    /// Empty if it is no symbolic link.
    pub link_target: String,
}

/// How an archive is extracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// A directory is not replaced by something else, nor something else by a directory.
    pub no_overwrite_dir_non_dir: bool,
    /// Owners are taken from the archive.
    pub copy_uid_gid: bool,
}

/// The bytes of a body, as they come. Ends after an error.
pub type BodyStream = Pin<Box<dyn FutureStream<Item = Result<Bytes, HttpError>> + Send>>;

/// A request that lacks nothing but its body.
#[async_trait]
pub trait Upload: Send {
    /// Sends it with this body, and answers how that ended. An error in the body breaks the request off.
    async fn send(self: Box<Self>, body: BodyStream) -> Outcome;
}
