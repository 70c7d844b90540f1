//! The backends as Docker's plugins: made of a folder, enabled, disabled, set, removed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use sockerless_api::{PluginAdmin, PluginSummary, Progress, Remote};
use sockerless_backend::Backend;
use sockerless_backend::types::{ConfigKey, Descriptor, Loaded};
use sockerless_docker::{PluginPrivilege, RegistryAuth};
use sockerless_engine::Error;
use sockerless_plugins::{Described, LoadRequest, SettingsSource};

use super::privileges::privileges;
use super::{Admin, Inner, attributes, refused, variables};
use crate::backends::InEngine;
use crate::remembered::{Note, Plugin, Remembered};

/// As long as one value may be, in bytes.
const VALUE_LIMIT: usize = 64 << 10;
/// Shown instead of a secret.
const BLOTTED: &str = "***";

impl Inner {
    /// A backend that is loaded.
    pub(super) fn serving(&self, name: &str) -> Option<std::sync::Arc<Loaded>> {
        self.loaded.host.backend(name).map(|backend| backend.loaded())
    }

    /// The name that a backend has for Docker.
    fn shown(&self, name: &str) -> String {
        let note = self.remembered.note(name);
        let version = |descriptor: &Descriptor| descriptor.version.clone();
        let version = self.serving(name).map(|loaded| version(&loaded.descriptor));
        let version = version.or_else(|| note.as_ref()?.descriptor.as_ref().map(|known| known.version.clone()));
        match note.and_then(|note| note.plugin) {
            Some(plugin) => plugin.name,
            None => format!("{name}:{}", version.unwrap_or_default()),
        }
    }

    /// Refuses a name, or a backend, that is there already.
    pub(super) fn is_free(&self, name: &str, backend: &str) -> Result<(), Error> {
        let taken = |other: &PluginSummary| other.name == name || other.backend == backend;
        match self.plugins().into_iter().find(taken) {
            None => Ok(()),
            Some(other) if other.name == name => Err(Error::conflict(format!("plugin {name} already exists"))),
            Some(other) => Err(Error::conflict(format!(
                "the component is the backend `{backend}`, which is the plugin {} already: remove that, or upgrade it with \
                 `sockerless plugin load` or `upgrade`",
                other.name
            ))),
        }
    }

    /// What a component says of itself.
    pub(super) async fn describe(&self, component: Bytes) -> Result<Described, Error> {
        let request = LoadRequest { component, name: None, digest: None };
        self.loaded.host.describe(request, &self.settings).await.map_err(refused)
    }

    fn plugins(&self) -> Vec<PluginSummary> {
        let mut notes = self.remembered.notes();
        let serving = self.loaded.host.backends().into_iter().map(|backend| backend.loaded());
        let mut plugins: Vec<PluginSummary> = serving
            .map(|loaded| {
                let note = notes.remove(&loaded.descriptor.name).unwrap_or_default();
                self.summary(&loaded.descriptor, &Note { digest: loaded.digest.clone(), ..note }, true)
            })
            .collect();
        let kept = notes.into_values().filter_map(|mut note| Some((note.descriptor.take()?, note)));
        plugins.extend(kept.map(|(descriptor, note)| self.summary(&descriptor, &note, false)));
        plugins
    }

    fn summary(&self, descriptor: &Descriptor, note: &Note, enabled: bool) -> PluginSummary {
        let name = descriptor.name.clone();
        let plugin = note.plugin.as_ref();
        let origin = note.origin();
        let reference = origin.map(|origin| origin.reference.clone()).or(plugin.map(|plugin| plugin.name.clone()));
        PluginSummary {
            id: hex::encode(digest(&SHA256, format!("backend {name}").as_bytes())),
            name: plugin.map_or_else(|| format!("{name}:{}", descriptor.version), |plugin| plugin.name.clone()),
            reference: reference.unwrap_or_default(),
            manifest: origin.map(|origin| origin.manifest.clone()),
            digest: note.digest.clone(),
            enabled,
            driver: descriptor.driver.clone(),
            note: self.told(&name),
            config: variables(descriptor),
            settings: descriptor.config.iter().filter_map(|key| shown_setting(key, &note.settings)).collect(),
            privileges: privileges(descriptor, &self.settings.settings(&name).limits),
            backend: name,
        }
    }

    /// What is noted of a plugin that is disabled. `what`: why it must be, if it is not.
    pub(super) fn disabled(&self, name: &str, what: impl FnOnce(&str) -> Error) -> Result<Note, Error> {
        if self.serving(name).is_some() {
            return Err(what(&self.shown(name)));
        }
        self.remembered.note(name).ok_or_else(|| Error::not_found(format!("plugin {name:?} not found")))
    }

    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Remembered) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.remembered.on_disk(work).await.map_err(|error| Error::internal(format!("{error:#}")))
    }

    /// Tells everybody what became of a plugin that is not loaded.
    pub(super) fn plugin_event(&self, action: &str, descriptor: Option<&Descriptor>, note: &Note) {
        let Some(descriptor) = descriptor else { return };
        self.engine.backend_event(action, &descriptor.name, attributes(descriptor, &note.digest));
    }
}

fn shown_setting(key: &ConfigKey, set: &BTreeMap<String, String>) -> Option<String> {
    let value = match set.get(&key.name) {
        Some(value) if key.secret && !value.is_empty() => BLOTTED,
        Some(value) => value,
        None => key.default_value.as_deref()?,
    };
    Some(format!("{}={value}", key.name))
}

/// The pairs of what is to be set, of which the plugin must declare every key.
fn pairs(descriptor: &Descriptor, settings: Vec<String>) -> Result<Vec<(String, String)>, Error> {
    let pair = |text: String| {
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        if key.is_empty() {
            return Err(Error::invalid("invalid format, must be <name>[.<field>][=<value>]"));
        }
        if !descriptor.config.iter().any(|known| known.name == key) {
            return Err(Error::invalid(format!("setting {key:?} not found in the plugin configuration")));
        }
        if value.len() > VALUE_LIMIT {
            return Err(Error::invalid(format!("the value of {key} has more than {VALUE_LIMIT} bytes")));
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    settings.into_iter().map(pair).collect()
}

#[async_trait]
impl PluginAdmin for Admin {
    fn plugins(&self) -> Vec<PluginSummary> {
        self.0.plugins()
    }

    async fn create(&self, name: String, component: Bytes) -> Result<(), Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let Described { descriptor, digest } = inner.describe(component.clone()).await?;
        inner.is_free(&name, &descriptor.name)?;
        let note = Note {
            digest,
            disabled: true,
            descriptor: Some(descriptor.clone()),
            plugin: Some(Plugin { name, created: Timestamp::now().to_string(), origin: None }),
            ..Note::default()
        };
        let (backend, kept) = (descriptor.name.clone(), note.clone());
        inner.on_disk(move |remembered| remembered.keep(&backend, kept, &component)).await?;
        inner.plugin_event("create", Some(&descriptor), &note);
        Ok(())
    }

    async fn enable(&self, backend: &str) -> Result<(), Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let note = inner.disabled(backend, |name| Error::conflict(format!("plugin {name:?} is enabled")))?;
        let digest = note.digest.clone();
        let component: Bytes = inner.on_disk(move |remembered| remembered.component(&digest)).await?.into();
        inner.is_accepted(&note, &component).await?;
        let request = LoadRequest { component, name: Some(backend.to_owned()), digest: Some(note.digest) };
        let outcome = inner.load(request, &inner.remembered).await?;
        self.loaded(outcome).await;
        Ok(())
    }

    async fn disable(&self, backend: &str, force: bool) -> Result<(), Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let Some(loaded) = inner.serving(backend) else {
            let name = inner.shown(backend);
            return Err(Error::conflict(format!("plugin is already disabled: plugin {name} found but disabled")));
        };
        // In this order a crash, or a full disk, leaves it as it was or disabled, and never forgotten.
        let known = (*loaded).clone();
        inner.on_disk(move |remembered| remembered.remember_to_disable(&known)).await?;
        let live = InEngine(&inner.engine);
        inner.loaded.host.unload(backend, force, &live).await.map_err(refused)?;
        inner.note(backend, None);
        let name = backend.to_owned();
        inner.on_disk(move |remembered| remembered.change(&name, |note| note.disabled = true)).await?;
        inner.engine.backend_event("disable", backend, attributes(&loaded.descriptor, &loaded.digest));
        Ok(())
    }

    async fn set(&self, backend: &str, settings: Vec<String>) -> Result<(), Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let active = |_: &str| Error::conflict("cannot set on an active plugin, disable plugin before setting");
        let note = inner.disabled(backend, active)?;
        let unknown = || Error::internal("what the plugin can be set to is not known: enable it once");
        let pairs = pairs(note.descriptor.as_ref().ok_or_else(unknown)?, settings)?;
        let name = backend.to_owned();
        inner.on_disk(move |remembered| remembered.change(&name, |note| note.settings.extend(pairs))).await
    }

    async fn remove(&self, backend: &str, force: bool) -> Result<(), Error> {
        let inner = &self.0;
        let _changing = inner.changing.lock().await;
        let note = inner.remembered.note(backend).unwrap_or_default();
        let descriptor = match inner.serving(backend) {
            Some(_) if !force => {
                let name = inner.shown(backend);
                return Err(Error::conflict(format!(
                    "plugin {name} is enabled: disable it first, or remove it by force"
                )));
            }
            Some(loaded) => {
                let live = InEngine(&inner.engine);
                inner.loaded.host.unload(backend, force, &live).await.map_err(refused)?;
                inner.note(backend, None);
                Some(loaded.descriptor.clone())
            }
            None => {
                let left = inner.engine.container_count_of_backend(backend);
                if left > 0 && !force {
                    return Err(Error::conflict(format!(
                        "plugin {} is in use by containers, {left} of them: remove them first, or remove it by force; then nothing can \
                         be done with them until it is loaded again",
                        inner.shown(backend)
                    )));
                }
                note.descriptor.clone()
            }
        };
        let name = backend.to_owned();
        inner.on_disk(move |remembered| remembered.forget(&name)).await?;
        inner.plugin_event("remove", descriptor.as_ref(), &note);
        Ok(())
    }

    async fn privileges(&self, remote: &Remote) -> Result<Vec<PluginPrivilege>, Error> {
        self.0.wanted(remote).await
    }

    async fn install(&self, name: String, remote: Remote, progress: Progress) -> Result<(), Error> {
        self.0.install(name, remote, progress).await
    }

    async fn upgrade(&self, backend: &str, remote: Remote, progress: Progress) -> Result<(), Error> {
        self.upgrade_plugin(backend, remote, progress).await
    }

    async fn push(&self, backend: &str, auth: Option<RegistryAuth>, progress: Progress) -> Result<(), Error> {
        self.0.push(backend, auth, progress).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor() -> Descriptor {
        let key = |name: &str, secret, default: Option<&str>| ConfigKey {
            name: name.to_owned(),
            required: false,
            default_value: default.map(str::to_owned),
            secret,
            help: "h".to_owned(),
        };
        Descriptor {
            name: "b".to_owned(),
            config: vec![key("SOCKERLESS_A", false, Some("a")), key("SOCKERLESS_S", true, None)],
            ..Descriptor::default()
        }
    }

    #[test]
    fn only_what_is_declared_is_set_and_secrets_are_not_shown() {
        let set = |text: &str| pairs(&descriptor(), vec![text.to_owned()]).map_err(|error| error.message);
        let set_to = |key: &str, value: &str| Ok(vec![(key.to_owned(), value.to_owned())]);
        assert_eq!(set("SOCKERLESS_A=x=y"), set_to("SOCKERLESS_A", "x=y"));
        assert_eq!(set("SOCKERLESS_A"), set_to("SOCKERLESS_A", ""));
        assert!(set("SOCKERLESS_B=1").unwrap_err().contains("not found in the plugin configuration"));
        assert!(set("=1").unwrap_err().contains("invalid format"));
        assert!(set(&format!("SOCKERLESS_A={}", "x".repeat(VALUE_LIMIT + 1))).is_err());

        let settings = BTreeMap::from([("SOCKERLESS_S".to_owned(), "hunter2".to_owned())]);
        let shown: Vec<_> = descriptor().config.iter().filter_map(|key| shown_setting(key, &settings)).collect();
        assert_eq!(shown, ["SOCKERLESS_A=a", "SOCKERLESS_S=***"]);
    }
}
