//! Runs that go on when the request is lost which was to tell of their end: the daemon was away, or the connection broke.

use std::sync::Arc;
use std::time::Duration;

use sockerless_backend::BackendError;
use tokio::sync::mpsc;

use crate::cell::Cell;
use crate::engine::Inner;
use crate::record::Exit;
use crate::run::RunEvent;

/// How soon a backend that could not, or is not loaded, is asked again, at first and at most.
pub(crate) const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Inner {
    /// Whether the backend of a container can have another request tell of the end of its run.
    pub(crate) fn resumes(&self, cell: &Cell) -> bool {
        self.direct(&cell.record(), |loaded| loaded.interfaces.runs).is_some()
    }

    /// Has the backend learn of the end of a run, after this time: the request that was to tell of it has gone with the daemon before, or
    /// has broken.
    pub(crate) fn learn_of_end(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
        run: &str,
        events: mpsc::Sender<RunEvent>,
        after: Duration,
    ) {
        let (engine, cell, run) = (self.clone(), cell.clone(), run.to_owned());
        self.tasks.spawn(async move {
            let resume = async {
                tokio::time::sleep(after).await;
                engine.resume(&cell, run, events).await;
            };
            tokio::select! {
                () = resume => {}
                () = engine.shutdown.cancelled() => {}
            }
        });
    }

    async fn resume(&self, cell: &Arc<Cell>, run: String, events: mpsc::Sender<RunEvent>) {
        let mut pause = AGAIN.0;
        loop {
            let record = cell.record();
            if !record.state.status.is_live() || record.run_id() != Some(&run) {
                return;
            }
            if let Some(backend) = self.backends.get(&record.backend) {
                if !backend.loaded().interfaces.runs {
                    return;
                }
                match backend.resume(record.for_backend(), run.clone()).await {
                    Ok(()) => return,
                    Err(BackendError::NotFound(error)) => {
                        // The container's task ends before this only when the daemon does.
                        let _ = events.send(RunEvent::Ended { run, exit: Exit { code: 137, error } }).await;
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(container = %cell.id, %error, "the backend cannot learn of the end of the run, and is asked again");
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }
}
