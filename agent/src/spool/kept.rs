//! The bytes of a spool: the older ones on disk, the newer ones in memory, in pieces that are whole frames.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sockerless_agent_protocol::frame::{Cutter, HEADER, MAX_PAYLOAD, is_boundary};

use super::disk::{SLOT, Slot};
use super::length;

/// Bytes of the largest frame, and of a piece that has several.
pub(super) const FRAME: usize = HEADER + MAX_PAYLOAD;

/// A frame of so many bytes is a piece by itself, and is not copied.
const LARGE: usize = FRAME / 2;

/// Most bytes that are read from the disk at once. More than a frame.
const CHUNK: u64 = 256 << 10;

struct Segment {
    begin: u64,
    frames: Bytes,
}

/// What one slot of the disk has.
pub(super) struct Stored {
    begin: u64,
    size: u64,
    slot: Slot,
}

impl Stored {
    fn end(&self) -> u64 {
        self.begin + self.size
    }

    /// Some whole frames from an offset on, which is between two frames. Blocks.
    pub(super) fn frames(&self, offset: u64) -> io::Result<Bytes> {
        let from = offset - self.begin;
        let bytes = self.slot.read(from, (self.size - from).min(CHUNK).try_into().unwrap_or(FRAME))?;
        Cutter::default().push(bytes).map_err(io::Error::other)
    }

    /// Whether an offset in it is between two frames. Blocks.
    pub(super) fn is_boundary(&self, offset: u64) -> io::Result<bool> {
        let before = usize::try_from(offset - self.begin).unwrap_or(usize::MAX);
        Ok(is_boundary(&self.slot.read(0, before)?, before))
    }
}

/// Where an offset is.
pub(super) enum At {
    Dropped,
    Disk(Arc<Stored>),
    /// What follows in its piece in memory. Empty: there is no more yet.
    Memory(Bytes),
}

/// See the module.
#[derive(Default)]
pub(super) struct Kept {
    stored: VecDeque<Arc<Stored>>,
    segments: VecDeque<Segment>,
    /// What follows on the last segment.
    tail: BytesMut,
    begin: u64,
    end: u64,
}

impl Kept {
    /// Offset of the oldest byte that is there.
    pub(super) fn begin(&self) -> u64 {
        self.begin
    }

    /// Offset of the next byte that comes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes in memory.
    pub(super) fn in_memory(&self) -> u64 {
        self.end - self.stored.back().map_or(self.begin, |stored| stored.end())
    }

    /// Slots on disk.
    pub(super) fn slots(&self) -> usize {
        self.stored.len()
    }

    /// Adds one frame.
    pub(super) fn push(&mut self, frame: Bytes) {
        if frame.len() >= LARGE || self.tail.len() + frame.len() > FRAME {
            self.seal();
        }
        let begin = self.end;
        self.end += length(&frame);
        if frame.len() >= LARGE {
            self.segments.push_back(Segment { begin, frames: frame });
        } else {
            self.tail.extend_from_slice(&frame);
        }
    }

    fn tail_begin(&self) -> u64 {
        self.end - length(&self.tail)
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let segment = Segment { begin: self.tail_begin(), frames: self.tail.split().freeze() };
            self.segments.push_back(segment);
        }
    }

    /// The end of the oldest piece: what goes first if something has to.
    pub(super) fn oldest_end(&self) -> u64 {
        let segment = || self.segments.front().map(|segment| segment.begin + length(&segment.frames));
        self.stored.front().map(|stored| stored.end()).or_else(segment).unwrap_or(self.end)
    }

    /// Drops the oldest piece.
    pub(super) fn drop_oldest(&mut self) {
        self.begin = self.oldest_end();
        if self.stored.pop_front().is_none() && self.segments.pop_front().is_none() {
            self.tail.clear();
        }
    }

    /// Drops what is on disk.
    pub(super) fn drop_stored(&mut self) {
        if let Some(last) = self.stored.back() {
            self.begin = last.end();
            self.stored.clear();
        }
    }

    /// The oldest pieces in memory that fit into a slot.
    pub(super) fn oldest_in_memory(&self) -> Vec<Bytes> {
        let mut room = SLOT;
        let fits = |segment: &&Segment| {
            let fits = length(&segment.frames) <= room;
            room = room.saturating_sub(length(&segment.frames));
            fits
        };
        self.segments.iter().take_while(fits).map(|segment| segment.frames.clone()).collect()
    }

    /// The oldest `count` pieces in memory are on disk now.
    pub(super) fn moved(&mut self, count: usize, slot: Slot) {
        let moved: Vec<Segment> = self.segments.drain(..count.min(self.segments.len())).collect();
        if let Some(first) = moved.first() {
            let size = moved.iter().map(|segment| length(&segment.frames)).sum();
            self.stored.push_back(Arc::new(Stored { begin: first.begin, size, slot }));
        }
    }

    /// Finds what is at an offset between two frames.
    pub(super) fn at(&self, offset: u64) -> At {
        if offset < self.begin {
            return At::Dropped;
        }
        let stored = self.stored.partition_point(|stored| stored.end() <= offset);
        if let Some(stored) = self.stored.get(stored) {
            return At::Disk(stored.clone());
        }
        let (piece, position) = self.piece(offset);
        At::Memory(match piece {
            Piece::Sealed(frames) => frames.slice(position.min(frames.len())..),
            Piece::Tail(frames) => Bytes::copy_from_slice(frames.get(position..).unwrap_or_default()),
        })
    }

    /// Whether an offset in memory is between two frames.
    pub(super) fn is_boundary(&self, offset: u64) -> bool {
        let (piece, position) = self.piece(offset);
        match piece {
            Piece::Sealed(frames) => is_boundary(frames, position),
            Piece::Tail(frames) => is_boundary(frames, position),
        }
    }

    /// The piece in memory that has an offset, and where in it.
    fn piece(&self, offset: u64) -> (Piece<'_>, usize) {
        let position = |begin| usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        let segment = self.segments.partition_point(|segment| segment.begin <= offset).checked_sub(1);
        match segment.and_then(|segment| self.segments.get(segment)) {
            Some(Segment { begin, frames }) if offset < self.tail_begin() => (Piece::Sealed(frames), position(*begin)),
            _ => (Piece::Tail(&self.tail), position(self.tail_begin())),
        }
    }
}

enum Piece<'a> {
    Sealed(&'a Bytes),
    Tail(&'a [u8]),
}
