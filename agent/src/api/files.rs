//! Files, in and out, as tar archives. The work blocks, so it is done off the runtime, over channels that hold it back.

use std::io::{self, Read, Write};
use std::path::Path;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use sockerless_agent_protocol::headers;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Answer, Problem, Query, Result, blocking, empty, full};
use crate::archive::{self, ArchiveError, Place};

/// Pieces that wait in a channel.
const QUEUE: usize = 8;
/// Bytes of one piece.
const PIECE: usize = 128 << 10;

fn problem(container: &str, error: ArchiveError) -> Problem {
    match error {
        ArchiveError::NotFound(path) => {
            Problem::not_found(format!("Could not find the file {path} in container {container}"))
        }
        ArchiveError::Invalid(message) => Problem::bad_request(message),
        ArchiveError::Forbidden(message) => Problem::new(StatusCode::FORBIDDEN, message),
        ArchiveError::Failed(message) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, message),
    }
}

async fn place(container: &str, query: &Query) -> Result<Place> {
    let path = query.get("path").ok_or_else(|| Problem::bad_request("the query names no path"))?.to_owned();
    blocking(move || Place::find(&path)).await?.map_err(|error| problem(container, error))
}

fn with_stat(place: &Place, mut answer: Answer) -> Result {
    let stat = HeaderValue::from_str(&place.stat.encode())
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    answer.headers_mut().insert(headers::PATH_STAT, stat);
    Ok(answer)
}

pub(super) async fn stat(container: &str, query: &Query) -> Result {
    with_stat(&place(container, query).await?, Response::new(full("")))
}

pub(super) async fn get(container: &str, query: &Query) -> Result {
    let place = place(container, query).await?;
    let answer = with_stat(&place, Response::new(full("")))?;
    let (parts, _) = answer.into_parts();
    Ok(Response::from_parts(parts, streamed(move |out| archive::read(&place, out))))
}

pub(super) fn export() -> Answer {
    Response::new(streamed(|out| archive::export(Path::new("/"), out)))
}

pub(super) async fn put(container: &str, query: &Query, body: Incoming) -> Result {
    let directory = query.get("path").ok_or_else(|| Problem::bad_request("the query names no path"))?.to_owned();
    let options = archive::WriteOptions {
        no_overwrite_dir_non_dir: query.is("no_overwrite_dir_non_dir"),
        keep_owners: !query.is("copy_uid_gid"),
    };
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
    let feeding = tokio::spawn(async move {
        let mut frames = BodyStream::new(body);
        while let Some(frame) = frames.next().await {
            let piece = match frame {
                Ok(frame) => match frame.into_data() {
                    Ok(bytes) => Ok(bytes),
                    Err(_trailers) => continue,
                },
                Err(error) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)),
            };
            // Whoever reads the archive may have had enough of it.
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    let input = ChannelReader { receiver, piece: Bytes::new() };
    let written = blocking(move || archive::write(&directory, options, input)).await?;
    feeding.abort();
    written.map_err(|error| problem(container, error))?;
    Ok(empty())
}

/// A body that is written by work that blocks. An error breaks it off, so that nobody takes it for whole.
fn streamed(work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> super::Body {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(PIECE, ChannelWriter { sender: sender.clone() });
        if let Err(error) = work(&mut out).and_then(|()| out.flush()) {
            tracing::warn!(%error, "an archive breaks off");
            let _ = sender.blocking_send(Err(error));
        }
    });
    StreamBody::new(ReceiverStream::new(receiver).map(|piece| piece.map(Frame::data))).boxed_unsync()
}

struct ChannelWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ChannelReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for ChannelReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let count = out.len().min(self.piece.len());
        self.piece.split_to(count).copy_to_slice(out.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
