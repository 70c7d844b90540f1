//! What clients ask of a container as a whole.

use std::sync::Arc;

use sockerless_docker::{ContainerUpdate, ContainersPruned, Filters, check_container_name};

use crate::cell::{Cell, Command};
use crate::direct;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::record::Status;
use crate::signals;
use crate::verify;

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoveOptions {
    /// Also while it runs.
    pub force: bool,
    /// With its anonymous volumes.
    pub volumes: bool,
    /// A link, not the container.
    pub link: bool,
}

impl Engine {
    fn find(&self, reference: &str) -> Result<Arc<Cell>> {
        self.inner.containers.find(reference)
    }

    /// Starts a container.
    ///
    /// # Errors
    /// [`NotModified`](crate::ErrorKind::NotModified) when it runs; whatever the backend says; the command cannot be executed.
    pub async fn start_container(&self, reference: &str) -> Result<()> {
        self.find(reference)?.ask(Command::Start).await
    }

    /// Stops a container, as its backend does that.
    ///
    /// # Errors
    /// [`NotModified`](crate::ErrorKind::NotModified) when it does not run.
    pub async fn stop_container(&self, reference: &str, signal: Option<String>, timeout: Option<i32>) -> Result<()> {
        let signal = signal.map(|signal| signals::parse(Some(&signal))).transpose()?;
        self.find(reference)?.ask(|reply| Command::Stop { signal, timeout, reply }).await
    }

    /// Restarts a container, as its backend does that.
    ///
    /// # Errors
    /// Whatever stop and start say.
    pub async fn restart_container(&self, reference: &str, timeout: Option<i32>) -> Result<()> {
        self.find(reference)?.ask(|reply| Command::Restart { timeout, reply }).await
    }

    /// Sends a signal, SIGKILL unless named, as the container's backend does that.
    ///
    /// # Errors
    /// No such signal; the container does not run.
    pub async fn kill_container(&self, reference: &str, signal: Option<&str>) -> Result<()> {
        let killed = async {
            let cell = self.find(reference)?;
            let signal = signals::parse(signal)?;
            cell.ask(|reply| Command::Kill { signal, reply }).await
        };
        killed.await.map_err(|error| error.within(&format!("cannot kill container: {reference}")))
    }

    /// Tells a container's terminal its size.
    ///
    /// # Errors
    /// No such container; it does not run, or has no agent or no terminal.
    pub async fn resize_container(&self, reference: &str, height: u16, width: u16) -> Result<()> {
        let record = self.find(reference)?.record();
        let run = record.run_id().filter(|_| record.state.status.is_live());
        let run = run.ok_or_else(|| Error::conflict(format!("container {} is not running", record.id)))?;
        match self.inner.direct(&record, |loaded| loaded.interfaces.attach) {
            Some(backend) => backend.attach_resize(record.for_backend(), direct::size(height, width)).await?,
            None => self.inner.agents.resize(&record.id, run, height, width).await?,
        }
        let size = [("height", height.to_string()), ("width", width.to_string())];
        self.inner.events.container(&record, "resize", &size);
        Ok(())
    }

    /// Suspends a container, in its state only.
    ///
    /// # Errors
    /// It does not run, or is paused already.
    pub async fn pause_container(&self, reference: &str) -> Result<()> {
        self.find(reference)?.ask(Command::Pause).await
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// It is not paused.
    pub async fn unpause_container(&self, reference: &str) -> Result<()> {
        self.find(reference)?.ask(Command::Unpause).await
    }

    /// Gives a container another name.
    ///
    /// # Errors
    /// The name is malformed or taken.
    pub async fn rename_container(&self, reference: &str, name: &str) -> Result<()> {
        if name.is_empty() {
            return Err(Error::invalid("Neither old nor new names may be empty"));
        }
        let cell = self.find(reference)?;
        let name = format!("/{}", name.strip_prefix('/').unwrap_or(name));
        let old = cell.record().name.clone();
        if old == name[1..] {
            return Err(Error::invalid("Renaming a container with the same name as its current name"));
        }
        let allocated =
            check_container_name(&name).map_err(|error| Error::invalid(error.to_string())).and_then(|name| {
                self.inner.containers.reserve(name, &cell.id)?;
                Ok(name.to_owned())
            });
        let name = allocated.map_err(|error| error.within("Error when allocating new name"))?;
        let new = name.clone();
        let renamed = cell
            .ask(|reply| Command::Edit {
                edit: Box::new(move |record| {
                    record.name = new;
                    Ok(())
                }),
                reply,
            })
            .await;
        let free = if renamed.is_ok() { &old } else { &name };
        self.inner.containers.release(free, &cell.id);
        renamed?;
        self.inner.events.container(&cell.record(), "rename", &[("oldName", format!("/{old}"))]);
        Ok(())
    }

    /// Changes what can be changed of a container while it exists: its restart policy. Resources are set when the
    /// container is made, and stay.
    ///
    /// # Errors
    /// No such container.
    pub async fn update_container(&self, reference: &str, update: ContainerUpdate) -> Result<Vec<String>> {
        let cell = self.find(reference)?;
        let policy = update.restart_policy.clone();
        verify::update(&update)?;
        let resources = ContainerUpdate { restart_policy: policy.clone(), ..ContainerUpdate::default() };
        let warnings = if update == resources {
            Vec::new()
        } else {
            vec!["resources are fixed when the container is created: the change has no effect".to_owned()]
        };
        if !policy.name.is_empty() {
            cell.ask(|reply| Command::Edit {
                edit: Box::new(move |record| {
                    if record.host_config.auto_remove && policy.name != "no" {
                        return Err(Error::conflict(format!(
                            "Cannot update container {}: Restart policy cannot be updated because AutoRemove is enabled for \
                             the container",
                            record.id
                        )));
                    }
                    record.host_config.restart_policy = policy;
                    Ok(())
                }),
                reply,
            })
            .await?;
        }
        self.inner.events.container(&cell.record(), "update", &[]);
        Ok(warnings)
    }

    /// Removes a container, here and in the cloud.
    ///
    /// # Errors
    /// It runs and is not forced; the cloud refuses: then the container stays, dead, and can be removed again.
    pub async fn remove_container(&self, reference: &str, options: RemoveOptions) -> Result<()> {
        let cell = self.find(reference)?;
        if options.link {
            return Err(Error::internal("Conflict, cannot remove the default link name of the container"));
        }
        if cell.record().state.status == Status::Removing {
            return Err(Error::conflict(format!("removal of container {reference} is already in progress")));
        }
        cell.ask(|reply| Command::Remove { force: options.force, volumes: options.volumes, reply })
            .await
            .map_err(|error| error.within(&format!("cannot remove container {reference:?}")))
    }

    /// Removes every container that does not run.
    ///
    /// # Errors
    /// An unknown filter. A container that cannot be removed is left, and logged.
    pub async fn prune_containers(&self, filters: &Filters) -> Result<ContainersPruned> {
        filters.accept(&["label", "label!", "until"])?;
        let until = filters.until()?;
        let mut deleted = Vec::new();
        for cell in self.inner.containers.all() {
            let record = cell.record();
            let stopped = matches!(record.state.status, Status::Created | Status::Exited | Status::Dead);
            let labels = record.config.labels.clone().unwrap_or_default();
            if !stopped
                || until.is_some_and(|until| record.created > until)
                || !filters.matches_labels("label", &labels)
                || filters.excludes_labels("label!", &labels)
            {
                continue;
            }
            match cell.ask(|reply| Command::Remove { force: false, volumes: false, reply }).await {
                Ok(()) => deleted.push(cell.id.clone()),
                Err(error) => tracing::warn!(container = %cell.id, %error, "not pruned"),
            }
        }
        self.inner.events.publish(
            "container",
            "prune",
            "",
            [("reclaimed".to_owned(), "0".to_owned())].into_iter().collect(),
        );
        Ok(ContainersPruned { containers_deleted: Some(deleted).filter(|ids| !ids.is_empty()), space_reclaimed: 0 })
    }
}
