//! The rows of `AppTraces`.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::bucket::Bucket;
use crate::config::{BucketConfig, LogsConfig};
use crate::http::Answer;
use crate::sync::lock;

/// One trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    pub(super) time: Timestamp,
    pub(super) message: String,
    pub(super) severity: i64,
    pub(super) role: String,
    pub(super) role_instance: String,
    pub(super) operation: String,
    pub(super) properties: Map<String, Value>,
    /// When a query sees it.
    pub(super) ingested: Timestamp,
}

/// The workspace.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    rows: Mutex<Rows>,
    cache: Mutex<HashMap<String, (Instant, Vec<u8>)>>,
    limit: Bucket,
}

#[derive(Debug, Default)]
struct Rows {
    list: VecDeque<Trace>,
    /// A table exists from the first row that could be seen on, also when that is gone again.
    exists: bool,
}

/// When a row that arrives now is seen.
pub(super) fn arrival(config: &LogsConfig) -> Timestamp {
    let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    let wait = Duration::from_millis(config.delay_ms) + Duration::from_millis(config.disorder_ms).mul_f64(share);
    let now = Timestamp::now();
    now.checked_add(wait).unwrap_or(now)
}

impl Logs {
    /// Adds rows, and drops the oldest beyond what is retained.
    pub(super) fn add(&self, traces: Vec<Trace>, retained: usize) {
        let mut rows = lock(&self.rows);
        rows.list.extend(traces);
        let surplus = rows.list.len().saturating_sub(retained);
        rows.list.drain(..surplus);
    }

    /// The rows that can be seen now, as they became visible. `None` before there ever was one.
    pub(super) fn visible(&self) -> Option<Vec<Trace>> {
        let now = Timestamp::now();
        let mut rows = lock(&self.rows);
        let mut visible: Vec<_> = rows.list.iter().filter(|trace| trace.ingested <= now).cloned().collect();
        visible.sort_by_key(|trace| trace.ingested);
        rows.exists |= !visible.is_empty();
        rows.exists.then_some(visible)
    }

    /// Counts a query, or tells how long to wait.
    pub(super) fn throttle(&self, config: BucketConfig) -> Result<(), Duration> {
        self.limit.take(config).map(drop)
    }

    /// The answer given to the same question a short while ago.
    pub(super) fn cached(&self, question: &str, age: Duration) -> Option<Vec<u8>> {
        let cache = lock(&self.cache);
        cache.get(question).filter(|(since, _)| since.elapsed() < age).map(|(_, body)| body.clone())
    }

    pub(super) fn remember(&self, question: String, answer: &Answer, age: Duration) {
        let mut cache = lock(&self.cache);
        cache.retain(|_, (since, _)| since.elapsed() < age);
        cache.insert(question, (Instant::now(), answer.body.to_vec()));
    }
}
