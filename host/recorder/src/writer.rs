//! Who writes: one thread behind a bounded queue, so that no request waits for the disk.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use sockerless_telemetry::metrics::metrics;

use crate::files::{FILES, Failed, Files};
use crate::record::{Answer, Call, End, FORMAT, Header, Import, Lost, Record};
use crate::redaction::{Redactor, Unfit};

/// Records that may wait for the disk.
const QUEUE: usize = 16 << 10;
/// Bytes of them.
const QUEUE_BYTES: usize = 64 << 20;
/// After a failure of the disk nothing is tried for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// The least that a file may hold.
const MIN_FILE: u64 = 1 << 20;

/// Where and how a session is recorded.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder: made if it is not there, for this user alone. What is recorded there already stays, within the limit.
    pub folder: PathBuf,
    /// Bytes that all files together may have. The oldest of eight goes when it is reached. 8 MiB at least.
    pub limit: u64,
    /// Version of the daemon.
    pub daemon: String,
    /// Version of the WIT package.
    pub wit: String,
    /// Secrets that must not be recorded, wherever they appear.
    pub secrets: Vec<String>,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder, or a file in it.
    #[error("cannot record into {}: {error}; give a folder that this user may write to", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is in the way.
        error: io::Error,
    },
    /// Less than is needed for anything.
    #[error("{0} bytes are too few for a recording: allow it {least} at least", least = FILES * MIN_FILE)]
    Limit(u64),
    /// No thread.
    #[error("cannot start the thread that writes the recording: {0}")]
    Thread(io::Error),
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Takes records down. Clones record into the same folder.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    sender: SyncSender<Message>,
    queued: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    calls: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Record(Box<Record>),
    Close,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begins a session. Blocks until the first file is there.
    ///
    /// # Errors
    /// The folder cannot be written to; the limit is too small.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let Options { folder, limit, daemon, wit, secrets } = options;
        if limit < FILES * MIN_FILE {
            return Err(StartError::Limit(limit));
        }
        let mut session = [0; 8];
        SystemRandom::new().fill(&mut session).map_err(|_| StartError::Random)?;
        let header = Header { format: FORMAT, daemon, wit, session: hex::encode(session), time: Timestamp::now() };
        let redactor = Redactor::new(secrets).map_err(|_| StartError::Random)?;
        let in_folder = |error| StartError::Folder { folder: folder.clone(), error };
        let files = Files::open(folder.clone(), limit).map_err(in_folder)?;
        let (sender, receiver) = sync_channel(QUEUE);
        let (queued, lost) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
        let mut writer = Writer { files, header, redactor, lost: Arc::clone(&lost), unwritten: 0, trouble: None };
        writer.begin().and_then(|()| writer.files.flush()).map_err(|Failed { error, .. }| in_folder(error))?;
        let counter = Arc::clone(&queued);
        let thread = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || writer.run(&receiver, &counter))
            .map_err(StartError::Thread)?;
        Ok(Self(Arc::new(Inner { sender, queued, lost, calls: AtomicU64::new(1), thread: Mutex::new(Some(thread)) })))
    }

    /// A number for a call that begins.
    #[must_use]
    pub fn next_call(&self) -> u64 {
        self.0.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Has a record written, soon. Never waits: answers whether it was taken. If one of a call was not, the others of that call must
    /// not be given either, since a secret may have been in it.
    pub fn record(&self, record: Record) -> bool {
        let Inner { sender, queued, lost, .. } = &*self.0;
        let weight = record.weight();
        let taken = queued.fetch_add(weight, Ordering::Relaxed).saturating_add(weight) <= QUEUE_BYTES
            && sender.try_send(Message::Record(Box::new(record))).is_ok();
        if !taken {
            queued.fetch_sub(weight, Ordering::Relaxed);
            lost.fetch_add(1, Ordering::Relaxed);
            metrics().engine.record_dropped();
        }
        taken
    }

    /// Writes what waits, and ends. Blocks until it is done; what is recorded later is lost.
    pub fn close(&self) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && self.0.sender.send(Message::Close).is_ok()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the recording broke down");
        }
    }
}

struct Writer {
    files: Files,
    header: Header,
    redactor: Redactor,
    /// Records that found the queue full.
    lost: Arc<AtomicU64>,
    /// Records that were not written, and of which nothing is said in the recording yet.
    unwritten: u64,
    /// When the disk failed last, and how.
    trouble: Option<(Instant, String)>,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Message>, queued: &AtomicUsize) {
        loop {
            let message = match receiver.try_recv() {
                Err(TryRecvError::Empty) => {
                    // Nothing else to do: what was recorded shall be there if the daemon is killed.
                    let flushed = self.files.flush();
                    self.note(flushed);
                    receiver.recv().ok()
                }
                Ok(message) => Some(message),
                Err(TryRecvError::Disconnected) => None,
            };
            let Some(Message::Record(record)) = message else { break };
            queued.fetch_sub(record.weight(), Ordering::Relaxed);
            self.tell_losses();
            self.write(*record);
        }
        self.tell_losses();
        let flushed = self.files.flush();
        self.note(flushed);
        if self.unwritten > 0 {
            tracing::warn!(records = self.unwritten, "the recording ends without these records");
        }
    }

    /// Says in the recording what is missing there.
    fn tell_losses(&mut self) {
        let refused = self.lost.swap(0, Ordering::Relaxed);
        if refused > 0 {
            tracing::warn!(records = refused, "records were lost: they came faster than the disk takes them");
        }
        let records = self.unwritten.saturating_add(refused);
        if records == 0 {
            return;
        }
        let reason = match &self.trouble {
            Some((_, error)) => format!("the disk failed: {error}"),
            None => "records came faster than the disk takes them".to_owned(),
        };
        self.unwritten = records;
        if self.put(&Record::Lost(Lost { records, reason })) {
            self.unwritten = 0;
            self.trouble = None;
        }
    }

    fn write(&mut self, mut record: Record) {
        if let Record::Call(Call { id: call, .. })
        | Record::Import(Import { call, .. })
        | Record::Answer(Answer { call, .. })
        | Record::End(End { call, .. }) = record
            && self.redactor.redact(&mut record) == Err(Unfit)
        {
            self.redactor.forget(call);
            self.unwritten += 1;
            return;
        }
        if !self.put(&record) {
            self.unwritten += 1;
        }
    }

    /// Whether the line is with the files. If the disk has just failed, it is not tried.
    fn put(&mut self, record: &Record) -> bool {
        if self.trouble.as_ref().is_some_and(|(since, _)| since.elapsed() < PAUSE) {
            return false;
        }
        let Ok(line) = serde_json::to_vec(record) else { return false };
        let begun = if self.files.is_full() { self.begin() } else { Ok(()) };
        if !self.note(begun) {
            return false;
        }
        // If this fails, the line is among those that are counted.
        let added = self.files.add(&line);
        self.note(added);
        true
    }

    fn begin(&mut self) -> Result<(), Failed> {
        self.header.time = Timestamp::now();
        let line = serde_json::to_vec(&Record::Header(self.header.clone()));
        let line = line.map_err(|error| Failed { lines: 0, error: error.into() })?;
        self.files.begin(&line)
    }

    /// Counts what was not written, and whether the disk takes what it is given.
    fn note(&mut self, written: Result<(), Failed>) -> bool {
        let Err(Failed { lines, error }) = written else { return true };
        self.unwritten = self.unwritten.saturating_add(lines);
        if self.trouble.is_none() {
            tracing::error!(%error, "the recording cannot be written; the daemon goes on without it, and tries again");
        }
        self.trouble = Some((Instant::now(), error.to_string()));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DockerRequest;
    use crate::{Recording, Tally};

    fn options(folder: &std::path::Path) -> Options {
        let (daemon, wit) = ("0.1.0".to_owned(), "0.1.1".to_owned());
        Options { folder: folder.to_owned(), limit: 8 << 20, daemon, wit, secrets: Vec::new() }
    }

    fn request(path: &str) -> Record {
        let (method, path) = ("GET".to_owned(), path.to_owned());
        Record::Request(DockerRequest { time: Timestamp::now(), method, path, status: Some(200), milliseconds: 1 })
    }

    fn tally(folder: &std::path::Path) -> Tally {
        let mut recording = Recording::open(folder).unwrap();
        for call in recording.by_ref() {
            call.unwrap();
        }
        recording.tally()
    }

    #[test]
    fn what_is_recorded_is_there_when_the_session_is_closed_and_the_next_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let recorder = Recorder::start(options(folder.path())).unwrap();
            assert!((0..1_000).all(|_| recorder.record(request("/_ping"))));
            recorder.close();
            assert!(!recorder.record(request("/late")), "it is closed");
        }
        assert_eq!(tally(folder.path()).requests, 2_000);
    }

    #[test]
    fn a_record_that_does_not_fit_into_the_queue_is_counted_in_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(options(folder.path())).unwrap();
        assert!(!recorder.record(request(&"x".repeat(QUEUE_BYTES))));
        assert!(recorder.record(request("/next")));
        recorder.close();
        let tally = tally(folder.path());
        assert_eq!((tally.requests, tally.lost), (1, 1));
    }

    #[test]
    fn a_folder_that_is_gone_costs_records_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("recording");
        let mut files = Files::open(folder.clone(), 8 << 20).unwrap();
        files.begin(b"head").unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let header = Header {
            format: FORMAT,
            daemon: String::new(),
            wit: String::new(),
            session: "s".to_owned(),
            time: Timestamp::now(),
        };
        let redactor = Redactor::new(Vec::new()).unwrap();
        let mut writer = Writer { files, header, redactor, lost: Arc::default(), unwritten: 0, trouble: None };
        assert!(!writer.note(Err(Failed { lines: 3, error: io::Error::other("full") })));
        writer.write(request("/during the pause"));
        assert_eq!(writer.unwritten, 4);
        // The pause is over, and the disk is there again.
        std::fs::create_dir(&folder).unwrap();
        writer.trouble = Some((Instant::now().checked_sub(PAUSE).unwrap(), "full".to_owned()));
        writer.files = Files::open(folder.clone(), 8 << 20).unwrap();
        writer.tell_losses();
        writer.write(request("/after it"));
        writer.files.flush().unwrap();
        assert!(writer.trouble.is_none());
        let tally = tally(&folder);
        assert_eq!((tally.requests, tally.lost), (1, 4));
    }

    #[test]
    fn what_cannot_be_is_said_before_anything_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let small = Recorder::start(Options { limit: 1, ..options(folder.path()) }).unwrap_err();
        assert!(small.to_string().contains("8388608"), "{small}");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Recorder::start(options(&file)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot record into {}", file.display())), "{error}");
    }
}
