//! The Docker clients that the end-to-end tests use.
//!
//! What is in a package registry is installed below the target folder, at the versions that the repository names. Docker's own
//! command line and the languages themselves are the machine's. Without some of them a machine can still test: they are
//! [`optional`], but where `CI` is set.

mod optional;
mod sdks;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::build::target;
use crate::say::say;
use crate::tools::find;

/// A variable that tells the tests where something is, and its value.
pub(crate) type Variable = (&'static str, PathBuf);

/// What the clients need of this machine.
pub(crate) struct Programs {
    docker: PathBuf,
    python: PathBuf,
    node: PathBuf,
}

/// Finds what every machine must have.
pub(crate) fn find_programs() -> Result<Programs> {
    let mut missing = Vec::new();
    let mut needed = |program: &str, advice: &str| {
        find(program).unwrap_or_else(|| {
            missing.push(format!("{program}: {advice}"));
            PathBuf::new()
        })
    };
    let docker = needed("docker", "the Docker CLI (no engine is needed), Debian's package docker-cli or docker.io");
    let python = needed("python3", "Python 3 with venv, Debian's packages python3 and python3-venv");
    let node = needed("node", "Node.js, Debian's packages nodejs and npm");
    needed("npm", "npm, Debian's package npm");
    needed("script", "script, which makes terminals for the tests, Debian's package bsdutils");
    needed("git", "git, Debian's package git");
    if !missing.is_empty() {
        bail!("the tests need what is not on this machine:\n  {}", missing.join("\n  "));
    }
    Ok(Programs { docker, python, node })
}

/// Installs the clients. Answers where the tests find each.
pub(crate) fn install(programs: Programs) -> Result<Vec<Variable>> {
    let Programs { docker, python, node } = programs;
    let folder = target().join("clients");
    let mut variables = vec![
        ("SOCKERLESS_TEST_DOCKER", docker),
        ("SOCKERLESS_TEST_PYTHON", sdks::python(&folder, &python)?),
        ("SOCKERLESS_TEST_NODE", node),
        ("SOCKERLESS_TEST_NODE_MODULES", sdks::node(&folder)?),
    ];
    for client in optional::ALL {
        match client.install(&folder)? {
            Some(path) => variables.push((client.variable, path)),
            None if std::env::var_os("CI").is_some() => {
                bail!("{} is not on this machine, and in CI it is needed: {}", client.needs, client.advice)
            }
            None => say(format_args!(
                "{} is not on this machine: tests with {} are skipped ({})",
                client.needs, client.name, client.advice
            )),
        }
    }
    Ok(variables)
}
