//! The Docker clients that the end-to-end tests use.
//!
//! The SDKs are installed below the target folder, at the versions that the repository names. Docker's own command line
//! and the languages themselves are the machine's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::{root, target};
use crate::say::say;
use crate::tools;

/// Where the clients are.
pub(crate) struct Clients {
    pub(crate) docker: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) node: PathBuf,
    /// Where Node finds the packages.
    pub(crate) node_modules: PathBuf,
}

/// Finds the clients, and installs the SDKs.
pub(crate) fn install() -> Result<Clients> {
    let mut missing = Vec::new();
    let mut find = |program: &str, advice: &str| {
        let found = tools::output(Command::new("sh").args(["-c", &format!("command -v {program}")]));
        found.map(PathBuf::from).unwrap_or_else(|| {
            missing.push(format!("{program}: {advice}"));
            PathBuf::new()
        })
    };
    let docker = find("docker", "the Docker CLI (no engine is needed), Debian's package docker-cli or docker.io");
    let python = find("python3", "Python 3 with venv, Debian's packages python3 and python3-venv");
    let node = find("node", "Node.js, Debian's packages nodejs and npm");
    find("npm", "npm, Debian's package npm");
    if !missing.is_empty() {
        bail!("the tests need what is not on this machine:\n  {}", missing.join("\n  "));
    }
    let clients = target().join("clients");
    let python = python_packages(&clients, &python)?;
    let node_modules = node_packages(&clients)?;
    Ok(Clients { docker, python, node, node_modules })
}

fn python_packages(clients: &std::path::Path, python: &std::path::Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/python/requirements.txt");
    let venv = clients.join("python");
    let interpreter = venv.join("bin/python");
    if is_current(&wanted, &venv)? {
        return Ok(interpreter);
    }
    say("installing the Docker SDK for Python");
    tools::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
    tools::run(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&wanted),
    )?;
    mark_current(&wanted, &venv)?;
    Ok(interpreter)
}

fn node_packages(clients: &std::path::Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/node/package.json");
    let folder = clients.join("node");
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

/// Whether a folder holds what a list names, as that list is now.
fn is_current(list: &std::path::Path, folder: &std::path::Path) -> Result<bool> {
    let wanted = std::fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(std::fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == wanted))
}

fn mark_current(list: &std::path::Path, folder: &std::path::Path) -> Result<()> {
    std::fs::copy(list, folder.join("installed")).with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(())
}
