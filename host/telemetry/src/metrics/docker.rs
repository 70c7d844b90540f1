//! Metrics of the Docker API.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Held, observe, seconds_histogram};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
    method: &'static str,
}

/// Metrics of the Docker API.
#[derive(Debug)]
pub struct Docker {
    requests: Family<Answer, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    streams: Gauge,
}

impl Docker {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("docker");
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds_histogram),
            in_flight: Gauge::default(),
            streams: Gauge::default(),
        };
        registry.register("requests", "Requests of Docker's API that were answered", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "How long it took until the answer to a request began",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("requests_in_flight", "Requests whose answer has not begun yet", metrics.in_flight.clone());
        registry.register(
            "hijacked_streams",
            "Connections that have stopped being HTTP: attach and exec",
            metrics.streams.clone(),
        );
        metrics
    }

    /// A request came in; it is answered when this is dropped.
    pub fn asked(&self) -> Held {
        Held::new(&self.in_flight)
    }

    /// A connection was taken over; it ends when this is dropped.
    pub fn hijacked(&self) -> Held {
        Held::new(&self.streams)
    }

    /// A request was answered. `route` is the template of its path, absent if it has none; no `status`: its connection was taken over.
    pub fn answered(&self, method: &str, route: Option<&'static str>, status: Option<u16>, took: Duration) {
        let (method, route) = (known(method), route.unwrap_or("none"));
        let status = match status {
            None => "hijacked",
            Some(..200) => "1xx",
            Some(200..300) => "2xx",
            Some(300..400) => "3xx",
            Some(400..500) => "4xx",
            Some(500..) => "5xx",
        };
        self.requests.get_or_create(&Answer { route, method, status }).inc();
        observe(&self.durations.get_or_create(&Route { route, method }), took);
    }
}

/// A method, by its name if it has one of those that there are: a client may invent others.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}
