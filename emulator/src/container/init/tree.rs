//! Lays the directories of an image, or of the machine in its stead, into the new root, each under a writable layer.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use super::rootfs::inside;

/// Directories that the container has its own of.
const OWN: [&str; 6] = ["dev", "lost+found", "proc", "run", "sys", "tmp"];

/// How deep a directory with mounts in it is taken apart.
const MAX_DEPTH: usize = 4;

/// Files outside any overlay are copied up to this size: swap files and images are not wanted.
const MAX_COPY: u64 = 4 << 20;

/// A file that the container sees in place of the machine's.
pub(super) struct Seed {
    /// Absolute path in the container.
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
}

impl Seed {
    pub(super) fn text(path: &str, content: String) -> Self {
        Self { path: PathBuf::from(path), content: content.into_bytes(), mode: 0o644 }
    }

    fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(parent) = file.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        fs::write(file, &self.content)?;
        fs::set_permissions(file, fs::Permissions::from_mode(self.mode))
    }

    /// Writes the file into the finished root where the layers did not bring it.
    pub(super) fn ensure(&self, root: &Path) -> io::Result<()> {
        let file = inside(root, &self.path);
        let is_there = fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file());
        if is_there && fs::read(&file).is_ok_and(|content| content == self.content) {
            return Ok(());
        }
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.write(&file),
        }
    }
}

/// Builds the directories below one root.
pub(super) struct Tree<'a, N> {
    scratch: &'a Path,
    /// What stands for the image.
    base: &'a Path,
    root: &'a Path,
    seeds: &'a [Seed],
    note: N,
    layers: usize,
}

impl<'a, N: FnMut(String)> Tree<'a, N> {
    pub(super) fn new(scratch: &'a Path, base: &'a Path, root: &'a Path, seeds: &'a [Seed], note: N) -> Self {
        Self { scratch, base, root, seeds, note, layers: 0 }
    }

    /// Brings every top-level entry of the image into the root.
    pub(super) fn build(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(self.base)? {
            let name = entry?.file_name();
            if OWN.iter().all(|own| name != *own) {
                let path = self.base.join(&name);
                if let Err(error) = self.bring(&path, 0) {
                    (self.note)(format!("{} is missing in the container: {error}", path.display()));
                }
            }
        }
        Ok(())
    }

    /// The path in the container of something of the image.
    fn path_of(&self, lower: &Path) -> PathBuf {
        Path::new("/").join(lower.strip_prefix(self.base).unwrap_or(lower))
    }

    fn bring(&mut self, lower: &Path, depth: usize) -> io::Result<()> {
        let metadata = fs::symlink_metadata(lower)?;
        let target = inside(self.root, self.path_of(lower));
        if metadata.is_symlink() {
            symlink(fs::read_link(lower)?, &target)
        } else if metadata.is_dir() {
            self.directory(lower, &target, &metadata, depth)
        } else if metadata.is_file() && metadata.len() <= MAX_COPY {
            fs::copy(lower, &target)?;
            own(&target, &metadata);
            Ok(())
        } else {
            Ok(())
        }
    }

    fn directory(&mut self, lower: &Path, target: &Path, metadata: &Metadata, depth: usize) -> io::Result<()> {
        fs::create_dir(target)?;
        own(target, metadata);
        let refused = match self.overlay(lower, target, metadata) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // Something is mounted below it: its entries one by one, then.
        if refused.raw_os_error() != Some(Errno::EINVAL as i32) || depth == MAX_DEPTH {
            (self.note)(format!("{} is empty in the container: {refused}", lower.display()));
            return Ok(());
        }
        for entry in fs::read_dir(lower)? {
            let path = entry?.path();
            if let Err(error) = self.bring(&path, depth + 1) {
                (self.note)(format!("{} is missing in the container: {error}", path.display()));
            }
        }
        Ok(())
    }

    fn overlay(&mut self, lower: &Path, target: &Path, metadata: &Metadata) -> io::Result<()> {
        self.layers += 1;
        let upper = self.scratch.join(format!("upper{}", self.layers));
        let work = self.scratch.join(format!("work{}", self.layers));
        fs::create_dir(&upper)?;
        fs::create_dir(&work)?;
        // The merged directory has the attributes of the upper one.
        own(&upper, metadata);
        for seed in self.seeds {
            if let Ok(relative) = seed.path.strip_prefix(self.path_of(lower)) {
                seed.write(&upper.join(relative))?;
            }
        }
        let path = lower.to_str().filter(|path| !path.contains([',', ':', '\\']));
        let path = path.ok_or_else(|| io::Error::other("an overlay cannot have a lower directory of this name"))?;
        let options = format!("lowerdir={path},upperdir={},workdir={},userxattr", upper.display(), work.display());
        mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
        Ok(())
    }
}

/// Copies mode and owner. An owner who does not exist in the container cannot be had.
fn own(path: &Path, metadata: &Metadata) {
    let _ = chown(path, Some(metadata.uid()), Some(metadata.gid()));
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() & 0o7777));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replaces_a_link_and_leaves_its_target_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("elsewhere"), "machine").unwrap();
        symlink("../elsewhere", folder.path().join("etc/hosts")).unwrap();
        Seed::text("/etc/hosts", "own".to_owned()).ensure(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("etc/hosts")).unwrap(), "own");
        assert_eq!(fs::read_to_string(folder.path().join("elsewhere")).unwrap(), "machine");
    }
}
