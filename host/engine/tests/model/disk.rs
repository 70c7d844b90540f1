//! A store of which the test says what becomes of its next writes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sockerless_store::{Change, Kind, MemoryStore, Record, Store, StoreError};
use tokio::sync::Notify;

use crate::operation::Trouble;

/// What is on the disk: outlives daemons.
pub(crate) type Platter = Arc<MemoryStore>;

/// The way to it that one daemon has.
pub(crate) struct Disk {
    platter: Platter,
    /// What is planned, and how many writes are before it.
    plan: Mutex<Option<(Trouble, u8)>>,
    /// What of that has come about.
    met: Mutex<Option<Trouble>>,
    /// The daemon is dead: nothing reaches the disk any more, and nobody gets an answer.
    pub(crate) dead: Notify,
}

impl Disk {
    pub(crate) fn new(platter: Platter) -> Arc<Self> {
        Arc::new(Self { platter, plan: Mutex::default(), met: Mutex::default(), dead: Notify::new() })
    }

    /// The write after so many more meets this.
    pub(crate) fn plan(&self, plan: Option<(Trouble, u8)>) {
        *self.plan.lock().unwrap() = plan;
        *self.met.lock().unwrap() = None;
    }

    /// What has come about of what was planned.
    pub(crate) fn met(&self) -> Option<Trouble> {
        *self.met.lock().unwrap()
    }

    /// What becomes of a write.
    fn next(&self) -> Option<Trouble> {
        let mut plan = self.plan.lock().unwrap();
        let (trouble, before) = (*plan)?;
        if before > 0 {
            *plan = Some((trouble, before - 1));
            return None;
        }
        // After death nothing reaches it any more.
        *plan = (trouble != Trouble::Full).then_some((Trouble::DeathBefore, 0));
        self.met.lock().unwrap().get_or_insert(trouble);
        Some(trouble)
    }
}

#[async_trait]
impl Store for Disk {
    async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        match self.next() {
            None => return self.platter.apply(changes).await,
            Some(Trouble::Full) => return Err(StoreError::Write("the disk is full".into())),
            Some(Trouble::DeathBefore) => {}
            Some(Trouble::DeathAfter) => self.platter.apply(changes).await?,
        }
        self.dead.notify_one();
        std::future::pending().await
    }

    async fn all(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        self.platter.all(kind).await
    }

    async fn probe(&self, write: bool) -> Result<(), StoreError> {
        self.platter.probe(write).await
    }
}
