//! Volumes: their names, labels and options. What is in them is the backend's affair.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sockerless_docker::{Filters, Labels, VolumeCreate, VolumeInspect, VolumeList, VolumesPruned, check_volume_name};
use sockerless_store::{Kind, Store};

use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::ids;
use crate::networks::table::Table;

/// Marks a volume that nobody named.
const ANONYMOUS: &str = "com.docker.volume.anonymous";

const DRIVER: &str = "local";

/// What the driver `local` understands.
const OPTIONS: [&str; 4] = ["type", "o", "device", "size"];

/// All volumes.
pub(crate) struct Volumes {
    table: Table<VolumeInspect>,
    /// Names of volumes, each with the container that is being made with it.
    held: Mutex<Vec<(String, String)>>,
}

/// Volumes of a container that is being made: in use, although the container is not there yet.
pub(crate) struct Held<'a> {
    volumes: &'a Volumes,
    container: String,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.volumes.held().retain(|(_, container)| *container != self.container);
    }
}

impl Volumes {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self> {
        Ok(Self { table: Table::load(Kind::Volume, store).await?, held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to hold volumes for a container that is to be made.
    pub(crate) fn hold(&self, container: &str) -> Held<'_> {
        Held { volumes: self, container: container.to_owned() }
    }
}

impl Inner {
    /// The containers that use a volume, whether or not they run.
    pub(crate) fn users_of_volume(&self, name: &str) -> Vec<String> {
        let mut users: Vec<String> =
            self.volumes.held().iter().filter(|(held, _)| held == name).map(|(_, id)| id.clone()).collect();
        for cell in self.containers.all() {
            let uses = cell.record().mount_points().any(|point| point.name == name);
            if uses && !users.contains(&cell.id) {
                users.push(cell.id.clone());
            }
        }
        users
    }

    /// Makes a volume, or gives back the one that has the name.
    ///
    /// # Errors
    /// A name, a driver or an option that cannot be.
    pub(crate) async fn make_volume(&self, request: VolumeCreate, held: Option<&Held<'_>>) -> Result<VolumeInspect> {
        let VolumeCreate { mut name, driver, driver_opts, mut labels, cluster_volume_spec } = request;
        if cluster_volume_spec.is_some() {
            return Err(Error::unavailable(
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node \
                 to swarm and try again.",
            ));
        }
        if name.is_empty() {
            name = ids::object()?;
            labels.get_or_insert_default().insert(ANONYMOUS.to_owned(), String::new());
        }
        let changing = self.volumes.table.change(&*self.store).await;
        if let Some(held) = held {
            self.volumes.held().push((name.clone(), held.container.clone()));
        }
        if !driver.is_empty() && driver != DRIVER {
            return Err(Error::not_found(format!(
                "create {name}: error looking up volume plugin {driver}: plugin {driver:?} not found"
            )));
        }
        if let Some(volume) = self.volumes.table.get(&name) {
            return Ok((*volume).clone());
        }
        check_volume_name(&name).map_err(|error| Error::invalid(error.to_string()))?;
        check_options(&name, driver_opts.as_ref())?;
        let volume = VolumeInspect {
            created_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            driver: DRIVER.to_owned(),
            labels,
            mountpoint: format!("{}/volumes/{name}/_data", self.identity.state_dir),
            name: name.clone(),
            options: driver_opts,
            scope: "local".to_owned(),
            ..VolumeInspect::default()
        };
        let volume = changing.put(&name, volume).await?;
        self.volume_event("create", &name);
        Ok((*volume).clone())
    }

    /// Removes a volume, whoever has it.
    pub(crate) async fn delete_volume(&self, name: &str) -> Result<()> {
        let changing = self.volumes.table.change(&*self.store).await;
        changing.delete(name).await?;
        self.volume_event("destroy", name);
        Ok(())
    }

    fn volume_event(&self, action: &str, name: &str) {
        self.events.publish("volume", action, name, [("driver".to_owned(), DRIVER.to_owned())].into());
    }
}

/// What the driver `local` takes, and what it needs beside it.
fn check_options(name: &str, options: Option<&BTreeMap<String, String>>) -> Result<()> {
    let Some(options) = options.filter(|options| !options.is_empty()) else { return Ok(()) };
    if let Some(option) = options.keys().find(|option| !OPTIONS.contains(&option.as_str())) {
        return Err(Error::invalid(format!("create {name}: invalid option: {option:?}")));
    }
    let is_set = |option: &str| options.get(option).is_some_and(|value| !value.is_empty());
    for (option, needed) in [("type", "device"), ("device", "type"), ("o", "device"), ("o", "type")] {
        if is_set(option) && !is_set(needed) {
            return Err(Error::invalid(format!("create {name}: missing required option: {needed:?}")));
        }
    }
    Ok(())
}

impl Engine {
    /// The volumes that pass the filters, by name.
    ///
    /// # Errors
    /// An unknown filter.
    pub fn volumes(&self, filters: &Filters) -> Result<VolumeList> {
        filters.accept(&["dangling", "driver", "label", "name"])?;
        let dangling = if filters.contains("dangling") { Some(filters.boolean("dangling", false)?) } else { None };
        let volumes = self
            .inner
            .volumes
            .table
            .all()
            .into_iter()
            .filter(|volume| filters.matches_by("name", |name| volume.name.contains(name.as_str())))
            .filter(|volume| filters.matches("driver", &volume.driver))
            .filter(|volume| filters.matches_labels("label", volume.labels.as_ref().unwrap_or(&Labels::new())))
            .filter(|volume| {
                dangling.is_none_or(|dangling| self.inner.users_of_volume(&volume.name).is_empty() == dangling)
            })
            .map(|volume| (*volume).clone())
            .collect();
        Ok(VolumeList { volumes, warnings: None })
    }

    /// One volume.
    ///
    /// # Errors
    /// No such volume.
    pub fn inspect_volume(&self, name: &str) -> Result<VolumeInspect> {
        match self.inner.volumes.table.get(name) {
            Some(volume) => Ok((*volume).clone()),
            None => Err(Error::not_found(format!("get {name}: no such volume"))),
        }
    }

    /// Makes a volume, or gives back the one that has the name.
    ///
    /// # Errors
    /// A name, a driver or an option that cannot be.
    pub async fn create_volume(&self, request: VolumeCreate) -> Result<VolumeInspect> {
        self.inner.make_volume(request, None).await
    }

    /// Removes a volume; with `force` it need not exist.
    ///
    /// # Errors
    /// No such volume; a container uses it.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        let changing = self.inner.volumes.table.change(&*self.inner.store).await;
        if self.inner.volumes.table.get(name).is_none() {
            return if force { Ok(()) } else { Err(Error::not_found(format!("get {name}: no such volume"))) };
        }
        let users = self.inner.users_of_volume(name);
        if !users.is_empty() {
            return Err(Error::conflict(format!("remove {name}: volume is in use - [{}]", users.join(", "))));
        }
        changing.delete(name).await?;
        self.inner.volume_event("destroy", name);
        Ok(())
    }

    /// Removes the volumes that no container uses: the anonymous ones, or with the filter `all` every one.
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn prune_volumes(&self, filters: &Filters) -> Result<VolumesPruned> {
        filters.accept(&["all", "label", "label!"])?;
        let all = filters.boolean("all", false).map_err(|_| {
            let value = filters.get("all").first().map_or("", String::as_str);
            Error::invalid(format!("invalid filter 'all': strconv.ParseBool: parsing {value:?}: invalid syntax"))
        })?;
        let changing = self.inner.volumes.table.change(&*self.inner.store).await;
        let mut deleted = Vec::new();
        for volume in self.inner.volumes.table.all() {
            let labels = volume.labels.clone().unwrap_or_default();
            // With options it is made of something that is elsewhere, which the Engine does not take for its own to remove.
            let plain = volume.options.as_ref().is_none_or(BTreeMap::is_empty);
            if plain
                && (all || labels.contains_key(ANONYMOUS))
                && filters.matches_labels("label", &labels)
                && !filters.excludes_labels("label!", &labels)
                && self.inner.users_of_volume(&volume.name).is_empty()
            {
                changing.delete(&volume.name).await?;
                self.inner.volume_event("destroy", &volume.name);
                deleted.push(volume.name.clone());
            }
        }
        self.inner.events.publish("volume", "prune", "", [("reclaimed".to_owned(), "0".to_owned())].into());
        Ok(VolumesPruned { volumes_deleted: deleted, space_reclaimed: 0 })
    }
}
