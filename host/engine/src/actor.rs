//! The task that owns one container.
//!
//! Every transition of a container is made here, one after the other, and written before it is told. A backend is
//! therefore asked one thing at a time of a container, and two clients that start and remove it at once get the answers
//! of some order of the two. Readers watch what the task publishes and never wait for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sockerless_backend::Backend;
use sockerless_backend::types::Recovered;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::cell::{Asked, Cell, Command, Edit};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::health::{self, Finding, Monitor};
use crate::record::{ContainerRecord, Exit, Intent, Status};
use crate::restart::{self, Backoff};
use crate::run::{RunEvent, Watched};

/// Commands that wait for one container at most; more are held back at the API.
pub(crate) const MAILBOX: usize = 64;

/// How soon what could not be written is written again.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Actor {
    pub(crate) engine: Arc<Inner>,
    pub(crate) cell: Arc<Cell>,
    pub(crate) record: ContainerRecord,
    pub(crate) run: Option<Watched>,
    pub(crate) run_events: mpsc::Receiver<RunEvent>,
    /// Cloned for the task that watches a run.
    pub(crate) run_sender: mpsc::Sender<RunEvent>,
    /// The last start failed: a container that is to go after its exit goes now.
    pub(crate) failed_start: bool,
    /// Probes the run.
    pub(crate) health: Option<Monitor>,
    /// When the restart policy begins the next run.
    pub(crate) restart_at: Option<Instant>,
    pub(crate) backoff: Backoff,
    /// The disk may have another record than this one.
    unsaved: bool,
}

/// Whether the container's task goes on.
enum Next {
    Continue,
    /// The container is gone.
    End,
}

impl Actor {
    /// Makes the cell of a container and starts its task.
    pub(crate) fn spawn(engine: &Arc<Inner>, record: ContainerRecord) -> Arc<Cell> {
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (run_sender, run_events) = mpsc::channel(4);
        let cell = Arc::new(Cell::new(Arc::new(record.clone()), commands));
        let actor = Self {
            engine: engine.clone(),
            cell: cell.clone(),
            record,
            run: None,
            run_events,
            run_sender,
            failed_start: false,
            health: None,
            restart_at: None,
            backoff: Backoff::default(),
            unsaved: false,
        };
        engine.tasks.spawn(actor.serve(inbox));
        cell
    }

    async fn serve(mut self, mut inbox: mpsc::Receiver<Asked>) {
        if self.record.state.status.is_live() || matches!(self.record.intent, Some(Intent::Start { .. })) {
            self.resume().await;
        }
        if self.record.intent == Some(Intent::Adopt) {
            self.ask_for_run();
        }
        // A daemon that died between an exit and the removal that was to follow has left that to this one.
        if matches!(self.after_exit().await, Next::End) {
            return;
        }
        let shutdown = self.engine.shutdown.clone();
        loop {
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    self.save_again().await;
                    return;
                }
                Some(event) = self.run_events.recv() => self.run_event(event).await,
                () = sleep_until(self.restart_at.unwrap_or_else(Instant::now)), if self.restart_at.is_some() => {
                    self.restart_by_policy().await;
                    self.after_exit().await
                }
                () = tokio::time::sleep(AGAIN), if self.unsaved => {
                    self.save_again().await;
                    Next::Continue
                }
                command = inbox.recv() => match command {
                    Some((context, command)) => context.run(self.command(command)).await,
                    None => return,
                },
            };
            if matches!(next, Next::End) {
                return;
            }
        }
    }

    async fn command(&mut self, command: Command) -> Next {
        let (result, reply) = match command {
            Command::Start(reply) => (self.start().await, reply),
            Command::Stop { signal, timeout, reply } => (self.stop(signal, timeout).await, reply),
            Command::Restart { timeout, reply } => (self.restart(timeout).await, reply),
            Command::Kill { signal, reply } => (self.kill(&signal).await, reply),
            Command::Pause(reply) => (self.pause().await, reply),
            Command::Unpause(reply) => (self.unpause().await, reply),
            Command::Recovered { found, reply } => (self.recovered(found).await, reply),
            Command::Edit { edit, reply } => (self.edit(edit).await, reply),
            Command::Remove { force, volumes, reply } => {
                let result = self.remove(force, volumes).await;
                let gone = result.is_ok();
                let _ = reply.send(result);
                return if gone { Next::End } else { Next::Continue };
            }
        };
        // A client that went away does not want the answer; what it asked for is done.
        let _ = reply.send(result);
        // Start and kill may have ended the run of a container that is to go with it.
        self.after_exit().await
    }

    async fn run_event(&mut self, event: RunEvent) -> Next {
        self.take_run_event(event).await;
        self.after_exit().await
    }

    /// Acts on what the task that watches the run has seen.
    pub(crate) async fn take_run_event(&mut self, event: RunEvent) {
        match event {
            RunEvent::Ended { run, exit } if self.run.as_ref().is_some_and(|watched| watched.id() == run) => {
                self.exited(exit).await;
            }
            RunEvent::Outcome { run, outcome } if self.run.as_ref().is_some_and(|watched| watched.id() == run) => {
                let verdict = match self.backend() {
                    Ok(backend) => backend.finished(self.record.for_backend(), run, outcome).await.map_err(Error::from),
                    Err(error) => Err(error),
                };
                if let Some(watched) = &self.run {
                    watched.judge(verdict);
                }
            }
            RunEvent::Probed { run, finding } if self.run.as_ref().is_some_and(|watched| watched.id() == run) => {
                self.probed(finding);
            }
            RunEvent::Found { run } => self.found_run(run).await,
            // Of a run that is over.
            RunEvent::Ended { .. } | RunEvent::Outcome { .. } | RunEvent::Probed { .. } => {}
        }
    }

    /// A finding is not worth a write: the next daemon probes anew.
    fn probed(&mut self, finding: Finding) {
        let status = self.record.state.health.as_mut().and_then(|health| health::take(health, finding));
        self.publish();
        if let Some(status) = status {
            self.engine.events.container(&self.record, &format!("health_status: {status}"), &[]);
        }
    }

    /// The run is over: writes it down, then tells.
    pub(crate) async fn exited(&mut self, exit: Exit) {
        let state = &mut self.record.state;
        let now = Timestamp::now();
        let ran = state.started_at.map(|started| started.duration_until(now)).unwrap_or_default();
        tracing::info!(container = %self.record.id, code = exit.code, error = %exit.error, "the container has exited");
        state.status = Status::Exited;
        state.exits += 1;
        state.pid = 0;
        state.finished_at = Some(now);
        let code = exit.code;
        state.exit = exit;
        if let Some(health) = &mut state.health {
            health::end(health);
        }
        self.run = None;
        self.health = None;
        if restart::wanted(&self.record, code) {
            self.record.state.status = Status::Restarting;
            self.restart_later(Duration::try_from(ran).unwrap_or_default());
        }
        self.engine.services.end(&self.record.id);
        // A run that ended cannot be made not to have ended because the disk is full: the next write carries it.
        if let Err(error) = self.save().await {
            tracing::error!(container = %self.record.id, %error, "the end of the run is not on disk");
        }
        self.engine.execs.container_exited(&self.record.id);
        self.engine.network_events(&self.record, "disconnect");
        self.engine.volume_events(&self.record, "unmount");
        let attributes = [("execDuration", ran.as_secs().max(0).to_string()), ("exitCode", code.to_string())];
        self.engine.events.container(&self.record, "die", &attributes);
        self.publish();
    }

    /// What Docker does by itself once a container has exited.
    async fn after_exit(&mut self) -> Next {
        let over = self.record.state.status == Status::Exited || std::mem::take(&mut self.failed_start);
        if !over || !self.record.host_config.auto_remove {
            return Next::Continue;
        }
        match self.remove(false, true).await {
            Ok(()) => Next::End,
            Err(error) => {
                tracing::error!(container = %self.record.id, %error, "the container could not be removed after its exit");
                Next::Continue
            }
        }
    }

    /// State only: the seed's backends cannot suspend, and the mapping says that pause has no real effect.
    async fn pause(&mut self) -> Result<()> {
        match self.record.state.status {
            Status::Running => {}
            Status::Paused => return Err(Error::conflict(format!("Container {} is already paused", self.record.id))),
            _ => return Err(Error::conflict(format!("container {} is not running", self.record.id))),
        }
        self.change_status(Status::Paused).await?;
        self.engine.events.container(&self.record, "pause", &[]);
        Ok(())
    }

    async fn unpause(&mut self) -> Result<()> {
        if self.record.state.status != Status::Paused {
            return Err(Error::internal(format!("Container {} is not paused", self.record.id)));
        }
        self.change_status(Status::Running).await?;
        self.engine.events.container(&self.record, "unpause", &[]);
        Ok(())
    }

    /// What cannot be written is not so.
    async fn change_status(&mut self, status: Status) -> Result<()> {
        let before = std::mem::replace(&mut self.record.state.status, status);
        if let Err(error) = self.save().await {
            self.record.state.status = before;
            return Err(error);
        }
        self.publish();
        Ok(())
    }

    /// A version of the backend that takes over has looked at what there is in the cloud.
    async fn recovered(&mut self, found: Recovered) -> Result<()> {
        match found {
            Recovered::Present(None) => Ok(()),
            Recovered::Present(Some(handle)) => {
                self.record.handle = Some(handle);
                self.save().await?;
                self.publish();
                Ok(())
            }
            // Deleted behind our back: nothing of it can run, and nobody will report its end.
            Recovered::Absent => {
                if self.run.is_some() {
                    let error = "the container does not exist in the cloud any more: somebody else has deleted it";
                    self.exited(Exit { code: 137, error: error.to_owned() }).await;
                }
                Ok(())
            }
        }
    }

    async fn edit(&mut self, edit: Edit) -> Result<()> {
        let mut changed = self.record.clone();
        edit(&mut changed)?;
        let before = std::mem::replace(&mut self.record, changed);
        if let Err(error) = self.save().await {
            self.record = before;
            return Err(error);
        }
        self.publish();
        Ok(())
    }

    pub(crate) fn backend(&self) -> Result<Arc<dyn Backend>> {
        self.engine.backend(&self.record.backend)
    }

    /// Writes the record; what is only in memory does not count.
    pub(crate) async fn save(&mut self) -> Result<()> {
        let saved = self.engine.save(&self.record).await;
        self.unsaved = saved.is_err();
        saved
    }

    /// Writes what could not be written, such as that a run has begun or ended, which is so whatever the disk says.
    async fn save_again(&mut self) {
        if self.unsaved
            && let Err(error) = self.save().await
        {
            tracing::debug!(container = %self.record.id, %error, "the record cannot be written yet");
        }
    }

    pub(crate) fn publish(&self) {
        self.cell.publish(Arc::new(self.record.clone()));
    }
}
