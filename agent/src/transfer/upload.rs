//! A copy on its way in: fed by one exchange after the other, taken by work that blocks.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::archive::ArchiveError;

/// Pieces that wait to be taken.
const QUEUE: usize = 8;

/// How it ended.
pub(crate) type Outcome = Result<(), ArchiveError>;

/// Why bytes are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// The bytes before these have not come.
    Gap,
    /// Another exchange goes on with it.
    Replaced,
    /// It is over.
    Over,
}

/// The bytes of a copy, numbered.
pub(crate) struct Upload {
    /// How many bytes were taken, and where they go; nothing once all have come.
    taken: tokio::sync::Mutex<(u64, Option<mpsc::Sender<io::Result<Bytes>>>)>,
    /// The exchange that carries it, and how many there were.
    current: Mutex<(CancellationToken, u64)>,
    outcome: watch::Receiver<Option<Outcome>>,
    unwanted: CancellationToken,
}

impl Upload {
    /// Begins to take it, off the runtime.
    pub(crate) fn begin(work: impl FnOnce(&mut dyn Read) -> Outcome + Send + 'static) -> Arc<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (told, outcome) = watch::channel(None);
        tokio::task::spawn_blocking(move || {
            let mut input = Pieces { receiver, piece: Bytes::new() };
            told.send_replace(Some(work(&mut input)));
        });
        Arc::new(Self {
            taken: tokio::sync::Mutex::new((0, Some(sender))),
            current: Mutex::default(),
            outcome,
            unwanted: CancellationToken::new(),
        })
    }

    /// An exchange takes it up, in the place of the one before.
    pub(crate) fn take_up(&self) -> CancellationToken {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.0.cancel();
        *current = (CancellationToken::new(), current.1 + 1);
        current.0.clone()
    }

    /// How many bytes were taken.
    pub(crate) async fn taken(&self) -> u64 {
        self.taken.lock().await.0
    }

    /// Takes the part of `bytes`, which begin at `offset`, that is new. Answers how many were taken in all.
    pub(crate) async fn write(
        &self,
        exchange: &CancellationToken,
        offset: u64,
        mut bytes: Bytes,
    ) -> Result<u64, Untaken> {
        let mut taken = self.taken.lock().await;
        if exchange.is_cancelled() {
            return Err(Untaken::Replaced);
        }
        let old = taken.0.checked_sub(offset).ok_or(Untaken::Gap)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if old < length {
            bytes.advance(usize::try_from(old).unwrap_or(usize::MAX));
            let sender = taken.1.as_ref().ok_or(Untaken::Over)?;
            let place = tokio::select! {
                place = sender.reserve() => place.map_err(|_| Untaken::Over)?,
                () = exchange.cancelled() => return Err(Untaken::Replaced),
                () = self.unwanted.cancelled() => return Err(Untaken::Over),
            };
            place.send(Ok(bytes));
            taken.0 = offset + length;
        }
        Ok(taken.0)
    }

    /// All has come.
    pub(crate) async fn close(&self) {
        self.taken.lock().await.1 = None;
    }

    /// Waits until all was taken, or could not be.
    pub(crate) async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        ended.ok().flatten().unwrap_or_else(|| Err(ArchiveError::Failed("the agent failed".to_owned())))
    }

    /// Nothing comes any more: what has come was not all.
    pub(super) fn end(self: &Arc<Self>) {
        self.unwanted.cancel();
        let upload = self.clone();
        tokio::spawn(async move {
            let sender = upload.taken.lock().await.1.take();
            if let Some(sender) = sender {
                // The work may have ended by itself.
                let _ = sender.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
            }
        });
    }

    pub(super) fn exchanges(&self) -> u64 {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> (Arc<Upload>, std::sync::mpsc::Receiver<io::Result<Vec<u8>>>) {
        let (told, read) = std::sync::mpsc::channel();
        let upload = Upload::begin(move |input| {
            let mut all = Vec::new();
            let result = input.read_to_end(&mut all).map(|_| all);
            let broken = result.as_ref().err().map(|error| ArchiveError::Invalid(error.to_string()));
            let _ = told.send(result);
            broken.map_or(Ok(()), Err)
        });
        (upload, read)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_twice_is_taken_once_and_what_is_missing_is_missed() {
        let (upload, read) = reading();
        let first = upload.take_up();
        assert_eq!(upload.write(&first, 0, Bytes::from_static(b"abc")).await, Ok(3));
        let second = upload.take_up();
        assert_eq!(upload.write(&first, 3, Bytes::from_static(b"x")).await, Err(Untaken::Replaced));
        assert_eq!(upload.write(&second, 1, Bytes::from_static(b"bcde")).await, Ok(5));
        assert_eq!(upload.write(&second, 0, Bytes::from_static(b"ab")).await, Ok(5));
        assert_eq!(upload.write(&second, 6, Bytes::from_static(b"g")).await, Err(Untaken::Gap));
        upload.close().await;
        assert_eq!(upload.outcome().await, Ok(()));
        assert_eq!(read.recv().unwrap().unwrap(), b"abcde");
        assert_eq!((upload.taken().await, upload.exchanges()), (5, 2));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_given_up_is_not_taken_for_whole() {
        let (upload, read) = reading();
        let exchange = upload.take_up();
        upload.write(&exchange, 0, Bytes::from_static(b"abc")).await.unwrap();
        upload.end();
        assert!(upload.outcome().await.is_err());
        assert!(read.recv().unwrap().is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_has_had_enough_holds_nobody_up() {
        let upload = Upload::begin(|_| Err(ArchiveError::Invalid("no".to_owned())));
        let exchange = upload.take_up();
        let mut offset = 0;
        let ended = loop {
            match upload.write(&exchange, offset, Bytes::from_static(b"abc")).await {
                Ok(taken) => offset = taken,
                Err(untaken) => break untaken,
            }
        };
        assert_eq!(ended, Untaken::Over);
        assert_eq!(upload.outcome().await, Err(ArchiveError::Invalid("no".to_owned())));
    }
}
