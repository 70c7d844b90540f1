//! What a backend's cloud does by itself inside a container, without the agent: the other side of `process` and of `files`.
//!
//! The backend opens a connection or names a request; the bytes are the host's from then on. A file each: connections, what is on them,
//! execs, files, and the runs that are taken up again after a restart.

mod connection;
mod demultiplex;
mod exec;
mod files;
mod resume;

use std::sync::Arc;

use sockerless_backend::Backend;
use sockerless_backend::sessions::TerminalSize;
use sockerless_backend::types::Loaded;

use connection::said;
pub(crate) use connection::{open, told};
pub(crate) use exec::DirectExec;
pub(crate) use files::DirectFiles;
pub(crate) use resume::AGAIN;

use crate::engine::Inner;
use crate::record::ContainerRecord;

impl Inner {
    /// The backend of a container, if it does this by itself.
    pub(crate) fn direct(&self, record: &ContainerRecord, does: fn(&Loaded) -> bool) -> Option<Arc<dyn Backend>> {
        self.backends.get(&record.backend).filter(|backend| does(&backend.loaded()))
    }
}

pub(crate) fn size(height: u16, width: u16) -> TerminalSize {
    TerminalSize { rows: height, columns: width }
}
