//! What becomes of a swap: the old version's last calls, and the new one's first.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use crate::backend::PluginBackend;
use crate::limits::{Export, seconds};
use crate::tally::Rate;

/// How versions of a backend follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SwapRules {
    /// How long calls of the old version may go on; then they end with an error that says to try again. In TOML: seconds.
    #[serde(deserialize_with = "seconds")]
    pub drain: Duration,
    /// How long the new version is held against the old one. In TOML: seconds; 0 turns it off.
    #[serde(deserialize_with = "seconds")]
    pub watch: Duration,
    /// Fewer failed calls than this never bring the old version back.
    pub failures: u64,
    /// By so many percent points more of the new version's calls of an export must fail than of the old one's.
    pub excess_percent: u64,
}

impl Default for SwapRules {
    fn default() -> Self {
        Self { drain: Duration::from_secs(5 * 60), watch: Duration::from_secs(5 * 60), failures: 5, excess_percent: 25 }
    }
}

impl SwapRules {
    fn is_markedly_worse(&self, before: Rate, after: Rate) -> bool {
        after.failed >= self.failures.max(1) && after.percent() >= before.percent() + self.excess_percent
    }
}

/// What came of watching a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does as well as the old one, or there is none to hold it against.
    Good,
    /// Another version serves by now.
    Superseded,
    /// It fails more than the old one.
    Failing(Failing),
}

/// How a new version fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The generation that does.
    pub generation: u64,
    /// What it fails at.
    pub export: Export,
    /// The old version's calls of that before.
    pub before: Rate,
    /// Its own calls.
    pub after: Rate,
    /// The last error.
    pub error: String,
}

impl std::fmt::Display for Failing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { export, before, after, error, .. } = self;
        let export = export.name();
        write!(formatter, "{after} calls of {export} failed, before the swap {before}; the last failure: {error}")
    }
}

/// Waits until it is clear how the version that serves now does.
pub(crate) async fn watch(backend: &PluginBackend) -> Verdict {
    let current = backend.generation();
    let rules = current.context.swap.clone();
    let Some(before) = backend.previous_generation().map(|previous| previous.tally.lately()) else {
        return Verdict::Good;
    };
    let end = Instant::now() + rules.watch;
    loop {
        let news = current.tally.news.notified();
        if !Arc::ptr_eq(&backend.generation(), &current) {
            return Verdict::Superseded;
        }
        for (export, after) in current.tally.lately() {
            let before = before.get(&export).copied().unwrap_or_default();
            if rules.is_markedly_worse(before, after) {
                let error = current.tally.last_failure(export).unwrap_or_default();
                return Verdict::Failing(Failing {
                    generation: current.loaded.generation,
                    export,
                    before,
                    after,
                    error,
                });
            }
        }
        if Instant::now() >= end {
            return Verdict::Good;
        }
        tokio::select! {
            () = news => {}
            () = sleep_until(end) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_failures_or_failures_as_before_are_not_markedly_worse() {
        let rules = SwapRules::default();
        let rate = |failed, calls| Rate { calls, failed };
        for (before, after, worse) in [
            (rate(0, 0), rate(4, 4), false),
            (rate(0, 0), rate(5, 5), true),
            (rate(0, 100), rate(5, 100), false),
            (rate(0, 100), rate(25, 100), true),
            (rate(50, 100), rate(60, 100), false),
            (rate(50, 100), rate(80, 100), true),
        ] {
            assert_eq!(rules.is_markedly_worse(before, after), worse, "{before}, then {after}");
        }
    }
}
