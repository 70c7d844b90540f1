//! What is checked of a daemon.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use sockerless_engine::Backends as _;
use sockerless_store::Store;
use sockerless_telemetry::metrics::metrics;

use super::{AtomicBool, Ordering, Serving};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Health {
    store: Arc<dyn Store>,
    serving: OnceLock<Serving>,
    pub(super) stopping: AtomicBool,
}

/// What came of the checks.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// Why it failed, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Report {
    fn of(checks: impl IntoIterator<Item = (&'static str, Result<(), String>)>) -> Self {
        let check = |(name, result): (_, Result<(), String>)| Check { name, ok: result.is_ok(), reason: result.err() };
        let checks: Vec<_> = checks.into_iter().map(check).collect();
        Self { ok: checks.iter().all(|check| check.ok), checks }
    }
}

impl Health {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, serving: OnceLock::new(), stopping: AtomicBool::new(false) }
    }

    pub(super) fn serves(&self, serving: Serving) {
        // A daemon comes up once.
        let _ = self.serving.set(serving);
    }

    /// Whether the process lives: the runtime does if this is answered, and the thread of the database must answer it.
    pub(super) async fn lives(&self) -> Report {
        Report::of([("store", self.store(false).await)])
    }

    /// Whether it does its work now.
    pub(super) async fn is_ready(&self) -> Report {
        let started = match self.serving.get() {
            _ if self.stopping.load(Ordering::Relaxed) => Err("the daemon is about to end".to_owned()),
            None => Err("the daemon has not come up yet: its log says what it is at".to_owned()),
            Some(_) => Ok(()),
        };
        let serving = self.serving.get();
        Report::of([
            ("started", started),
            ("store", self.store(true).await),
            ("backends", serving.map_or_else(|| Err("none is loaded yet".to_owned()), backends)),
            ("agents", serving.map_or_else(|| Err("the daemon has not come up yet".to_owned()), agents)),
        ])
    }

    async fn store(&self, write: bool) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.store.probe(write)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!(
                "the database did not answer within {} s: the disk of the state folder is slow, or more is written than it takes",
                PATIENCE.as_secs()
            )),
        }
    }

    /// The metrics, with what there is now.
    pub(super) fn metrics(&self) -> String {
        let commit = option_env!("SOCKERLESS_COMMIT").unwrap_or("unknown");
        if let Some(Serving { engine, backends, .. }) = self.serving.get() {
            engine.measure();
            let backends = backends.host.backends();
            let state = backends.iter().map(|backend| (name(backend), backend.outage().is_some()));
            metrics().backends.in_service(state);
        }
        metrics().exposition(env!("CARGO_PKG_VERSION"), commit)
    }
}

fn name(backend: &sockerless_plugins::PluginBackend) -> String {
    use sockerless_backend::Backend as _;
    backend.loaded().descriptor.name.clone()
}

fn backends(serving: &Serving) -> Result<(), String> {
    let Some(default) = serving.backends.default_name() else {
        return Err("no backend is loaded: load one with `sockerless plugin load`".to_owned());
    };
    match serving.backends.host.backend(&default).and_then(|backend| backend.outage()) {
        None => Ok(()),
        Some(outage) => Err(format!("the backend `{default}` is {outage}")),
    }
}

fn agents(serving: &Serving) -> Result<(), String> {
    match &serving.agents {
        Some(listener) if listener.is_finished() => {
            Err("agents cannot dial in: their listener has ended; start the daemon again".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use sockerless_store::{Change, Kind, MemoryStore, Record, StoreError};

    /// A disk that is full, or that does not answer.
    struct Failing {
        answers: bool,
    }

    #[async_trait]
    impl Store for Failing {
        async fn apply(&self, _: Vec<Change>) -> Result<(), StoreError> {
            Ok(())
        }

        async fn all(&self, _: Kind) -> Result<Vec<Record>, StoreError> {
            Ok(Vec::new())
        }

        async fn probe(&self, write: bool) -> Result<(), StoreError> {
            match (self.answers, write) {
                (false, _) => std::future::pending().await,
                (true, true) => Err(StoreError::Write("database or disk is full".to_owned())),
                (true, false) => Ok(()),
            }
        }
    }

    fn of(store: impl Store) -> Health {
        Health::new(Arc::new(store))
    }

    fn failing(report: &Report) -> Vec<&'static str> {
        report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
    }

    #[tokio::test]
    async fn a_daemon_that_is_coming_up_lives_and_is_not_ready() {
        let health = of(MemoryStore::default());
        assert!(health.lives().await.ok);
        let report = health.is_ready().await;
        assert!(!report.ok);
        assert_eq!(failing(&report), ["started", "backends", "agents"]);
    }

    #[tokio::test]
    async fn a_full_disk_makes_it_not_ready_and_one_that_hangs_dead() {
        let full = of(Failing { answers: true });
        assert!(full.lives().await.ok);
        let report = serde_json::to_value(full.is_ready().await).unwrap();
        assert!(report["checks"][1]["reason"].as_str().unwrap().contains("disk is full"), "{report}");
        assert_eq!(failing(&of(Failing { answers: false }).lives().await), ["store"]);
    }
}
