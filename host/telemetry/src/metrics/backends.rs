//! Metrics of backends, and of what they ask of others.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Held, observe, seconds_histogram};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Backend {
    backend: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    backend: String,
    export: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Export {
    backend: String,
    export: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Exchange {
    host: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Metrics of backends.
#[derive(Debug)]
pub struct Backends {
    calls: Family<Call, Counter>,
    durations: Family<Export, Histogram, fn() -> Histogram>,
    instances: Family<Backend, Gauge>,
    waiting: Family<Backend, Gauge>,
    swaps: Family<Backend, Counter>,
    rollbacks: Family<Backend, Counter>,
    out_of_service: Family<Backend, Gauge>,
    requests: Family<Exchange, Counter>,
    tokens: Family<Outcome, Counter>,
}

impl Backends {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("backend");
        let metrics = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(seconds_histogram),
            instances: Family::default(),
            waiting: Family::default(),
            swaps: Family::default(),
            rollbacks: Family::default(),
            out_of_service: Family::default(),
            requests: Family::default(),
            tokens: Family::default(),
        };
        registry.register("calls", "Calls of a backend's exports that have ended", metrics.calls.clone());
        registry.register_with_unit(
            "call_duration",
            "How long a call of an export took, with what it waited for",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("instances", "Calls that are under way, each in an instance", metrics.instances.clone());
        registry.register(
            "calls_waiting",
            "Calls that wait, since as many as are allowed are under way",
            metrics.waiting.clone(),
        );
        registry.register(
            "swaps",
            "Times that another version has taken over, those that were brought back included",
            metrics.swaps.clone(),
        );
        registry.register("rollbacks", "Times that the version before was brought back", metrics.rollbacks.clone());
        registry.register(
            "out_of_service",
            "1 while a backend is taken out of service since its calls fail again and again",
            metrics.out_of_service.clone(),
        );
        registry.register(
            "http_requests",
            "Requests that the daemon has sent for backends, by the host pattern of the policy that grants them",
            metrics.requests.clone(),
        );
        registry.register("tokens_fetched", "Tokens of the cloud that the daemon asked for", metrics.tokens.clone());
        metrics
    }

    /// A call waits for its turn, until this is dropped.
    pub fn waiting(&self, backend: &str) -> Held {
        Held::new(&self.waiting.get_or_create(&Backend { backend: backend.to_owned() }))
    }

    /// A call has an instance, until this is dropped.
    pub fn instance(&self, backend: &str) -> Held {
        Held::new(&self.instances.get_or_create(&Backend { backend: backend.to_owned() }))
    }

    /// A call has ended. `outcome` is `ok`, or the kind of its error.
    pub fn called(&self, backend: &str, export: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&Call { backend: backend.to_owned(), export, outcome }).inc();
        observe(&self.durations.get_or_create(&Export { backend: backend.to_owned(), export }), took);
    }

    /// Another version serves.
    pub fn swapped(&self, backend: &str) {
        self.swaps.get_or_create(&Backend { backend: backend.to_owned() }).inc();
    }

    /// That version was the one before.
    pub fn rolled_back(&self, backend: &str) {
        self.rollbacks.get_or_create(&Backend { backend: backend.to_owned() }).inc();
    }

    /// Whether each of the backends that are loaded is out of service.
    pub fn in_service(&self, backends: impl IntoIterator<Item = (String, bool)>) {
        self.out_of_service.clear();
        for (backend, out) in backends {
            self.out_of_service.get_or_create(&Backend { backend }).set(i64::from(out));
        }
    }

    /// A request was sent. `host` is the pattern by which it is granted; no `status`: there was no answer.
    pub fn requested(&self, host: &str, status: Option<u16>) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.requests.get_or_create(&Exchange { host: host.to_owned(), status }).inc();
    }

    /// A token was asked for, and came or did not.
    pub fn token_fetched(&self, came: bool) {
        self.tokens.get_or_create(&Outcome { outcome: if came { "ok" } else { "error" } }).inc();
    }
}
