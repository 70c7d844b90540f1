//! How long a guest's own code has run.
//!
//! A guest runs on a fiber, inside `poll` of its call's future, and gives the thread back whenever it waits in a host
//! import. So the time spent in `poll` is the time spent computing, and waiting for a cloud costs nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The guest has used up its time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the guest has computed for {limit:?}")]
pub(crate) struct ComputedTooLong {
    pub(crate) limit: Duration,
}

#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    limit: Duration,
    /// Nanoseconds of all polls that have ended.
    used: AtomicU64,
    /// When the poll under way began, in nanoseconds since `started`.
    entered: AtomicU64,
}

impl Meter {
    pub(crate) fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), limit, used: AtomicU64::new(0), entered: AtomicU64::new(0) })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// To be called from within the poll, at the end of each slice.
    pub(crate) fn check(&self) -> Result<(), ComputedTooLong> {
        let current = self.now().saturating_sub(self.entered.load(Ordering::Relaxed));
        let used = Duration::from_nanos(self.used.load(Ordering::Relaxed).saturating_add(current));
        if used >= self.limit { Err(ComputedTooLong { limit: self.limit }) } else { Ok(()) }
    }
}

/// A future whose polls are measured.
pub(crate) struct Metered<'a, T> {
    pub(crate) meter: Arc<Meter>,
    pub(crate) inner: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
}

impl<T> Future for Metered<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let entered = self.meter.now();
        self.meter.entered.store(entered, Ordering::Relaxed);
        let result = self.inner.as_mut().poll(context);
        self.meter.used.fetch_add(self.meter.now().saturating_sub(entered), Ordering::Relaxed);
        result
    }
}
