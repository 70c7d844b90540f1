//! A copy on its way out: made by work that blocks, read by one exchange after the other.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, stream};
use sockerless_agent_protocol::transfer::KEPT;
use tokio::sync::Notify;

/// Bytes that are made ahead of the reader.
const AHEAD: u64 = 1 << 20;
/// Bytes of one piece.
const PIECE: usize = 128 << 10;

#[derive(Default)]
struct State {
    pieces: VecDeque<Bytes>,
    /// Offset of the first piece.
    begin: u64,
    /// Offset behind the last one.
    end: u64,
    /// Up to where the newest reader has read.
    read: u64,
    /// Which reader is the newest.
    reader: u64,
    /// Nothing comes any more, or for this reason not.
    over: Option<Result<(), String>>,
    /// Nobody will read it.
    unwanted: bool,
}

/// Bytes that are made once and can be read again for a while.
pub(crate) struct Download {
    state: Mutex<State>,
    /// The maker may go on.
    room: Condvar,
    /// There is something for the reader.
    news: Notify,
}

/// A reader wants what is not there any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap;

impl Download {
    /// Begins to make it, off the runtime.
    pub(crate) fn begin(work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Arc<Self> {
        let download = Arc::new(Self { state: Mutex::default(), room: Condvar::new(), news: Notify::new() });
        let made = download.clone();
        tokio::task::spawn_blocking(move || {
            let mut out = io::BufWriter::with_capacity(PIECE, Maker(&made));
            let result = work(&mut out).and_then(|()| out.flush());
            if let Err(error) = &result {
                tracing::warn!(%error, "an archive breaks off");
            }
            made.lock().over = Some(result.map_err(|error| error.to_string()));
            made.news.notify_waiters();
        });
        download
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can be read from this offset on.
    pub(crate) fn reaches(&self, offset: u64) -> Result<(), Gap> {
        let state = self.lock();
        if (state.begin..=state.end).contains(&offset) { Ok(()) } else { Err(Gap) }
    }

    /// Reads from an offset on. What another reader still reads ends.
    pub(crate) fn read(self: &Arc<Self>, offset: u64) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let reader = {
            let mut state = self.lock();
            state.reader += 1;
            state.read = offset;
            state.reader
        };
        self.news.notify_waiters();
        self.room.notify_all();
        stream::unfold(Some((self.clone(), offset)), move |reading| async move {
            let (download, offset) = reading?;
            match download.next(reader, offset).await {
                Ok(None) => None,
                Ok(Some(piece)) => {
                    let offset = offset + u64::try_from(piece.len()).unwrap_or(u64::MAX);
                    Some((Ok(piece), Some((download, offset))))
                }
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&self, reader: u64, offset: u64) -> io::Result<Option<Bytes>> {
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            if let Some(found) = self.find(reader, offset)? {
                return Ok(found);
            }
            news.await;
        }
    }

    /// The bytes at an offset; nothing if they are yet to come, nothing within if none come.
    fn find(&self, reader: u64, offset: u64) -> io::Result<Option<Option<Bytes>>> {
        let mut state = self.lock();
        if state.reader != reader || state.unwanted {
            return Err(io::Error::other("another exchange goes on with it"));
        }
        if offset < state.begin {
            return Err(io::Error::other("these bytes are not kept any more"));
        }
        let mut at = state.begin;
        let mut found = None;
        for piece in &state.pieces {
            let next = at + u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if (at..next).contains(&offset) {
                found = Some(piece.slice(usize::try_from(offset - at).unwrap_or(usize::MAX)..));
                state.read = next;
                break;
            }
            at = next;
        }
        if let Some(piece) = found {
            self.room.notify_all();
            return Ok(Some(Some(piece)));
        }
        match &state.over {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(None)),
            Some(Err(error)) => Err(io::Error::other(error.clone())),
        }
    }

    pub(super) fn end(&self) {
        self.lock().unwanted = true;
        self.room.notify_all();
        self.news.notify_waiters();
    }

    pub(super) fn exchanges(&self) -> u64 {
        self.lock().reader
    }

    /// Adds a piece, when the reader is near enough.
    fn push(&self, bytes: &[u8]) -> io::Result<()> {
        let state = self.lock();
        let is_ahead = |state: &mut State| !state.unwanted && state.end >= state.read.saturating_add(AHEAD);
        let mut state = self.room.wait_while(state, is_ahead).unwrap_or_else(PoisonError::into_inner);
        if state.unwanted {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.pieces.push_back(Bytes::copy_from_slice(bytes));
        state.end += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // What was read may have been lost on its way.
        while let Some(length) = state.pieces.front().map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX)) {
            if state.begin + length + KEPT > state.read {
                break;
            }
            state.pieces.pop_front();
            state.begin += length;
        }
        drop(state);
        self.news.notify_waiters();
        Ok(())
    }
}

struct Maker<'a>(&'a Download);

impl Write for Maker<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..bytes.len().min(PIECE)).unwrap_or(bytes);
        if !piece.is_empty() {
            self.0.push(piece)?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, TryStreamExt};

    fn data(length: usize) -> Vec<u8> {
        (0..length).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect()
    }

    fn of(data: &[u8]) -> Arc<Download> {
        let data = data.to_vec();
        Download::begin(move |out| out.write_all(&data))
    }

    async fn rest(download: &Arc<Download>, offset: u64) -> Vec<u8> {
        let pieces: Vec<Bytes> = download.read(offset).try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_goes_on_where_the_last_one_was_lost() {
        let data = data(10 << 20);
        let download = of(&data);
        let mut got = Vec::new();
        // Of what each of them reads the last half MiB is lost.
        for _ in 0..3 {
            let offset = got.len();
            let mut reader = std::pin::pin!(download.read(u64::try_from(offset).unwrap()));
            while got.len() < offset + (3 << 20) {
                got.extend_from_slice(&reader.next().await.unwrap().unwrap());
            }
            got.truncate(got.len() - (512 << 10));
        }
        let offset = u64::try_from(got.len()).unwrap();
        assert_eq!(download.reaches(offset), Ok(()));
        got.extend(rest(&download, offset).await);
        assert!(got == data);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_long_gone_cannot_be_read() {
        let download = of(&data(8 << 20));
        assert_eq!(rest(&download, 0).await.len(), 8 << 20);
        assert_eq!(download.reaches(0), Err(Gap));
        assert_eq!(download.reaches(8 << 20), Ok(()));
        assert_eq!(download.reaches((8 << 20) + 1), Err(Gap));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_newest_reader_counts() {
        let download = of(&data(4 << 20));
        let mut old = std::pin::pin!(download.read(0));
        assert!(old.next().await.unwrap().is_ok());
        assert_eq!(rest(&download, 0).await.len(), 4 << 20);
        assert!(old.next().await.unwrap().is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_archive_that_breaks_off_is_not_taken_for_whole() {
        let download = Download::begin(|out| {
            out.write_all(b"some")?;
            out.flush()?;
            Err(io::Error::other("no more"))
        });
        let result: io::Result<Vec<Bytes>> = download.read(0).try_collect().await;
        assert!(result.unwrap_err().to_string().contains("no more"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_made_for_nobody() {
        let (told, ended) = tokio::sync::oneshot::channel();
        let download = Download::begin(move |out| {
            let result = out.write_all(&data(64 << 20));
            let _ = told.send(result.is_err());
            result
        });
        download.end();
        assert!(ended.await.unwrap(), "it was written to its end");
    }
}
