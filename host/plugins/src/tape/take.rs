//! A call that is taken down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;
use sockerless_recorder::{Answer, Call, Clock, End, Import, Outcome, Reading, Record, Recorder};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::Seed;
use crate::label::Label;
use crate::load::NAMELESS;

/// So fine do WASI's clocks say that they are.
const RESOLUTION: Duration = Duration::from_nanos(1);

pub(crate) struct Take {
    track: Track,
    seed: Seed,
    imports: u32,
    ended: bool,
}

/// Where the records of a call go.
#[derive(Clone)]
struct Track {
    recorder: Recorder,
    call: u64,
    /// Every record so far was taken. After one that was not, no other is given: it may have told of a secret.
    whole: Arc<AtomicBool>,
}

impl Track {
    fn give(&self, record: Record) {
        if self.whole.load(Ordering::Relaxed) && !self.recorder.record(record) {
            self.whole.store(false, Ordering::Relaxed);
        }
    }

    fn read(&self, clock: Clock, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.give(Record::Reading(Reading { call: self.call, clock, nanoseconds }));
    }
}

impl Take {
    /// Begins one; none without random numbers for its seed.
    pub(super) fn begin(recorder: &Recorder, digest: &str, label: &Label, arguments: Value) -> Option<Self> {
        let mut seed = Seed::default();
        SystemRandom::new().fill(&mut seed).ok()?;
        let track =
            Track { recorder: recorder.clone(), call: recorder.next_call(), whole: Arc::new(AtomicBool::new(true)) };
        track.give(Record::Call(Call {
            id: track.call,
            time: Timestamp::now(),
            backend: (*label.backend != *NAMELESS).then(|| label.backend.to_string()),
            digest: digest.to_owned(),
            export: label.call.to_owned(),
            container: label.container.clone(),
            seed: hex::encode(seed),
            arguments,
            secrets: Arc::clone(&label.secrets),
        }));
        Some(Self { track, seed, imports: 0, ended: false })
    }

    pub(super) fn seed(&self) -> Seed {
        self.seed
    }

    pub(super) fn clocks(&self, wasi: &mut WasiCtxBuilder) {
        wasi.wall_clock(Wall(self.track.clone()));
        wasi.monotonic_clock(Monotonic { track: self.track.clone(), beginning: Instant::now() });
    }

    pub(super) fn asked(&mut self, function: &str, arguments: Value) {
        let (call, number) = (self.track.call, self.imports);
        self.imports = self.imports.saturating_add(1);
        self.track.give(Record::Import(Import { call, number, function: function.to_owned(), arguments }));
    }

    pub(super) fn answered(&mut self, result: Value) {
        let (call, number) = (self.track.call, self.imports.saturating_sub(1));
        self.track.give(Record::Answer(Answer { call, number, result }));
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        let (call, imports) = (self.track.call, self.imports);
        self.track.give(Record::End(End { call, time: Timestamp::now(), imports, outcome }));
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Outcome::Cut("whoever made the call has given it up".to_owned()));
        }
    }
}

struct Wall(Track);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.read(Clock::Wall, now);
        now
    }
}

struct Monotonic {
    track: Track,
    beginning: Instant,
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        let passed = self.beginning.elapsed();
        self.track.read(Clock::Monotonic, passed);
        u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
    }
}
