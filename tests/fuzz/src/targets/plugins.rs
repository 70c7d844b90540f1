//! Backends, and what operators allow them.

use std::time::Instant;

use serde::Deserialize;
use sockerless_plugins::{BreakerRules, Limits, Policy, SwapRules, check_declared};

/// A component, before it is compiled.
pub(super) fn component(input: &[u8]) {
    if let Err(error) = check_declared(input) {
        let text = error.to_string();
        assert!(!text.is_empty() && text.len() < (1 << 20), "{} bytes of an error", text.len());
    }
}

/// The part of the configuration file that is one backend's.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Rules {
    policy: Policy,
    limits: Limits,
    swap: SwapRules,
    circuit_breaker: BreakerRules,
}

/// The rules of a backend, in TOML.
pub(super) fn rules(input: &[u8]) {
    let Ok(rules) = toml::from_str::<Rules>(&String::from_utf8_lossy(input)) else { return };
    for rule in rules.policy.hosts.iter().flatten() {
        assert!(rule.host.covers(&rule.host), "{rule:?}");
        assert!(!rule.host.matches("") && !rule.host.matches("a b"), "{rule:?}");
    }
    let (limits, swap, breaker) = (&rules.limits, &rules.swap, &rules.circuit_breaker);
    let times = [limits.computing, swap.drain, swap.watch, breaker.within, breaker.pause, breaker.longest_pause];
    for time in times {
        let moment = time.checked_mul(2).and_then(|time| Instant::now().checked_add(time));
        assert!(moment.is_some(), "a moment that cannot be told: {time:?}");
    }
}
