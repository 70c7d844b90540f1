//! Metrics of what the daemon keeps and tells.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{observe, seconds_histogram};

/// Containers of one backend in one state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub struct ContainerCount {
    /// The backend's name.
    pub backend: String,
    /// As `docker ps` has it.
    pub state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventType {
    r#type: String,
}

/// Metrics of what the daemon keeps and tells.
#[derive(Debug)]
pub struct Engine {
    containers: Family<ContainerCount, Gauge>,
    execs: Gauge,
    transactions: Family<Outcome, Counter>,
    transaction_durations: Histogram,
    events: Family<EventType, Counter>,
    events_dropped: Counter,
    records_dropped: Counter,
}

impl Engine {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            containers: Family::default(),
            execs: Gauge::default(),
            transactions: Family::default(),
            transaction_durations: seconds_histogram(),
            events: Family::default(),
            events_dropped: Counter::default(),
            records_dropped: Counter::default(),
        };
        registry.register("containers", "Containers by backend and state", metrics.containers.clone());
        registry.register("execs_running", "Commands of docker exec that run", metrics.execs.clone());
        registry.register(
            "store_transactions",
            "Transactions of the database; one may have the changes of many requests",
            metrics.transactions.clone(),
        );
        registry.register_with_unit(
            "store_transaction_duration",
            "How long a transaction took until it was on the disk",
            Unit::Seconds,
            metrics.transaction_durations.clone(),
        );
        registry.register("events", "Events by the type of what they are about", metrics.events.clone());
        registry.register(
            "events_dropped",
            "Events that a listener has lost since it did not keep up, over all listeners",
            metrics.events_dropped.clone(),
        );
        registry.register(
            "recorder_records_dropped",
            "Records that are missing in the recording: they came faster than the disk takes them",
            metrics.records_dropped.clone(),
        );
        metrics
    }

    /// How many containers there are now, of those kinds of which there are any, and how many execs run.
    pub fn there_are(&self, containers: impl IntoIterator<Item = (ContainerCount, i64)>, execs: i64) {
        self.containers.clear();
        for (kind, count) in containers {
            self.containers.get_or_create(&kind).set(count);
        }
        self.execs.set(execs);
    }

    /// A transaction of the database has ended.
    pub fn transaction(&self, durable: bool, took: Duration) {
        self.transactions.get_or_create(&Outcome { outcome: if durable { "ok" } else { "error" } }).inc();
        observe(&self.transaction_durations, took);
    }

    /// An event was told. `kind` is what it is about: `container`, `network`, …
    pub fn event(&self, kind: &str) {
        self.events.get_or_create(&EventType { r#type: kind.to_owned() }).inc();
    }

    /// A listener has lost so many events.
    pub fn events_dropped(&self, count: u64) {
        self.events_dropped.inc_by(count);
    }

    /// A record is missing in the recording.
    pub fn record_dropped(&self) {
        self.records_dropped.inc();
    }
}
