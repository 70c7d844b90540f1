//! A call that is played back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sockerless_recorder::{Clock, Exchange, Outcome, RecordedCall};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::Seed;

/// So much later is each reading of a clock that the recorded call has not made.
const TICK: u64 = 1_000_000;

/// What is left of the recorded call, and how the one that is played back goes.
#[derive(Default)]
pub(crate) struct Playback {
    imports: VecDeque<Exchange>,
    wall: Times,
    monotonic: Times,
    seed: Seed,
    calls: usize,
    strayed: Option<Strayed>,
    outcome: Option<Outcome>,
}

/// An import that the recorded call has not called there.
struct Strayed {
    expected: Option<Exchange>,
    function: String,
    arguments: Value,
}

/// How the call went.
pub(crate) struct Played {
    /// How many imports it has called like the recorded one.
    pub(crate) calls: usize,
    /// The import that comes next in the recorded call, without its answer; none at its end.
    pub(crate) expected: Option<(String, Value)>,
    /// What it called instead, if it did not end there.
    pub(crate) called: Option<(String, Value)>,
    /// How it ended; none if it has not been called.
    pub(crate) outcome: Option<Outcome>,
}

/// The call went another way than the recorded one, and ends here.
#[derive(Debug, thiserror::Error)]
#[error("the call went another way than the recorded one")]
struct AnotherWay;

/// The recorded call failed here.
#[derive(Debug, thiserror::Error)]
#[error("the recorded call failed in this import")]
struct FailedHere;

#[derive(Default)]
struct Times {
    left: VecDeque<u64>,
    last: u64,
}

impl Times {
    fn next(&mut self) -> u64 {
        self.last = self.left.pop_front().unwrap_or(self.last.saturating_add(TICK));
        self.last
    }
}

impl Playback {
    /// Of what was recorded. `None` if its seed is none.
    pub(crate) fn new(recorded: RecordedCall) -> Option<Self> {
        let mut seed = Seed::default();
        hex::decode_to_slice(&recorded.call.seed, &mut seed).ok()?;
        let times = |clock: Clock| {
            let left = recorded.readings.iter().filter(|reading| reading.clock == clock);
            Times { left: left.map(|reading| reading.nanoseconds).collect(), last: 0 }
        };
        let (wall, monotonic) = (times(Clock::Wall), times(Clock::Monotonic));
        Some(Self { imports: recorded.imports.into(), wall, monotonic, seed, ..Self::default() })
    }

    pub(super) fn seed(&self) -> Seed {
        self.seed
    }

    pub(super) fn clocks(playback: &Arc<Mutex<Self>>, wasi: &mut WasiCtxBuilder) {
        wasi.wall_clock(Wall(Arc::clone(playback)));
        wasi.monotonic_clock(Monotonic(Arc::clone(playback)));
    }

    pub(super) fn answer<T: DeserializeOwned>(&mut self, function: &str, arguments: Value) -> wasmtime::Result<T> {
        let expected = self.imports.pop_front();
        match expected {
            Some(Exchange { function: known, arguments: same, result }) if known == function && same == arguments => {
                self.calls += 1;
                let result = result.ok_or(FailedHere)?;
                Ok(serde_json::from_value(result)?)
            }
            expected => {
                let function = function.to_owned();
                self.strayed.get_or_insert(Strayed { expected, function, arguments });
                Err(AnotherWay.into())
            }
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// How it went.
    pub(crate) fn played(&mut self) -> Played {
        let (expected, called) = match self.strayed.take() {
            Some(Strayed { expected, function, arguments }) => (expected, Some((function, arguments))),
            None => (self.imports.pop_front(), None),
        };
        let expected = expected.map(|Exchange { function, arguments, .. }| (function, arguments));
        Played { calls: self.calls, expected, called, outcome: self.outcome.take() }
    }
}

struct Wall(Arc<Mutex<Playback>>);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.lock().unwrap_or_else(PoisonError::into_inner).wall.next())
    }
}

struct Monotonic(Arc<Mutex<Playback>>);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).monotonic.next()
    }
}
