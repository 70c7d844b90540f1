//! Output that is kept on disk: one file without a name, in slots of the same size, for all processes.
//!
//! The file is made when it is first needed, cannot be seen in the container's file system, and goes with the agent however
//! that ends. Where it cannot be made or written, output stays in memory, and the disk is tried again later.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

/// Bytes of a slot.
pub(super) const SLOT: u64 = 1 << 20;

/// Slots of all processes.
const SLOTS: u32 = 256;

/// How long the disk is left alone after it has failed.
const PAUSE: Duration = Duration::from_secs(30);

/// A place for output on disk. Cheap to clone.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where the file may be; the first that takes it.
    folders: Vec<PathBuf>,
    slots: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<Arc<File>>,
    free: Vec<u32>,
    /// Slots that the file has, free or not.
    count: u32,
    /// Until when the disk is left alone.
    failed_until: Option<Instant>,
}

impl Disk {
    /// A file in the system's folder for temporary files, or in the container's root where an image has none.
    #[must_use]
    pub fn new() -> Self {
        Self::within(["/tmp", "/var/tmp", "/"].map(PathBuf::from).to_vec(), SLOTS)
    }

    /// A file in the first of these folders that takes it. `slots`: most that it has, of a MiB each.
    #[must_use]
    pub fn within(folders: Vec<PathBuf>, slots: u32) -> Self {
        Self { inner: Arc::new(Inner { folders, slots, state: Mutex::default() }) }
    }

    /// Takes away all that was written.
    #[cfg(test)]
    pub(super) fn damage(&self) {
        if let Some(file) = &self.inner.state().file {
            file.set_len(0).unwrap();
        }
    }

    /// A free slot. Nothing if there is none, or if the disk has failed a moment ago.
    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot_at(Instant::now())
    }

    fn slot_at(&self, now: Instant) -> Option<Slot> {
        let mut state = self.inner.state();
        if state.failed_until.is_some_and(|until| now < until) {
            return None;
        }
        let number = state.free.pop().or_else(|| {
            let number = state.count;
            (number < self.inner.slots).then(|| {
                state.count += 1;
                number
            })
        })?;
        Some(Slot { disk: self.inner.clone(), number })
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.state().file {
            return Ok(file.clone());
        }
        let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "no folder is known for it"));
        for folder in &self.folders {
            result = tempfile::tempfile_in(folder);
            if result.is_ok() {
                break;
            }
        }
        let file = Arc::new(result?);
        // Another process may have been as fast.
        Ok(self.state().file.get_or_insert(file).clone())
    }

    fn failed(&self, error: &io::Error) {
        tracing::warn!(%error, "output cannot be kept on disk: processes wait when what is in memory is not read");
        self.state().failed_until = Some(Instant::now() + PAUSE);
    }

    fn release(&self, number: u32) {
        let unused = {
            let mut state = self.state();
            state.free.push(number);
            let all = u32::try_from(state.free.len()).is_ok_and(|free| free == state.count);
            if all {
                state.free.clear();
                state.count = 0;
            }
            state.file.take_if(|_| all)
        };
        // Closing it gives back what it took of the disk, which may take a while.
        if let (Some(file), Ok(runtime)) = (unused, tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}

/// A part of the file. Dropping it frees it.
pub(super) struct Slot {
    disk: Arc<Inner>,
    number: u32,
}

impl Slot {
    fn begin(&self) -> u64 {
        u64::from(self.number) * SLOT
    }

    /// Writes pieces, together at most [`SLOT`] bytes, one after the other. Blocks. After an error the disk is left alone for a while.
    pub(super) fn write(&self, pieces: &[Bytes]) -> io::Result<()> {
        let write = || {
            let file = self.disk.file()?;
            let mut at = self.begin();
            for piece in pieces {
                file.write_all_at(piece, at)?;
                at += super::length(piece);
            }
            Ok(())
        };
        write().inspect_err(|error| self.disk.failed(error))
    }

    /// Reads `size` bytes from `from` on, both within what was written. Blocks.
    pub(super) fn read(&self, from: u64, size: usize) -> io::Result<Bytes> {
        let file = self.disk.state().file.clone().ok_or_else(|| io::Error::other("nothing was written"))?;
        let mut bytes = BytesMut::zeroed(size);
        file.read_exact_at(&mut bytes, self.begin() + from)?;
        Ok(bytes.freeze())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.disk.release(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_are_used_again_and_the_file_goes_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::within(vec![folder.path().to_owned()], 2);
        let (one, two) = (disk.slot().unwrap(), disk.slot().unwrap());
        assert!(disk.slot().is_none(), "more than the limit");
        one.write(&[Bytes::from_static(b"on"), Bytes::from_static(b"e")]).unwrap();
        two.write(&[Bytes::from_static(b"two")]).unwrap();
        assert_eq!(one.read(1, 2).unwrap(), "ne");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
        drop(one);
        let three = disk.slot().unwrap();
        three.write(&[Bytes::from_static(b"three")]).unwrap();
        assert_eq!(two.read(0, 3).unwrap(), "two");
        drop((two, three));
        assert!(disk.inner.state().file.is_none());
        disk.slot().unwrap().write(&[Bytes::from_static(b"again")]).unwrap();
    }

    #[test]
    fn a_disk_that_fails_is_left_alone_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, disk) = {
            let missing = folder.path().join("missing");
            (missing.clone(), Disk::within(vec![missing], 2))
        };
        assert!(disk.slot().unwrap().write(&[Bytes::from_static(b"x")]).is_err());
        assert!(disk.slot().is_none());
        std::fs::create_dir(missing).unwrap();
        disk.slot_at(Instant::now() + PAUSE).unwrap().write(&[Bytes::from_static(b"x")]).unwrap();
    }
}
