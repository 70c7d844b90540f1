//! Copies of files that are under way, in and out. Each outlives the link on which it began: the daemon names it, and goes on with it
//! on the next link at the offset that it has reached (see the protocol's `transfer`).

mod download;
mod upload;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use download::Download;
pub(crate) use upload::{Untaken, Upload};

/// Copies at once. Each holds a thread, and some of its bytes.
const MAX: usize = 48;

/// How long a copy is kept that no link carries. Then the daemon has died, and its client has lost it.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// One copy.
#[derive(Clone)]
pub(crate) enum Transfer {
    Out(Arc<Download>),
    In(Arc<Upload>),
}

impl Transfer {
    fn end(&self) {
        match self {
            Self::Out(download) => download.end(),
            Self::In(upload) => upload.end(),
        }
    }

    /// Counts the exchanges that have carried it.
    fn exchanges(&self) -> u64 {
        match self {
            Self::Out(download) => download.exchanges(),
            Self::In(upload) => upload.exchanges(),
        }
    }
}

/// There are too many copies under way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// All copies under way, by the ids that the daemon drew. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transfers {
    all: Arc<Mutex<HashMap<String, Transfer>>>,
    /// How long one is kept that no link carries.
    patience: Duration,
}

impl Default for Transfers {
    fn default() -> Self {
        Self { all: Arc::default(), patience: ABANDONED }
    }
}

impl Transfers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Transfer>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The copy of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Transfer> {
        self.lock().get(id).cloned()
    }

    /// Takes up a new one.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn add(&self, id: &str, transfer: Transfer) -> Result<(), TooMany> {
        let mut all = self.lock();
        if all.len() >= MAX {
            transfer.end();
            return Err(TooMany);
        }
        all.insert(id.to_owned(), transfer);
        Ok(())
    }

    /// It is done with, or nobody wants it any more.
    pub(crate) fn forget(&self, id: &str) {
        let transfer = self.lock().remove(id);
        if let Some(transfer) = transfer {
            transfer.end();
        }
    }

    /// The exchange that carried it has ended: unless another takes it up in time, it is given up.
    pub(crate) fn left(&self, id: &str) {
        let Some(exchanges) = self.get(id).map(|transfer| transfer.exchanges()) else { return };
        let (all, id) = (self.clone(), id.to_owned());
        // An exchange may end because the agent does.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tokio::time::sleep(all.patience).await;
            if all.get(&id).is_some_and(|transfer| transfer.exchanges() == exchanges) {
                tracing::info!(id, "a copy of files that nobody has gone on with is given up");
                all.forget(&id);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn download() -> Transfer {
        Transfer::Out(Download::begin(|_| Ok(())))
    }

    #[tokio::test]
    async fn a_copy_that_nobody_goes_on_with_is_given_up_and_another_is_not() {
        let transfers = Transfers { patience: Duration::from_millis(20), ..Transfers::default() };
        transfers.add("left", download()).unwrap();
        transfers.add("resumed", download()).unwrap();
        transfers.left("resumed");
        let Some(Transfer::Out(resumed)) = transfers.get("resumed") else { panic!() };
        let _reader = resumed.read(0);
        transfers.left("left");
        // The other one's time is over before.
        while transfers.get("left").is_some() {
            tokio::task::yield_now().await;
        }
        assert!(transfers.get("resumed").is_some());
    }

    #[tokio::test]
    async fn there_is_a_limit_to_them() {
        let transfers = Transfers::default();
        for number in 0..MAX {
            transfers.add(&number.to_string(), download()).unwrap();
        }
        assert_eq!(transfers.add("more", download()), Err(TooMany));
        transfers.forget("0");
        assert_eq!(transfers.add("more", download()), Ok(()));
    }
}
