//! A container that was found in the cloud and not in the store: whether its command runs only its agent can tell.

use crate::actor::Actor;
use crate::record::Intent;
use crate::run::RunEvent;

impl Actor {
    /// Asks the agent which run it has been asked for, however long it takes to dial in.
    pub(crate) fn ask_for_run(&self) {
        let (engine, events, id) = (self.engine.clone(), self.run_sender.clone(), self.record.id.clone());
        self.engine.tasks.spawn(async move {
            let answer = tokio::select! {
                () = engine.shutdown.cancelled() => return,
                answer = engine.agents.main_run(&id) => answer,
            };
            match answer {
                Ok(run) => drop(events.send(RunEvent::Found { run }).await),
                // It stays what it is taken for, created, and can be started and removed.
                Err(error) => tracing::debug!(container = %id, %error, "the agent did not tell of a run"),
            }
        });
    }

    /// The agent has answered. A client may have started the container meanwhile, and then knows better.
    pub(crate) async fn found_run(&mut self, run: Option<String>) {
        if self.record.intent != Some(Intent::Adopt) {
            return;
        }
        self.record.intent = None;
        if let Some(run) = run {
            tracing::info!(container = %self.record.id, run, "the container was found again with its run");
            self.resume_start(run).await;
            return;
        }
        if let Err(error) = self.save().await {
            tracing::warn!(container = %self.record.id, %error, "that the container never ran is not on disk: its agent is asked again");
        }
        self.publish();
    }
}
