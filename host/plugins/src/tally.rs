//! How the calls of one generation went lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sockerless_backend::BackendError;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::Export;

/// Into so many parts the time that is looked at is split; the oldest goes as a whole.
const PARTS: u32 = 10;

/// Calls, and those of them that failed by no fault of whoever asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// All that have ended.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Rate {
    /// The share that failed, in percent. No calls, no failures.
    #[must_use]
    pub fn percent(self) -> u64 {
        (self.failed * 100).checked_div(self.calls).unwrap_or(0)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} of {}", self.failed, self.calls)
    }
}

/// Each export by itself: a version that cannot create is a bad one, however well it does all the rest.
pub(crate) type Rates = BTreeMap<Export, Rate>;

pub(crate) struct Tally {
    /// As far back as it looks.
    window: Duration,
    noted: Mutex<Noted>,
    /// Tells that a call has failed, or that another generation serves.
    pub(crate) news: Notify,
}

#[derive(Default)]
struct Noted {
    parts: VecDeque<(Instant, Rates)>,
    last_failures: BTreeMap<Export, String>,
}

impl Tally {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, noted: Mutex::default(), news: Notify::new() }
    }

    /// Notes how a call ended.
    pub(crate) fn note<T>(&self, export: Export, result: &Result<T, BackendError>) {
        self.note_at(Instant::now(), export, result);
    }

    fn note_at<T>(&self, now: Instant, export: Export, result: &Result<T, BackendError>) {
        let failure = result.as_ref().err().filter(|error| is_the_backends(error));
        {
            let mut noted = self.noted();
            self.forget(&mut noted, now);
            let current = noted.parts.back().filter(|(begin, _)| now < *begin + self.window / PARTS);
            if current.is_none() {
                noted.parts.push_back((now, Rates::default()));
            }
            if let Some((_, rates)) = noted.parts.back_mut() {
                let rate = rates.entry(export).or_default();
                rate.calls += 1;
                rate.failed += u64::from(failure.is_some());
            }
            if let Some(failure) = failure {
                noted.last_failures.insert(export, failure.to_string());
            }
        }
        if failure.is_some() {
            self.news.notify_waiters();
        }
    }

    /// What was noted within the time that it looks back.
    pub(crate) fn lately(&self) -> Rates {
        self.lately_at(Instant::now())
    }

    fn lately_at(&self, now: Instant) -> Rates {
        let mut noted = self.noted();
        self.forget(&mut noted, now);
        let mut sum = Rates::default();
        for (export, part) in noted.parts.iter().flat_map(|(_, rates)| rates) {
            let rate = sum.entry(*export).or_default();
            rate.calls += part.calls;
            rate.failed += part.failed;
        }
        sum
    }

    pub(crate) fn last_failure(&self, export: Export) -> Option<String> {
        self.noted().last_failures.get(&export).cloned()
    }

    fn forget(&self, noted: &mut Noted, now: Instant) {
        while noted.parts.front().is_some_and(|(begin, _)| *begin + self.window <= now) {
            noted.parts.pop_front();
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error tells of the backend or its cloud. Others tell of the request, or that the cloud is asked too often.
fn is_the_backends(error: &BackendError) -> bool {
    match error {
        BackendError::Fault(_)
        | BackendError::Other(_)
        | BackendError::Unavailable(_)
        | BackendError::Timeout(_)
        | BackendError::Configuration(_)
        | BackendError::Denied(_) => true,
        BackendError::NotFound(_)
        | BackendError::Conflict(_)
        | BackendError::NameTaken(_)
        | BackendError::Invalid(_)
        | BackendError::Throttled { .. }
        | BackendError::NotSupported(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_back_over_its_window_and_no_further() {
        let tally = Tally::new(Duration::from_secs(100));
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let create = |rate| Rates::from([(Export::Create, rate)]);
        tally.note_at(at(0), Export::Create, &Ok(()));
        tally.note_at::<()>(at(1), Export::Create, &Err(BackendError::Fault("trapped".into())));
        tally.note_at::<()>(at(2), Export::Create, &Err(BackendError::Invalid("what was asked for cannot be".into())));
        assert_eq!(tally.lately_at(at(2)), create(Rate { calls: 3, failed: 1 }));
        assert_eq!(tally.last_failure(Export::Create).as_deref(), Some("trapped"));
        assert_eq!(tally.last_failure(Export::Start), None);
        tally.note_at(at(50), Export::Create, &Ok(()));
        assert_eq!(tally.lately_at(at(99)), create(Rate { calls: 4, failed: 1 }));
        assert_eq!(tally.lately_at(at(100)), create(Rate { calls: 1, failed: 0 }));
        assert_eq!(tally.lately_at(at(150)), Rates::default());
        assert_eq!(Rate::default().percent(), 0);
    }
}
