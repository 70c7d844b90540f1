//! Images, by reference only.
//!
//! Nothing is downloaded: the cloud pulls an image when a container is made of it. A pull takes note of the reference, so that
//! clients find what they pulled, and says so in its progress.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sockerless_docker::{
    Filters, GraphDriver, ImageConfig, ImageDeleted, ImageHistory, ImageInspect, ImageMetadata, ImageReference,
    ImageSummary, ImagesPruned, RootFs, ZERO_TIME, format_time,
};
use sockerless_store::{Change, Kind, Store};

use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::frames::ByteStream;

/// An image that was pulled or tagged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// `sha256:` of the reference that it was pulled by.
    pub(crate) id: String,
    /// Familiar names with tag or digest, sorted.
    pub(crate) references: Vec<String>,
    pub(crate) pulled: Timestamp,
    pub(crate) config: ImageConfig,
}

/// All images, by id.
#[derive(Default)]
pub(crate) struct Images {
    by_id: Mutex<BTreeMap<String, Arc<ImageRecord>>>,
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
        Ok(Self { by_id: Mutex::new(by_id) })
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
            let familiar = reference.familiar();
            if let Some(image) = images.values().find(|image| image.references.contains(&familiar)) {
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
    /// Takes note of an image. Answers Docker's progress lines.
    ///
    /// # Errors
    /// A malformed reference; the note cannot be written.
    pub async fn pull_image(&self, name: &str, tag: Option<&str>) -> Result<ByteStream> {
        let invalid = |error: sockerless_docker::ReferenceError| Error::invalid(error.to_string());
        let mut reference = ImageReference::parse(name).map_err(invalid)?;
        if let Some(tag) = tag.filter(|tag| !tag.is_empty()) {
            reference = reference.with_tag(tag).map_err(invalid)?;
        }
        let reference = reference.or_latest();
        let familiar = reference.familiar();
        let known = self.inner.images.find(&familiar).is_ok();
        if !known {
            let digest = ring::digest::digest(&ring::digest::SHA256, reference.to_string().as_bytes());
            let id = format!("sha256:{}", hex::encode(digest));
            self.inner.take_reference(&familiar, &id).await?;
            let mut record = self.inner.images.find(&id).map_or_else(
                |_| ImageRecord {
                    id,
                    references: Vec::new(),
                    pulled: Timestamp::now(),
                    config: ImageConfig::default(),
                },
                |image| (*image).clone(),
            );
            record.references.push(familiar.clone());
            record.references.sort();
            self.inner.save_image(record).await?;
        }
        if let Ok(image) = self.inner.images.find(&familiar) {
            self.inner.image_event("pull", &familiar, &reference.familiar_name());
            tracing::debug!(image = %image.id, reference = %familiar, "pulled by reference");
        }
        let version = reference.tag().or(reference.digest()).unwrap_or("latest").to_owned();
        let news = if known { "Image is up to date for" } else { "Downloaded newer image for" };
        let lines = [
            serde_json::json!({ "status": format!("Pulling from {}", reference.path()), "id": version }),
            serde_json::json!({ "status": "Noted by reference: the layers are pulled where the container runs" }),
            serde_json::json!({ "status": format!("Status: {news} {familiar}") }),
        ];
        Ok(stream::iter(lines.map(|line| Ok(Bytes::from(format!("{line}\r\n"))))).boxed())
    }

    /// The images that are known.
    ///
    /// # Errors
    /// An unknown filter.
    pub fn images(&self, filters: &Filters) -> Result<Vec<ImageSummary>> {
        filters.accept(&["dangling", "label", "before", "since", "until", "reference"])?;
        let dangling = filters.boolean("dangling", false)?;
        let boundary = |name: &str| match filters.get(name).first() {
            Some(image) => self.inner.images.find(image).map(|image| Some(image.pulled)),
            None => Ok(None),
        };
        let (before, since) = (boundary("before")?, boundary("since")?);
        let mut images = self.inner.images.all();
        images.sort_by_key(|image| std::cmp::Reverse(image.pulled));
        let containers = self.inner.containers.all();
        Ok(images
            .iter()
            .filter(|image| !filters.contains("dangling") || image.references.is_empty() == dangling)
            .filter(|image| before.is_none_or(|before| image.pulled < before))
            .filter(|image| since.is_none_or(|since| image.pulled > since))
            .filter(|image| filters.matches_labels("label", &image.config.labels.clone().unwrap_or_default()))
            .filter(|image| {
                filters.matches_by("reference", |wanted| {
                    image.references.iter().any(|reference| {
                        let name = reference.rsplit_once(':').map_or(reference.as_str(), |(name, _)| name);
                        wildcard(wanted, reference) || wildcard(wanted, name)
                    })
                })
            })
            .map(|image| {
                let used = containers.iter().filter(|cell| cell.record().image_id == image.id).count();
                ImageSummary {
                    containers: i64::try_from(used).unwrap_or(i64::MAX),
                    created: image.pulled.as_second(),
                    id: image.id.clone(),
                    labels: image.config.labels.clone(),
                    repo_digests: digests(image),
                    repo_tags: tags(image),
                    shared_size: -1,
                    ..ImageSummary::default()
                }
            })
            .collect())
    }

    /// Everything that is known of an image.
    ///
    /// # Errors
    /// No such image.
    pub fn inspect_image(&self, name: &str) -> Result<ImageInspect> {
        let image = self.inner.images.find(name)?;
        Ok(ImageInspect {
            id: image.id.clone(),
            repo_tags: tags(&image),
            repo_digests: digests(&image),
            comment: "known by reference only: the layers are where the container runs".to_owned(),
            created: ZERO_TIME.to_owned(),
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            graph_driver: GraphDriver { data: Some(BTreeMap::new()), name: "reference".to_owned() },
            root_fs: RootFs { r#type: "layers".to_owned(), layers: Vec::new() },
            metadata: ImageMetadata { last_tag_time: format_time(image.pulled) },
            config: Some(image.config.clone()),
            ..ImageInspect::default()
        })
    }

    /// How an image came to be: of one known by reference, one entry that says so.
    ///
    /// # Errors
    /// No such image.
    pub fn image_history(&self, name: &str) -> Result<Vec<ImageHistory>> {
        let image = self.inner.images.find(name)?;
        Ok(vec![ImageHistory {
            comment: "known by reference only".to_owned(),
            created: image.pulled.as_second(),
            id: image.id.clone(),
            tags: Some(tags(&image)),
            ..ImageHistory::default()
        }])
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// No such image; a malformed name.
    pub async fn tag_image(&self, name: &str, repository: &str, tag: Option<&str>) -> Result<()> {
        let image = self.inner.images.find(name)?;
        let invalid = |error: sockerless_docker::ReferenceError| Error::invalid(error.to_string());
        let mut reference = ImageReference::parse(repository).map_err(invalid)?;
        if let Some(tag) = tag.filter(|tag| !tag.is_empty()) {
            reference = reference.with_tag(tag).map_err(invalid)?;
        }
        let familiar = reference.or_latest().familiar();
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
        let image = self.inner.images.find(name)?;
        let by_id =
            image.id.strip_prefix("sha256:").unwrap_or_default().starts_with(name.trim_start_matches("sha256:"));
        let familiar =
            ImageReference::parse(name).map(|reference| reference.or_latest().familiar()).unwrap_or_default();
        let going: Vec<String> = if by_id {
            image.references.clone()
        } else {
            image.references.iter().filter(|reference| **reference == familiar).cloned().collect()
        };
        let short = image.id.trim_start_matches("sha256:").chars().take(12).collect::<String>();
        if by_id && going.len() > 1 && !force {
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
        let mut deleted = Vec::new();
        for image in self.inner.images.all() {
            let labels = image.config.labels.clone().unwrap_or_default();
            let used = self.inner.containers.all().iter().any(|cell| cell.record().image_id == image.id);
            if used
                || (only_dangling && !image.references.is_empty())
                || !filters.matches_labels("label", &labels)
                || filters.excludes_labels("label!", &labels)
            {
                continue;
            }
            deleted.extend(self.remove_image(&image.id, true).await?);
        }
        self.inner.events.publish("image", "prune", "", BTreeMap::from([("reclaimed".to_owned(), "0".to_owned())]));
        Ok(ImagesPruned { images_deleted: Some(deleted).filter(|deleted| !deleted.is_empty()), space_reclaimed: 0 })
    }
}

fn tags(image: &ImageRecord) -> Vec<String> {
    image.references.iter().filter(|reference| !reference.contains('@')).cloned().collect()
}

fn digests(image: &ImageRecord) -> Vec<String> {
    image.references.iter().filter(|reference| reference.contains('@')).cloned().collect()
}

/// Shell patterns with `*` and `?`, where `*` does not cross a slash.
fn wildcard(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len())
                .take_while(|at| !text.get(..*at).is_some_and(|skipped| skipped.contains(&b'/')))
                .any(|at| matches(rest, text.get(at..).unwrap_or_default())),
            Some((b'?', rest)) => text.split_first().is_some_and(|(byte, text)| *byte != b'/' && matches(rest, text)),
            Some((wanted, rest)) => {
                text.split_first().is_some_and(|(byte, text)| byte == wanted && matches(rest, text))
            }
        }
    }
    matches(pattern.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn patterns_of_references() {
        for (pattern, text, matched) in [
            ("busy*", "busybox", true),
            ("busybox:*", "busybox:latest", true),
            ("*", "a/b", false),
            ("*/b", "a/b", true),
            ("b?x", "box", true),
            ("box", "boxes", false),
        ] {
            assert_eq!(wildcard(pattern, text), matched, "{pattern} {text}");
        }
    }
}
