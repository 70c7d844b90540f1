//! The output of one process, from when it was written until it is read.
//!
//! The spool holds frames (see the protocol's `frame`) in memory, up to a limit. Then whoever writes waits, and by the pipe the
//! process itself, as long as somebody may still want the oldest of it:
//!
//! - before the *release* everything is kept: the daemon has not opened its readers yet;
//! - what a reader has not read is kept, and a stretch behind it too, since what was sent may have been lost with the link;
//! - a reader whose link broke keeps its place for a while, for the daemon to come back.
//!
//! Without readers the oldest is dropped.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sockerless_agent_protocol::frame::{From, HEADER, MAX_PAYLOAD};
use sockerless_agent_protocol::link::STREAM_WINDOW;
use tokio::sync::watch;

/// Bytes that one spool holds.
const LIMIT: u64 = 4 << 20;

/// Bytes behind a reader that are kept for its return: more than can be on the way to the daemon.
const BEHIND: u64 = STREAM_WINDOW as u64 + (512 << 10);

/// Bytes of the largest frame.
const FRAME: u64 = (HEADER + MAX_PAYLOAD) as u64;

/// Why a reader cannot begin where it wants to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// That output has been dropped.
    Dropped,
    /// There is no such output, or the offset is within a frame.
    NoSuchOffset,
}

struct Block {
    begin: u64,
    frame: Bytes,
}

#[derive(Default)]
struct State {
    blocks: VecDeque<Block>,
    /// Offset of the oldest byte that is there, and of the end.
    begin: u64,
    end: u64,
    closed: bool,
    released: bool,
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
    /// Drops what nobody wants until `more` bytes fit. Tells whether they do.
    fn make_room(&mut self, more: u64) -> bool {
        let wanted = if self.released {
            self.readers.values().map(|place| place.offset).min().map_or(self.end, |least| least.saturating_sub(BEHIND))
        } else {
            0
        };
        while self.end - self.begin + more > LIMIT {
            match self.blocks.front() {
                // Something must fit, however large.
                None => return true,
                Some(block) if block.begin + length(&block.frame) <= wanted => {
                    self.begin = block.begin + length(&block.frame);
                    self.blocks.pop_front();
                }
                Some(_) => return false,
            }
        }
        true
    }

    fn index_of(&self, offset: u64) -> Option<usize> {
        self.blocks.binary_search_by_key(&offset, |block| block.begin).ok()
    }
}

fn length(frame: &Bytes) -> u64 {
    u64::try_from(frame.len()).unwrap_or(u64::MAX)
}

/// See the module.
pub(crate) struct Spool {
    state: Mutex<State>,
    /// Counts changes that somebody may wait for.
    changes: watch::Sender<u64>,
}

impl Spool {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changes: watch::Sender::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Adds one frame. Returns when there is room for it.
    pub(crate) async fn push(&self, frame: Bytes) {
        let mut changes = self.changes.subscribe();
        loop {
            {
                let mut state = self.lock();
                if state.closed {
                    return;
                }
                if state.make_room(length(&frame)) {
                    let begin = state.end;
                    state.end += length(&frame);
                    state.blocks.push_back(Block { begin, frame });
                    break;
                }
            }
            // The sender lives as long as this.
            let _ = changes.changed().await;
        }
        self.changed();
    }

    /// There will be no more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed();
    }

    /// From now on what nobody reads may be dropped.
    pub(crate) fn release(&self) {
        self.lock().released = true;
        self.changed();
    }

    /// Whether anybody reads, or may come back to.
    pub(crate) fn is_read(&self) -> bool {
        !self.lock().readers.is_empty()
    }

    /// Whether a writer would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        !self.lock().make_room(FRAME)
    }

    /// Opens a reader.
    pub(crate) fn read(self: &Arc<Self>, from: From) -> Result<Reader, Refusal> {
        let mut state = self.lock();
        let offset = match from {
            From::Oldest => state.begin,
            From::End => state.end,
            From::Offset(offset) if offset < state.begin => return Err(Refusal::Dropped),
            From::Offset(offset) if offset == state.end || state.index_of(offset).is_some() => offset,
            From::Offset(_) => return Err(Refusal::NoSuchOffset),
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
        let end = state.end;
        drop(state);
        let changes = self.changes.subscribe();
        Ok(Reader { spool: self.clone(), id, offset, begin: offset, end, changes })
    }

    /// A reader is gone, perhaps not for good: its place is kept until it leaves, or until somebody takes it over.
    pub(crate) fn absent(&self, reader: u64) {
        if let Some(place) = self.lock().readers.get_mut(&reader) {
            place.absent = true;
        }
    }

    /// A reader is gone for good.
    pub(crate) fn leave(&self, reader: u64) {
        self.lock().readers.remove(&reader);
        self.changed();
    }
}

/// Most bytes that a reader takes at once.
const CHUNK: usize = 256 << 10;

/// Reads a spool. To be followed by [`Spool::leave`].
pub(crate) struct Reader {
    spool: Arc<Spool>,
    pub(crate) id: u64,
    offset: u64,
    pub(crate) begin: u64,
    /// Where the output ended when the reader was opened.
    pub(crate) end: u64,
    changes: watch::Receiver<u64>,
}

impl Reader {
    /// The next frames; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Vec<Bytes>> {
        loop {
            self.changes.mark_unchanged();
            {
                let mut state = self.spool.lock();
                let mut frames = Vec::new();
                let mut size = 0;
                if let Some(index) = state.index_of(self.offset) {
                    for block in state.blocks.range(index..) {
                        if size > 0 && size + block.frame.len() > CHUNK {
                            break;
                        }
                        size += block.frame.len();
                        frames.push(block.frame.clone());
                    }
                }
                if !frames.is_empty() {
                    self.offset += u64::try_from(size).unwrap_or(u64::MAX);
                    state.readers.insert(self.id, Place { offset: self.offset, absent: false });
                    drop(state);
                    self.spool.changed();
                    return Some(frames);
                }
                if state.closed {
                    return None;
                }
            }
            let _ = self.changes.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(50);

    fn frame(size: usize) -> Bytes {
        Bytes::from(vec![1; size])
    }

    async fn fill(spool: &Spool) -> usize {
        let mut count = 0;
        while timeout(SOON, spool.push(frame(64 << 10))).await.is_ok() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn nothing_is_dropped_before_the_release_and_the_oldest_afterwards() {
        let spool = Spool::new();
        assert_eq!(fill(&spool).await, 64);
        spool.release();
        timeout(SOON, spool.push(frame(64 << 10))).await.unwrap();
        assert_eq!(spool.read(From::Offset(0)).err(), Some(Refusal::Dropped));
        assert_eq!(spool.read(From::Oldest).unwrap().begin, 64 << 10);
    }

    #[tokio::test]
    async fn a_reader_holds_the_writer_up_until_it_reads_or_leaves() {
        let spool = Spool::new();
        spool.release();
        let mut reader = spool.read(From::Oldest).unwrap();
        let count = fill(&spool).await;
        assert_eq!(count, 64);
        let mut got = 0;
        while got < 40 {
            got += reader.next().await.unwrap().len();
        }
        assert!(fill(&spool).await > 0);
        // What it has read a moment ago is still there, for it to come back.
        assert!(spool.read(From::Offset(u64::try_from(got).unwrap() * (64 << 10) - (512 << 10))).is_ok());
        spool.leave(reader.id);
        timeout(SOON, async { while fill(&spool).await == 0 {} }).await.ok();
    }

    #[tokio::test]
    async fn who_comes_back_takes_over_the_place_that_was_kept() {
        let spool = Spool::new();
        spool.release();
        let mut lost = spool.read(From::Oldest).unwrap();
        fill(&spool).await;
        let sent: usize = lost.next().await.unwrap().iter().map(Bytes::len).sum();
        spool.absent(lost.id);
        assert_eq!(fill(&spool).await, 0, "the place is kept");
        let mut back = spool.read(From::Offset(u64::try_from(sent).unwrap() - (64 << 10))).unwrap();
        for _ in 0..10 {
            back.next().await.unwrap();
        }
        assert!(fill(&spool).await > 0, "the place is held twice");
    }

    #[tokio::test]
    async fn the_end_comes_after_everything() {
        let spool = Spool::new();
        spool.push(frame(10)).await;
        let mut reader = spool.read(From::Offset(0)).unwrap();
        let waiting = tokio::spawn(async move {
            let mut sizes = Vec::new();
            while let Some(frames) = reader.next().await {
                sizes.extend(frames.iter().map(Bytes::len));
            }
            sizes
        });
        spool.push(frame(20)).await;
        spool.close();
        assert_eq!(waiting.await.unwrap(), [10, 20]);
        assert_eq!(spool.read(From::Offset(5)).err(), Some(Refusal::NoSuchOffset));
        assert_eq!(spool.read(From::Offset(31)).err(), Some(Refusal::NoSuchOffset));
        assert!(spool.read(From::Offset(30)).unwrap().next().await.is_none());
    }
}
