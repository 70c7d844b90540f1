//! Archives: their files are taken out first, and then read as those of a folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::ImageError;

/// The folder of an archive's files. Something that is no archive has an empty one.
pub(super) fn open(path: &Path, cache: &Path, limit: u64) -> Result<PathBuf, ImageError> {
    let name = path.file_name().ok_or_else(|| ImageError::new("an archive has no name"))?;
    let folder = cache.join("archives").join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).map_err(|error| ImageError::at(&folder, &error))?;
    if path.extension().is_none_or(|extension| extension != "tar") {
        return Ok(folder);
    }
    let file = File::open(path).map_err(|error| ImageError::at(path, &error))?;
    let failed = |error: &std::io::Error| ImageError::at(path, error);
    let mut left = limit;
    for entry in tar::Archive::new(file).entries().map_err(|error| failed(&error))? {
        let mut entry = entry.map_err(|error| failed(&error))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let inner = entry.path().map_err(|error| failed(&error))?.into_owned();
        if !inner.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(ImageError::new(format!("{}: '{}' leads out of it", path.display(), inner.display())));
        }
        let target = folder.join(inner);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        }
        let mut out = File::create(&target).map_err(|error| failed(&error))?;
        let copied = std::io::copy(&mut (&mut entry).take(left + 1), &mut out).map_err(|error| failed(&error))?;
        left = left.checked_sub(copied).ok_or_else(|| ImageError::new(format!("{}: too large", path.display())))?;
    }
    Ok(folder)
}
