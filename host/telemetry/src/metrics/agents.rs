//! Metrics of the links to agents.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Held;

/// Metrics of the links to agents.
#[derive(Debug)]
pub struct Agents {
    linked: Gauge,
    made: Counter,
    lost: Counter,
    refused: Counter,
}

/// A link that is up.
#[must_use]
#[derive(Debug)]
pub struct Linked {
    _held: Held,
    lost: Counter,
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.lost.inc();
    }
}

impl Agents {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("agent");
        let metrics = Self {
            linked: Gauge::default(),
            made: Counter::default(),
            lost: Counter::default(),
            refused: Counter::default(),
        };
        registry.register("links", "Links to agents that are up", metrics.linked.clone());
        registry.register("links_made", "Links to agents that came up", metrics.made.clone());
        registry.register("links_lost", "Links to agents that have ended, for whatever reason", metrics.lost.clone());
        registry.register(
            "tokens_refused",
            "Times that somebody dialled in with a wrong token, or for a container that is not here",
            metrics.refused.clone(),
        );
        metrics
    }

    /// A link came up; it has ended when this is dropped.
    pub fn linked(&self) -> Linked {
        self.made.inc();
        Linked { _held: Held::new(&self.linked), lost: self.lost.clone() }
    }

    /// Somebody dialled in, or answered where the daemon dialled, who is nobody's agent.
    pub fn token_refused(&self) {
        self.refused.inc();
    }
}
