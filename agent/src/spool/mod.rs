//! The output of one process, from when it was written until it is read.
//!
//! The spool holds frames (see the protocol's `frame`): the newest in memory, older ones on disk ([`disk`]), up to a limit each. Then
//! whoever writes waits, and by the pipe the process itself, as long as somebody may still want the oldest of it:
//!
//! - before the *release* everything is kept: the daemon has not opened its readers yet;
//! - what a reader has not read is kept, and a stretch behind it too, since what was sent may have been lost with the link;
//! - a reader whose link broke keeps its place for a while, for the daemon to come back.
//!
//! What nobody wants is dropped, the oldest first: of the container's own process when there is no more room on disk, since
//! somebody may want its logs, of another one instead of being put there.

mod disk;
mod kept;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sockerless_agent_protocol::frame::From;
use sockerless_agent_protocol::link::STREAM_WINDOW;
use tokio::sync::watch;

pub use disk::Disk;
use disk::Slot;
use kept::{At, FRAME, Kept};

/// Bytes that one spool holds in memory.
const MEMORY: u64 = 4 << 20;

/// Slots that one spool holds on disk, of a MiB each.
const SLOTS: usize = 64;

/// Bytes behind a reader that are kept for its return: more than can be on the way to the daemon.
const BEHIND: u64 = STREAM_WINDOW as u64 + (512 << 10);

/// Why a reader cannot begin where it wants to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// That output has been dropped.
    Dropped,
    /// There is no such output, or the offset is within a frame.
    NoSuchOffset,
}

/// What becomes of output that nobody wants now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwanted {
    /// It stays as long as there is room on disk.
    Stays,
    /// It goes when the memory is needed.
    Goes,
}

/// Whether a frame fits.
enum Room {
    Enough,
    /// Once these, the oldest in memory, are on disk.
    AfterMoving(Vec<Bytes>, Slot),
    /// Once what is on its way to the disk is there.
    Soon,
    /// Once somebody has read something.
    Full,
}

#[derive(Default)]
struct State {
    kept: Kept,
    closed: bool,
    released: bool,
    /// The oldest in memory are being written to the disk.
    moving: bool,
    readers: HashMap<u64, Place>,
    next_reader: u64,
}

/// Where a reader is.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    /// Nobody reads here now; somebody may come back.
    absent: bool,
}

impl State {
    /// Offset from which on output is wanted.
    fn wanted(&self) -> u64 {
        if !self.released {
            return 0;
        }
        let least = self.readers.values().map(|place| place.offset).min();
        least.map_or(self.kept.end(), |least| least.saturating_sub(BEHIND))
    }

    /// Whether `more` bytes fit, when what is not wanted has gone.
    fn room(&mut self, more: u64, unwanted: Unwanted, disk: &Disk) -> Room {
        let wanted = self.wanted();
        let mut slot = None;
        loop {
            let held = self.kept.in_memory();
            // Something must fit, however large.
            if held == 0 || held + more <= MEMORY {
                return Room::Enough;
            }
            if self.moving {
                return Room::Soon;
            }
            let may_go = self.kept.oldest_end() <= wanted;
            if may_go && unwanted == Unwanted::Goes {
                self.kept.drop_oldest();
                continue;
            }
            if slot.is_none() && self.kept.slots() < SLOTS {
                slot = disk.slot();
            }
            let oldest = self.kept.oldest_in_memory();
            match slot {
                Some(slot) if !oldest.is_empty() => return Room::AfterMoving(oldest, slot),
                _ if may_go => self.kept.drop_oldest(),
                _ => return Room::Full,
            }
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// See the module.
pub struct Spool {
    state: Mutex<State>,
    unwanted: Unwanted,
    disk: Disk,
    /// Counts changes that somebody may wait for.
    changes: watch::Sender<u64>,
}

impl Spool {
    /// One without output. `disk`: where what is older goes.
    #[must_use]
    pub fn new(unwanted: Unwanted, disk: Disk) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), unwanted, disk, changes: watch::Sender::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Adds one frame. Returns when there is room for it.
    pub async fn push(self: &Arc<Self>, frame: Bytes) {
        let mut changes = self.changes.subscribe();
        loop {
            {
                let mut state = self.lock();
                if state.closed {
                    return;
                }
                match state.room(length(&frame), self.unwanted, &self.disk) {
                    Room::Enough => {
                        state.kept.push(frame);
                        break;
                    }
                    Room::AfterMoving(pieces, slot) => {
                        state.moving = true;
                        self.clone().move_to_disk(pieces, slot);
                    }
                    Room::Soon | Room::Full => {}
                }
            }
            // The sender lives as long as this.
            let _ = changes.changed().await;
        }
        self.changed();
    }

    /// In a task of its own: whoever writes may be given up meanwhile.
    fn move_to_disk(self: Arc<Self>, pieces: Vec<Bytes>, slot: Slot) {
        tokio::task::spawn_blocking(move || {
            let written = slot.write(&pieces);
            {
                let mut state = self.lock();
                state.moving = false;
                if written.is_ok() {
                    state.kept.moved(pieces.len(), slot);
                }
            }
            self.changed();
        });
    }

    /// There will be no more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed();
    }

    /// From now on what nobody reads may be dropped.
    pub fn release(&self) {
        self.lock().released = true;
        self.changed();
    }

    /// Whether anybody reads, or may come back to.
    pub fn is_read(&self) -> bool {
        !self.lock().readers.is_empty()
    }

    /// Whether a writer would have to wait until somebody has read.
    pub fn is_full(&self) -> bool {
        matches!(self.lock().room(u64::try_from(FRAME).unwrap_or(u64::MAX), self.unwanted, &self.disk), Room::Full)
    }

    /// Opens a reader.
    ///
    /// # Errors
    /// There is no output from there on, or not any more.
    pub async fn read(self: &Arc<Self>, from: From) -> Result<Reader, Refusal> {
        let is_boundary = match from {
            From::Offset(offset) => self.is_boundary(offset).await?,
            From::Oldest | From::End => true,
        };
        if !is_boundary {
            return Err(Refusal::NoSuchOffset);
        }
        let mut state = self.lock();
        let offset = match from {
            From::Oldest => state.kept.begin(),
            From::End => state.kept.end(),
            From::Offset(offset) if offset < state.kept.begin() => return Err(Refusal::Dropped),
            From::Offset(offset) => offset,
        };
        if matches!(from, From::Offset(_)) {
            // Who comes back has read at most what was sent, and not much less.
            let old = state.readers.iter().find(|(_, place)| {
                place.absent && (place.offset.saturating_sub(BEHIND)..=place.offset).contains(&offset)
            });
            if let Some(old) = old.map(|(id, _)| *id) {
                state.readers.remove(&old);
            }
        }
        let id = state.next_reader;
        state.next_reader += 1;
        state.readers.insert(id, Place { offset, absent: false });
        let end = state.kept.end();
        drop(state);
        let changes = self.changes.subscribe();
        Ok(Reader { spool: self.clone(), id, offset, begin: offset, end, changes })
    }

    /// Whether an offset is between two frames.
    async fn is_boundary(&self, offset: u64) -> Result<bool, Refusal> {
        let stored = {
            let state = self.lock();
            match state.kept.at(offset) {
                At::Dropped => return Err(Refusal::Dropped),
                At::Memory(_) => return Ok(state.kept.is_boundary(offset)),
                At::Disk(stored) => stored,
            }
        };
        match tokio::task::spawn_blocking(move || stored.is_boundary(offset)).await {
            Ok(Ok(is_boundary)) => Ok(is_boundary),
            // Whoever reads on will find the same, and that it is dropped.
            _ => Err(Refusal::Dropped),
        }
    }

    /// A reader is gone, perhaps not for good: its place is kept until it leaves, or until somebody takes it over.
    pub fn absent(&self, reader: u64) {
        if let Some(place) = self.lock().readers.get_mut(&reader) {
            place.absent = true;
        }
    }

    /// A reader is gone for good.
    pub fn leave(&self, reader: u64) {
        self.lock().readers.remove(&reader);
        self.changed();
    }
}

/// Reads a spool. To be followed by [`Spool::leave`].
pub struct Reader {
    spool: Arc<Spool>,
    /// By which it is told to [`Spool::leave`] and [`Spool::absent`].
    pub id: u64,
    offset: u64,
    /// Offset of the first byte that it reads.
    pub begin: u64,
    /// Where the output ended when the reader was opened.
    pub end: u64,
    changes: watch::Receiver<u64>,
}

impl Reader {
    /// The next frames, one or more; nothing at the end.
    ///
    /// # Errors
    /// What comes next could not be read from the disk, and is dropped.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            self.changes.mark_unchanged();
            let (at, closed) = {
                let state = self.spool.lock();
                (state.kept.at(self.offset), state.closed)
            };
            let frames = match at {
                At::Memory(frames) if frames.is_empty() && closed => return Ok(None),
                At::Memory(frames) => frames,
                At::Disk(stored) => {
                    let offset = self.offset;
                    let read = tokio::task::spawn_blocking(move || stored.frames(offset)).await;
                    read.map_err(io::Error::other).flatten().inspect_err(|error| self.unreadable(error))?
                }
                At::Dropped => return Err(io::Error::other("the output was dropped")),
            };
            if !frames.is_empty() {
                self.offset += length(&frames);
                self.spool.lock().readers.insert(self.id, Place { offset: self.offset, absent: false });
                self.spool.changed();
                return Ok(Some(frames));
            }
            let _ = self.changes.changed().await;
        }
    }

    /// Gives up what is on disk: who comes back is told that it was dropped.
    fn unreadable(&self, error: &io::Error) {
        tracing::error!(%error, "output on disk cannot be read, and is dropped");
        self.spool.lock().kept.drop_stored();
        self.spool.changed();
    }
}

#[cfg(test)]
mod tests;
