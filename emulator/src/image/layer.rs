//! Puts one layer onto the file system of those below it.
//!
//! A layer is somebody else's: no entry may reach out of the root, by its own path, by a link that an earlier one has made, or
//! by its size.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::ImageError;
use super::zstd::Zstd;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Applies a layer. `left` is how many bytes files may still take.
pub(super) fn apply(layer: &Path, root: &Path, left: &mut u64) -> Result<(), ImageError> {
    let failed = |error: io::Error| ImageError::at(layer, &error);
    // What it takes away is of the layers below, so that comes first.
    for entry in open(layer)?.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = relative(&entry.path().map_err(failed)?)?;
        white_out(root, &path).map_err(failed)?;
    }
    let mut archive = open(layer)?;
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(nix::unistd::geteuid().is_root());
    archive.set_overwrite(true);
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        let path = relative(&entry.path().map_err(failed)?)?;
        let is_whiteout = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(WHITEOUT));
        // Devices cannot be made in a user namespace, and every container gets its own.
        if is_whiteout || matches!(kind, EntryType::Char | EntryType::Block | EntryType::Fifo) {
            continue;
        }
        if kind.is_file() {
            let size = entry.size();
            *left = left.checked_sub(size).ok_or_else(|| ImageError::new(format!("{}: too large", layer.display())))?;
        }
        make_way(root, &path, kind).map_err(failed)?;
        // Checks once more that nothing lies outside, links followed.
        let done = entry.unpack_in(root).map_err(failed)?;
        if !done {
            return Err(ImageError::new(format!("{}: '{}' leads out of the image", layer.display(), path.display())));
        }
    }
    Ok(())
}

fn open(layer: &Path) -> Result<Archive<Box<dyn Read>>, ImageError> {
    let failed = |error: io::Error| ImageError::at(layer, &error);
    let mut magic = Vec::new();
    File::open(layer).map_err(failed)?.take(4).read_to_end(&mut magic).map_err(failed)?;
    let file = BufReader::new(File::open(layer).map_err(failed)?);
    let reader: Box<dyn Read> = match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(file)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(Zstd::new(file)),
        _ => Box::new(file),
    };
    Ok(Archive::new(reader))
}

/// An entry's path below the root.
fn relative(path: &Path) -> Result<PathBuf, ImageError> {
    let parts = path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
    let relative: PathBuf = parts.clone().collect();
    if parts.into_iter().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(relative);
    }
    Err(ImageError::new(format!("the path '{}' leads out of the image", path.display())))
}

/// Where a path really is, links of its folders followed; nothing if that is outside or not there.
fn place(root: &Path, path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let parent = root.join(path.parent()?).canonicalize().ok()?;
    parent.starts_with(root.canonicalize().ok()?).then(|| parent.join(name))
}

fn white_out(root: &Path, path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Ok(()) };
    if name == OPAQUE {
        let folder = match path.parent() {
            Some(folder) if folder.file_name().is_some() => place(root, folder),
            _ => Some(root.to_owned()),
        };
        let Some(folder) = folder.filter(|folder| folder.is_dir() && !folder.is_symlink()) else { return Ok(()) };
        for entry in fs::read_dir(folder)? {
            remove(&entry?.path())?;
        }
        return Ok(());
    }
    match place(root, &path.with_file_name(hidden)) {
        Some(place) => remove(&place),
        None => Ok(()),
    }
}

/// Takes away what is at an entry's place and of another kind.
fn make_way(root: &Path, path: &Path, kind: EntryType) -> io::Result<()> {
    let Some(place) = place(root, path) else { return Ok(()) };
    match fs::symlink_metadata(&place) {
        Ok(there) if there.is_dir() != kind.is_dir() => remove(&place),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;

    enum Entry<'a> {
        File(&'a str, &'a str),
        Folder(&'a str),
        Link(&'a str, &'a str),
    }
    use Entry::{File as F, Folder as D, Link as L};

    fn layer(folder: &Path, entries: &[Entry<'_>]) -> PathBuf {
        let mut builder = Builder::new(Vec::new());
        for entry in entries {
            let mut header = Header::new_gnu();
            let (path, kind, content) = match entry {
                F(path, content) => (path, EntryType::Regular, *content),
                D(path) => (path, EntryType::Directory, ""),
                L(path, target) => {
                    header.set_link_name(target).unwrap();
                    (path, EntryType::Symlink, "")
                }
            };
            header.set_entry_type(kind);
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            // Not by `set_path`, which refuses what a hostile archive has.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        let file = folder.join(format!("layer{}", fs::read_dir(folder).unwrap().count()));
        fs::write(&file, builder.into_inner().unwrap()).unwrap();
        file
    }

    /// A root with these layers on each other, the error of the last, and what lies beside the root.
    fn with(layers: &[&[Entry<'_>]]) -> (tempfile::TempDir, PathBuf, Result<(), ImageError>) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(folder.path().join("outside"), "safe").unwrap();
        let mut left = 100;
        let mut result = Ok(());
        for entries in layers {
            result = apply(&layer(folder.path(), entries), &root, &mut left);
        }
        (folder, root, result)
    }

    #[test]
    fn a_layer_replaces_and_takes_away() {
        let (_folder, root, result) = with(&[
            &[D("a"), F("a/one", "1"), F("a/two", "2"), D("b"), F("b/three", "3"), D("c"), F("d", "file")],
            &[
                F("a/.wh.one", ""),
                F("a/two", "new"),
                F("b/new", "n"),
                F("b/.wh..wh..opq", ""),
                F("c", "now a file"),
                D("d"),
            ],
        ]);
        result.unwrap();
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        assert_eq!((read("a/one"), read("a/two").as_deref()), (None, Some("new")));
        assert_eq!((read("b/three"), read("b/new").as_deref()), (None, Some("n")));
        assert_eq!(read("c").as_deref(), Some("now a file"));
        assert!(root.join("d").is_dir() && !root.join("a/.wh.one").exists());
    }

    #[test]
    fn nothing_reaches_out_of_the_root() {
        for entries in [
            &[F("../outside", "bad")][..],
            &[L("l", ".."), F("l/outside", "bad")],
            &[L("l", "../outside"), F("l", "bad")],
            &[L("l", ".."), F("l/.wh.outside", "")],
            &[L("l", ".."), F("l/.wh..wh..opq", "")],
        ] {
            let (folder, _, _) = with(&[entries]);
            assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "safe");
            let (folder, _, _) = with(&[&entries[..1], &entries[1..]]);
            assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "safe");
        }
        assert!(with(&[&[F("../outside", "bad")]]).2.is_err());
        assert!(with(&[&[L("l", ".."), F("l/outside", "bad")]]).2.is_err());
    }

    #[test]
    fn a_layer_has_a_limit() {
        let content = "x".repeat(101);
        assert!(with(&[&[F("a", &content)]]).2.unwrap_err().to_string().contains("too large"));
    }
}
