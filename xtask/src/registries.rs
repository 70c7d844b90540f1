//! What is in the package registries of Python and Node: installed once below the target folder, at the versions that a list in the
//! repository names.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::say::say;
use crate::tools;

/// A virtual environment with the packages of a list (`requirements.txt`). Answers its interpreter.
pub(crate) fn venv(python: &Path, wanted: &Path, folder: &Path, what: &str) -> Result<PathBuf> {
    let interpreter = folder.join("bin/python");
    if is_current(wanted, folder)? {
        return Ok(interpreter);
    }
    say(format_args!("installing {what}"));
    tools::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    tools::run(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(wanted),
    )?;
    mark_current(wanted, folder)?;
    Ok(interpreter)
}

/// A folder with the packages of a list (`package.json`). Answers where Node finds them.
pub(crate) fn node_modules(wanted: &Path, folder: &Path, what: &str) -> Result<PathBuf> {
    let modules = folder.join("node_modules");
    if is_current(wanted, folder)? {
        return Ok(modules);
    }
    say(format_args!("installing {what}"));
    std::fs::create_dir_all(folder)?;
    std::fs::copy(wanted, folder.join("package.json"))
        .with_context(|| format!("cannot copy {} to {}", wanted.display(), folder.display()))?;
    tools::run(Command::new("npm").current_dir(folder).args([
        "install",
        "--loglevel=error",
        "--no-audit",
        "--no-fund",
    ]))?;
    mark_current(wanted, folder)?;
    Ok(modules)
}

/// Whether a folder holds what a list names, as that list is now.
pub(crate) fn is_current(list: &Path, folder: &Path) -> Result<bool> {
    let wanted = std::fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(std::fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == wanted))
}

/// Notes that a folder holds what a list names.
pub(crate) fn mark_current(list: &Path, folder: &Path) -> Result<()> {
    std::fs::copy(list, folder.join("installed")).with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(())
}
