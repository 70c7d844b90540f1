//! What has changed in the container's file system since it was made: `docker diff`.
//!
//! Nobody here has the image to compare with. But the agent is the first to run in the container, and until the daemon asks for the first
//! process, or for files to be put in, nothing is written: in that time it takes note of every file ([`tree`]). Only if it has not
//! finished when the first of these comes, or there are too many files, it does not know, and says so. Nobody waits for it.

mod compare;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use sockerless_agent_protocol::changes::Change;
use tokio_util::sync::CancellationToken;

use self::tree::{Limits, Tree};

/// How long the listing may take, and how much of it is kept.
const BASELINE: Limits = Limits { time: Duration::from_secs(30), entries: 200_000, name_bytes: 8 << 20 };
/// The same for the listing that it is compared with.
const NOW: Limits = Limits { time: Duration::from_secs(30), entries: 1_000_000, name_bytes: 64 << 20 };

enum State {
    Listing,
    Listed(Arc<Tree>),
    /// It is not known what has changed, for this reason.
    Unknown(String),
}

/// The files as they were, or why they are not known. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Changes {
    root: Arc<PathBuf>,
    state: Arc<Mutex<State>>,
    /// The listing has ended.
    ended: CancellationToken,
    /// The listing is to end.
    written: CancellationToken,
}

impl Changes {
    /// Begins to list what is below `root`, on a thread of its own.
    pub(crate) fn begin(root: &Path) -> Self {
        let changes = Self {
            root: Arc::new(root.to_path_buf()),
            state: Arc::new(Mutex::new(State::Listing)),
            ended: CancellationToken::new(),
            written: CancellationToken::new(),
        };
        let listing = changes.clone();
        let spawned = thread::Builder::new().name("baseline".to_owned()).spawn(move || {
            let listed = tree::list(&listing.root, BASELINE, &|| listing.written.is_cancelled());
            listing.settle(match listed {
                Ok(tree) => State::Listed(Arc::new(tree)),
                Err(error) => State::Unknown(error.to_string()),
            });
        });
        if let Err(error) = spawned {
            changes.settle(State::Unknown(format!("no thread could be had to list the files: {error}")));
        }
        changes
    }

    /// Of a container whose files nobody is to list.
    pub(crate) fn unknown(why: &str) -> Self {
        let changes = Self {
            root: Arc::new(PathBuf::new()),
            state: Arc::new(Mutex::new(State::Listing)),
            ended: CancellationToken::new(),
            written: CancellationToken::new(),
        };
        changes.settle(State::Unknown(why.to_owned()));
        changes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, state: State) {
        let mut current = self.lock();
        // Whoever was to write may have come first.
        if matches!(*current, State::Listing) {
            *current = state;
        }
        drop(current);
        self.ended.cancel();
    }

    /// Something is about to be written: from now on a listing would not be of the files as they were.
    pub(crate) fn about_to_write(&self) {
        self.written.cancel();
        self.settle(State::Unknown(
            "the container began to run before its files were listed, so there is nothing to compare them with"
                .to_owned(),
        ));
    }

    /// What has changed. Waits for the listing, if it goes on.
    ///
    /// # Errors
    /// It is not known, for this reason.
    pub(crate) async fn since_the_beginning(&self) -> Result<Vec<Change>, String> {
        self.ended.cancelled().await;
        let before = match &*self.lock() {
            State::Listed(tree) => tree.clone(),
            State::Unknown(why) => return Err(why.clone()),
            State::Listing => return Err("the files are still being listed".to_owned()),
        };
        let root = self.root.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let now = tree::list(&root, NOW, &|| false)?;
            compare::compare(&before, &now)
        });
        match compared.await {
            Ok(Ok(changes)) => Ok(changes),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(format!("the agent failed: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_while_the_files_were_listed_leaves_it_unknown() {
        let changes = Changes {
            root: Arc::new(PathBuf::new()),
            state: Arc::new(Mutex::new(State::Listing)),
            ended: CancellationToken::new(),
            written: CancellationToken::new(),
        };
        changes.about_to_write();
        // A listing that ends nevertheless comes too late.
        changes.settle(State::Listed(Arc::new(Tree::default())));
        assert!(changes.since_the_beginning().await.unwrap_err().contains("before its files were listed"));
    }

    #[tokio::test]
    async fn what_is_written_after_the_listing_is_a_change() {
        let root = tempfile::tempdir().unwrap();
        let changes = Changes::begin(root.path());
        assert_eq!(changes.since_the_beginning().await, Ok(Vec::new()));
        changes.about_to_write();
        std::fs::write(root.path().join("new"), "x").unwrap();
        let found = changes.since_the_beginning().await.unwrap();
        assert_eq!(found.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["/new"]);
        assert_eq!(Changes::unknown("off").since_the_beginning().await, Err("off".to_owned()));
    }
}
