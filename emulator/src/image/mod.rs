//! Images that the emulator has files of: OCI layouts, and archives of `docker save` and of OCI layouts, in a folder that it is
//! given, and what registries have. An app's container then runs on the image's own file system, which is unpacked once and
//! kept as long as the emulator runs.

mod archive;
mod layer;
mod manifest;
mod reference;
mod registry;
mod zstd;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use self::reference::Reference;
use self::registry::Registries;
use crate::config::{EmulatorConfig, LiveConfig};

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
    registries: Registries,
    /// Where everything is unpacked; it goes with the emulator.
    folder: OnceCell<TempDir>,
    /// What the folder of images had, by reference.
    of_folder: tokio::sync::Mutex<HashMap<String, Unpacked>>,
    /// What registries had, by the digest of what the reference names.
    pulled: tokio::sync::Mutex<HashMap<String, Arc<OnceCell<Unpacked>>>>,
}

impl Images {
    pub(crate) fn new(live: Arc<LiveConfig>) -> Self {
        Self {
            registries: Registries::new(Arc::clone(&live)),
            live,
            folder: OnceCell::new(),
            of_folder: tokio::sync::Mutex::default(),
            pulled: tokio::sync::Mutex::default(),
        }
    }

    /// An image by its reference; nothing if neither the folder has it nor a registry is to be asked. `settings` are those of the
    /// app, for the registry.
    ///
    /// # Errors
    /// It is damaged or too large, or the registry does not give it.
    pub(crate) async fn get(
        &self,
        reference: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Option<Unpacked>, ImageError> {
        let config = self.live.get();
        if let Some(folder) = &config.images_folder
            && let Some(unpacked) = self.of_folder(folder.clone(), reference, config.image_bytes).await?
        {
            return Ok(Some(unpacked));
        }
        if config.registries.pull.is_empty() {
            return Ok(None);
        }
        let reference = Reference::parse(reference)?;
        if !config.registries.pulls_from(&reference.registry) {
            return Ok(None);
        }
        self.pull(&config, &reference, settings).await.map(Some)
    }

    async fn of_folder(&self, folder: PathBuf, reference: &str, limit: u64) -> Result<Option<Unpacked>, ImageError> {
        // One after the other: two apps of one image shall not unpack it twice.
        let mut unpacked = self.of_folder.lock().await;
        if let Some(unpacked) = unpacked.get(reference) {
            return Ok(Some(unpacked.clone()));
        }
        let (cache, name) = (self.folder().await?, reference.to_owned());
        let found = blocking(move || find_and_unpack(&folder, &cache, &name, limit)).await?;
        if let Some(found) = &found {
            unpacked.insert(reference.to_owned(), found.clone());
        }
        Ok(found)
    }

    async fn pull(
        &self,
        config: &EmulatorConfig,
        reference: &Reference,
        settings: &BTreeMap<String, String>,
    ) -> Result<Unpacked, ImageError> {
        let (folder, limit) = (self.folder().await?, config.image_bytes);
        let layout = config.registries.cache.clone().unwrap_or_else(|| folder.join("pulled"));
        let mut pull = self.registries.open(reference, settings, &layout).await?;
        let digest = pull.digest.clone();
        // Two apps of one image pull and unpack it once; others do not wait for them.
        let cell = Arc::clone(self.pulled.lock().await.entry(digest.clone()).or_default());
        let mut fetched = 0;
        let unpacked = cell.get_or_try_init(|| async {
            fetched = pull.fetch(&layout, limit).await?;
            let (layout, digest) = (layout.clone(), digest.clone());
            blocking(move || unpack(&manifest::parts(&layout, &digest)?, &folder, limit, String::new())).await
        });
        let mut unpacked = unpacked.await?.clone();
        let Reference { registry, repository, .. } = reference;
        unpacked.source = format!("{registry}/{repository}@{digest}, of which {fetched} blobs were not in the cache");
        Ok(unpacked)
    }

    async fn folder(&self) -> Result<PathBuf, ImageError> {
        let make = || {
            blocking(|| {
                let folder = tempfile::Builder::new().prefix("azure-emulator-images").tempdir();
                folder.map_err(|error| ImageError::new(format!("no folder for images: {error}")))
            })
        };
        Ok(self.folder.get_or_try_init(make).await?.path().to_owned())
    }
}

/// Does what takes its time off the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ImageError::new(format!("the work on an image was cut short: {error}")))?
}

/// Looks through the folder, and unpacks what it has of an image.
fn find_and_unpack(folder: &Path, cache: &Path, reference: &str, limit: u64) -> Result<Option<Unpacked>, ImageError> {
    let entries = std::fs::read_dir(folder).map_err(|error| ImageError::at(folder, &error))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let layout = if path.is_dir() { path.clone() } else { archive::open(&path, cache, limit)? };
        let Some(parts) = manifest::find(&layout, &path, reference)? else { continue };
        let source = format!("{} layers of {}", parts.layers.len(), path.display());
        return unpack(&parts, cache, limit, source).map(Some);
    }
    Ok(None)
}

/// Puts the layers of an image onto each other in a new folder below `cache`. Of one that fails nothing is left.
fn unpack(parts: &manifest::Parts, cache: &Path, limit: u64, source: String) -> Result<Unpacked, ImageError> {
    let root = tempfile::Builder::new().prefix("root").tempdir_in(cache);
    let root = root.map_err(|error| ImageError::at(cache, &error))?;
    let mut left = limit;
    for layer in &parts.layers {
        layer::apply(layer, root.path(), &mut left)?;
    }
    // Kept: it goes with the folder around it.
    Ok(Unpacked { root: root.keep(), run: parts.run.clone(), source })
}
