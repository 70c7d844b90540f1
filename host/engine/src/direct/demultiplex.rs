//! Output as it comes from a cloud, turned into the frames that the rest of the engine knows.

use bytes::BytesMut;
use sockerless_agent_protocol::frame::{HEADER, MAX_PAYLOAD, put};
use sockerless_backend::sessions::Framing;

use crate::error::{Error, Result};
use crate::frames::{STDERR, STDOUT};

/// Reads Docker's frames, of any length and in any pieces, or a terminal's output. Keeps at most a header.
pub(super) struct Demultiplexer {
    framing: Framing,
    /// What has come of a header.
    header: [u8; HEADER],
    read: usize,
    /// The frame that is being read, and how many of its bytes are still to come.
    stream: u8,
    left: usize,
}

impl Demultiplexer {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, header: [0; HEADER], read: 0, stream: STDOUT, left: 0 }
    }

    /// Appends what has come as frames of at most 64 KiB.
    ///
    /// # Errors
    /// These are no frames.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.framing == Framing::Raw {
                self.left = bytes.len();
            }
            if self.left > 0 {
                let (part, after) = bytes.split_at(self.left.min(bytes.len()).min(MAX_PAYLOAD));
                put(out, self.stream, part);
                self.left -= part.len();
                bytes = after;
                continue;
            }
            if let Some(place) = self.header.get_mut(self.read) {
                *place = first;
                self.read += 1;
            }
            bytes = rest;
            if self.read == HEADER {
                self.read = 0;
                (self.stream, self.left) = head(self.header)?;
            }
        }
        Ok(())
    }

    /// Whether the output may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.framing == Framing::Raw || (self.left == 0 && self.read == 0)
    }
}

/// Stream and length. The Engine has two streams more: its echo of the input, and its own errors.
fn head(header: [u8; HEADER]) -> Result<(u8, usize)> {
    let [stream, 0, 0, 0, a, b, c, d] = header else {
        return Err(Error::fault("the output is not in Docker's frames, as the backend says"));
    };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    match stream {
        0 | 1 => Ok((STDOUT, length)),
        2 | 3 => Ok((STDERR, length)),
        _ => Err(Error::fault("the output is not in Docker's frames, as the backend says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::put_frame;
    use sockerless_agent_protocol::frame::frames;

    fn pass(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<(u8, usize)>, bool)> {
        let mut demultiplexer = Demultiplexer::new(framing);
        let mut found: Vec<(u8, usize)> = Vec::new();
        for part in bytes.chunks(step) {
            let mut out = BytesMut::new();
            demultiplexer.push(part, &mut out)?;
            for frame in frames(out.freeze()) {
                match found.last_mut() {
                    Some((stream, length)) if *stream == frame.stream => *length += frame.payload.len(),
                    _ => found.push((frame.stream, frame.payload.len())),
                }
            }
        }
        Ok((found, demultiplexer.is_whole()))
    }

    #[test]
    fn frames_of_any_length_come_through_in_any_pieces() {
        let mut bytes = BytesMut::new();
        put_frame(&mut bytes, STDOUT, b"one");
        put_frame(&mut bytes, STDERR, &[7; 200_000]);
        put_frame(&mut bytes, STDOUT, b"");
        put_frame(&mut bytes, STDOUT, b"two");
        for step in [1, 7, 8, 9, 65_536, bytes.len()] {
            let (found, whole) = pass(Framing::Multiplexed, &bytes, step).unwrap();
            assert_eq!(found, [(STDOUT, 3), (STDERR, 200_000), (STDOUT, 3)], "{step}");
            assert!(whole);
        }
    }

    #[test]
    fn a_frame_that_breaks_off_is_no_end() {
        let mut bytes = BytesMut::new();
        put_frame(&mut bytes, STDOUT, b"one");
        for length in [1, 8, 10] {
            assert!(!pass(Framing::Multiplexed, &bytes[..length], 4).unwrap().1, "{length}");
        }
        assert!(pass(Framing::Raw, &bytes[..10], 4).unwrap().1);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in [b"hello world", b"\x09\0\0\0\0\0\0\x01abc", b"\x01\0\x01\0\0\0\0\x01abc"] {
            assert!(pass(Framing::Multiplexed, bytes, 11).is_err());
        }
        assert_eq!(pass(Framing::Raw, b"hello world", 4).unwrap().0, [(STDOUT, 11)]);
    }
}
