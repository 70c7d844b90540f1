//! What clients see of images.

use std::collections::BTreeMap;

use sockerless_docker::{
    BuildStep, Filters, GraphDriver, ImageHistory, ImageInspect, ImageMetadata, ImageSummary, RootFs, ZERO_TIME,
    format_time,
};

use super::{ImageRecord, repository};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::registries::ImageContent;

impl Engine {
    /// The images that are known.
    ///
    /// # Errors
    /// An unknown filter.
    pub fn images(&self, filters: &Filters) -> Result<Vec<ImageSummary>> {
        filters.accept(&["dangling", "label", "before", "since", "until", "reference"])?;
        let dangling = filters.boolean("dangling", false)?;
        let boundary = |name: &str| match filters.get(name).first() {
            Some(image) => self.inner.images.find(image).map(|image| Some(image.created())),
            None => Ok(None),
        };
        let (before, since) = (boundary("before")?, boundary("since")?);
        let until = filters.until().map_err(|error| Error::internal(error.to_string()))?;
        let mut images = self.inner.images.all();
        images.sort_by_key(|image| std::cmp::Reverse(image.created()));
        let containers = self.inner.containers.all();
        Ok(images
            .iter()
            .filter(|image| !filters.contains("dangling") || image.references.is_empty() == dangling)
            .filter(|image| before.is_none_or(|before| image.created() < before))
            .filter(|image| until.is_none_or(|until| image.created() < until))
            .filter(|image| since.is_none_or(|since| image.created() > since))
            .filter(|image| filters.matches_labels("label", &image.config.labels.clone().unwrap_or_default()))
            .filter_map(|image| {
                // Only the names that were asked for are shown.
                let references: Vec<String> =
                    image.references.iter().filter(|reference| is_named(filters, reference)).cloned().collect();
                if filters.contains("reference") && references.is_empty() {
                    return None;
                }
                Some((image, references))
            })
            .map(|(image, references)| {
                let used = containers.iter().filter(|cell| cell.record().image_id == image.id).count();
                ImageSummary {
                    containers: i64::try_from(used).unwrap_or(i64::MAX),
                    created: image.created().as_second(),
                    id: image.id.clone(),
                    labels: image.config.labels.clone(),
                    repo_digests: digests(&references),
                    repo_tags: tags(&references),
                    shared_size: -1,
                    size: image.size(),
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
        let common = ImageInspect {
            id: image.id.clone(),
            repo_tags: tags(&image.references),
            repo_digests: digests(&image.references),
            graph_driver: GraphDriver { data: Some(BTreeMap::new()), name: "reference".to_owned() },
            metadata: ImageMetadata { last_tag_time: format_time(image.pulled) },
            config: Some(image.config.clone()),
            ..ImageInspect::default()
        };
        let layers = |layers| RootFs { r#type: "layers".to_owned(), layers };
        let Some(content) = &image.content else {
            return Ok(ImageInspect {
                comment: "known by reference only: the layers are where the container runs".to_owned(),
                created: ZERO_TIME.to_owned(),
                architecture: "amd64".to_owned(),
                os: "linux".to_owned(),
                root_fs: layers(Vec::new()),
                ..common
            });
        };
        let config = &content.config;
        let comment = if config.comment.is_empty() {
            config.history.last().map(|step| &step.comment)
        } else {
            Some(&config.comment)
        };
        Ok(ImageInspect {
            comment: comment.cloned().unwrap_or_default(),
            created: config.created.clone(),
            docker_version: config.docker_version.clone(),
            author: config.author.clone(),
            architecture: config.platform.architecture.clone(),
            variant: config.platform.variant.clone(),
            os: config.platform.os.clone(),
            os_version: config.platform.os_version.clone(),
            size: image.size(),
            root_fs: layers(config.rootfs.diff_ids.clone()),
            ..common
        })
    }

    /// How an image came to be; of one known by reference, one entry that says so.
    ///
    /// # Errors
    /// No such image.
    pub fn image_history(&self, name: &str) -> Result<Vec<ImageHistory>> {
        let image = self.inner.images.find(name)?;
        if let Some(content) = &image.content {
            return Ok(history(&image, content));
        }
        Ok(vec![ImageHistory {
            comment: "known by reference only".to_owned(),
            created: image.pulled.as_second(),
            id: image.id.clone(),
            tags: Some(tags(&image.references)),
            ..ImageHistory::default()
        }])
    }
}

/// The steps of a build, the last one first. Steps that made layers are as many as there are layers, or the sizes are not known.
fn history(image: &ImageRecord, content: &ImageContent) -> Vec<ImageHistory> {
    let steps = &content.config.history;
    let makers = steps.iter().filter(|step| !step.empty_layer).count();
    let mut sizes = content.layers.iter().copied().filter(|_| makers == content.layers.len());
    let entry = |step: &BuildStep| ImageHistory {
        comment: step.comment.clone(),
        created: step.created.parse().map_or(0, jiff::Timestamp::as_second),
        created_by: step.created_by.clone(),
        id: "<missing>".to_owned(),
        size: if step.empty_layer { 0 } else { sizes.next().unwrap_or(0) },
        tags: None,
    };
    let mut entries: Vec<ImageHistory> = steps.iter().map(entry).collect();
    entries.reverse();
    if let Some(last) = entries.first_mut() {
        last.id.clone_from(&image.id);
        last.tags = Some(tags(&image.references)).filter(|tags| !tags.is_empty());
    }
    entries
}

/// Whether the filter `reference` lets a name pass.
fn is_named(filters: &Filters, reference: &str) -> bool {
    filters.matches_by("reference", |wanted| wildcard(wanted, reference) || wildcard(wanted, repository(reference)))
}

fn tags(references: &[String]) -> Vec<String> {
    references.iter().filter(|reference| !reference.contains('@')).cloned().collect()
}

fn digests(references: &[String]) -> Vec<String> {
    references.iter().filter(|reference| reference.contains('@')).cloned().collect()
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
