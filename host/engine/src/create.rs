//! Creating a container.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sockerless_backend::BackendError;
use sockerless_backend::types::{Finding, Verdict};
use sockerless_docker::{Config, CreateRequest, HostConfig, ImageConfig, ImagePlatform, check_container_name};
use sockerless_telemetry::Context;

use crate::actor::Actor;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::ids;
use crate::images::mismatch;
use crate::record::{ContainerRecord, Intent, State, Status};
use crate::verify;

/// How many ids are drawn before a create gives up because all of their names are taken in the cloud.
const IDS: usize = 3;

/// A container that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// What will not be as the client asked.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Makes a container. Once begun it is made, or undone, whether or not the caller waits for it.
    ///
    /// # Errors
    /// A name that is malformed or taken; no such image; no command; a field that the backend refuses; a runtime that
    /// is not loaded; whatever the backend says.
    pub async fn create_container(
        &self,
        name: Option<String>,
        platform: Option<String>,
        request: CreateRequest,
    ) -> Result<Created> {
        let inner = self.inner.clone();
        let work = Context::current().run(async move { inner.create(name, platform, request).await });
        let task = self.inner.tasks.spawn(work);
        task.await.map_err(|error| Error::fault(format!("the create was ended: {error}")))?
    }
}

impl Inner {
    async fn create(
        self: std::sync::Arc<Self>,
        name: Option<String>,
        platform: Option<String>,
        request: CreateRequest,
    ) -> Result<Created> {
        let CreateRequest { mut config, mut host_config, networking_config } = request;
        if config.image.is_empty() {
            return Err(Error::invalid("no image specified: the create body names none in \"Image\""));
        }
        let image = self.images.find(&config.image)?;
        let wanted = platform.as_deref().filter(|platform| !platform.is_empty()).map(ImagePlatform::parse);
        if let (Some(wanted), Some(actual)) = (&wanted, image.platform())
            && wanted.suitability(actual).is_none()
        {
            return Err(Error::not_found(mismatch(&config.image, actual, wanted)));
        }
        merge(&mut config, &image.config);
        let command: Vec<String> = [&config.entrypoint, &config.cmd].into_iter().flatten().flatten().cloned().collect();
        if command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid(if image.content.is_some() {
                "no command specified"
            } else {
                "no command specified: images are not downloaded, so the command that the image names is not known here; \
                 name one after the image"
            }));
        }
        verify::create(&config, &host_config)?;
        let backend_name = self.runtime(&mut host_config)?;
        let backend = self.backend(&backend_name)?;
        host_config.apply_defaults(&backend_name);
        let endpoints = self.networks.endpoints(&host_config.network_mode, networking_config, &config.mac_address)?;
        let id = ids::object()?;
        let name = self.take_name(name, &id).inspect_err(|_| self.networks.release(&endpoints))?;
        let held = self.volumes.hold(&id);
        let mounts = async {
            self.check_links(&host_config)?;
            self.mounts(&config, &host_config, &held).await
        };
        let mounts = match mounts.await {
            Ok(mounts) => mounts,
            Err(error) => {
                self.containers.release(&name, &id);
                self.networks.release(&endpoints);
                return Err(error);
            }
        };
        let mut record = ContainerRecord {
            created: Timestamp::now(),
            name: name.clone(),
            backend: backend_name,
            image_id: image.id.clone(),
            platform: platform.filter(|platform| !platform.is_empty()).map_or_else(
                || "linux".to_owned(),
                |platform| platform.split('/').next().unwrap_or("linux").to_owned(),
            ),
            config,
            host_config,
            endpoints,
            mounts,
            command,
            handle: None,
            state: State::default(),
            intent: None,
            restart_count: 0,
            stopped_by_client: false,
            id,
        };
        set_hostname(&mut record);
        let warnings = match backend.plan(record.for_backend().spec).await.map_err(Error::from).and_then(judge) {
            Ok(warnings) => warnings,
            Err(error) => {
                self.give_back(&record).await;
                return Err(error);
            }
        };
        self.make(record).await.map(|id| Created { id, warnings })
    }

    /// Has the backend make it, with other ids if the cloud knows the first ones already.
    async fn make(self: &std::sync::Arc<Self>, mut record: ContainerRecord) -> Result<String> {
        let backend = self.backend(&record.backend)?;
        for attempt in 1..=IDS {
            let key = ids::idempotency_key()?;
            record.intent = Some(Intent::Create { key: key.clone() });
            self.services.expect(&record);
            if let Err(error) = self.save(&record).await {
                self.services.forget(&record.id);
                self.give_back(&record).await;
                return Err(error);
            }
            let error = match backend.create(record.for_backend(), key).await {
                Ok(handle) => {
                    record.handle = Some(handle);
                    record.intent = None;
                    record.state.status = Status::Created;
                    if let Err(error) = self.save(&record).await {
                        // It is not on disk, so the client is not told of it: it goes.
                        record.intent = Some(Intent::Create { key: String::new() });
                        self.abandon(record).await;
                        return Err(error);
                    }
                    let id = record.id.clone();
                    self.events.container(&record, "create", &[]);
                    self.containers.insert(Actor::spawn(self, record));
                    return Ok(id);
                }
                Err(error) => error,
            };
            if !matches!(error, BackendError::NameTaken(_)) || attempt == IDS {
                self.abandon(record).await;
                return Err(error.into());
            }
            tracing::info!(container = %record.id, %error, "drawing another id");
            // The name in the cloud is somebody else's: there is nothing of ours to remove.
            let taken = std::mem::replace(&mut record.id, ids::object()?);
            self.services.forget(&taken);
            if let Err(error) = self.change_id(&record, taken).await {
                self.give_back(&record).await;
                return Err(error);
            }
        }
        Err(Error::fault("no container id was free in the cloud"))
    }

    /// Gives the name of a container that is being made to its new id, and forgets the one that was taken.
    async fn change_id(&self, record: &ContainerRecord, taken: String) -> Result<()> {
        self.containers.release(&record.name, &taken);
        self.containers.reserve(&record.name, &record.id)?;
        let changes = vec![
            sockerless_store::Change::delete(sockerless_store::Kind::Container, taken.clone()),
            sockerless_store::Change::delete(sockerless_store::Kind::Agent, taken),
        ];
        Ok(self.store.apply(changes).await?)
    }

    /// The backend that a create body names as its runtime, or the default one, whose name it then gets.
    fn runtime(&self, host_config: &mut HostConfig) -> Result<String> {
        if host_config.runtime.is_empty() {
            host_config.runtime = self.backends.default_name().ok_or_else(|| {
                Error::unavailable(
                    "no backend is loaded: start the daemon with --backend, or load one with `sockerless plugin load`",
                )
                .at_fault()
            })?;
        }
        if self.backends.get(&host_config.runtime).is_none() {
            return Err(Error::invalid(format!("unknown or invalid runtime name: {}", host_config.runtime)));
        }
        Ok(host_config.runtime.clone())
    }

    /// Links are by container only on the default network; on others a name is an alias that may come to be.
    fn check_links(&self, host: &HostConfig) -> Result<()> {
        if !matches!(host.network_mode.as_str(), "" | "default" | "bridge") {
            return Ok(());
        }
        for link in host.links.iter().flatten() {
            let name = link.split(':').next().unwrap_or_default();
            self.containers
                .find(name)
                .map_err(|error| Error::invalid(format!("could not get container for {name}: {}", error.message)))?;
        }
        Ok(())
    }

    fn take_name(&self, name: Option<String>, id: &str) -> Result<String> {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            check_container_name(&name).map_err(|error| Error::invalid(error.to_string()))?;
            let name = name.strip_prefix('/').unwrap_or(&name).to_owned();
            self.containers.reserve(&name, id)?;
            return Ok(name);
        }
        for attempt in 0..64 {
            let name = ids::container_name(attempt)?;
            if self.containers.reserve(&name, id).is_ok() {
                return Ok(name);
            }
        }
        Err(Error::internal("no free name was found for the container: name it"))
    }
}

/// What the client left open the image decides, by the Engine's rules.
fn merge(config: &mut Config, image: &ImageConfig) {
    let entrypoint_given = config.entrypoint.as_ref().is_some_and(|words| !words.is_empty());
    // `--entrypoint ""` comes as [""]: no entrypoint, and not the image's either.
    let entrypoint_cleared =
        config.entrypoint.as_ref().is_some_and(|words| words.len() == 1 && words.concat().is_empty());
    if entrypoint_cleared {
        config.entrypoint = None;
    } else if !entrypoint_given {
        if config.cmd.as_ref().is_none_or(Vec::is_empty) {
            config.cmd.clone_from(&image.cmd);
        }
        config.entrypoint.clone_from(&image.entrypoint);
    }
    let given = config.env.take().unwrap_or_default();
    let name = |pair: &str| pair.split_once('=').map_or(pair, |(name, _)| name).to_owned();
    let names: Vec<String> = given.iter().map(|pair| name(pair)).collect();
    let inherited = image.env.iter().flatten().filter(|pair| !names.contains(&name(pair))).cloned();
    config.env = Some(given.iter().cloned().chain(inherited).collect());
    let mut labels: BTreeMap<String, String> = image.labels.clone().unwrap_or_default();
    labels.extend(config.labels.take().unwrap_or_default());
    config.labels = Some(labels);
    if config.user.is_empty() {
        config.user.clone_from(&image.user);
    }
    if config.working_dir.is_empty() {
        config.working_dir.clone_from(&image.working_dir);
    }
    if config.stop_signal.is_empty() {
        config.stop_signal.clone_from(&image.stop_signal);
    }
    merge_healthcheck(config, image);
    for (port, empty) in &image.exposed_ports {
        config.exposed_ports.entry(port.clone()).or_insert_with(|| empty.clone());
    }
    for (folder, empty) in image.volumes.iter().flatten() {
        config.volumes.get_or_insert_default().entry(folder.clone()).or_insert_with(|| empty.clone());
    }
}

/// A client may change some of a health check's numbers and leave the rest, and the command, to the image.
fn merge_healthcheck(config: &mut Config, image: &ImageConfig) {
    let Some(image) = &image.healthcheck else { return };
    let Some(own) = &mut config.healthcheck else {
        config.healthcheck = Some(image.clone());
        return;
    };
    if own.test.is_empty() {
        own.test.clone_from(&image.test);
    }
    for (own, image) in [
        (&mut own.interval, image.interval),
        (&mut own.timeout, image.timeout),
        (&mut own.start_period, image.start_period),
        (&mut own.start_interval, image.start_interval),
        (&mut own.retries, image.retries),
    ] {
        if *own == 0 {
            *own = image;
        }
    }
}

fn set_hostname(record: &mut ContainerRecord) {
    if record.config.hostname.is_empty() {
        record.config.hostname = record.id.chars().take(12).collect();
    }
}

/// What the backend makes of the create body: warnings, or an error that names every field that it refuses.
fn judge(findings: Vec<Finding>) -> Result<Vec<String>> {
    let refused: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Refused)
        .map(|finding| format!("{}: {}", finding.field, finding.reason))
        .collect();
    if !refused.is_empty() {
        return Err(Error::invalid(format!("this backend cannot do what was asked: {}", refused.join("; "))));
    }
    Ok(findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Ignored)
        .map(|finding| format!("{}: {}", finding.field, finding.reason))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn image() -> ImageConfig {
        ImageConfig {
            cmd: words(&["serve"]),
            entrypoint: words(&["/init"]),
            env: words(&["PATH=/bin", "A=image"]),
            user: "web".into(),
            ..ImageConfig::default()
        }
    }

    fn merged(mut config: Config) -> Config {
        merge(&mut config, &image());
        config
    }

    #[test]
    fn the_image_fills_what_the_client_left_open() {
        let config = merged(Config::default());
        assert_eq!((config.entrypoint, config.cmd), (words(&["/init"]), words(&["serve"])));
        assert_eq!(config.user, "web");
    }

    #[test]
    fn a_command_keeps_the_images_entrypoint_and_an_entrypoint_drops_its_command() {
        let config = merged(Config { cmd: words(&["x"]), ..Config::default() });
        assert_eq!((config.entrypoint, config.cmd), (words(&["/init"]), words(&["x"])));
        let config = merged(Config { entrypoint: words(&["sh"]), ..Config::default() });
        assert_eq!((config.entrypoint, config.cmd), (words(&["sh"]), None));
        let config = merged(Config { entrypoint: words(&[""]), cmd: words(&["x"]), ..Config::default() });
        assert_eq!((config.entrypoint, config.cmd), (None, words(&["x"])));
    }

    #[test]
    fn the_clients_environment_wins_by_name() {
        let config = merged(Config { env: words(&["A=client", "B"]), ..Config::default() });
        assert_eq!(config.env, words(&["A=client", "B", "PATH=/bin"]));
    }

    #[test]
    fn volumes_and_ports_are_put_together_and_a_health_check_is_completed() {
        let empty = |name: &str| std::collections::BTreeMap::from([(name.to_owned(), serde_json::Map::new())]);
        let check = |test: &[&str], interval, retries| sockerless_docker::HealthConfig {
            test: words(test).unwrap_or_default(),
            interval,
            retries,
            ..sockerless_docker::HealthConfig::default()
        };
        let image = ImageConfig {
            volumes: Some(empty("/image")),
            exposed_ports: empty("80/tcp"),
            healthcheck: Some(check(&["CMD", "true"], 5, 6)),
            ..ImageConfig::default()
        };
        let mut config = Config {
            volumes: Some(empty("/own")),
            exposed_ports: empty("81/tcp"),
            healthcheck: Some(check(&[], 7, 0)),
            ..Config::default()
        };
        merge(&mut config, &image);
        assert_eq!(config.volumes.unwrap().keys().collect::<Vec<_>>(), ["/image", "/own"]);
        assert_eq!(config.exposed_ports.keys().collect::<Vec<_>>(), ["80/tcp", "81/tcp"]);
        assert_eq!(config.healthcheck, Some(check(&["CMD", "true"], 7, 6)));
    }

    #[test]
    fn findings_become_warnings_or_one_error() {
        let finding = |verdict| Finding { field: "HostConfig.X".into(), verdict, reason: "no.".into() };
        assert_eq!(judge(vec![finding(Verdict::Changed)]).unwrap(), Vec::<String>::new());
        assert_eq!(judge(vec![finding(Verdict::Ignored)]).unwrap(), ["HostConfig.X: no."]);
        assert!(judge(vec![finding(Verdict::Refused)]).unwrap_err().message.contains("HostConfig.X"));
    }
}
