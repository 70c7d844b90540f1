//! The agent's spool: output in memory and on disk.

use std::sync::Arc;

use bytes::BytesMut;
use sockerless_agent::spool::{Disk, Reader, Spool, Unwanted};
use sockerless_agent_protocol::frame::{From, frames, put};

use crate::choices::Choices;
use crate::runtime::block_on;

/// Writers and readers that do what the input says. A reader gets what was written, from where it began, frame by frame.
pub(super) fn spool(input: &[u8]) {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut choices = Choices::new(input);
        let settings = choices.byte();
        let slots = u32::from(settings >> 4);
        let unwanted = if settings & 1 == 0 { Unwanted::Stays } else { Unwanted::Goes };
        let disk = Disk::within(vec![folder.path().to_owned()], slots);
        let mut world = World { spool: Spool::new(unwanted, disk), written: Vec::new(), readers: Vec::new() };
        for _ in 0..200 {
            if choices.is_over() {
                break;
            }
            world.step(&mut choices).await;
        }
        world.finish().await;
    });
}

struct World {
    spool: Arc<Spool>,
    written: Vec<u8>,
    /// And where they are.
    readers: Vec<(Reader, usize)>,
}

impl World {
    async fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 8 {
            0..=2 => self.push(choices).await,
            3 => self.open(From::Oldest).await,
            4 => self.open(From::End).await,
            5 => {
                let offset = choices.short() << (choices.byte() % 8);
                self.open(From::Offset(offset as u64)).await;
            }
            6 => {
                let number = usize::from(choices.byte());
                if !self.readers.is_empty() {
                    let (reader, _) = self.readers.swap_remove(number % self.readers.len());
                    if number & 128 == 0 { self.spool.leave(reader.id) } else { self.spool.absent(reader.id) }
                }
            }
            _ => {
                if choices.byte() & 1 == 0 {
                    self.spool.release();
                } else {
                    self.read_all().await;
                }
            }
        }
    }

    /// Writes some frames, if nobody would have to wait for that.
    async fn push(&mut self, choices: &mut Choices<'_>) {
        let (length, byte) = (choices.short().max(1), choices.byte());
        for _ in 0..=choices.byte() % 32 {
            if self.spool.is_full() {
                return;
            }
            let mut frame = BytesMut::new();
            put(&mut frame, 1 + (byte & 1), &vec![byte; length]);
            self.written.extend_from_slice(&frame);
            self.spool.push(frame.freeze()).await;
        }
    }

    async fn open(&mut self, from: From) {
        if self.readers.len() >= 8 {
            return;
        }
        if let Ok(reader) = self.spool.read(from).await {
            let begin = usize::try_from(reader.begin).unwrap();
            assert_eq!(reader.end, self.written.len() as u64);
            assert!(sockerless_agent_protocol::frame::is_boundary(&self.written, begin), "within a frame");
            self.readers.push((reader, begin));
        }
    }

    /// Has every reader read what there is.
    async fn read_all(&mut self) {
        let written = &self.written;
        let mut left = Vec::new();
        for (mut reader, mut position) in self.readers.drain(..) {
            let mut whole = true;
            while position < written.len() {
                let Ok(Some(bytes)) = reader.next().await else {
                    whole = false;
                    break;
                };
                assert!(written[position..].starts_with(&bytes), "other bytes than were written");
                let length: usize = frames(bytes.clone()).map(|frame| frame.payload.len() + 8).sum();
                assert_eq!(length, bytes.len(), "a part of a frame");
                position += bytes.len();
            }
            assert!(whole, "what somebody reads was dropped");
            left.push((reader, position));
        }
        self.readers = left;
    }

    async fn finish(mut self) {
        self.read_all().await;
        self.spool.close();
        for (mut reader, _) in self.readers {
            assert!(reader.next().await.unwrap().is_none(), "more than was written");
        }
    }
}
