//! The SDKs for Python and Node, from their registries.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::build::root;
use crate::registries;

/// Answers the interpreter that finds the packages.
pub(super) fn python(folder: &Path, python: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/python/requirements.txt");
    registries::venv(python, &wanted, &folder.join("python"), "the clients for Python")
}

/// Answers where Node finds the packages.
pub(super) fn node(folder: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/node/package.json");
    registries::node_modules(&wanted, &folder.join("node"), "dockerode for Node")
}
