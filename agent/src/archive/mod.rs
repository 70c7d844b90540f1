//! Files of the container as tar archives, by the rules of Docker's archive API.

mod attributes;
mod place;
mod read;
mod write;

pub use place::Place;
pub use read::{export, read};
pub use write::{WriteOptions, write};

/// Why files cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveError {
    /// There is nothing at this path.
    NotFound(String),
    /// The request or the archive is wrong.
    Invalid(String),
    /// Not these files.
    Forbidden(String),
    /// The file system refused.
    Failed(String),
}

impl ArchiveError {
    fn of(path: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Self::NotFound(path.to_owned()),
            _ => Self::Failed(format!("{path}: {error}")),
        }
    }
}
