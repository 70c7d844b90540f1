//! Plugins and registries: what one there wants, installing it, upgrading one to it, and pushing one.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use sockerless_api::{Progress, Remote};
use sockerless_backend::types::Descriptor;
use sockerless_docker::{ImageReference, PluginPrivilege, RegistryAuth};
use sockerless_engine::Error;
use sockerless_plugins::{Described, Limits, LoadRequest, Settings, SettingsSource};
use sockerless_registry::{Artifact, ArtifactPlace};

use super::privileges::{beyond, privileges, same};
use super::{Admin, Inner, refused};
use crate::remembered::{AsPlugin, Note, Origin, Plugin};

/// A component that was pulled, with what its user has accepted.
struct Pulled {
    component: Bytes,
    described: Described,
    origin: Origin,
}

impl Inner {
    /// What a plugin in a registry wants.
    pub(super) async fn wanted(&self, remote: &Remote) -> Result<Vec<PluginPrivilege>, Error> {
        let reference = parsed(&remote.reference)?;
        let (_, described, _) = self.fetch(&reference, remote.auth.as_ref(), &|_, _| {}).await?;
        Ok(self.wishes(&described.descriptor))
    }

    /// Pulls a plugin, whose user must have accepted just what it wants.
    async fn pull(&self, remote: &Remote, progress: &Progress) -> Result<Pulled, Error> {
        let reference = parsed(&remote.reference)?;
        let version = reference.digest().or(reference.tag()).unwrap_or("latest").to_owned();
        let found = |_: &str, component: &str| {
            progress.tell(json!({ "status": format!("Pulling from {}", reference.path()), "id": version }));
            progress.tell(json!({ "status": "Pulling fs layer", "progressDetail": {}, "id": short(component) }));
        };
        let (component, described, manifest) = self.fetch(&reference, remote.auth.as_ref(), &found).await?;
        progress.tell(json!({ "status": "Download complete", "progressDetail": {}, "id": short(&described.digest) }));
        progress.tell(json!({ "status": format!("Digest: {manifest}") }));
        let wanted = self.wishes(&described.descriptor);
        if !same(&wanted, &remote.accepted) {
            return Err(Error::invalid(format!(
                "incorrect privileges: what was accepted is not what {} wants{}; begin again, and look at what it wants now",
                reference.familiar(),
                beyond(&wanted, &remote.accepted).map(|more| format!(", which is more: {more}")).unwrap_or_default()
            )));
        }
        let origin = Origin {
            reference: reference.to_string(),
            manifest,
            component: described.digest.clone(),
            accepted: remote.accepted.clone(),
        };
        Ok(Pulled { component, described, origin })
    }

    /// A component of a registry, which is signed if it must be; what it says of itself; and the digest of its manifest.
    async fn fetch(
        &self,
        reference: &ImageReference,
        auth: Option<&RegistryAuth>,
        found: &(dyn Fn(&str, &str) + Sync),
    ) -> Result<(Bytes, Described, String), Error> {
        let place = ArtifactPlace { reference, auth };
        let Artifact { manifest, component } =
            self.registry.pull_component(place, Limits::default().component_bytes, found).await?;
        // By whom it must be signed is known with its name. Until then it is told nothing of the configuration.
        let request = LoadRequest { component: component.clone(), name: None, digest: None };
        let first = self.loaded.host.describe(request, &Settings::default()).await.map_err(refused)?;
        let keys = self.signatures.of(&first.descriptor.name);
        if !keys.is_empty() {
            self.registry.verify_signature(place, &manifest, keys).await?;
        }
        let described = self.describe(component.clone()).await?;
        Ok((component, described, manifest))
    }

    fn wishes(&self, descriptor: &Descriptor) -> Vec<PluginPrivilege> {
        privileges(descriptor, &self.settings.settings(&descriptor.name).limits)
    }

    /// Refuses a plugin of a registry that wants more than was accepted when it came: what it wants may depend on its settings.
    pub(super) async fn is_accepted(&self, note: &Note, component: &Bytes) -> Result<(), Error> {
        let Some(origin) = note.origin() else { return Ok(()) };
        let described = self.describe(component.clone()).await?;
        match beyond(&self.wishes(&described.descriptor), &origin.accepted) {
            None => Ok(()),
            Some(more) => Err(Error::forbidden(format!(
                "with these settings the plugin wants more than was accepted: {more}; `docker plugin upgrade` shows what it wants now, \
                 and asks again"
            ))),
        }
    }

    pub(super) async fn install(&self, name: String, remote: Remote, progress: Progress) -> Result<(), Error> {
        let Pulled { component, described, origin } = self.pull(&remote, &progress).await?;
        let _changing = self.changing.lock().await;
        let Described { descriptor, digest } = described;
        self.is_free(&name, &descriptor.name)?;
        let note = Note {
            digest,
            disabled: true,
            descriptor: Some(descriptor.clone()),
            plugin: Some(Plugin { name: name.clone(), created: Timestamp::now().to_string(), origin: Some(origin) }),
            ..Note::default()
        };
        let (backend, kept) = (descriptor.name.clone(), note.clone());
        self.on_disk(move |remembered| remembered.keep(&backend, kept, &component)).await?;
        self.plugin_event("pull", Some(&descriptor), &note);
        progress.tell(json!({ "status": format!("Status: Downloaded newer image for {name}") }));
        Ok(())
    }

    pub(super) async fn push(
        &self,
        backend: &str,
        auth: Option<RegistryAuth>,
        progress: Progress,
    ) -> Result<(), Error> {
        let note = self.remembered.note(backend);
        let Some(Note { digest, plugin: Some(Plugin { name, created, .. }), .. }) = note else {
            return Err(Error::invalid(format!(
                "the backend `{backend}` was loaded from a file, and has no name that says where it is to go: make it a plugin with \
                 `docker plugin create`"
            )));
        };
        let reference = parsed(&name)?;
        let id = short(&digest);
        progress.tell(json!({ "status": format!("The push refers to repository [{}]", reference.canonical_name()) }));
        let component: Bytes = self.on_disk(move |remembered| remembered.component(&digest)).await?.into();
        progress.tell(json!({ "status": "Preparing", "progressDetail": {}, "id": id }));
        let place = ArtifactPlace { reference: &reference, auth: auth.as_ref() };
        let pushed = self.registry.push_component(place, component, &created).await?;
        let status = if pushed.uploaded { "Pushed" } else { "Layer already exists" };
        progress.tell(json!({ "status": status, "progressDetail": {}, "id": id }));
        let tag = reference.tag().unwrap_or("latest");
        progress.tell(json!({ "status": format!("{tag}: digest: {} size: {}", pushed.manifest, pushed.size) }));
        Ok(())
    }
}

impl Admin {
    /// Replaces the component of a plugin; if it serves, by a swap.
    pub(super) async fn upgrade_plugin(&self, backend: &str, remote: Remote, progress: Progress) -> Result<(), Error> {
        let inner = &self.0;
        let Pulled { component, described, origin } = inner.pull(&remote, &progress).await?;
        let Described { descriptor, digest } = described;
        if descriptor.name != backend {
            return Err(Error::invalid(format!(
                "the component calls itself `{}`, and the plugin is the backend `{backend}`: install it beside this one",
                descriptor.name
            )));
        }
        let _changing = inner.changing.lock().await;
        let before = inner.remembered.note(backend).unwrap_or_default();
        // One that was loaded from a file has had no name of its own.
        let name = before.plugin.as_ref().map_or_else(|| format!("{backend}:latest"), |plugin| plugin.name.clone());
        let plugin = Plugin { name, created: Timestamp::now().to_string(), origin: Some(origin) };
        let reference = remote.reference;
        if inner.serving(backend).is_some() {
            let ledger = AsPlugin { remembered: &inner.remembered, plugin: Some(plugin) };
            let request = LoadRequest { component, name: Some(backend.to_owned()), digest: Some(digest) };
            let outcome = inner.load(request, &ledger).await?;
            self.loaded(outcome).await;
        } else {
            let note =
                Note { digest, disabled: true, descriptor: Some(descriptor.clone()), plugin: Some(plugin), ..before };
            let (name, kept) = (backend.to_owned(), note.clone());
            inner.on_disk(move |remembered| remembered.keep(&name, kept, &component)).await?;
            inner.plugin_event("upgrade", Some(&descriptor), &note);
        }
        progress.tell(json!({ "status": format!("Status: Downloaded newer image for {reference}") }));
        Ok(())
    }
}

/// Where a plugin is in a registry.
fn parsed(text: &str) -> Result<ImageReference, Error> {
    let reference = ImageReference::parse(text).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(reference.or_latest())
}

/// The first twelve digits of a digest.
fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}
