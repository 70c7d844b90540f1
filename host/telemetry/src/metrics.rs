//! Everything that is counted and measured of this process.
//!
//! What labels may be is bounded by the program and by what the operator has loaded: never an id, a name or an image of a client's.

mod agents;
mod backends;
mod docker;
mod engine;
mod process;

use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use agents::Agents;
pub use backends::Backends;
pub use docker::Docker;
pub use engine::{ContainerCount, Engine};

/// What a scrape is answered with: the text format of OpenMetrics.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Of the Docker API.
    pub docker: Docker,
    /// Of backends and what they ask for.
    pub backends: Backends,
    /// Of the links to agents.
    pub agents: Agents,
    /// Of what the daemon keeps and tells.
    pub engine: Engine,
}

impl Metrics {
    fn new() -> Self {
        process::begin();
        let mut registry = Registry::with_prefix("sockerless");
        let docker = Docker::register(&mut registry);
        let backends = Backends::register(&mut registry);
        let agents = Agents::register(&mut registry);
        let engine = Engine::register(&mut registry);
        Self { registry, docker, backends, agents, engine }
    }

    /// All of them as they are now, in the form of [`CONTENT_TYPE`]. `version` and `commit` say what the process was built from.
    #[must_use]
    pub fn exposition(&self, version: &str, commit: &str) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = process::encode(&mut text, version, commit);
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The metrics of this process. Those who do the work count it there; nobody need read it.
#[must_use]
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

/// One more of something that comes and goes, as long as this is there.
#[must_use]
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// From a lookup in memory to a container that takes minutes to be made.
const BUCKETS: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

fn seconds_histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn observe(histogram: &Histogram, took: Duration) {
    histogram.observe(took.as_secs_f64());
}
