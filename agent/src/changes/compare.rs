//! What differs between two listings, as Docker tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sockerless_agent_protocol::changes::{ADDED, Change, DELETED, MODIFIED};

use super::tree::{Stamp, Tree, Unlisted};

/// More changes than so many are not told: they would have to be held in memory three times on their way.
const MOST: usize = 20_000;

/// The changes from one listing to another, sorted by path. A folder in which something has changed has changed too. Of what has gone
/// only the uppermost folder is named.
pub(super) fn compare(before: &Tree, now: &Tree) -> Result<Vec<Change>, Unlisted> {
    let none = BTreeMap::new();
    let mut kinds: BTreeMap<PathBuf, u8> = BTreeMap::new();
    for folder in before.0.keys().chain(now.0.keys()).collect::<BTreeSet<_>>() {
        let old = before.0.get(folder).unwrap_or(&none);
        let Some(new) = now.0.get(folder) else { continue };
        for (name, stamp) in new {
            let kind = match old.get(name) {
                None => ADDED,
                Some(was) if was == stamp => continue,
                // It may be another thing under the same name.
                Some(_) => MODIFIED,
            };
            kinds.insert(folder.join(name), kind);
        }
        for name in gone(old, new) {
            kinds.insert(folder.join(name), DELETED);
        }
        if kinds.len() > MOST {
            return Err(Unlisted::TooManyChanges(MOST));
        }
    }
    let parents: BTreeSet<PathBuf> = kinds
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| *path != Path::new("/"))
        .map(Path::to_path_buf)
        .collect();
    for parent in parents {
        kinds.entry(parent).or_insert(MODIFIED);
    }
    Ok(kinds.into_iter().map(|(path, kind)| Change { path: path.to_string_lossy().into_owned(), kind }).collect())
}

fn gone<'a>(
    old: &'a BTreeMap<OsString, Stamp>,
    new: &'a BTreeMap<OsString, Stamp>,
) -> impl Iterator<Item = &'a OsString> {
    old.keys().filter(|name| !new.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::tree::{Limits, list};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Duration;

    fn listed(root: &Path) -> Tree {
        let limits = Limits { time: Duration::from_secs(60), entries: 1_000, name_bytes: 1 << 20 };
        list(root, limits, &|| false).unwrap()
    }

    /// File systems keep time by the kernel's tick: a change within the same one could not be told.
    fn tick() {
        let probe = tempfile::NamedTempFile::new().unwrap();
        let written = || {
            fs::write(probe.path(), "x").unwrap();
            fs::metadata(probe.path()).unwrap().modified().unwrap()
        };
        let begin = written();
        while written() == begin {}
    }

    /// The changes that some work makes, in the form of `docker diff`.
    fn of(prepare: impl FnOnce(&Path), change: impl FnOnce(&Path)) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path());
        let before = listed(root.path());
        tick();
        change(root.path());
        let changes = compare(&before, &listed(root.path())).unwrap();
        let letter = |kind| match kind {
            MODIFIED => 'C',
            ADDED => 'A',
            _ => 'D',
        };
        changes.into_iter().map(|Change { path, kind }| format!("{} {path}", letter(kind))).collect()
    }

    fn image(root: &Path) {
        for folder in ["bin", "etc/deep/er", "root", "tmp", "home/one"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["bin/wget", "etc/group", "etc/passwd", "etc/deep/er/file", "home/one/file"] {
            fs::write(root.join(file), "image").unwrap();
        }
    }

    /// What the Engine tells of the same.
    #[test]
    fn as_the_engine_tells_it() {
        let found = of(image, |root| {
            fs::create_dir_all(root.join("tmp/a/b")).unwrap();
            fs::write(root.join("tmp/a/b/f"), "x").unwrap();
            fs::write(root.join("etc/passwd"), "other").unwrap();
            fs::remove_file(root.join("bin/wget")).unwrap();
            fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o700)).unwrap();
            fs::create_dir(root.join("usr2")).unwrap();
        });
        let expected = [
            "C /bin",
            "D /bin/wget",
            "C /etc",
            "C /etc/passwd",
            "C /root",
            "C /tmp",
            "A /tmp/a",
            "A /tmp/a/b",
            "A /tmp/a/b/f",
            "A /usr2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn of_what_has_gone_only_the_uppermost_is_named_and_a_folder_with_a_change_deep_in_it_has_changed() {
        let found = of(image, |root| {
            fs::remove_dir_all(root.join("home")).unwrap();
            fs::write(root.join("etc/deep/er/file"), "other").unwrap();
        });
        assert_eq!(found, ["C /etc", "C /etc/deep", "C /etc/deep/er", "C /etc/deep/er/file", "D /home"]);
    }

    #[test]
    fn another_thing_under_the_same_name_is_a_change() {
        let found = of(image, |root| {
            fs::remove_file(root.join("etc/passwd")).unwrap();
            fs::create_dir(root.join("etc/passwd")).unwrap();
            fs::remove_file(root.join("bin/wget")).unwrap();
            symlink("/x", root.join("bin/wget")).unwrap();
        });
        assert_eq!(found, ["C /bin", "C /bin/wget", "C /etc", "C /etc/passwd"]);
    }

    #[test]
    fn what_was_only_read_has_not_changed() {
        let found = of(image, |root| drop(fs::read(root.join("etc/passwd")).unwrap()));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn very_many_changes_are_refused() {
        let mut now = Tree::default();
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("x"), "").unwrap();
        let stamp = listed(root.path()).0[Path::new("/")][&OsString::from("x")];
        let names = (0..=MOST).map(|number| (OsString::from(number.to_string()), stamp));
        now.0.insert("/".into(), names.collect());
        let before = Tree(BTreeMap::from([("/".into(), BTreeMap::new())]));
        assert_eq!(compare(&before, &now), Err(Unlisted::TooManyChanges(MOST)));
    }
}
