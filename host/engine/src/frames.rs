//! Docker's framing of output that has two streams.

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sockerless_agents::{Block, Piece};

use crate::error::Result;

/// Bytes on their way to or from a client.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// The output of a process, some whole frames at a time.
pub(crate) type Blocks = Pin<Box<dyn Stream<Item = Result<Block>> + Send>>;

/// Output as it goes to a client.
pub struct Output {
    /// A terminal's output: without frames.
    pub tty: bool,
    /// The bytes.
    pub stream: ByteStream,
}

/// How output is put on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A terminal's output, which is all one stream: as it is.
    Terminal,
    /// In frames that tell the two streams apart.
    Frames,
    /// Both streams without frames, for a connection that has messages of its own.
    Bare,
}

impl Framing {
    pub(crate) const fn of(tty: bool) -> Self {
        if tty { Self::Terminal } else { Self::Frames }
    }
}

/// Which of a process's streams a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Streams {
    pub(crate) const BOTH: Self = Self { stdout: true, stderr: true };

    /// By the number of the stream in a frame's header.
    pub(crate) const fn wants(self, stream: u8) -> bool {
        match stream {
            2 => self.stderr,
            _ => self.stdout,
        }
    }
}

/// Standard output in a frame's header.
pub(crate) const STDOUT: u8 = 1;
/// Standard error in a frame's header.
pub(crate) const STDERR: u8 = 2;

/// Appends a frame: stream, three zero bytes, the length in big endian, and the bytes.
pub(crate) fn put_frame(out: &mut BytesMut, stream: u8, payload: &[u8]) {
    for part in payload.chunks(u32::MAX as usize) {
        out.reserve(8 + part.len());
        out.put_u8(stream);
        out.put_bytes(0, 3);
        // A chunk of at most u32::MAX bytes.
        out.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
        out.put_slice(part);
    }
}

/// Output piece by piece.
pub(crate) fn pieces(blocks: Blocks) -> impl Stream<Item = Result<Piece>> + Send {
    blocks.map_ok(|block| stream::iter(block.pieces().map(Ok))).try_flatten()
}

/// Output as it goes to a client.
pub(crate) fn framed(blocks: Blocks, framing: Framing, streams: Streams) -> ByteStream {
    if framing == Framing::Frames && streams == Streams::BOTH {
        // What the process's side sends is what the client gets.
        return blocks.map_ok(|block| block.frames).boxed();
    }
    let framed = pieces(blocks).try_filter_map(move |piece| async move {
        if framing == Framing::Terminal {
            return Ok(Some(piece.payload));
        }
        if !streams.wants(piece.stream) {
            return Ok(None);
        }
        if framing == Framing::Bare {
            return Ok(Some(piece.payload));
        }
        let mut framed = BytesMut::new();
        put_frame(&mut framed, piece.stream, &piece.payload);
        Ok(Some(framed.freeze()))
    });
    framed.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_eight_bytes_of_header_and_the_payload() {
        let mut out = BytesMut::new();
        put_frame(&mut out, STDERR, b"abc");
        assert_eq!(&out[..], b"\x02\0\0\0\0\0\0\x03abc");
        put_frame(&mut out, STDOUT, b"");
        assert_eq!(out.len(), 11);
    }
}
