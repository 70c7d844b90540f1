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
use sockerless_backend::types::{LogEntry, LogPage, LogQuery, LogSource, RunEnd};
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
        let all = read_all(backend, record, &LogOptions { tail: None, ..options.clone() }).await?;
        let mut given = Seen::of(&all);
        let skipped =
            options.tail.map_or(0, |tail| all.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX)));
        let tty = record.config.tty;
        let (timestamps, until) = (options.timestamps, options.until);
        let snapshot = all.into_iter().skip(skipped).map(move |entry| Ok(encode_entry(entry, tty, timestamps)));
        let news = news.map_ok(move |entries| {
            let news = entries.iter().filter(|entry| options.wants(entry) && !given.take(entry)).cloned();
            encode_entries(news, tty, timestamps)
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
        let backend = self.inner.backend(&record.backend)?;
        let (tty, timestamps) = (record.config.tty, options.timestamps);
        // Who follows is told from elsewhere what comes after this moment: pages that were read later would have it as well.
        if options.follow || options.tail.is_some() {
            let entries = read_all(backend, record, options).await?;
            return Ok(
                stream::iter(entries.into_iter().map(move |entry| Ok(encode_entry(entry, tty, timestamps)))).boxed()
            );
        }
        let mut pages = pages(backend, record.clone(), options.clone()).boxed();
        // What cannot be read at all is an answer of its own, instead of a stream that breaks off.
        let first = pages.try_next().await?.unwrap_or_default();
        let pages = stream::once(std::future::ready(Ok(first))).chain(pages).map_err(Error::from);
        Ok(pages.map_ok(move |entries| encode_entries(entries, tty, timestamps)).boxed())
    }
}

/// A snapshot of what the backend has, as far as it is wanted.
pub(crate) async fn read_all(
    backend: Arc<dyn Backend>,
    record: &ContainerRecord,
    options: &LogOptions,
) -> Result<VecDeque<LogEntry>, BackendError> {
    let tail = options.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
    let mut pages = pages(backend, record.clone(), options.clone()).boxed();
    let mut entries = VecDeque::new();
    while let Some(page) = pages.try_next().await? {
        for entry in page {
            entries.push_back(entry);
            if entries.len() > tail {
                entries.pop_front();
            }
        }
    }
    Ok(entries)
}

/// The same page by page.
fn pages(
    backend: Arc<dyn Backend>,
    record: ContainerRecord,
    options: LogOptions,
) -> impl Stream<Item = Result<Vec<LogEntry>, BackendError>> + Send {
    let query = LogQuery { since: system(options.since), until: system(options.until), tail: options.tail };
    let pages = pages_by(record.id.clone(), move |cursor| {
        let (backend, container, query) = (backend.clone(), record.for_backend(), query.clone());
        async move { backend.logs(container, query, cursor).await }
    });
    // The backend's log may be coarser than what was asked for.
    pages.map_ok(move |page| page.into_iter().filter(|entry| options.wants(entry)).collect())
}

/// What `read` gives for one cursor after the other. Each page is read when it is asked for: the log of a client that reads slowly is
/// not in memory.
fn pages_by<R>(
    container: String,
    read: impl Fn(Option<String>) -> R + Send,
) -> impl Stream<Item = Result<Vec<LogEntry>, BackendError>> + Send
where
    R: Future<Output = Result<LogPage, BackendError>> + Send,
{
    // The cursor, if there is another page, and how many may be read.
    stream::try_unfold(Some((None, PAGES)), move |rest| {
        let page = rest.map(|(cursor, left)| (left, read(cursor)));
        let container = container.clone();
        async move {
            let Some((left, page)) = page else { return Ok(None) };
            let page = page.await?;
            if left == 1 && page.next.is_some() {
                tracing::warn!(%container, "the backend's log has no end: cut after {PAGES} pages");
            }
            let rest = page.next.filter(|_| left > 1).map(|next| (Some(next), left - 1));
            Ok(Some((page.entries, rest)))
        }
    })
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

fn encode_entries(entries: impl IntoIterator<Item = LogEntry>, tty: bool, timestamps: bool) -> Bytes {
    let mut text = BytesMut::new();
    for entry in entries {
        text.extend_from_slice(&encode_entry(entry, tty, timestamps));
    }
    text.freeze()
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
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

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

    fn page(number: usize, next: Option<usize>) -> LogPage {
        let line = number.to_string().into_bytes();
        let entry = LogEntry { time: SystemTime::UNIX_EPOCH, source: LogSource::Stdout, line, partial: false };
        LogPage { entries: vec![entry], next: next.map(|next| next.to_string()) }
    }

    #[tokio::test]
    async fn a_page_is_read_when_it_is_asked_for() {
        let read = AtomicUsize::new(0);
        let mut pages = std::pin::pin!(pages_by(String::new(), |cursor| {
            let number = read.fetch_add(1, Relaxed);
            assert_eq!(cursor, (number > 0).then(|| number.to_string()));
            async move { Ok(page(number, (number < 2).then_some(number + 1))) }
        }));
        for number in 0..3 {
            assert_eq!(read.load(Relaxed), number);
            assert_eq!(pages.try_next().await.unwrap().unwrap()[0].line, number.to_string().into_bytes());
        }
        assert_eq!(pages.try_next().await.unwrap(), None);
        assert_eq!(read.load(Relaxed), 3);
    }

    #[tokio::test]
    async fn a_log_without_end_is_cut_and_one_that_cannot_be_read_says_so() {
        let pages = pages_by(String::new(), |_| async { Ok(page(0, Some(1))) });
        assert_eq!(pages.count().await, PAGES);
        let pages = pages_by(String::new(), |_| async { Err(BackendError::Unavailable("gone".into())) });
        let pages: Vec<_> = pages.collect().await;
        assert_eq!(pages, [Err(BackendError::Unavailable("gone".into()))]);
    }
}
