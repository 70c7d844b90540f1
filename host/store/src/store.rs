//! The interface of a store.

use async_trait::async_trait;

/// What a record is about. Each kind has a name space of ids of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A container, by id.
    Container,
    /// What the host needs to recognise a container's agent, by container id.
    Agent,
    /// An image, by id.
    Image,
    /// A network, by id.
    Network,
    /// A volume, by name.
    Volume,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Container, Self::Agent, Self::Image, Self::Network, Self::Volume];

    /// The table that keeps records of this kind.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Container => "containers",
            Self::Agent => "agents",
            Self::Image => "images",
            Self::Network => "networks",
            Self::Volume => "volumes",
        }
    }
}

/// A record as it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id, unique within its kind.
    pub id: String,
    /// What the engine wrote.
    pub body: String,
}

/// One change to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes a record, over the one that was there.
    Put(Kind, Record),
    /// Removes a record. That it was not there is no error.
    Delete(Kind, String),
}

impl Change {
    /// Writes a record.
    pub fn put(kind: Kind, id: impl Into<String>, body: impl Into<String>) -> Self {
        Self::Put(kind, Record { id: id.into(), body: body.into() })
    }

    /// Removes a record.
    pub fn delete(kind: Kind, id: impl Into<String>) -> Self {
        Self::Delete(kind, id.into())
    }
}

/// Why a store could not do what it was asked. The text names the file and says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, is damaged, or was written by a newer version.
    #[error("{0}")]
    Open(String),
    /// A change could not be made durable; none of its batch was made.
    #[error("cannot write the state of the daemon: {0}")]
    Write(String),
    /// Records could not be read.
    #[error("cannot read the state of the daemon: {0}")]
    Read(String),
    /// The store was closed.
    #[error("the store is closed: the daemon is shutting down")]
    Closed,
}

/// Keeps records.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes all changes or none of them, durably: when this returns they survive a loss of power. Changes of two calls that
    /// overlap in time are made in either order.
    ///
    /// Dropping the future does not take the changes back.
    async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// Every record of a kind, in the order of their ids.
    async fn all(&self, kind: Kind) -> Result<Vec<Record>, StoreError>;

    /// Whether it answers, and with `write` whether what would be written now would be durable. Changes no record.
    async fn probe(&self, write: bool) -> Result<(), StoreError>;
}
