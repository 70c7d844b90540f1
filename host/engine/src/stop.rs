//! How a client ends what runs in a container: the backend's own way, or signals.

use std::time::Duration;

use sockerless_backend::types::Disposition;

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::ids;
use crate::signals;

/// How long a run may take to end after its processes were killed.
pub(crate) const KILLED: Duration = Duration::from_secs(10);

impl Actor {
    pub(crate) async fn stop(&mut self, signal: Option<String>, timeout: Option<i32>) -> Result<()> {
        if !self.record.state.status.is_live() {
            return Err(Error::not_modified("container is not running"));
        }
        let timeout = timeout.or(self.record.config.stop_timeout.and_then(|seconds| i32::try_from(seconds).ok()));
        let disposition = self.backend()?.stop(self.record.for_backend(), timeout, ids::idempotency_key()?).await?;
        if disposition == Disposition::Nothing {
            return Ok(());
        }
        self.record.stopped_by_client = true;
        self.save().await?;
        if self.restart_at.is_some() {
            self.give_up_restart().await;
        } else if disposition == Disposition::Done {
            self.ended_within(KILLED).await?;
        } else {
            self.stop_by_signal(signal, timeout).await?;
        }
        self.engine.events.container(&self.record, "stop", &[]);
        Ok(())
    }

    /// The stop signal, then, when the time is over, SIGKILL. A negative time is without end.
    async fn stop_by_signal(&mut self, signal: Option<String>, timeout: Option<i32>) -> Result<()> {
        let own = Some(self.record.config.stop_signal.clone()).filter(|signal| !signal.is_empty());
        let signal = signals::parse(Some(&signal.or(own).unwrap_or_else(|| "SIGTERM".to_owned())))?;
        let seconds = timeout.unwrap_or(10);
        if self.engine.services.is_cut(&self.record.id) {
            // The backend has ended the run already: there is nothing left to signal.
            return self.ended_within(KILLED).await;
        }
        self.signal(&signal).await?;
        if let Ok(seconds) = u64::try_from(seconds) {
            if self.ended_within(Duration::from_secs(seconds)).await.is_ok() {
                return Ok(());
            }
            self.signal("SIGKILL").await?;
            return self.ended_within(KILLED).await;
        }
        self.ended_within(Duration::MAX).await
    }

    pub(crate) async fn restart(&mut self, timeout: Option<i32>) -> Result<()> {
        let disposition = self.backend()?.restart(self.record.for_backend(), timeout, ids::idempotency_key()?).await?;
        match disposition {
            Disposition::Nothing => Ok(()),
            Disposition::Done => {
                self.engine.events.container(&self.record, "restart", &[]);
                Ok(())
            }
            Disposition::HostDefault => {
                if self.record.state.status.is_live() {
                    // So that the restart policy does not begin another run before this does.
                    self.record.stopped_by_client = true;
                    if self.restart_at.is_some() {
                        self.give_up_restart().await;
                    } else {
                        self.stop_by_signal(None, timeout).await?;
                    }
                    self.engine.events.container(&self.record, "stop", &[]);
                }
                self.start().await?;
                self.engine.events.container(&self.record, "restart", &[]);
                Ok(())
            }
        }
    }

    pub(crate) async fn kill(&mut self, signal: &str) -> Result<()> {
        let fatal = signal == "SIGKILL";
        if !self.record.state.status.is_live() {
            return Err(Error::conflict(format!("container {} is not running", self.record.id)));
        }
        self.record.stopped_by_client = true;
        if self.restart_at.is_some() {
            self.give_up_restart().await;
            return Ok(());
        }
        let disposition =
            self.backend()?.kill(self.record.for_backend(), signal.to_owned(), ids::idempotency_key()?).await?;
        self.engine.events.container(&self.record, "kill", &[("signal", signal_number(signal))]);
        match disposition {
            Disposition::Nothing => Ok(()),
            Disposition::Done => self.ended_within(KILLED).await,
            Disposition::HostDefault => {
                self.signal(signal).await?;
                if fatal { self.ended_within(KILLED).await } else { Ok(()) }
            }
        }
    }

    /// Waits, while the container's task does nothing else, until the run has ended.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now().checked_add(limit);
        while self.run.is_some() {
            let event = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline, self.run_events.recv()).await,
                None => Ok(self.run_events.recv().await),
            };
            match event {
                Ok(Some(event)) => self.take_run_event(event).await,
                Ok(None) => break,
                Err(_) => {
                    return Err(Error::fault(format!(
                        "container {} did not end within {} s",
                        self.record.id,
                        limit.as_secs()
                    )));
                }
            }
        }
        Ok(())
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        match self.record.run_id() {
            Some(run) => self.engine.agents.signal(&self.record.id, run, signal).await,
            None => Err(Error::conflict(format!("container {} is not running", self.record.id))),
        }
    }
}

/// Docker's events name signals by number.
fn signal_number(name: &str) -> String {
    signals::number(name).map_or_else(|| name.to_owned(), |number| number.to_string())
}
