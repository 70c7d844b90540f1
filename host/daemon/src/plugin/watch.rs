//! `sockerless plugin load --watch`: loads a component whenever its file has changed, for whoever writes one.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::load;
use crate::address::Address;

/// Between two looks at the file.
const EVERY: Duration = Duration::from_millis(200);

/// By what a changed file is known: a build may write into the one that is there, or put another in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl Stamp {
    async fn of(file: &Path) -> Option<Self> {
        let metadata = tokio::fs::metadata(file).await.ok()?;
        Some(Self { modified: metadata.modified().ok(), size: metadata.len(), inode: metadata.ino() })
    }
}

/// What was seen of the file.
#[derive(Debug, Default)]
struct Watch {
    before: Option<Stamp>,
    loaded: Option<Stamp>,
}

impl Watch {
    /// Whether what is seen now is to be loaded: once, and when two looks have found the same, since a build writes by and by.
    fn is_new(&mut self, now: Option<Stamp>) -> bool {
        let settled = now.is_some() && now == self.before;
        self.before = now;
        let new = settled && now != self.loaded;
        if new {
            self.loaded = now;
        }
        new
    }
}

/// Loads the file as it is, and again after each change, until the process is ended. What goes wrong is said, and ends nothing.
pub(super) async fn run(host: &Address, file: &Path, name: Option<&str>) {
    let mut watch = Watch::default();
    if Stamp::of(file).await.is_none() {
        eprintln!("{} is not there yet", file.display());
    }
    loop {
        if watch.is_new(Stamp::of(file).await)
            && let Err(error) = load(host, file, name).await
        {
            eprintln!("sockerless: {error:#}");
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_loaded_once_when_it_has_settled() {
        let stamp = |size| Some(Stamp { modified: None, size, inode: 1 });
        let mut watch = Watch::default();
        let seen = [
            None,
            stamp(1),
            stamp(1),
            stamp(1),
            stamp(2),
            stamp(3),
            stamp(3),
            None,
            stamp(3),
            stamp(3),
            stamp(1),
            stamp(1),
        ];
        let loaded = seen.map(|now| watch.is_new(now));
        let expected = [false, false, true, false, false, false, true, false, false, false, false, true];
        assert_eq!(loaded, expected);
    }
}
