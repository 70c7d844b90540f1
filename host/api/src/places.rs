//! What there may be only so much of at once: streams, and large uploads.
//!
//! Streams have a limit of their own, so that clients that follow and wait do not keep others from asking. Components are
//! received whole, so that many of them at once would cost much memory.

use std::sync::Arc;

use sockerless_engine::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Components that are received at once.
const UPLOADS: usize = 4;

/// The places that there are for one kind of work.
#[derive(Debug)]
pub(crate) struct Places {
    limit: usize,
    free: Arc<Semaphore>,
    refusal: fn(usize) -> Error,
}

/// One of them, as long as this is there.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Places {
    fn new(limit: usize, refusal: fn(usize) -> Error) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { limit, free: Arc::new(Semaphore::new(limit)), refusal }
    }

    /// For streams and sessions that end only when somebody ends them.
    pub(crate) fn for_streams(limit: usize) -> Self {
        Self::new(limit, |limit| {
            Error::too_many(format!(
                "{limit} clients follow logs or events, are attached, run commands or wait, as many as the daemon has at once \
                 (--max-streams): end some of them"
            ))
        })
    }

    /// For components that are sent to the daemon.
    pub(crate) fn for_uploads() -> Self {
        Self::new(UPLOADS, |limit| {
            Error::unavailable(format!(
                "the daemon receives {limit} components, as many as it does at once: try again later"
            ))
        })
    }

    /// Takes a place.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn take(&self) -> Result<Place, Error> {
        self.free.clone().try_acquire_owned().map(Place).map_err(|_| (self.refusal)(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use sockerless_engine::ErrorKind;

    #[test]
    fn a_place_is_taken_until_it_is_dropped() {
        let streams = Places::for_streams(1);
        let place = streams.take().unwrap();
        let error = streams.take().unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooManyRequests);
        assert!(error.message.starts_with("1 clients"), "{error}");
        drop(place);
        streams.take().unwrap();
        let uploads = Places::for_uploads();
        let held: Vec<_> = std::iter::from_fn(|| uploads.take().ok()).take(100).collect();
        assert_eq!(held.len(), 4);
        assert_eq!(uploads.take().unwrap_err().kind, ErrorKind::Unavailable);
    }
}
