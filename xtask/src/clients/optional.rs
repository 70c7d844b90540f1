//! Clients of which a machine may lack what they need.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::build::root;
use crate::registries::{is_current, mark_current};
use crate::say::say;
use crate::tools::{self, find};

/// Such a client.
pub(super) struct Optional {
    pub(super) name: &'static str,
    /// The program that it needs.
    pub(super) needs: &'static str,
    pub(super) advice: &'static str,
    /// Tells the tests where it is.
    pub(super) variable: &'static str,
    install: fn(&Path) -> Result<PathBuf>,
}

pub(super) const ALL: [Optional; 5] = [
    Optional {
        name: "the Docker SDK for Go",
        needs: "go",
        advice: "install Go 1.26 or newer",
        variable: "SOCKERLESS_TEST_GO",
        install: go,
    },
    Optional {
        name: "docker-java",
        needs: "mvn",
        advice: "install a JDK 17 or newer and Maven",
        variable: "SOCKERLESS_TEST_JAVA",
        install: java,
    },
    Optional {
        name: "act",
        needs: "go",
        advice: "install Go 1.26 or newer",
        variable: "SOCKERLESS_TEST_ACT",
        install: act,
    },
    Optional {
        name: "docker compose",
        needs: "docker-compose",
        advice: "install Docker Compose 2, Debian's package docker-compose from trixie on",
        variable: "SOCKERLESS_TEST_COMPOSE",
        install: |_| Ok(find("docker-compose").unwrap_or_default()),
    },
    Optional {
        name: "a registry of images",
        needs: "docker-registry",
        advice: "install Docker's registry, Debian's package docker-registry",
        variable: "SOCKERLESS_TEST_REGISTRY",
        install: |_| Ok(find("docker-registry").unwrap_or_default()),
    },
];

impl Optional {
    /// Nothing if what it needs is not there.
    pub(super) fn install(&self, folder: &Path) -> Result<Option<PathBuf>> {
        if find(self.needs).is_none() { Ok(None) } else { (self.install)(folder).map(Some) }
    }
}

/// Answers the program that is the scenario.
fn go(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("go/scenario");
    say("building the Go client of the tests");
    tools::run(
        Command::new("go")
            .current_dir(root().join("tests/clients/go"))
            .args(["build", "-mod=readonly", "-o"])
            .arg(&program)
            .arg("."),
    )?;
    Ok(program)
}

/// Answers the folder of the libraries.
fn java(folder: &Path) -> Result<PathBuf> {
    let source = root().join("tests/clients/java");
    let wanted = source.join("pom.xml");
    let folder = folder.join("java");
    if is_current(&wanted, &folder)? {
        return Ok(folder);
    }
    say("installing docker-java");
    std::fs::create_dir_all(&folder)?;
    tools::run(
        Command::new("mvn")
            .current_dir(&source)
            .args(["--quiet", "--batch-mode", "dependency:copy-dependencies"])
            .arg(format!("-DoutputDirectory={}", folder.display())),
    )?;
    mark_current(&wanted, &folder)?;
    Ok(folder)
}

/// `act` runs GitHub's workflows. Its version stands in a file beside the tests.
fn act(folder: &Path) -> Result<PathBuf> {
    let wanted = root().join("tests/clients/act/version");
    let folder = folder.join("act");
    let program = folder.join("act");
    if is_current(&wanted, &folder)? {
        return Ok(program);
    }
    say("building act");
    let version = std::fs::read_to_string(&wanted)?;
    let package = format!("github.com/nektos/act@{}", version.trim());
    tools::run(Command::new("go").args(["install", &package]).env("GOBIN", &folder).env_remove("GOFLAGS"))?;
    mark_current(&wanted, &folder)?;
    Ok(program)
}
