//! Images that the emulator has files of: OCI layouts, and archives of `docker save` and of OCI layouts, in a folder that it is
//! given. An app's container then runs on the image's own file system, which is unpacked once and kept as long as the
//! emulator runs.

mod archive;
mod layer;
mod manifest;
mod reference;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tempfile::TempDir;

use crate::config::LiveConfig;

/// Why an image cannot be had although its files are there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ImageError(String);

impl ImageError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// An error of the file system, with its place.
    fn at(path: &Path, error: &std::io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}

/// What an image says of how it is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ImageRun {
    pub(crate) env: Option<Vec<String>>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) working_dir: String,
}

/// An image that is unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// Its file system.
    pub(crate) root: PathBuf,
    /// How it is run.
    pub(crate) run: ImageRun,
    /// Where it came from, for the log.
    pub(crate) source: String,
}

/// The images that were unpacked so far.
#[derive(Debug)]
pub(crate) struct Images {
    live: Arc<LiveConfig>,
    unpacked: tokio::sync::Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    folder: Option<TempDir>,
    images: HashMap<String, Unpacked>,
}

impl Images {
    pub(crate) fn new(live: Arc<LiveConfig>) -> Self {
        Self { live, unpacked: tokio::sync::Mutex::default() }
    }

    /// An image by its reference; nothing if there are no files of it.
    pub(crate) async fn get(&self, reference: &str) -> Result<Option<Unpacked>, ImageError> {
        let config = self.live.get();
        let Some(folder) = config.images_folder.clone() else { return Ok(None) };
        let limit = config.image_bytes;
        // One after the other: two apps of one image shall not unpack it twice.
        let mut kept = self.unpacked.lock().await;
        if let Some(unpacked) = kept.images.get(reference) {
            return Ok(Some(unpacked.clone()));
        }
        let cache = match &kept.folder {
            Some(cache) => cache.path().to_owned(),
            None => {
                let cache = tempfile::Builder::new().prefix("azure-emulator-images").tempdir();
                let cache = cache.map_err(|error| ImageError::new(format!("no folder for images: {error}")))?;
                let path = cache.path().to_owned();
                kept.folder = Some(cache);
                path
            }
        };
        let name = reference.to_owned();
        let found = tokio::task::spawn_blocking(move || unpack(&folder, &cache, &name, limit)).await;
        let found = found.map_err(|error| ImageError::new(format!("unpacking was cut short: {error}")))??;
        if let Some(unpacked) = &found {
            kept.images.insert(reference.to_owned(), unpacked.clone());
        }
        Ok(found)
    }
}

/// Looks through the folder, and unpacks what it has of an image.
fn unpack(folder: &Path, cache: &Path, reference: &str, limit: u64) -> Result<Option<Unpacked>, ImageError> {
    let entries = std::fs::read_dir(folder).map_err(|error| ImageError::at(folder, &error))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let layout = if path.is_dir() { path.clone() } else { archive::open(&path, cache, limit)? };
        let Some(parts) = manifest::find(&layout, &path, reference)? else { continue };
        let root = tempfile::Builder::new().prefix("root").tempdir_in(cache);
        let root = root.map_err(|error| ImageError::at(cache, &error))?;
        let mut left = limit;
        for layer in &parts.layers {
            layer::apply(layer, root.path(), &mut left)?;
        }
        let source = format!("{} layers of {}", parts.layers.len(), path.display());
        // Kept: it goes with the folder around it.
        return Ok(Some(Unpacked { root: root.keep(), run: parts.run, source }));
    }
    Ok(None)
}
