//! How a container is removed, here and in the cloud.

use sockerless_store::{Change, Kind};

use crate::actor::Actor;
use crate::error::{Error, Result};
use crate::ids;
use crate::record::{Intent, Status};
use crate::stop::KILLED;

impl Actor {
    /// Deletes the container here and in the cloud. On an error it stays, dead, and the removal can be tried again.
    pub(crate) async fn remove(&mut self, force: bool, volumes: bool) -> Result<()> {
        let status = self.record.state.status;
        if status.is_live() {
            if !force {
                return Err(Error::conflict(match status {
                    Status::Paused => "container is paused and must be unpaused first",
                    _ => "container is running: stop the container before removing or force remove",
                }));
            }
            self.record.stopped_by_client = true;
            self.give_up_restart().await;
            self.engine.services.disconnect_run(&self.record.id).await;
            self.engine.events.container(&self.record, "kill", &[("signal", "9".to_owned())]);
            self.ended_within(KILLED).await?;
        } else if self.record.may_run() && !force {
            return Err(Error::conflict(
                "whether the container runs is not known yet, since its agent has not called back: wait, or force remove",
            ));
        }
        let key = match &self.record.intent {
            Some(Intent::Remove { key }) => key.clone(),
            _ => ids::idempotency_key()?,
        };
        let before = self.record.state.status;
        self.record.intent = Some(Intent::Remove { key: key.clone() });
        self.record.state.status = Status::Removing;
        if let Err(error) = self.save().await {
            self.record.intent = None;
            self.record.state.status = before;
            return Err(error);
        }
        self.publish();
        if let Err(error) = self.delete(force, key).await {
            self.record.state.status = Status::Dead;
            self.record.state.exit.error.clone_from(&error.message);
            // Else it would count as being removed for ever. What is on disk has the next daemon remove it.
            if let Err(error) = self.save().await {
                tracing::error!(container = %self.record.id, %error, "the failed removal is not on disk");
            }
            self.publish();
            return Err(error);
        }
        self.engine.services.forget(&self.record.id);
        self.engine.containers.remove(&self.record.id);
        self.engine.containers.release(&self.record.name, &self.record.id);
        self.engine.networks.release(&self.record.endpoints);
        self.engine.execs.container_removed(&self.record.id);
        if volumes {
            self.engine.discard_anonymous(&self.record.mounts).await;
        }
        self.engine.events.container(&self.record, "destroy", &[]);
        self.record.state.status = Status::Removed;
        self.publish();
        // Those who attached before a start that will not come are let go.
        self.cell.attachments().clear();
        Ok(())
    }

    async fn delete(&mut self, force: bool, key: String) -> Result<()> {
        self.backend()?.remove(self.record.for_backend(), force, key).await?;
        let changes = vec![
            Change::delete(Kind::Container, self.record.id.clone()),
            Change::delete(Kind::Agent, self.record.id.clone()),
        ];
        self.engine.store.apply(changes).await?;
        Ok(())
    }
}
