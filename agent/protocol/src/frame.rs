//! The output of a process: Docker's frames, each of one piece of one stream.
//!
//! A frame is the number of its stream (1 standard output, 2 standard error), three zero bytes, the length of the payload in
//! big endian, and the payload, at most [`MAX_PAYLOAD`] bytes. A terminal's output is all in stream 1. Offsets count
//! the bytes of frames, headers included, from the start of the process; they stand between frames.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of a frame's header.
pub const HEADER: usize = 8;
/// Most bytes of a payload.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 1 or 2.
    pub stream: u8,
    /// The bytes, not empty.
    pub payload: Bytes,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the oldest output that is still there.
    Oldest,
    /// After what is there.
    End,
    /// At this offset; an error if that has been dropped.
    Offset(u64),
}

impl fmt::Display for From {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oldest => formatter.write_str("oldest"),
            Self::End => formatter.write_str("end"),
            Self::Offset(offset) => write!(formatter, "{offset}"),
        }
    }
}

impl FromStr for From {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "oldest" => Ok(Self::Oldest),
            "end" => Ok(Self::End),
            offset => offset.parse().map(Self::Offset),
        }
    }
}

/// Bytes that are no frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The number of the stream is neither 1 nor 2, or the padding is not zero.
    #[error("a frame's header is malformed")]
    Header,
    /// The payload is empty or too long.
    #[error("a frame has {0} bytes")]
    Length(u32),
}

/// Appends one frame.
///
/// `payload` has at most [`MAX_PAYLOAD`] bytes; what is over is not written.
pub fn put(out: &mut BytesMut, stream: u8, payload: &[u8]) {
    let payload = payload.get(..MAX_PAYLOAD).unwrap_or(payload);
    out.reserve(HEADER + payload.len());
    out.put_u8(stream);
    out.put_bytes(0, 3);
    out.put_u32(u32::try_from(payload.len()).unwrap_or(0));
    out.put_slice(payload);
}

/// The first frame of some bytes: its stream, and how many bytes it has with its header. Nothing while the header has not
/// arrived.
fn first(bytes: &[u8]) -> Result<Option<(u8, usize)>, FrameError> {
    let Some(&[stream, zero1, zero2, zero3, a, b, c, d]) = bytes.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    if !matches!(stream, 1 | 2) || [zero1, zero2, zero3] != [0; 3] {
        return Err(FrameError::Header);
    }
    let length = u32::from_be_bytes([a, b, c, d]);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if size == 0 || size > MAX_PAYLOAD {
        return Err(FrameError::Length(length));
    }
    Ok(Some((stream, HEADER + size)))
}

/// Cuts bytes that arrive in any pieces between two frames, so that what is passed on is whole frames.
#[derive(Debug, Default)]
pub struct Cutter {
    partial: BytesMut,
    /// Bytes that `partial` must have before it is worth looking at again.
    needed: usize,
}

impl Cutter {
    /// Adds bytes; answers the whole frames that have arrived, one after the other.
    ///
    /// # Errors
    /// The bytes are no frames; the stream is to be given up.
    pub fn push(&mut self, bytes: Bytes) -> Result<Bytes, FrameError> {
        let mut all = if self.partial.is_empty() {
            bytes
        } else {
            self.partial.extend_from_slice(&bytes);
            if self.partial.len() < self.needed {
                return Ok(Bytes::new());
            }
            self.partial.split().freeze()
        };
        let mut whole = 0;
        self.needed = loop {
            let rest = all.get(whole..).unwrap_or_default();
            match first(rest)? {
                None => break HEADER,
                Some((_, size)) if size > rest.len() => break size,
                Some((_, size)) => whole += size,
            }
        };
        let frames = all.split_to(whole);
        self.partial = BytesMut::with_capacity(if all.is_empty() { 0 } else { self.needed });
        self.partial.extend_from_slice(&all);
        Ok(frames)
    }
}

/// Whether a position in whole frames, or their end, is between two of them.
#[must_use]
pub fn is_boundary(whole: &[u8], position: usize) -> bool {
    let mut begin = 0;
    while begin < position {
        match whole.get(begin..).map(first) {
            Some(Ok(Some((_, size)))) => begin += size,
            _ => return false,
        }
    }
    begin == position && position <= whole.len()
}

/// The frames in bytes that [`Cutter::push`] has answered.
pub fn frames(mut whole: Bytes) -> impl Iterator<Item = Frame> {
    std::iter::from_fn(move || {
        let (stream, size) = first(&whole).ok().flatten()?;
        if size > whole.len() {
            return None;
        }
        let payload = whole.split_to(size).split_off(HEADER);
        Some(Frame { stream, payload })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_division() {
        let mut bytes = BytesMut::new();
        put(&mut bytes, 1, b"one");
        put(&mut bytes, 2, &[7; MAX_PAYLOAD]);
        put(&mut bytes, 1, b"two");
        let bytes = bytes.freeze();
        for step in [1, 3, 8, 1000, 16_384, bytes.len()] {
            let mut cutter = Cutter::default();
            let mut got = Vec::new();
            let mut passed = BytesMut::new();
            for part in bytes.chunks(step) {
                let whole = cutter.push(Bytes::copy_from_slice(part)).unwrap();
                passed.extend_from_slice(&whole);
                got.extend(frames(whole).map(|frame| (frame.stream, frame.payload.len())));
            }
            assert_eq!(got, [(1, 3), (2, MAX_PAYLOAD), (1, 3)], "{step}");
            assert!(passed == bytes);
        }
    }

    #[test]
    fn boundaries_are_between_frames() {
        let mut bytes = BytesMut::new();
        put(&mut bytes, 1, b"one");
        put(&mut bytes, 2, b"three");
        let boundaries: Vec<usize> = (0..40).filter(|position| is_boundary(&bytes, *position)).collect();
        assert_eq!(boundaries, [0, 11, 24]);
        assert!(is_boundary(&[], 0));
        assert!(!is_boundary(&[9; 40], 8));
    }

    #[test]
    fn rubbish_is_an_error() {
        for bytes in [&[3, 0, 0, 0, 0, 0, 0, 1, 9][..], &[1, 0, 1, 0, 0, 0, 0, 1, 9], &[1, 0, 0, 0, 255, 0, 0, 0]] {
            assert!(Cutter::default().push(Bytes::from_static(bytes)).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_beginning_is_written_and_read() {
        for from in [From::Oldest, From::End, From::Offset(17)] {
            assert_eq!(from.to_string().parse(), Ok(from));
        }
        assert!("x".parse::<From>().is_err());
    }
}
