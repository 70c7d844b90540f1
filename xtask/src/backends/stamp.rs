//! Whether a component was made of the files that are there now: some compilers take half a minute to find out that nothing is new.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{read, sources, write};

/// What tells one state of these folders from another.
pub(super) fn of(folders: &[&Path]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for folder in folders {
        for file in sources::of(folder)? {
            file.hash(&mut hasher);
            read(&file)?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Whether a component has this stamp.
pub(super) fn is(component: &Path, stamp: &str) -> bool {
    std::fs::read_to_string(beside(component)).is_ok_and(|found| found == stamp)
}

/// Gives a component its stamp.
pub(super) fn set(component: &Path, stamp: &str) -> Result<()> {
    write(&beside(component), stamp.as_bytes())
}

fn beside(component: &Path) -> PathBuf {
    component.with_extension("stamp")
}
