//! Images: their names, and what is known of them.
//!
//! No layer is downloaded: the cloud pulls an image when a container is made of it. By default a pull takes note of the reference
//! and no more. If the operator wants it, a pull fetches the image's configuration from its registry, and with that everything
//! that clients see of an image is true.
//!
//! - `pull`: how images come to be known. `show`: what clients see of them. `registry`: what registries are asked for beside that.

mod pull;
mod registry;
mod show;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sockerless_docker::{Filters, ImageConfig, ImageDeleted, ImagePlatform, ImageReference, ImagesPruned};
use sockerless_store::{Change, Kind, Store};

use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::registries::ImageContent;

pub use pull::PullOptions;
pub(crate) use pull::mismatch;
pub use registry::SearchOptions;

/// An image that was pulled or tagged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// The digest of its configuration; if that is not known, the SHA-256 of the reference that it was pulled by.
    pub(crate) id: String,
    /// Familiar names with tag or digest, sorted.
    pub(crate) references: Vec<String>,
    pub(crate) pulled: Timestamp,
    /// What it gives to its containers.
    pub(crate) config: ImageConfig,
    /// Everything else, if it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<ImageContent>,
}

impl ImageRecord {
    /// For what it is made, if that is known.
    pub(crate) fn platform(&self) -> Option<&ImagePlatform> {
        self.content.as_ref().map(|content| &content.config.platform)
    }

    /// When it was built; if that is not known, when it was pulled.
    fn created(&self) -> Timestamp {
        let built = self.content.as_ref().and_then(|content| content.config.created.parse().ok());
        built.unwrap_or(self.pulled)
    }

    /// The sum of its layers' sizes in bytes, as they lie in the registry.
    fn size(&self) -> i64 {
        self.content.iter().flat_map(|content| &content.layers).fold(0, |sum, size| sum.saturating_add(*size))
    }
}

/// All images, by id.
#[derive(Default)]
pub(crate) struct Images {
    by_id: Mutex<BTreeMap<String, Arc<ImageRecord>>>,
    /// Held while records are read to be changed: of two changes none is lost.
    changing: tokio::sync::Mutex<()>,
}

impl Images {
    pub(crate) async fn load(store: &dyn Store) -> Result<Self> {
        let mut by_id = BTreeMap::new();
        for stored in store.all(Kind::Image).await? {
            let record: ImageRecord = serde_json::from_str(&stored.body).map_err(|error| {
                Error::internal(format!("the record of image {} in the state file is unreadable: {error}", stored.id))
            })?;
            by_id.insert(record.id.clone(), Arc::new(record));
        }
        Ok(Self { by_id: Mutex::new(by_id), changing: tokio::sync::Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<ImageRecord>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn all(&self) -> Vec<Arc<ImageRecord>> {
        self.lock().values().cloned().collect()
    }

    /// By id, by a prefix of it, or by any form of a reference.
    pub(crate) fn find(&self, written: &str) -> Result<Arc<ImageRecord>> {
        let missing = |shown: &str| Error::not_found(format!("No such image: {shown}"));
        let images = self.lock();
        let hex = written.strip_prefix("sha256:").unwrap_or(written);
        if let Some(image) = images.get(&format!("sha256:{hex}")) {
            return Ok(image.clone());
        }
        let reference = ImageReference::parse(written).map(ImageReference::or_latest);
        if let Ok(reference) = &reference {
            let names = [kept(reference), reference.familiar()];
            let named = |image: &&Arc<ImageRecord>| names.iter().any(|name| image.references.contains(name));
            if let Some(image) = images.values().find(named) {
                return Ok(image.clone());
            }
        }
        if hex.len() >= 4 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let prefix = format!("sha256:{hex}");
            let mut matches = images.range(prefix.clone()..).take_while(|(id, _)| id.starts_with(&prefix));
            if let (Some((_, image)), None) = (matches.next(), matches.next()) {
                return Ok(image.clone());
            }
        }
        match reference {
            Ok(reference) => Err(missing(&reference.familiar())),
            Err(_) if written.starts_with("sha256:") || written.len() == 64 => Err(missing(written)),
            Err(error) => Err(Error::invalid(error.to_string())),
        }
    }

    /// Whether something that a client wrote means the image of this id.
    pub(crate) fn is(&self, written: &str, id: &str) -> bool {
        self.find(written).is_ok_and(|image| image.id == id)
    }
}

impl Inner {
    async fn save_image(&self, record: ImageRecord) -> Result<()> {
        let body = serde_json::to_string(&record).map_err(|error| Error::internal(error.to_string()))?;
        self.store.apply(vec![Change::put(Kind::Image, record.id.clone(), body)]).await?;
        self.images.lock().insert(record.id.clone(), Arc::new(record));
        Ok(())
    }

    async fn drop_image(&self, id: &str) -> Result<()> {
        self.store.apply(vec![Change::delete(Kind::Image, id)]).await?;
        self.images.lock().remove(id);
        Ok(())
    }

    fn image_event(&self, action: &str, id: &str, name: &str) {
        self.events.publish("image", action, id, BTreeMap::from([("name".to_owned(), name.to_owned())]));
    }

    /// A reference means one image: it leaves the one that had it.
    async fn take_reference(&self, familiar: &str, except: &str) -> Result<()> {
        for image in self.images.all() {
            if image.id != except && image.references.iter().any(|reference| reference == familiar) {
                let mut record = (*image).clone();
                record.references.retain(|reference| reference != familiar);
                self.save_image(record).await?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Gives an image one more name.
    ///
    /// # Errors
    /// No such image; a malformed name.
    pub async fn tag_image(&self, name: &str, repository: &str, tag: Option<&str>) -> Result<()> {
        let _changing = self.inner.images.changing.lock().await;
        let image = self.inner.images.find(name)?;
        if repository == "sha256" {
            return Err(Error::invalid("refusing to create an ambiguous tag using digest algorithm as name"));
        }
        let familiar = named(repository, tag)?.or_latest().familiar();
        self.inner.take_reference(&familiar, &image.id).await?;
        let mut record = (*image).clone();
        if !record.references.contains(&familiar) {
            record.references.push(familiar.clone());
            record.references.sort();
        }
        self.inner.save_image(record).await?;
        self.inner.image_event("tag", &image.id, &familiar);
        Ok(())
    }

    /// Takes a name from an image, and the image with its last.
    ///
    /// # Errors
    /// No such image; a container uses it.
    pub async fn remove_image(&self, name: &str, force: bool) -> Result<Vec<ImageDeleted>> {
        let _changing = self.inner.images.changing.lock().await;
        self.remove_image_alone(name, force).await
    }

    /// The same for one who has the right to change images.
    async fn remove_image_alone(&self, name: &str, force: bool) -> Result<Vec<ImageDeleted>> {
        let image = self.inner.images.find(name)?;
        let by_id =
            image.id.strip_prefix("sha256:").unwrap_or_default().starts_with(name.trim_start_matches("sha256:"));
        let going = if by_id { image.references.clone() } else { untagged(&image.references, name) };
        let short = image.id.trim_start_matches("sha256:").chars().take(12).collect::<String>();
        if by_id && !force && !is_single(&going) {
            return Err(Error::conflict(format!(
                "conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories"
            )));
        }
        let last = going.len() == image.references.len();
        if last && let Some(cell) = self.inner.containers.all().iter().find(|cell| cell.record().image_id == image.id) {
            let running = cell.record().state.status.is_live();
            let container = cell.id.chars().take(12).collect::<String>();
            if running && by_id {
                return Err(Error::conflict(format!(
                    "conflict: unable to delete {short} (cannot be forced) - image is being used by running container {container}"
                )));
            }
            if !force {
                return Err(Error::conflict(if by_id {
                    format!(
                        "conflict: unable to delete {short} (must be forced) - image is being used by stopped container {container}"
                    )
                } else {
                    format!(
                        "conflict: unable to remove repository reference \"{name}\" (must force) - container {container} is using its referenced image {short}"
                    )
                }));
            }
        }
        let mut deleted: Vec<ImageDeleted> = Vec::new();
        for reference in &going {
            self.inner.image_event("untag", &image.id, &image.id);
            deleted.push(ImageDeleted { untagged: reference.clone(), ..ImageDeleted::default() });
        }
        if last {
            self.inner.drop_image(&image.id).await?;
            self.inner.image_event("delete", &image.id, &image.id);
            deleted.push(ImageDeleted { deleted: image.id.clone(), ..ImageDeleted::default() });
        } else {
            let mut record = (*image).clone();
            record.references.retain(|reference| !going.contains(reference));
            self.inner.save_image(record).await?;
        }
        Ok(deleted)
    }

    /// Removes images that have no name, or, with `dangling=false`, all that no container uses.
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn prune_images(&self, filters: &Filters) -> Result<ImagesPruned> {
        filters.accept(&["dangling", "label", "label!", "until"])?;
        let only_dangling = filters.boolean("dangling", true)?;
        let until = filters.until().map_err(|error| Error::internal(error.to_string()))?;
        let _changing = self.inner.images.changing.lock().await;
        let mut deleted = Vec::new();
        for image in self.inner.images.all() {
            let labels = image.config.labels.clone().unwrap_or_default();
            let used = self.inner.containers.all().iter().any(|cell| cell.record().image_id == image.id);
            if used
                || (only_dangling && !image.references.is_empty())
                || until.is_some_and(|until| image.created() > until)
                || !filters.matches_labels("label", &labels)
                || filters.excludes_labels("label!", &labels)
            {
                continue;
            }
            deleted.extend(self.remove_image_alone(&image.id, true).await?);
        }
        self.inner.events.publish("image", "prune", "", BTreeMap::from([("reclaimed".to_owned(), "0".to_owned())]));
        Ok(ImagesPruned { images_deleted: Some(deleted).filter(|deleted| !deleted.is_empty()), space_reclaimed: 0 })
    }
}

/// The image that a client names, with the tag or digest that it names beside.
///
/// # Errors
/// Either is malformed.
fn named(name: &str, tag: Option<&str>) -> Result<ImageReference> {
    let reference = ImageReference::parse(name);
    let reference = match tag.filter(|tag| !tag.is_empty()) {
        Some(tag) => reference.and_then(|reference| reference.with_tag(tag)),
        None => reference,
    };
    reference.map_err(|error| Error::invalid(error.to_string()))
}

/// How a reference is kept: by its digest if it has one, since that says more than the tag.
fn kept(reference: &ImageReference) -> String {
    match reference.digest() {
        Some(digest) => format!("{}@{digest}", reference.familiar_name()),
        None => reference.familiar(),
    }
}

/// The repository of a reference that is kept.
fn repository(kept: &str) -> &str {
    let name = kept.split('@').next().unwrap_or(kept);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// What goes with a name: with the last tag of a repository, its digests.
fn untagged(references: &[String], name: &str) -> Vec<String> {
    let Ok(reference) = ImageReference::parse(name).map(ImageReference::or_latest) else { return Vec::new() };
    let names = [kept(&reference), reference.familiar()];
    let is_named = |reference: &&String| names.contains(*reference);
    let mut going: Vec<String> = references.iter().filter(is_named).cloned().collect();
    let of_repository = |other: &&String| repository(other) == reference.familiar_name() && !going.contains(*other);
    let rest: Vec<String> = references.iter().filter(of_repository).cloned().collect();
    if going.iter().any(|reference| !reference.contains('@')) && rest.iter().all(|reference| reference.contains('@')) {
        going.extend(rest);
    }
    going
}

/// Whether all names of an image are one to its users: a tag, and digests of the same repository.
fn is_single(references: &[String]) -> bool {
    let tags = references.iter().filter(|reference| !reference.contains('@')).count();
    let first = references.first().map(|reference| repository(reference));
    references.len() < 2 || (tags < 2 && references.iter().all(|reference| Some(repository(reference)) == first))
}

#[cfg(test)]
mod tests {
    use super::{is_single, untagged};

    fn list(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn digests_go_with_the_last_tag_of_their_repository() {
        let digest = format!("r:5000/a@sha256:{}", "0".repeat(64));
        let both = list(&format!("r:5000/a:1 r:5000/a:2 {digest}"));
        assert_eq!(untagged(&both, "r:5000/a:1"), list("r:5000/a:1"));
        let last = list(&format!("other:1 r:5000/a:1 {digest}"));
        assert_eq!(untagged(&last, "r:5000/a:1"), list(&format!("r:5000/a:1 {digest}")));
        assert_eq!(untagged(&last, &digest), list(&digest));
        assert!(untagged(&last, "nope").is_empty());
        assert!(!is_single(&both) && !is_single(&last));
        assert!(is_single(&list(&format!("r:5000/a:1 {digest}"))) && is_single(&list("a:1")) && is_single(&[]));
        assert!(!is_single(&list("a:1 b:1")));
    }
}
