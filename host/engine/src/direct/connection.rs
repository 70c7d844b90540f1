//! The two directions of a connection that a backend has opened.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use sockerless_agents::Block;
use sockerless_backend::Stream;
use sockerless_backend::sessions::Connection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

use super::demultiplex::Demultiplexer;
use crate::attach::Reading;
use crate::error::{Error, Result};
use crate::frames::{Blocks, STDERR, put_frame};
use crate::process::Input;

/// Bytes that are read at once.
const CHUNK: usize = 32 << 10;

/// Takes a connection apart. It is closed when both are dropped.
pub(crate) fn open(connection: Connection) -> (Blocks, Box<dyn Input>) {
    let (reader, writer) = tokio::io::split(connection.stream);
    let demultiplexer = Demultiplexer::new(connection.framing);
    let output = Output { reader, demultiplexer, buffer: BytesMut::new(), offset: 0 };
    let blocks = stream::unfold(Some(output), |output| async move {
        let mut output = output?;
        match output.next().await {
            Ok(Some(block)) => Some((Ok(block), Some(output))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    (blocks.boxed(), Box::new(DirectInput(writer)))
}

struct Output {
    reader: ReadHalf<Box<dyn Stream>>,
    demultiplexer: Demultiplexer,
    buffer: BytesMut,
    /// Of what has come so far, in frames.
    offset: u64,
}

impl Output {
    async fn next(&mut self) -> Result<Option<Block>> {
        loop {
            self.buffer.clear();
            self.buffer.reserve(CHUNK);
            let read = self.reader.read_buf(&mut self.buffer).await;
            if read.map_err(|error| Error::fault(format!("the connection broke: {error}")))? == 0 {
                return match self.demultiplexer.is_whole() {
                    true => Ok(None),
                    false => Err(Error::fault("the connection ended in the middle of the output")),
                };
            }
            let mut frames = BytesMut::with_capacity(self.buffer.len() + 64);
            self.demultiplexer.push(&self.buffer, &mut frames)?;
            if !frames.is_empty() {
                let begin = self.offset;
                self.offset += u64::try_from(frames.len()).unwrap_or(u64::MAX);
                return Ok(Some(Block { frames: frames.freeze(), begin }));
            }
        }
    }
}

struct DirectInput(WriteHalf<Box<dyn Stream>>);

fn closed(error: &std::io::Error) -> Error {
    Error::conflict(format!("the process takes no more input: {error}"))
}

#[async_trait]
impl Input for DirectInput {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.0.write_all(&bytes).await.map_err(|error| closed(&error))?;
        // TLS holds bytes back until it is flushed.
        self.0.flush().await.map_err(|error| closed(&error))
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        self.0.shutdown().await.map_err(|error| closed(&error))
    }
}

/// The output of a container, for a client that is attached: a connection that breaks says so.
pub(crate) fn told(blocks: Blocks, reading: Reading) -> Blocks {
    let told = blocks.map(move |block| {
        // Counted as long as this is there.
        let _ = &reading;
        Ok(block.unwrap_or_else(|error: Error| said(&format!("the output of the container breaks off: {error}"))))
    });
    told.boxed()
}

/// A line of the host's own in the midst of output, on standard error.
pub(crate) fn said(text: &str) -> Block {
    let mut frames = BytesMut::new();
    put_frame(&mut frames, STDERR, format!("{text}\r\n").as_bytes());
    Block { frames: frames.freeze(), begin: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;
    use sockerless_backend::sessions::Framing;

    #[tokio::test]
    async fn each_direction_ends_by_itself() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (blocks, mut input) = open(Connection { stream: Box::new(near), framing: Framing::Raw });
        input.write(Bytes::from_static(b"question")).await.unwrap();
        input.finish().await.unwrap();
        let mut asked = String::new();
        far.read_to_string(&mut asked).await.unwrap();
        assert_eq!(asked, "question");
        far.write_all(b"answer").await.unwrap();
        drop(far);
        let blocks: Vec<Block> = blocks.try_collect().await.unwrap();
        let pieces = blocks.into_iter().flat_map(Block::pieces);
        assert_eq!(pieces.map(|piece| piece.payload).collect::<Vec<_>>().concat(), b"answer");
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_an_error() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (blocks, _input) = open(Connection { stream: Box::new(near), framing: Framing::Multiplexed });
        far.write_all(b"\x01\0\0\0\0\0\0\x09only").await.unwrap();
        drop(far);
        let error = blocks.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.message.contains("in the middle"), "{error}");
    }
}
