//! The end of the daemon: what ends it, in which order, and within which time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use sockerless_engine::Engine;
use sockerless_recorder::Recorder;
use sockerless_telemetry::Exporter;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::backends::Loaded;
use crate::operator::Operator;
use crate::record;
use crate::traces;

/// What each step of the end has, also when the steps before it have used up the time.
const LEAST: Duration = Duration::from_secs(1);

/// The signals that end the daemon.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they are kept for [`next`](Self::next), and do nothing by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot handle SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot handle SIGINT")?,
        })
    }

    /// The name of the next one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// A daemon that serves.
pub(crate) struct Serving {
    /// Serves the API until `shutdown`.
    pub(crate) api: JoinHandle<()>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) engine: Engine,
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) recorder: Option<Recorder>,
    /// Lets agents dial in until `agents_shutdown`, if they do.
    pub(crate) agents: Option<JoinHandle<()>>,
    pub(crate) agents_shutdown: CancellationToken,
    /// Tells operators that it stops, until it has.
    pub(crate) operator: Operator,
    pub(crate) exporter: Option<Exporter>,
}

impl Serving {
    /// Ends it: nothing new is accepted, streams end, what is under way has until `limit` is over. Containers go on, and their agents dial
    /// the next daemon. What was cut off is in the log.
    pub(crate) async fn stop(self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.operator.stopping();
        self.shutdown.cancel();
        // Keeps the time by itself: it was told it when it began.
        if let Err(error) = self.api.await {
            tracing::error!(%error, "the API ended badly");
        }
        within(deadline, "what containers had under way", self.engine.shutdown()).await;
        within(deadline, "requests of backends", self.loaded.shutdown()).await;
        within(deadline, "the end of the recording", record::close(self.recorder)).await;
        self.agents_shutdown.cancel();
        if let Some(agents) = self.agents {
            within(deadline, "links to agents", async {
                if let Err(error) = agents.await {
                    tracing::error!(%error, "the agents' listener ended badly");
                }
            })
            .await;
        }
        within(deadline, "the operator's listener", self.operator.end()).await;
        within(deadline, "the last spans of traces", traces::end(self.exporter)).await;
    }
}

async fn within(deadline: Instant, what: &'static str, work: impl Future<Output = ()>) {
    let deadline = deadline.max(Instant::now() + LEAST);
    if timeout_at(deadline, work).await.is_err() {
        tracing::warn!(what, "cut off by the shutdown: the next daemon goes on with it, or undoes it");
    }
}
