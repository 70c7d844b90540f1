//! Undoing a create that failed: nothing of it stays, neither here nor, sooner or later, in the cloud.

use std::sync::Arc;
use std::time::Duration;

use sockerless_store::{Change, Kind};

use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::record::{ContainerRecord, Intent};

/// Before what could not be removed is tried again.
const FIRST: Duration = Duration::from_millis(500);
/// Between two attempts at most.
const LONGEST: Duration = Duration::from_secs(300);

impl Inner {
    /// Undoes a create that failed, or that nobody heard the end of. The name is free afterwards in any case. What may be left in
    /// the cloud, and cannot be removed now, costs money: that is tried again until it is gone, by the next daemon too.
    pub(crate) async fn abandon(self: &Arc<Self>, record: ContainerRecord) {
        let removed = self.remove_abandoned(&record).await;
        self.services.forget(&record.id);
        self.give_back(&record).await;
        self.until_removed(record, removed);
    }

    /// The same of a create at which a daemon before this one was. Its name and its addresses are not taken: that daemon may have given them
    /// to another container.
    pub(crate) async fn abandon_found(self: &Arc<Self>, record: ContainerRecord) {
        let removed = self.remove_abandoned(&record).await;
        self.services.forget(&record.id);
        self.discard_anonymous(&record.mounts).await;
        self.until_removed(record, removed);
    }

    fn until_removed(self: &Arc<Self>, record: ContainerRecord, removed: Result<()>) {
        if let Err(error) = removed {
            tracing::error!(container = %record.id, %error, "what a failed create left in the cloud could not be removed yet");
            let engine = Arc::clone(self);
            self.tasks.spawn(async move { engine.abandon_later(record).await });
        }
    }

    /// Tries again until it is removed, or the daemon ends.
    async fn abandon_later(&self, record: ContainerRecord) {
        for pause in pauses() {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            match self.remove_abandoned(&record).await {
                Ok(()) => {
                    tracing::info!(container = %record.id, "what a failed create left in the cloud is removed");
                    return;
                }
                Err(error) => tracing::debug!(container = %record.id, %error, "it cannot be removed yet"),
            }
        }
    }

    /// Removes what there is in the cloud, then the record with its intent.
    async fn remove_abandoned(&self, record: &ContainerRecord) -> Result<()> {
        let key = match &record.intent {
            Some(Intent::Create { key }) => key.clone(),
            _ => String::new(),
        };
        self.backend(&record.backend)?.remove(record.for_backend(), true, key).await.map_err(Error::from)?;
        let changes =
            vec![Change::delete(Kind::Container, record.id.clone()), Change::delete(Kind::Agent, record.id.clone())];
        Ok(self.store.apply(changes).await?)
    }
}

/// What is waited before each further attempt, without end: twice as long each time, up to a limit.
fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST), |pause| Some((*pause * 2).min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_get_rarer_and_do_not_end() {
        let seconds: Vec<u64> = pauses().skip(1).take(12).map(|pause| pause.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }
}
