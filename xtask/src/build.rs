//! Building what the project consists of.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::say::say;
use crate::tools;

/// Where everything is once it is built.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) daemon: PathBuf,
    pub(crate) emulator: PathBuf,
    pub(crate) agent: PathBuf,
    pub(crate) component: PathBuf,
}

impl fmt::Display for Built {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { daemon, emulator, agent, component } = self;
        write!(
            formatter,
            "daemon     {}\nemulator   {}\nagent      {}\ncomponent  {}",
            daemon.display(),
            emulator.display(),
            agent.display(),
            component.display()
        )
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // This package is a folder of the workspace's root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds daemon, emulator, agent and component, each once and with the settings that all of the commands share.
pub(crate) fn everything() -> Result<Built> {
    tools::c_compiler()?;
    tools::rust_targets()?;
    say("building azf.wasm (1 of 3)");
    build(&["--package", "sockerless-azf", "--target", "wasm32-wasip2", "--profile", "component"])?;
    say("building the agent, statically linked (2 of 3)");
    build(&["--package", "sockerless-agent", "--target", "x86_64-unknown-linux-musl", "--profile", "agent"])?;
    say("building the daemon and the emulator (3 of 3; the first time this takes some minutes)");
    build(&["--package", "sockerless", "--package", "sockerless-emulator"])?;
    let target = target();
    let built = Built {
        daemon: target.join("debug/sockerless"),
        emulator: target.join("debug/azure-emulator"),
        agent: target.join("x86_64-unknown-linux-musl/agent/sockerless-agent"),
        component: target.join("wasm32-wasip2/component/sockerless_azf.wasm"),
    };
    for file in [&built.daemon, &built.emulator, &built.agent, &built.component] {
        if !file.is_file() {
            bail!("cargo has built everything, but {} is not there", file.display());
        }
    }
    Ok(built)
}

fn build(arguments: &[&str]) -> Result<()> {
    tools::run(tools::cargo().current_dir(root()).args(["build", "--locked"]).args(arguments))
}
