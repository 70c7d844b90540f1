//! Which files make up an image: by the `manifest.json` of `docker save`, or by the index of an OCI layout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ring::digest::{Context, SHA256};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reference::normal;
use super::{ImageError, ImageRun};

/// Largest manifest, index or configuration.
pub(super) const MAX_JSON: u64 = 8 << 20;

/// How deep indexes may be nested.
pub(super) const MAX_DEPTH: usize = 4;

/// The parts of an image.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) layers: Vec<PathBuf>,
    pub(super) run: ImageRun,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: PathBuf,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<PathBuf>,
}

/// What names a blob or another document.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Descriptor {
    pub(super) digest: String,
    /// In bytes.
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

/// An index or a manifest: which of them, its fields tell.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    config: Option<ImageRun>,
}

/// What a document leads to.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Another index, or the manifest for this machine.
    Manifest(Descriptor),
    /// Configuration and layers, if there are at most as many as any engine takes.
    Blobs(Vec<Descriptor>),
}

/// Most layers of one image.
const MAX_LAYERS: usize = 127;

/// What a document in a layout leads to.
pub(super) fn wanted(layout: &Path, digest: &str) -> Result<Wanted, ImageError> {
    let document: Document = json(&blob(layout, digest)?)?;
    if let Some(manifests) = &document.manifests {
        return choose(manifests).cloned().map(Wanted::Manifest);
    }
    if document.layers.len() > MAX_LAYERS {
        return Err(ImageError::new(format!("the image has more than {MAX_LAYERS} layers")));
    }
    let config = document.config.ok_or_else(no_configuration)?;
    Ok(Wanted::Blobs(std::iter::once(config).chain(document.layers).collect()))
}

/// The parts of the image that a document in a layout describes.
pub(super) fn parts(layout: &Path, digest: &str) -> Result<Parts, ImageError> {
    follow(layout, digest, 0)
}

fn no_configuration() -> ImageError {
    ImageError::new("the manifest names no configuration")
}

/// The document for this machine.
fn choose(manifests: &[Descriptor]) -> Result<&Descriptor, ImageError> {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let fits = |descriptor: &&Descriptor| {
        descriptor.platform.as_ref().is_none_or(|platform| platform.os == "linux" && platform.architecture == machine)
    };
    let found = manifests.iter().find(fits);
    found.ok_or_else(|| ImageError::new(format!("the image has nothing for linux/{machine}")))
}

/// The parts of an image, if this folder has it. `origin` is where the folder came from.
pub(super) fn find(folder: &Path, origin: &Path, reference: &str) -> Result<Option<Parts>, ImageError> {
    let wanted = normal(reference);
    if folder.join("manifest.json").is_file() {
        let saved: Vec<Saved> = json(&folder.join("manifest.json"))?;
        let is_wanted = |saved: &&Saved| saved.repo_tags.iter().flatten().any(|tag| normal(tag) == wanted);
        if let Some(saved) = saved.iter().find(is_wanted) {
            let layers = saved.layers.iter().map(|layer| within(folder, layer)).collect::<Result<_, _>>()?;
            let configuration: Configuration = json(&within(folder, &saved.config)?)?;
            return Ok(Some(Parts { layers, run: configuration.config.unwrap_or_default() }));
        }
    }
    if !folder.join("index.json").is_file() {
        return Ok(None);
    }
    let index: Document = json(&folder.join("index.json"))?;
    let stem = origin.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_wanted = |descriptor: &&Descriptor| {
        let names = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        names.iter().filter_map(|name| descriptor.annotations.get(*name)).any(|name| {
            // The annotation may hold the tag only; then the layout is named after the image.
            normal(name) == wanted || normal(&format!("{stem}:{name}")) == wanted
        })
    };
    let Some(descriptor) = index.manifests.iter().flatten().find(is_wanted) else { return Ok(None) };
    follow(folder, &descriptor.digest, 0).map(Some)
}

fn follow(folder: &Path, digest: &str, depth: usize) -> Result<Parts, ImageError> {
    let document: Document = json(&blob(folder, digest)?)?;
    if let Some(manifests) = &document.manifests {
        if depth == MAX_DEPTH {
            return Err(ImageError::new("the indexes of the image are nested too deep"));
        }
        return follow(folder, &choose(manifests)?.digest, depth + 1);
    }
    let config = document.config.ok_or_else(no_configuration)?;
    let configuration: Configuration = json(&blob(folder, &config.digest)?)?;
    let layers = document.layers.iter().map(|layer| blob(folder, &layer.digest)).collect::<Result<_, _>>()?;
    Ok(Parts { layers, run: configuration.config.unwrap_or_default() })
}

/// The digits of a digest.
pub(super) fn hex_of(digest: &str) -> Result<&str, ImageError> {
    let hex =
        digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    hex.ok_or_else(|| ImageError::new(format!("the digest '{digest}' is not understood")))
}

/// Where a layout has its blobs.
pub(super) fn blobs_of(layout: &Path) -> PathBuf {
    layout.join("blobs/sha256")
}

/// Where a layout has a blob, if it has it.
pub(super) fn path_of(layout: &Path, digest: &str) -> Result<PathBuf, ImageError> {
    Ok(blobs_of(layout).join(hex_of(digest)?))
}

/// The file of a blob, whose content is what its name says.
pub(super) fn blob(folder: &Path, digest: &str) -> Result<PathBuf, ImageError> {
    let (hex, path) = (hex_of(digest)?, path_of(folder, digest)?);
    let mut context = Context::new(&SHA256);
    let mut file = fs::File::open(&path).map_err(|error| ImageError::at(&path, &error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer) {
            Ok(0) => break,
            Ok(count) => context.update(&buffer[..count]),
            Err(error) => return Err(ImageError::at(&path, &error)),
        }
    }
    if hex::encode(context.finish()) != hex.to_ascii_lowercase() {
        return Err(ImageError::new(format!("the blob {digest} is damaged")));
    }
    Ok(path)
}

/// A path of the archive below its folder.
fn within(folder: &Path, path: &Path) -> Result<PathBuf, ImageError> {
    if path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Ok(folder.join(path));
    }
    Err(ImageError::new(format!("the manifest's path '{}' leads out of the archive", path.display())))
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ImageError> {
    let size = fs::metadata(path).map_err(|error| ImageError::at(path, &error))?.len();
    if size > MAX_JSON {
        return Err(ImageError::new(format!("{}: too large", path.display())));
    }
    let bytes = fs::read(path).map_err(|error| ImageError::at(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| ImageError::new(format!("{}: {error}", path.display())))
}
