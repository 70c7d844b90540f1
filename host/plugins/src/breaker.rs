//! Takes a backend out of service that fails again and again, and tries it again later: a circuit breaker.
//!
//! A component that traps at every call costs each caller the time until it does, and the host an instance. Calls are then refused at
//! once, for growing times; after each a single call is let through, and decides.
//!
//! Only the component's own failures count: traps, deadlines, what it may not use. A cloud that does not answer is answered by the
//! component with an error, and that is an answer: taking it out of service would only make such a time longer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sockerless_backend::BackendError;
use tokio::time::Instant;

use crate::fault;
use crate::limits::{Export, seconds};

/// When a backend is taken out of service, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BreakerRules {
    /// So many calls of one export must fail in a row, each for another container: one container at which a component always fails
    /// takes nothing away from the others. 0 turns it off.
    pub failures: u32,
    /// A failure is forgotten when none has followed it for so long; so is how long the backend was out of service last. In TOML:
    /// seconds.
    #[serde(deserialize_with = "seconds")]
    pub within: Duration,
    /// How long it is out of service at first. Twice as long each time that the call which is let through then fails. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub pause: Duration,
    /// How long at most. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub longest_pause: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        // More failures than bring the version before back, which is better than none.
        Self {
            failures: 10,
            within: Duration::from_secs(10 * 60),
            pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(5 * 60),
        }
    }
}

/// That a backend is out of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// What it fails at.
    pub export: Export,
    /// So many calls have failed, since one went well.
    pub failures: u32,
    /// How the last one failed.
    pub error: String,
    /// For how long calls are still refused. Zero: the next call of the export decides.
    pub left: Duration,
}

impl std::fmt::Display for Outage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { export, failures, error, left } = self;
        let export = export.name();
        if left.is_zero() {
            write!(formatter, "out of service until the next call of {export} goes well")?;
        } else {
            write!(formatter, "out of service for another {}", fault::duration(*left))?;
        }
        write!(formatter, ", after {failures} failed calls of {export} in a row; the last failure: {error}")
    }
}

/// A generation has gone out of service, for the first time or for longer, or is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceChange {
    /// The backend's name.
    pub backend: String,
    /// Its generation.
    pub generation: u64,
    /// Absent: it is back in service.
    pub outage: Option<Outage>,
}

/// How a call ended, for the breaker.
enum Ending {
    /// The component answered, be it with an error.
    Answered,
    /// It failed by itself.
    Failed(String),
    /// It was not called, or not to the end.
    Nothing,
}

/// That a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Whether it decides if the backend is back in service.
    trial: bool,
}

pub(crate) struct Breaker {
    rules: BreakerRules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    streaks: BTreeMap<Export, Streak>,
    out: Option<Out>,
    /// When it came back last, and how long its last pause was.
    back: Option<(Instant, Duration)>,
}

/// Failures in a row.
struct Streak {
    last: Instant,
    containers: BTreeSet<String>,
    without_container: u32,
}

struct Out {
    export: Export,
    failures: u32,
    error: String,
    until: Instant,
    pause: Duration,
}

impl Out {
    fn at(&self, now: Instant) -> Outage {
        let left = self.until.saturating_duration_since(now);
        Outage { export: self.export, failures: self.failures, error: self.error.clone(), left }
    }
}

/// Whether an export is neither counted nor refused: those of a load, which has an answer of its own to each failure, and those that
/// bring something to an end. What runs costs money, and an outcome is judged once: refusing that would harm more than it spares.
pub(crate) fn ends_something(export: Export) -> bool {
    matches!(
        export,
        Export::Describe
            | Export::Check
            | Export::Recover
            | Export::Finished
            | Export::Resume
            | Export::ExecInspect
            | Export::Stop
            | Export::Kill
            | Export::Remove
    )
}

impl Breaker {
    pub(crate) fn new(rules: BreakerRules) -> Self {
        Self { rules, state: Mutex::default() }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// The backend is out of service.
    pub(crate) fn admit(&self, export: Export) -> Result<Admitted, Outage> {
        self.admit_at(Instant::now(), export)
    }

    fn admit_at(&self, now: Instant, export: Export) -> Result<Admitted, Outage> {
        let mut state = self.state();
        let Some(out) = state.out.as_mut().filter(|_| !ends_something(export)) else {
            return Ok(Admitted { trial: false });
        };
        if now < out.until {
            return Err(out.at(now));
        }
        let trial = export == out.export;
        if trial {
            // One at a time; and should it not end, or be given up, the next one gets its chance.
            out.until = now + out.pause;
        }
        Ok(Admitted { trial })
    }

    /// Notes how a call ended. Answers what has changed by that: the outage that begins or goes on, or that it is over.
    pub(crate) fn note<T>(
        &self,
        admitted: Admitted,
        export: Export,
        container: Option<&str>,
        result: &Result<T, BackendError>,
    ) -> Option<Option<Outage>> {
        let ending = match result {
            Ok(_) => Ending::Answered,
            Err(BackendError::Fault(text)) => Ending::Failed(text.clone()),
            Err(_) => Ending::Nothing,
        };
        self.note_at(Instant::now(), admitted, export, container, ending)
    }

    fn note_at(
        &self,
        now: Instant,
        admitted: Admitted,
        export: Export,
        container: Option<&str>,
        ending: Ending,
    ) -> Option<Option<Outage>> {
        if self.rules.failures == 0 || ends_something(export) {
            return None;
        }
        let mut guard = self.state();
        let state = &mut *guard;
        match (ending, &mut state.out) {
            (Ending::Nothing, _) => None,
            (Ending::Answered, out) => {
                state.streaks.remove(&export);
                let pause = out.as_ref().filter(|_| admitted.trial)?.pause;
                *out = None;
                state.back = Some((now, pause));
                Some(None)
            }
            (Ending::Failed(error), Some(out)) if admitted.trial => {
                out.pause = (out.pause * 2).min(self.rules.longest_pause);
                out.until = now + out.pause;
                out.failures += 1;
                out.error = error;
                Some(Some(out.at(now)))
            }
            // It began before.
            (Ending::Failed(_), Some(_)) => None,
            (Ending::Failed(error), None) => {
                let failures = self.count(state, now, export, container);
                if failures < self.rules.failures {
                    return None;
                }
                let again = state.back.filter(|(back, _)| now.saturating_duration_since(*back) < self.rules.within);
                let pause = again.map_or(self.rules.pause, |(_, pause)| pause * 2).min(self.rules.longest_pause);
                state.streaks.clear();
                let out = Out { export, failures, error, until: now + pause, pause };
                let outage = out.at(now);
                state.out = Some(out);
                Some(Some(outage))
            }
        }
    }

    /// Counts a failure. Answers how many there are now in a row.
    fn count(&self, state: &mut State, now: Instant, export: Export, container: Option<&str>) -> u32 {
        let fresh = || Streak { last: now, containers: BTreeSet::new(), without_container: 0 };
        let streak = state.streaks.entry(export).or_insert_with(fresh);
        if now.saturating_duration_since(streak.last) > self.rules.within {
            *streak = fresh();
        }
        streak.last = now;
        match container {
            Some(container) => drop(streak.containers.insert(container.to_owned())),
            None => streak.without_container += 1,
        }
        streak.without_container.saturating_add(u32::try_from(streak.containers.len()).unwrap_or(u32::MAX))
    }

    /// That it is out of service, if it is.
    pub(crate) fn outage(&self) -> Option<Outage> {
        self.state().out.as_ref().map(|out| out.at(Instant::now()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
