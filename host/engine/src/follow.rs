//! Follows logs that only the backend has, by asking it again and again.
//!
//! A container has one poller, however many clients follow it; and the pollers of one backend's containers take turns, so that
//! its cloud sees no more requests when more is followed. Clouds show lines late and in any order: each poll looks back over a
//! window, and what it shows for the first time is news.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::{Stream, stream};
use jiff::Timestamp;
use sockerless_backend::BackendError;
use sockerless_backend::types::{LogEntry, LogSource};
use tokio::sync::{Mutex as Turns, broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::cell::Cell;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::logs::{LogOptions, read_all};

/// Between two polls of a container.
const INTERVAL: Duration = Duration::from_secs(1);

/// Between two polls of a backend: Log Analytics takes 200 queries in 30 s of one user, and others ask, too.
const SPACING: Duration = Duration::from_millis(300);

/// How far a poll looks back. What comes later than that is only in the next `docker logs`.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// How long a poller goes on after its container's end, at most, where lines come late.
const LINGER: Duration = Duration::from_secs(2 * 60);

/// Longest pause when the backend's log cannot be read.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Polls whose news a client may be behind.
const BEHIND: usize = 256;

/// Lines that were not there before, in the order of writing.
pub(crate) type News = Arc<Vec<LogEntry>>;

/// Lines, and how often each was seen.
#[derive(Default)]
pub(crate) struct Seen(HashMap<(SystemTime, LogSource, u64), usize>);

impl Seen {
    fn key(entry: &LogEntry) -> (SystemTime, LogSource, u64) {
        let mut hasher = DefaultHasher::new();
        entry.line.hash(&mut hasher);
        (entry.time, entry.source, hasher.finish())
    }

    /// Lines that a client has been given.
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a LogEntry>) -> Self {
        let mut seen = Self::default();
        for entry in entries {
            *seen.0.entry(Self::key(entry)).or_default() += 1;
        }
        seen
    }

    /// Whether this is one of them. Each is once.
    pub(crate) fn take(&mut self, entry: &LogEntry) -> bool {
        match self.0.entry(Self::key(entry)) {
            Entry::Occupied(mut count) if *count.get() > 1 => *count.get_mut() -= 1,
            Entry::Occupied(count) => drop(count.remove()),
            Entry::Vacant(_) => return false,
        }
        true
    }

    /// What a poll shows that the one before did not. From then on only lines of `window` on are remembered.
    fn news(&mut self, poll: impl IntoIterator<Item = LogEntry>, window: SystemTime) -> Vec<LogEntry> {
        let mut left: HashMap<_, usize> = self.0.clone();
        let mut now = Self::default();
        let mut news = Vec::new();
        for entry in poll {
            let key = Self::key(&entry);
            *now.0.entry(key).or_default() += 1;
            match left.get_mut(&key) {
                Some(count) if *count > 0 => *count -= 1,
                _ => news.push(entry),
            }
        }
        // A query may miss what an earlier one had: rows come from several places.
        for (key, count) in left.into_iter().filter(|((time, ..), count)| *time >= window && *count > 0) {
            *now.0.entry(key).or_default() += count;
        }
        *self = now;
        news
    }
}

/// When the next poll of a backend may be.
#[derive(Default)]
struct Pace {
    /// Whoever waits has the lock: the others wait behind it, in order.
    next: Turns<Option<Instant>>,
}

impl Pace {
    async fn turn(&self) {
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        *next = Some(Instant::now() + SPACING);
    }

    /// The cloud wants to be asked later, whatever is asked.
    async fn postpone(&self, by: Duration) {
        *self.next.lock().await = Some(Instant::now() + by);
    }
}

struct Poller {
    news: broadcast::Sender<News>,
    /// How the first poll went, which shows what is old; nothing before it.
    begun: watch::Receiver<Option<Result<()>>>,
}

/// All pollers.
#[derive(Default)]
pub(crate) struct Followed {
    pollers: Mutex<HashMap<String, Poller>>,
    paces: Mutex<HashMap<String, Arc<Pace>>>,
}

impl Followed {
    fn pollers(&self) -> MutexGuard<'_, HashMap<String, Poller>> {
        self.pollers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self, backend: &str) -> Arc<Pace> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner).entry(backend.to_owned()).or_default().clone()
    }

    /// Whether nobody follows any more; then the poller is forgotten.
    fn is_unwanted(&self, container: &str) -> bool {
        let mut pollers = self.pollers();
        let unwanted = pollers.get(container).is_none_or(|poller| poller.news.receiver_count() == 0);
        if unwanted {
            pollers.remove(container);
        }
        unwanted
    }
}

impl Inner {
    /// What is new in a container's log from now on. Ends some time after the container has.
    pub(crate) async fn follow_log(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
    ) -> Result<impl Stream<Item = Result<News>> + Send + use<>> {
        let (news, mut begun) = {
            let mut pollers = self.followed.pollers();
            let poller = pollers.entry(cell.id.clone()).or_insert_with(|| {
                let (news, _) = broadcast::channel(BEHIND);
                let (begin, begun) = watch::channel(None);
                let (inner, cell, sender) = (self.clone(), cell.clone(), news.clone());
                self.tasks.spawn(async move {
                    tokio::select! {
                        () = inner.poll(&cell, &sender, &begin) => {}
                        () = inner.shutdown.cancelled() => {}
                    }
                    // There may be another one by now.
                    let mut pollers = inner.followed.pollers();
                    if pollers.get(&cell.id).is_some_and(|poller| poller.news.same_channel(&sender)) {
                        pollers.remove(&cell.id);
                    }
                });
                Poller { news, begun }
            });
            (poller.news.subscribe(), poller.begun.clone())
        };
        let begun = begun.wait_for(Option::is_some).await.map(|begun| begun.clone());
        begun.ok().flatten().unwrap_or_else(|| Err(Error::unavailable("the daemon is shutting down")))?;
        Ok(stream::unfold(Some(news), |news| async move {
            let mut news = news?;
            match news.recv().await {
                Ok(entries) => Some((Ok(entries), Some(news))),
                Err(broadcast::error::RecvError::Closed) => None,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let text = "the log grows faster than the client reads it: lines were dropped, ask again";
                    Some((Err(Error::fault(text)), None))
                }
            }
        }))
    }

    async fn poll(&self, cell: &Cell, news: &broadcast::Sender<News>, begin: &watch::Sender<Option<Result<()>>>) {
        let mut record = cell.watch();
        let pace = self.followed.pace(&cell.record().backend);
        let (mut seen, mut is_first) = (Seen::default(), true);
        // How late the latest line was, and since when the container has ended.
        let (mut lateness, mut ended) = (Duration::ZERO, None);
        let mut pause = INTERVAL;
        loop {
            // Before the poll: what is written until then is in it, if the cloud is quick.
            let is_live = record.borrow_and_update().state.status.is_live();
            pace.turn().await;
            if self.followed.is_unwanted(&cell.id) {
                return;
            }
            let (asked, now) = (Instant::now(), SystemTime::now());
            match self.look_back(cell, now - WINDOW).await {
                Ok(entries) => {
                    let entries = seen.news(entries, now - WINDOW);
                    let is_quiet = entries.is_empty();
                    if is_first {
                        begin.send_replace(Some(Ok(())));
                    } else if !is_quiet {
                        let late = entries.iter().filter_map(|entry| now.duration_since(entry.time).ok()).max();
                        lateness = lateness.max(late.unwrap_or_default()).min(LINGER);
                        let _ = news.send(Arc::new(entries));
                    }
                    if !is_live && ended.is_none() {
                        ended = Some(asked);
                    } else if is_quiet && ended.is_some_and(|ended: Instant| ended.elapsed() >= lateness) {
                        return;
                    }
                    is_first = false;
                    pause = INTERVAL;
                }
                Err(error) if is_first || !is_live => {
                    tracing::warn!(container = %cell.id, %error, "the backend's log cannot be read");
                    begin.send_replace(Some(Err(error.into())));
                    return;
                }
                Err(error) => {
                    tracing::warn!(container = %cell.id, %error, "the backend's log cannot be read: asking again");
                    pause = (2 * pause).min(LONGEST_PAUSE);
                    if let BackendError::Throttled { retry_after, .. } = error {
                        pace.postpone(retry_after.unwrap_or(pause)).await;
                    }
                }
            }
            // An end is asked for at once.
            tokio::select! {
                () = sleep(pause) => {}
                Ok(_) = record.wait_for(|record| !record.state.status.is_live()), if ended.is_none() && is_live => {}
            }
        }
    }

    async fn look_back(
        &self,
        cell: &Cell,
        window: SystemTime,
    ) -> Result<impl IntoIterator<Item = LogEntry> + use<>, BackendError> {
        let record = cell.record();
        let backend = self.backend(&record.backend).map_err(|error| BackendError::Unavailable(error.message))?;
        let since = Timestamp::try_from(window).ok();
        read_all(backend, &record, &LogOptions { stdout: true, stderr: true, since, ..LogOptions::default() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn entry(second: u64, line: &str) -> LogEntry {
        LogEntry { time: at(second), source: LogSource::Stdout, line: line.into(), partial: false }
    }

    fn texts(entries: &[LogEntry]) -> Vec<&str> {
        entries.iter().map(|entry| std::str::from_utf8(&entry.line).unwrap()).collect()
    }

    #[tokio::test]
    async fn the_polls_of_a_backend_keep_their_distance() {
        let (pace, begin) = (Pace::default(), Instant::now());
        tokio::join!(pace.turn(), pace.turn(), pace.turn());
        assert!(begin.elapsed() >= 2 * SPACING);
        pace.postpone(2 * SPACING).await;
        pace.turn().await;
        assert!(begin.elapsed() >= 4 * SPACING);
    }

    #[test]
    fn late_lines_are_news_once_wherever_they_stand() {
        let mut seen = Seen::default();
        let first = [entry(10, "a"), entry(12, "c"), entry(12, "c")];
        assert_eq!(texts(&seen.news(first, at(0))), ["a", "c", "c"]);
        // One comes late, one has come three times by now.
        let second = [entry(10, "a"), entry(11, "b"), entry(12, "c"), entry(12, "c"), entry(12, "c")];
        assert_eq!(texts(&seen.news(second.clone(), at(0))), ["b", "c"]);
        assert!(seen.news(second.clone(), at(0)).is_empty());
        // A poll misses something; it is not news when it is back, until the window has passed it.
        assert!(seen.news([entry(12, "c")], at(11)).is_empty());
        assert_eq!(texts(&seen.news(second, at(11))), ["a"]);
    }

    #[test]
    fn what_a_client_has_been_given_is_not_given_twice() {
        let given = [entry(1, "a"), entry(1, "a"), entry(2, "b")];
        let mut seen = Seen::of(&given);
        assert!(seen.take(&entry(1, "a")) && seen.take(&entry(1, "a")) && !seen.take(&entry(1, "a")));
        assert!(seen.take(&entry(2, "b")) && !seen.take(&entry(3, "b")));
    }
}
