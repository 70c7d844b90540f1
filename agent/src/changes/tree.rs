//! All files of a file system, with what tells whether they have changed.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a listing may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) time: Duration,
    pub(super) entries: usize,
    /// Of all names together.
    pub(super) name_bytes: usize,
}

/// Why there is no listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unlisted {
    #[error("the container has more than {0} files, too many to keep track of")]
    TooMany(usize),
    #[error("the files could not be listed within {0} s")]
    TooLong(u64),
    #[error("the listing was ended")]
    Ended,
    #[error("more than {0} files have changed: too many to tell")]
    TooManyChanges(usize),
}

/// What of a file shows that it was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    mode: u32,
    uid: u32,
    gid: u32,
    device: u64,
    /// Of a folder these are left out: what is in it tells for itself.
    size: u64,
    inode: u64,
    changed: (i64, i64),
    /// Of a folder: when something came or went.
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let file = |value: u64| if metadata.is_dir() { 0 } else { value };
        let changed = if metadata.is_dir() { (0, 0) } else { (metadata.ctime(), metadata.ctime_nsec()) };
        Self {
            mode: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            device: metadata.rdev(),
            size: file(metadata.size()),
            inode: file(metadata.ino()),
            changed,
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// The entries of all folders, by the folder's path below the root, and by their names.
#[derive(Debug, Default)]
pub(super) struct Tree(pub(super) BTreeMap<PathBuf, BTreeMap<OsString, Stamp>>);

/// Kernel and devices: none of it is of an image.
const LEFT_OUT: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Lists what is below a root. Mounts are left out, with what is below them: they are not of the image.
pub(super) fn list(root: &Path, limits: Limits, is_ended: &dyn Fn() -> bool) -> Result<Tree, Unlisted> {
    let begin = Instant::now();
    let mounts = mount_points();
    let (mut entries, mut name_bytes) = (0_usize, 0_usize);
    let mut tree = Tree::default();
    let mut next = vec![PathBuf::from("/")];
    while let Some(folder) = next.pop() {
        let real = root.join(folder.strip_prefix("/").unwrap_or(&folder));
        let mut names = BTreeMap::new();
        // A folder that vanishes meanwhile has nothing in it.
        for entry in std::fs::read_dir(&real).into_iter().flatten().flatten() {
            if is_ended() {
                return Err(Unlisted::Ended);
            }
            if begin.elapsed() > limits.time {
                return Err(Unlisted::TooLong(limits.time.as_secs()));
            }
            let path = folder.join(entry.file_name());
            if LEFT_OUT.iter().any(|left_out| path == Path::new(left_out))
                || mounts.contains(&real.join(entry.file_name()))
            {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            entries += 1;
            name_bytes += entry.file_name().len();
            if entries > limits.entries || name_bytes > limits.name_bytes {
                return Err(Unlisted::TooMany(entries - 1));
            }
            if metadata.is_dir() {
                next.push(path);
            }
            names.insert(entry.file_name(), Stamp::of(&metadata));
        }
        tree.0.insert(folder, names);
    }
    Ok(tree)
}

/// Where something is mounted that is not of the image. Layers are, also where a platform lays each folder of an image by itself.
fn mount_points() -> HashSet<PathBuf> {
    foreign(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// Of `mountinfo`: the fifth field is the mount point, the first behind the lone `-` the kind of file system.
fn foreign(mountinfo: &[u8]) -> HashSet<PathBuf> {
    let point = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let kind = fields.iter().position(|field| *field == b"-").and_then(|dash| fields.get(dash + 1));
        let point = fields.get(4).filter(|_| kind.is_some_and(|kind| *kind != b"overlay"))?;
        Some(PathBuf::from(OsString::from_vec(unescaped(point))))
    };
    mountinfo.split(|byte| *byte == b'\n').filter_map(point).collect()
}

/// The kernel writes a space, a tab, a line break and a backslash as `\` and three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let code = behind.get(..3).filter(|_| byte == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => {
                out.push(code);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(60), entries: 10, name_bytes: 100 };

    #[test]
    fn the_kernels_spelling_is_undone() {
        assert_eq!(unescaped(br"/a\040b\134c\x"), br"/a b\c\x");
        assert_eq!(unescaped(br"/a\04"), br"/a\04");
    }

    #[test]
    fn layers_are_of_the_image_and_other_mounts_are_not() {
        let mountinfo = b"21 1 0:19 / / rw,relatime - overlay overlay rw,lowerdir=/l\n\
            22 21 0:20 / /etc rw shared:1 master:2 - overlay overlay rw\n\
            23 22 8:1 /x /etc/hosts rw,relatime - ext4 /dev/sda1 rw\n\
            24 21 0:21 / /my\\040data rw - tmpfs tmpfs rw\n\
            25 21 0:22\n";
        let expected = ["/etc/hosts", "/my data"].map(PathBuf::from);
        assert_eq!(foreign(mountinfo), HashSet::from(expected));
    }

    #[test]
    fn a_listing_has_limits() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..11 {
            std::fs::write(root.path().join(number.to_string()), "").unwrap();
        }
        assert_eq!(list(root.path(), LIMITS, &|| false).err(), Some(Unlisted::TooMany(10)));
        let more = Limits { entries: 20, ..LIMITS };
        assert_eq!(list(root.path(), more, &|| false).unwrap().0[Path::new("/")].len(), 11);
        assert_eq!(list(root.path(), more, &|| true).err(), Some(Unlisted::Ended));
        assert_eq!(list(root.path(), Limits { name_bytes: 3, ..more }, &|| false).err(), Some(Unlisted::TooMany(3)));
        let none = Limits { time: Duration::ZERO, ..more };
        assert_eq!(list(root.path(), none, &|| false).err(), Some(Unlisted::TooLong(0)));
    }

    #[test]
    fn the_kernels_own_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["proc/1", "dev/x", "etc"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let tree = list(root.path(), LIMITS, &|| false).unwrap();
        assert_eq!(tree.0.keys().collect::<Vec<_>>(), [Path::new("/"), Path::new("/etc")]);
    }
}
