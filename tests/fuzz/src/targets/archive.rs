//! Files as tar archives, in both directions.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use sockerless_agent::archive::{Place, WriteOptions, read, write};

use crate::choices::Choices;

/// What is at a path: its kind and mode, its contents or where it leads, and how many names it has.
type Entry = (u32, Vec<u8>, u64);

/// An archive that means harm, or is damaged: whatever it is, nothing outside of the folder changes. The first byte has the options.
pub(super) fn extract(input: &[u8]) {
    let mut choices = Choices::new(input);
    let options = choices.byte();
    let options = WriteOptions { no_overwrite_dir_non_dir: options & 1 != 0, keep_owners: options & 2 != 0 };
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("in");
    fs::create_dir_all(inside.join("d")).unwrap();
    fs::create_dir_all(folder.path().join("outside/d")).unwrap();
    fs::write(folder.path().join("outside/f"), "kept").unwrap();
    fs::write(folder.path().join("outside/d/f"), "kept").unwrap();
    // Links that were there before.
    symlink("../outside", inside.join("link")).unwrap();
    symlink("../outside/f", inside.join("file")).unwrap();
    let before = tree(&folder.path().join("outside"));
    // What it is an error for is its own business.
    let _ = write(inside.to_str().unwrap(), options, choices.rest());
    assert_eq!(tree(&folder.path().join("outside")), before, "the archive has left the folder");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    release(&inside);
}

/// Files that the input describes, made into an archive and out of it again: they are the same.
pub(super) fn round_trip(input: &[u8]) {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let top = from.path().join("top");
    fs::create_dir(&top).unwrap();
    plant(&top, input);
    let mut archive = Vec::new();
    read(&Place::find(top.to_str().unwrap()).unwrap(), &mut archive).unwrap();
    write(to.path().to_str().unwrap(), WriteOptions::default(), &archive[..]).unwrap();
    let (arrived, planted) = (tree(&to.path().join("top")), tree(&top));
    for (path, entry) in &planted {
        assert_eq!(arrived.get(path), Some(entry), "{}", path.display());
    }
    assert_eq!(arrived.len(), planted.len(), "there is more than there was");
    release(&top);
    release(&to.path().join("top"));
}

/// Makes files, folders and links, as long as there is something to decide by.
fn plant(top: &Path, input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut folders = vec![top.to_path_buf()];
    let mut files: Vec<PathBuf> = Vec::new();
    for _ in 0..64 {
        if choices.is_over() {
            return;
        }
        let kind = choices.byte();
        let folder = folders[usize::from(choices.byte()) % folders.len()].clone();
        let name = choices.some();
        if name.is_empty() || matches!(name, b"." | b"..") || name.contains(&0) || name.contains(&b'/') {
            continue;
        }
        let path = folder.join(OsStr::from_bytes(name));
        // A name that is there already, or a path that is too long, is not made.
        match kind % 4 {
            0 => {
                if fs::create_dir(&path).is_ok() {
                    folders.push(path);
                }
            }
            1 => {
                let mode = u32::from(choices.byte()) | 0o400;
                if !path.exists() && fs::write(&path, choices.some()).is_ok() {
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o777)).unwrap();
                    files.push(path);
                }
            }
            2 => {
                let target = choices.some();
                if !target.is_empty() && !target.contains(&0) {
                    let _ = symlink(OsStr::from_bytes(target), &path);
                }
            }
            _ => {
                let number = usize::from(choices.byte());
                if let Some(file) = files.get(number % files.len().max(1)) {
                    let _ = fs::hard_link(file, &path);
                }
            }
        }
    }
}

/// Everything below a folder, by its path.
fn tree(top: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut next = vec![top.to_path_buf()];
    while let Some(path) = next.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let (mut content, mut names) = (Vec::new(), 0);
        if metadata.is_symlink() {
            content = fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec();
        } else if metadata.is_dir() {
            next.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            content = fs::read(&path).unwrap();
            names = metadata.nlink();
        }
        let mode = if metadata.is_symlink() { 0 } else { metadata.mode() };
        found.insert(path.strip_prefix(top).unwrap().to_path_buf(), (mode, content, names));
    }
    found
}

/// Lets folders be removed that an archive has closed.
fn release(top: &Path) {
    let mut next = vec![top.to_path_buf()];
    while let Some(path) = next.pop() {
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o700));
            next.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
}
