//! The SDKs for Python and Node, from their registries.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{is_current, mark_current};
use crate::build::root;
use crate::say::say;
use crate::tools;

/// Answers the interpreter that finds the packages.
pub(super) fn python(folder: &Path, python: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/python/requirements.txt");
    let venv = folder.join("python");
    let interpreter = venv.join("bin/python");
    if is_current(&wanted, &venv)? {
        return Ok(interpreter);
    }
    say("installing the clients for Python");
    tools::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
    tools::run(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&wanted),
    )?;
    mark_current(&wanted, &venv)?;
    Ok(interpreter)
}

/// Answers where Node finds the packages.
pub(super) fn node(folder: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/node/package.json");
    let folder = folder.join("node");
    let modules = folder.join("node_modules");
    if is_current(&wanted, &folder)? {
        return Ok(modules);
    }
    say("installing dockerode for Node");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(&wanted, folder.join("package.json"))?;
    tools::run(Command::new("npm").current_dir(&folder).args(["install", "--silent", "--no-audit", "--no-fund"]))?;
    mark_current(&wanted, &folder)?;
    Ok(modules)
}
