//! How much there is: the metrics that are read off when somebody asks.

use std::collections::BTreeMap;

use sockerless_telemetry::metrics::{ContainerCount, metrics};

use crate::engine::Engine;

impl Engine {
    /// Brings the metrics up to date that say what there is now: containers by backend and state, execs that run.
    pub fn measure(&self) {
        let mut containers: BTreeMap<ContainerCount, i64> = BTreeMap::new();
        for cell in self.inner.containers.all() {
            let record = cell.record();
            let kind = ContainerCount { backend: record.backend.clone(), state: record.state.status.as_str() };
            *containers.entry(kind).or_default() += 1;
        }
        let execs = i64::try_from(self.inner.execs.running()).unwrap_or(i64::MAX);
        metrics().engine.there_are(containers, execs);
    }
}
