//! What a container wrote.
//!
//! The backend keeps the log where it has one (the mapping: a query of Log Analytics), and then a snapshot comes from there,
//! with its times. To follow a running container is the agent's part: its spool is live and knows the two streams
//! apart. Without an agent the backend is asked again and again ([`crate::follow`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use sockerless_backend::types::{LogEntry, LogQuery, LogSource, RunEnd};
use sockerless_backend::{Backend, BackendError};

use crate::agents::{From, Reader};
use crate::cell::Cell;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::follow::Seen;
use crate::frames::{ByteStream, Output, STDERR, STDOUT, Streams, put_frame};
use crate::lines::{Line, Lines};
use crate::record::{ContainerRecord, Run};

/// What a client wants of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Goes on while the container runs.
    pub follow: bool,
    /// Standard output is wanted.
    pub stdout: bool,
    /// Standard error is wanted.
    pub stderr: bool,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Until this time.
    pub until: Option<Timestamp>,
    /// Only the last so many lines of what is there already.
    pub tail: Option<u64>,
}

impl LogOptions {
    fn wants(&self, entry: &LogEntry) -> bool {
        let stream = match entry.source {
            LogSource::Stdout => self.stdout,
            LogSource::Stderr => self.stderr,
        };
        stream
            && system(self.since).is_none_or(|since| entry.time >= since)
            && system(self.until).is_none_or(|until| entry.time <= until)
    }
}

/// A time before what the system can express is no limit.
fn system(time: Option<Timestamp>) -> Option<SystemTime> {
    SystemTime::try_from(time?).ok()
}

/// Pages that one snapshot reads at most: a backend that never comes to an end shall not hold a client for ever.
const PAGES: usize = 1000;

impl Engine {
    /// The log of a container.
    ///
    /// # Errors
    /// No such container; neither stream is wanted; the backend cannot read its log.
    pub async fn container_logs(&self, reference: &str, options: LogOptions) -> Result<Output> {
        let cell = self.inner.containers.find(reference)?;
        if !(options.stdout || options.stderr) {
            return Err(Error::invalid("Bad parameters: you must choose at least one stream"));
        }
        let record = cell.record();
        let tty = record.config.tty;
        let is_live = record.state.status.is_live();
        // The agent of a run that goes on comes back: who follows waits for it, instead of ending where the backend's log does.
        let is_told = |run: &Run| (is_live && run.end == RunEnd::Agent) || self.inner.agents.connected(&cell.id);
        let run = record.state.run.as_ref().filter(|run| options.follow && is_told(run)).map(|run| run.id.as_str());
        let stream = match run {
            Some(run) if is_live => self.followed(&cell, &record, run, options).await?,
            Some(run) => match self.just_ended(&cell, &record, run, &options).await {
                Some(stream) => stream,
                None => self.snapshot(&record, &options).await?,
            },
            None if options.follow && is_live && self.has_log(&record)? => {
                self.snapshot_and_news(&cell, &record, options).await?
            }
            None => self.snapshot(&record, &options).await?,
        };
        Ok(Output { tty, stream })
    }

    /// The log of a run that goes on: what the backend has, then what comes.
    async fn followed(
        &self,
        cell: &Cell,
        record: &ContainerRecord,
        run: &str,
        options: LogOptions,
    ) -> Result<ByteStream> {
        let reading = cell.attachments().reading();
        let tty = record.config.tty;
        let oldest = self.inner.agents.output(&cell.id, run, From::Oldest).await?;
        // A spool that has its first byte has everything of this run: there is no seam between the backend's log and it.
        if oldest.offset() == 0 && options.since.is_none() && record.state.exits == 0 {
            return Ok(live_lines(oldest.counted(reading), tty, &options));
        }
        drop(oldest);
        let reader = self.inner.agents.output(&cell.id, run, From::End).await?.counted(reading);
        let snapshot = self.snapshot(record, &options).await?;
        let options = LogOptions { tail: None, ..options };
        Ok(snapshot.chain(live_lines(reader, tty, &options)).boxed())
    }

    /// Whoever follows a command that is over in a moment comes too late for it, and too early for the backend's log, which
    /// takes its time: the agent still has all of the first run's output. Its times it has not, so who asks for those waits.
    async fn just_ended(
        &self,
        cell: &Cell,
        record: &ContainerRecord,
        run: &str,
        options: &LogOptions,
    ) -> Option<ByteStream> {
        if record.state.exits != 1 || options.timestamps || options.since.is_some() || options.until.is_some() {
            return None;
        }
        let oldest = self.inner.agents.output(&cell.id, run, From::Oldest).await.ok()?;
        (oldest.offset() == 0).then(|| live_lines(oldest, record.config.tty, options))
    }

    fn has_log(&self, record: &ContainerRecord) -> Result<bool> {
        Ok(self.inner.backend(&record.backend)?.loaded().interfaces.logs)
    }

    /// The log of a container that runs without an agent: what the backend has, then what it has more with time.
    async fn snapshot_and_news(
        &self,
        cell: &Arc<Cell>,
        record: &ContainerRecord,
        options: LogOptions,
    ) -> Result<ByteStream> {
        // In this order, so that what comes between the two is in both, and told once.
        let news = self.inner.follow_log(cell).await?;
        let backend = self.inner.backend(&record.backend)?;
        let all = read_all(&backend, record, &LogOptions { tail: None, ..options.clone() }).await?;
        let mut given = Seen::of(&all);
        let skipped =
            options.tail.map_or(0, |tail| all.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX)));
        let tty = record.config.tty;
        let (timestamps, until) = (options.timestamps, options.until);
        let snapshot = all.into_iter().skip(skipped).map(move |entry| Ok(encode_entry(entry, tty, timestamps)));
        let news = news.map_ok(move |entries| {
            let mut text = BytesMut::new();
            for entry in entries.iter().filter(|entry| options.wants(entry) && !given.take(entry)) {
                text.extend_from_slice(&encode_entry(entry.clone(), tty, timestamps));
            }
            text.freeze()
        });
        let news = news.try_filter(|text| std::future::ready(!text.is_empty()));
        Ok(until_then(stream::iter(snapshot).chain(news), until))
    }

    async fn snapshot(&self, record: &ContainerRecord, options: &LogOptions) -> Result<ByteStream> {
        if !self.has_log(record)? {
            return Err(Error::not_implemented(format!(
                "the backend \"{}\" keeps no log, and the container does not run: there is nothing to read it from",
                record.backend
            )));
        }
        let entries = read_all(&self.inner.backend(&record.backend)?, record, options).await?;
        let (tty, timestamps) = (record.config.tty, options.timestamps);
        Ok(stream::iter(entries.into_iter().map(move |entry| Ok(encode_entry(entry, tty, timestamps)))).boxed())
    }
}

/// A snapshot of what the backend has, as far as it is wanted.
pub(crate) async fn read_all(
    backend: &Arc<dyn Backend>,
    record: &ContainerRecord,
    options: &LogOptions,
) -> Result<VecDeque<LogEntry>, BackendError> {
    let query = LogQuery { since: system(options.since), until: system(options.until), tail: options.tail };
    let tail = options.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
    let mut entries = VecDeque::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let page = backend.logs(record.for_backend(), query.clone(), cursor).await?;
        for entry in page.entries {
            // The backend's log may be coarser than what was asked for.
            if options.wants(&entry) {
                entries.push_back(entry);
                if entries.len() > tail {
                    entries.pop_front();
                }
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(entries);
        }
    }
    tracing::warn!(container = %record.id, "the backend's log has no end: cut");
    Ok(entries)
}

/// Lines as they come, with the last `tail` of those that are there already.
fn live_lines(reader: Reader, tty: bool, options: &LogOptions) -> ByteStream {
    let streams = Streams { stdout: options.stdout, stderr: options.stderr };
    let (timestamps, tail) = (options.timestamps, options.tail);
    let until = options.until;
    let behind = reader.behind();
    let frames = reader.into_frames();
    let lines = Lines::of(frames, streams, tail.map(|tail| (tail, behind)));
    until_then(lines.map_ok(move |line| encode(&line, tty, timestamps.then(Timestamp::now))), until)
}

fn until_then(stream: impl Stream<Item = Result<Bytes>> + Send + 'static, until: Option<Timestamp>) -> ByteStream {
    match until {
        None => stream.boxed(),
        Some(until) => {
            let left = std::time::Duration::try_from(Timestamp::now().duration_until(until)).unwrap_or_default();
            stream.take_until(tokio::time::sleep(left)).boxed()
        }
    }
}

fn encode_entry(entry: LogEntry, tty: bool, timestamps: bool) -> Bytes {
    let line = Line {
        stream: if entry.source == LogSource::Stderr { STDERR } else { STDOUT },
        text: entry.line.into(),
        ended: !entry.partial,
    };
    let time = timestamps.then(|| Timestamp::try_from(entry.time).unwrap_or(Timestamp::UNIX_EPOCH));
    encode(&line, tty, time)
}

fn encode(line: &Line, tty: bool, time: Option<Timestamp>) -> Bytes {
    let mut text = BytesMut::with_capacity(line.text.len() + 48);
    if let Some(time) = time {
        text.extend_from_slice(log_time(time).as_bytes());
        text.extend_from_slice(b" ");
    }
    text.extend_from_slice(&line.text);
    if line.ended {
        text.extend_from_slice(b"\n");
    }
    if tty {
        return text.freeze();
    }
    let mut framed = BytesMut::with_capacity(text.len() + 8);
    put_frame(&mut framed, line.stream, &text);
    framed.freeze()
}

/// With nine digits, whatever they are: columns of a log line up.
fn log_time(time: Timestamp) -> String {
    format!("{time:.9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_its_time_is_one_frame() {
        let line = Line { stream: STDERR, text: Bytes::from_static(b"oops"), ended: true };
        let time: Timestamp = "2026-11-24T01:02:03.5Z".parse().unwrap();
        let bytes = encode(&line, false, Some(time));
        assert_eq!(&bytes[..8], [2, 0, 0, 0, 0, 0, 0, 36]);
        assert_eq!(&bytes[8..], b"2026-11-24T01:02:03.500000000Z oops\n");
        assert_eq!(&encode(&line, true, None)[..], b"oops\n");
    }
}
