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
const MAX_JSON: u64 = 8 << 20;

/// How deep indexes may be nested.
const MAX_DEPTH: usize = 4;

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

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize)]
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
    follow(folder, descriptor, 0).map(Some)
}

fn follow(folder: &Path, descriptor: &Descriptor, depth: usize) -> Result<Parts, ImageError> {
    let document: Document = json(&blob(folder, &descriptor.digest)?)?;
    if let Some(manifests) = &document.manifests {
        let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let fits = |descriptor: &&Descriptor| {
            descriptor
                .platform
                .as_ref()
                .is_none_or(|platform| platform.os == "linux" && platform.architecture == machine)
        };
        let next = manifests.iter().find(fits).filter(|_| depth < MAX_DEPTH);
        let next = next.ok_or_else(|| ImageError::new(format!("the image has nothing for linux/{machine}")))?;
        return follow(folder, next, depth + 1);
    }
    let config = document.config.ok_or_else(|| ImageError::new("the manifest names no configuration"))?;
    let configuration: Configuration = json(&blob(folder, &config.digest)?)?;
    let layers = document.layers.iter().map(|layer| blob(folder, &layer.digest)).collect::<Result<_, _>>()?;
    Ok(Parts { layers, run: configuration.config.unwrap_or_default() })
}

/// The file of a blob, whose content is what its name says.
fn blob(folder: &Path, digest: &str) -> Result<PathBuf, ImageError> {
    let hex =
        digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let hex = hex.ok_or_else(|| ImageError::new(format!("the digest '{digest}' is not understood")))?;
    let path = folder.join("blobs/sha256").join(hex);
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
