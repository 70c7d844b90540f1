//! Whether a component was made of the files that are there now: some compilers take half a minute to find out that nothing is new.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{read, write};

/// What tells one state of these folders from another.
pub(super) fn of(folders: &[&Path]) -> Result<String> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        read(&file)?.hash(&mut hasher);
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

/// Names of folders with what a user may have installed or built in the source's own folder.
const MADE: [&str; 5] = ["node_modules", "types", "__pycache__", "venv", "target"];

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            if !path.file_name().is_some_and(|name| MADE.iter().any(|made| name == *made)) {
                collect(&path, files)?;
            }
        } else if path.extension().is_none_or(|extension| extension != "wasm" && extension != "module") {
            files.push(path);
        }
    }
    Ok(())
}
