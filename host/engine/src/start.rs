//! Starting a container, and taking up again what a crash of the daemon interrupted.

use std::time::Duration;

use jiff::Timestamp;
use sockerless_backend::BackendError;
use sockerless_backend::types::RunEnd;

use crate::actor::Actor;
use crate::agents::Begun;
use crate::error::{Error, ErrorKind, Result};
use crate::health::{self, Check, Monitor};
use crate::ids;
use crate::record::{Exit, Intent, Run, Status};
use crate::restart::Backoff;
use crate::run::{self, Watched};

/// Why a start failed: what the client is told, and the exit code that inspect shows.
struct Failure {
    error: Error,
    code: i32,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, code: 128 }
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Error::from(error).into()
    }
}

impl Actor {
    /// Has the backend run the command, and returns when the process exists, or is known not to.
    pub(crate) async fn start(&mut self) -> Result<()> {
        match self.record.state.status {
            Status::Created | Status::Exited => {}
            Status::Running | Status::Restarting => {
                return Err(Error::not_modified(format!("container {} is already running", self.record.id)));
            }
            Status::Paused => {
                return Err(Error::conflict("cannot start a paused container, try unpause instead"));
            }
            Status::Creating | Status::Removing | Status::Dead | Status::Removed => {
                return Err(Error::conflict("container is marked for removal and cannot be started"));
            }
        }
        self.record.restart_count = 0;
        self.backoff = Backoff::default();
        self.begin_run().await
    }

    /// Has the backend run the command, whatever the state.
    pub(crate) async fn begin_run(&mut self) -> Result<()> {
        let (run, key) = (ids::run()?, ids::idempotency_key()?);
        self.record.intent = Some(Intent::Start { run: run.clone(), key: key.clone() });
        if let Err(error) = self.save().await {
            self.record.intent = None;
            return Err(error);
        }
        let control = self.engine.services.begin(&self.record.id, &run);
        match self.launch(&run, key).await {
            Ok((end, pid)) => self.started(run, end, pid, control).await,
            Err(Failure { error, code }) => {
                self.engine.services.end(&self.record.id);
                self.record.intent = None;
                self.record.state.exit = Exit { code, error: error.message.clone() };
                self.failed_start = true;
                // It has failed whatever the disk says: the next write carries it.
                if let Err(error) = self.save().await {
                    tracing::error!(container = %self.record.id, %error, "the failed start is not on disk");
                }
                self.publish();
                Err(error)
            }
        }
    }

    async fn launch(&mut self, run: &str, key: String) -> Result<(RunEnd, u32), Failure> {
        let started = self.backend()?.start(self.record.for_backend(), run.to_owned(), key).await?;
        if let Some(handle) = started.handle {
            self.record.handle = Some(handle);
        }
        if started.end != RunEnd::Agent {
            return Ok((started.end, 0));
        }
        match self.engine.agents.begun(&self.record.id, run).await? {
            Begun::Started { pid } => Ok((started.end, pid)),
            Begun::Failed { code, message } => Err(Failure { error: start_error(&message), code }),
        }
    }

    async fn started(&mut self, run: String, end: RunEnd, pid: u32, control: run::Control) -> Result<()> {
        let state = &mut self.record.state;
        state.status = Status::Running;
        state.run = Some(Run { id: run.clone(), end });
        state.exit = Exit::default();
        state.pid = pid;
        state.started_at = Some(Timestamp::now());
        let probed = end == RunEnd::Agent && Check::of(&self.record).is_some();
        self.record.state.health = probed.then(health::begin);
        self.record.intent = None;
        self.record.stopped_by_client = false;
        // Those who attached before get the output from its first byte: their readers are open before the agent is told that it
        // may drop what everybody has read.
        if end == RunEnd::Agent {
            self.open_waiting(&run).await;
        } else {
            // Nobody can read what a command without an agent writes: who waits for it is let go.
            self.cell.attachments().clear();
        }
        // The process runs whatever the disk says; should the write fail, the intent that is there leads back to it.
        let saved = self.save().await;
        self.engine.volume_events(&self.record, "mount");
        self.engine.network_events(&self.record, "connect");
        self.engine.events.container(&self.record, "start", &[]);
        self.publish();
        self.watch(&run, end, control);
        saved
    }

    async fn open_waiting(&self, run: &str) {
        let waiting = self.cell.attachments().take_waiting();
        for session in waiting {
            session.open(&self.engine.agents, &self.record.id, run).await;
        }
        if let Err(error) = self.engine.agents.release(&self.record.id, run).await {
            tracing::warn!(container = %self.record.id, %error, "the agent could not be told to let the output go");
        }
    }

    /// Called once, when the daemon starts and finds the container running or about to.
    pub(crate) async fn resume(&mut self) {
        if let Some(Intent::Start { run, .. }) = self.record.intent.clone() {
            self.resume_start(run).await;
            return;
        }
        if self.record.state.status == Status::Restarting {
            self.restart_later(Duration::ZERO);
            return;
        }
        let Some(Run { id, end }) = self.record.state.run.clone() else {
            tracing::error!(container = %self.record.id, "the state file says that it runs, but not what");
            self.exited(Exit { code: 255, error: "the daemon lost track of the run".into() }).await;
            return;
        };
        let control = self.engine.services.begin(&self.record.id, &id);
        self.watch(&id, end, control);
        if end == RunEnd::Response {
            self.engine.learn_of_end(&self.cell, &id, self.run_sender.clone(), Duration::ZERO);
        }
    }

    /// Sets the tasks on a run that watch and probe it.
    fn watch(&mut self, run: &str, end: RunEnd, control: run::Control) {
        self.run = Some(Watched::spawn(&self.engine, &self.cell, run, end, control, self.run_sender.clone()));
        self.health = Check::of(&self.record)
            .filter(|_| end == RunEnd::Agent)
            .map(|check| Monitor::spawn(&self.engine, &self.cell, run, check, self.run_sender.clone()));
    }

    /// The daemon died between asking for a run and knowing of it. The agent knows whether it was ever told.
    pub(crate) async fn resume_start(&mut self, run: String) {
        let control = self.engine.services.begin(&self.record.id, &run);
        match self.engine.agents.begun_if_known(&self.record.id, &run).await {
            Ok(Some(Begun::Started { pid })) => {
                if let Err(error) = self.started(run, RunEnd::Agent, pid, control).await {
                    tracing::error!(container = %self.record.id, %error, "the run that was found is not on disk");
                }
            }
            found => {
                let message = match found {
                    Ok(Some(Begun::Failed { message, .. })) => message,
                    _ => "the daemon was restarted while the container was being started, and the command did not begin: \
                          start it again"
                        .to_owned(),
                };
                self.engine.services.end(&self.record.id);
                self.record.intent = None;
                self.record.state.exit = Exit { code: 128, error: message };
                self.failed_start = true;
                if let Err(error) = self.save().await {
                    tracing::error!(container = %self.record.id, %error, "the failed start is not on disk");
                }
                self.publish();
            }
        }
    }
}

/// In the Engine's words: clients look for parts of them to choose their exit code.
fn start_error(message: &str) -> Error {
    if message.starts_with("unable to find user") {
        return Error::invalid(message);
    }
    let text = format!(
        "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: \
         unable to start container process: error during container init: {message}"
    );
    let user_error = ["executable file not found", "no such file or directory", "permission denied", "is a directory"];
    let kind = if user_error.iter().any(|part| message.contains(part)) {
        ErrorKind::InvalidParameter
    } else {
        ErrorKind::Internal
    };
    Error { kind, message: text, fault: false }
}
