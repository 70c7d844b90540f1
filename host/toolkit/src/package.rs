//! The WIT package, read.

use std::path::Path;

use anyhow::{Context, Result};
use wit_parser::{PackageId, Resolve, WorldId};

/// The world of backends with everything that one can export.
const WORLD: &str = "plugin-with-logs";

/// The WIT package in a folder.
pub(crate) fn package(folder: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_dir(folder).with_context(|| format!("the WIT package in {} cannot be read", folder.display()))?;
    Ok((resolve, package))
}

/// Its world, by name; the one with everything, if none is named.
pub(crate) fn world(folder: &Path, name: Option<&str>) -> Result<(Resolve, WorldId)> {
    let (resolve, package) = package(folder)?;
    let name = name.unwrap_or(WORLD);
    let world = resolve
        .select_world(&[package], Some(name))
        .with_context(|| format!("the WIT package in {} has no world {name}", folder.display()))?;
    Ok((resolve, world))
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file, into a folder that need not be there.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
