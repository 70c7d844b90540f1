//! Archives: their files are taken out first, and then read as those of a folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::ImageError;

/// The folder of an archive's files. Something that is no archive has an empty one.
pub(super) fn open(path: &Path, cache: &Path, limit: u64) -> Result<PathBuf, ImageError> {
    let name = path.file_name().ok_or_else(|| ImageError::new("an archive has no name"))?;
    let archives = cache.join("archives");
    let folder = archives.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&archives).map_err(|error| ImageError::at(&archives, &error))?;
    // It takes its place when it is whole: what a failure leaves must not pass for the archive later.
    let unpacked = tempfile::Builder::new().prefix(".new").tempdir_in(&archives);
    let unpacked = unpacked.map_err(|error| ImageError::at(&archives, &error))?;
    if path.extension().is_some_and(|extension| extension == "tar") {
        unpack(path, unpacked.path(), limit)?;
    }
    fs::rename(unpacked.path(), &folder).map_err(|error| ImageError::at(&folder, &error))?;
    // Nothing is left where it was.
    let _ = unpacked.keep();
    Ok(folder)
}

fn unpack(path: &Path, folder: &Path, limit: u64) -> Result<(), ImageError> {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_unpacked_whole_does_not_pass_for_the_archive_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        for name in ["one", "two"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            archive.append_data(&mut header, name, &b"1234"[..]).unwrap();
        }
        archive.finish().unwrap();
        let cache = folder.path().join("cache");
        for _ in 0..2 {
            let error = open(&path, &cache, 6).unwrap_err();
            assert!(error.to_string().ends_with("too large"), "{error}");
        }
        let whole = open(&path, &cache, 8).unwrap();
        assert_eq!(fs::read(whole.join("two")).unwrap(), b"1234");
        assert_eq!(open(&path, &cache, 0).unwrap(), whole);
        assert_eq!(fs::read_dir(cache.join("archives")).unwrap().count(), 1);
    }
}
