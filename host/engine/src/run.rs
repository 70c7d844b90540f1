//! The task that watches one run until it has ended.
//!
//! What ends a run is seen in several places: the agent reports, the dispatched request has an outcome, a client
//! disconnects the agent. This task puts them together into one end, and tells the container's task once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sockerless_backend::types::{Outcome, RunEnd, RunVerdict};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cell::Cell;
use crate::direct::AGAIN;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::health::Finding;
use crate::record::Exit;

/// How long clients may take to read what is left, before the end of the run is told all the same.
const DRAIN: Duration = Duration::from_secs(30);

/// How long a killed agent may take to report, so that its last output is not lost.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the agent may take to come back with the output once the exit code is known from the response.
const RECONNECT: Duration = Duration::from_secs(10);

/// How long an agent may stay away when nothing else is known: the seed's limit.
const AWAY: Duration = Duration::from_secs(30 * 60);

/// What the container's task is told.
#[derive(Debug)]
pub(crate) enum RunEvent {
    /// The run is over. The last event of a run.
    Ended { run: String, exit: Exit },
    /// The dispatched request is over, and the backend is to judge what that says.
    Outcome { run: String, outcome: Outcome },
    /// The command of the health check was run.
    Probed { run: String, finding: Finding },
    /// The agent of a container that was found in the cloud has told which run it was asked for.
    Found { run: Option<String> },
}

/// What the rest of the host has to say about a run.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    /// Set once, when the dispatched request has ended.
    pub(crate) outcome: watch::Receiver<Option<Outcome>>,
    /// The backend or a client has cut the agent off.
    pub(crate) disconnected: CancellationToken,
}

/// A run that is being watched. Dropped, it is watched no longer.
pub(crate) struct Watched {
    run: String,
    verdicts: mpsc::UnboundedSender<Result<RunVerdict>>,
    _task: AbortOnDropHandle<()>,
}

impl Watched {
    pub(crate) fn spawn(
        engine: &Arc<Inner>,
        cell: &Arc<Cell>,
        run: &str,
        end: RunEnd,
        control: Control,
        events: mpsc::Sender<RunEvent>,
    ) -> Self {
        let (verdicts, judged) = mpsc::unbounded_channel();
        let watcher =
            Watcher { engine: engine.clone(), cell: cell.clone(), run: run.to_owned(), control, events, judged };
        let task = engine.tasks.spawn(watcher.watch(end));
        Self { run: run.to_owned(), verdicts, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn id(&self) -> &str {
        &self.run
    }

    /// What the backend says about the outcome.
    pub(crate) fn judge(&self, verdict: Result<RunVerdict>) {
        // The task has ended already when nobody is there to hear it.
        let _ = self.verdicts.send(verdict);
    }
}

struct Watcher {
    engine: Arc<Inner>,
    cell: Arc<Cell>,
    run: String,
    control: Control,
    events: mpsc::Sender<RunEvent>,
    judged: mpsc::UnboundedReceiver<Result<RunVerdict>>,
}

impl Watcher {
    async fn watch(mut self, end: RunEnd) {
        let exit = match end {
            RunEnd::Agent => self.by_agent().await,
            RunEnd::Response => self.by_response().await,
            RunEnd::After(milliseconds) => self.by_time(Duration::from_millis(milliseconds.into())).await,
        };
        let drained = self.cell.attachments().drained();
        if timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(container = %self.cell.id, "a client does not read: the end of the run is told before it has all of the output");
        }
        // The container's task ends before this only when the daemon does.
        let _ = self.events.send(RunEvent::Ended { run: self.run, exit }).await;
    }

    async fn by_agent(&mut self) -> Exit {
        let engine = self.engine.clone();
        let (id, run) = (self.cell.id.clone(), self.run.clone());
        let mut report = std::pin::pin!(engine.agents.exited(&id, &run));
        let mut limit: Option<Instant> = None;
        let mut known: Option<i32> = None;
        let mut asked = false;
        loop {
            tokio::select! {
                biased;
                report = &mut report => return match report {
                    Ok(code) => Exit { code, error: String::new() },
                    Err(error) => known.map_or(
                        Exit { code: 137, error: error.message },
                        |code| Exit { code, error: String::new() },
                    ),
                },
                () = self.control.disconnected.cancelled() => {
                    // Killed: 137 whatever the agent makes of it. Its report only says that the output is complete.
                    let _ = timeout(LAST_WORDS, &mut report).await;
                    return Exit { code: 137, error: String::new() };
                }
                outcome = outcome(&mut self.control.outcome), if !asked => {
                    asked = true;
                    let event = RunEvent::Outcome { run: self.run.clone(), outcome };
                    let _ = self.events.send(event).await;
                }
                Some(verdict) = self.judged.recv() => match verdict {
                    Ok(RunVerdict::Exited(code)) => {
                        known = Some(code);
                        limit = Some(Instant::now() + RECONNECT);
                    }
                    Ok(RunVerdict::Unknown(milliseconds)) => limit = Some(Instant::now() + Duration::from_millis(milliseconds)),
                    Ok(RunVerdict::NotStarted(reason)) => return Exit { code: 128, error: reason },
                    Err(error) => {
                        tracing::warn!(container = %self.cell.id, %error, "the backend could not judge the outcome of the invocation");
                        limit = Some(Instant::now() + AWAY);
                    }
                },
                () = sleep_until(limit.unwrap_or_else(Instant::now)), if limit.is_some() => {
                    if self.engine.agents.connected(&self.cell.id) {
                        // It is there and has not reported an end: the command still runs.
                        limit = known.is_none().then(|| Instant::now() + AWAY);
                    } else {
                        let error = "the agent did not come back: how the command ended is not known";
                        return known.map_or(
                            Exit { code: 137, error: error.to_owned() },
                            |code| Exit { code, error: String::new() },
                        );
                    }
                }
            }
        }
    }

    async fn by_response(&mut self) -> Exit {
        let mut asked = false;
        let mut pause = AGAIN.0;
        loop {
            tokio::select! {
                () = self.control.disconnected.cancelled() => return Exit { code: 137, error: String::new() },
                outcome = outcome(&mut self.control.outcome), if !asked => {
                    asked = true;
                    let _ = self.events.send(RunEvent::Outcome { run: self.run.clone(), outcome }).await;
                }
                Some(verdict) = self.judged.recv() => return match verdict {
                    Ok(RunVerdict::Exited(code)) => Exit { code, error: String::new() },
                    Ok(RunVerdict::NotStarted(reason)) => Exit { code: 128, error: reason },
                    Ok(RunVerdict::Unknown(_)) if self.engine.resumes(&self.cell) => {
                        // The request broke, and not the command: another one is to tell.
                        asked = false;
                        self.engine.learn_of_end(&self.cell, &self.run, self.events.clone(), pause);
                        pause = (pause * 2).min(AGAIN.1);
                        continue;
                    }
                    Ok(RunVerdict::Unknown(_)) => Exit {
                        code: 255,
                        error: "the response does not say how the command ended, and no agent can tell: set SOCKERLESS_CALLBACK_URL".into(),
                    },
                    Err(Error { message, .. }) => Exit { code: 255, error: message },
                },
            }
        }
    }

    async fn by_time(&mut self, time: Duration) -> Exit {
        // The daemon may have been away for a part of it.
        let ran = self.cell.record().state.started_at.map(|started| started.duration_until(Timestamp::now()));
        let time = time.saturating_sub(ran.and_then(|ran| Duration::try_from(ran).ok()).unwrap_or_default());
        tokio::select! {
            () = self.control.disconnected.cancelled() => Exit { code: 137, error: String::new() },
            () = sleep(time) => Exit::default(),
        }
    }
}

/// The next outcome, when there is one. Never, when the daemon that dispatched the request is no more.
async fn outcome(watch: &mut watch::Receiver<Option<Outcome>>) -> Outcome {
    loop {
        if watch.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if let Some(outcome) = watch.borrow_and_update().clone() {
            return outcome;
        }
    }
}
