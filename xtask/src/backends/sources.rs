//! What an example consists of: the files that somebody wrote, without what a user may have installed or built among them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Names of folders with what the commands of the examples' READMEs make.
const MADE: [&str; 8] =
    ["node_modules", "types", "__pycache__", "venv", "target", "bindings", "imports", "wit_exports"];

/// The files below a folder, sorted.
pub(super) fn of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

/// Makes a folder hold the same files as another, and nothing else.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    // A file that was renamed must not stay.
    if to.is_dir() {
        std::fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    for file in of(from)? {
        copy_file(&file, &to.join(file.strip_prefix(from)?))?;
    }
    Ok(())
}

/// Copies a file, into a folder that need not be there.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

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
