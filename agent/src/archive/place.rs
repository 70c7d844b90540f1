//! What is at a path.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use sockerless_agent_protocol::archive::PathStat;

use super::ArchiveError;

/// Go's bits for the kind of a file.
mod mode {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const DEVICE: u32 = 1 << 26;
    pub(super) const PIPE: u32 = 1 << 25;
    pub(super) const SOCKET: u32 = 1 << 24;
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const CHARACTER: u32 = 1 << 21;
    pub(super) const STICKY: u32 = 1 << 20;
}

/// A path of the container at which there is something.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file itself, if it is a link the link.
    pub(super) path: PathBuf,
    /// What the archive calls it.
    pub(super) name: String,
    /// As Docker's clients are told of it.
    pub stat: PathStat,
}

impl Place {
    /// Looks at a path. Its last part is not followed if it is a link, unless a slash says so.
    ///
    /// # Errors
    /// There is nothing, or it is the kernel's.
    pub fn find(written: &str) -> Result<Self, ArchiveError> {
        let absolute = clean(written);
        refuse_kernel(&absolute)?;
        let follow = written.ends_with('/') || written.ends_with("/.");
        let path = if follow {
            absolute.canonicalize()
        } else {
            match (absolute.parent(), absolute.file_name()) {
                (Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
                _ => Ok(PathBuf::from("/")),
            }
        };
        let path = path.map_err(|error| ArchiveError::of(written, &error))?;
        refuse_kernel(&path)?;
        let metadata = path.symlink_metadata().map_err(|error| ArchiveError::of(written, &error))?;
        let name = absolute.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned());
        let stat = PathStat {
            name: name.clone(),
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            mode: go_mode(&metadata),
            mtime: time(&metadata),
            link_target: link_target(&path, &metadata),
        };
        Ok(Self { path, name, stat })
    }
}

/// An absolute path without `.` and `..`.
pub(super) fn clean(written: &str) -> PathBuf {
    let mut path = PathBuf::from("/");
    for component in Path::new(written).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => {
                path.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    path
}

/// The kernel's own files are no files that could be copied.
pub(super) fn refuse_kernel(path: &Path) -> Result<(), ArchiveError> {
    if ["/proc", "/sys"].iter().any(|kernel| path.starts_with(kernel)) {
        return Err(ArchiveError::Forbidden(format!(
            "{} belongs to the kernel: read it with `docker exec … cat`, it cannot be copied",
            path.display()
        )));
    }
    Ok(())
}

fn go_mode(metadata: &Metadata) -> u32 {
    let kind = metadata.file_type();
    let mut bits = metadata.mode() & 0o777;
    for (is, bit) in [
        (kind.is_dir(), mode::DIRECTORY),
        (kind.is_symlink(), mode::SYMLINK),
        (kind.is_block_device(), mode::DEVICE),
        (kind.is_char_device(), mode::DEVICE | mode::CHARACTER),
        (kind.is_fifo(), mode::PIPE),
        (kind.is_socket(), mode::SOCKET),
        (metadata.mode() & 0o4000 != 0, mode::SETUID),
        (metadata.mode() & 0o2000 != 0, mode::SETGID),
        (metadata.mode() & 0o1000 != 0, mode::STICKY),
    ] {
        if is {
            bits |= bit;
        }
    }
    bits
}

fn time(metadata: &Metadata) -> String {
    let nanoseconds = i32::try_from(metadata.mtime_nsec()).unwrap_or(0);
    jiff::Timestamp::new(metadata.mtime(), nanoseconds)
        .map_or_else(|_| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// Where a link leads, as an absolute path; nothing for other files.
fn link_target(path: &Path, metadata: &Metadata) -> String {
    if !metadata.is_symlink() {
        return String::new();
    }
    let target = path.canonicalize().or_else(|_| {
        // It leads nowhere: as far as that can be said.
        std::fs::read_link(path).map(|target| clean(&path.with_file_name(target).to_string_lossy()))
    });
    target.map(|target| target.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (written, cleaned) in
            [("a/b", "/a/b"), ("/a/../../b/.", "/b"), ("", "/"), ("/..", "/"), ("//a//b/", "/a/b")]
        {
            assert_eq!(clean(written), Path::new(cleaned), "{written}");
        }
    }

    #[test]
    fn files_folders_and_links_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("file"), "abc").unwrap();
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        let file = Place::find(&format!("{root}/file")).unwrap().stat;
        assert_eq!((file.name.as_str(), file.size, file.mode >> 9), ("file", 3, 0));
        let link = Place::find(&format!("{root}/link")).unwrap().stat;
        assert_eq!(link.mode >> 9, mode::SYMLINK >> 9);
        assert_eq!(link.link_target, folder.path().canonicalize().unwrap().join("file").to_str().unwrap());
        assert!(Place::find(root).unwrap().stat.mode & mode::DIRECTORY != 0);
        assert_eq!(Place::find("/").unwrap().stat.name, "/");
    }

    #[test]
    fn what_is_not_there_and_what_is_the_kernels() {
        assert_eq!(Place::find("/no/such").unwrap_err(), ArchiveError::NotFound("/no/such".into()));
        assert!(matches!(Place::find("/proc/self/environ"), Err(ArchiveError::Forbidden(_))));
        assert!(matches!(Place::find("/tmp/../proc/1"), Err(ArchiveError::Forbidden(_))));
    }
}
