//! Building what the project consists of.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::agent::{self, Processor};
use crate::azf;
use crate::say::say;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Builds the agent for images of this processor as well. May be given more than once.
    #[arg(long, value_name = "PROCESSOR")]
    agent_target: Vec<Processor>,
}

/// Builds everything, and prints where it is.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!("{}", everything()?);
    for &processor in &options.agent_target {
        println!("agent      {}", agent::cross(processor)?.display());
    }
    Ok(())
}

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

/// What only the tests need.
#[derive(Debug, Clone)]
pub(crate) struct TestComponents {
    /// azf.wasm as a later version.
    pub(crate) next: PathBuf,
    /// Where the tests of the plugin host find the backends that misbehave.
    pub(crate) guests: PathBuf,
    /// One of those, with logs.
    pub(crate) guest: PathBuf,
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
    azf::build()?;
    say("building the agent, statically linked (2 of 3)");
    let agent = agent()?;
    say("building the daemon and the emulator (3 of 3; the first time this takes some minutes)");
    programs()?;
    let target = target();
    let built = Built {
        daemon: target.join("debug/sockerless"),
        emulator: target.join("debug/azure-emulator"),
        agent,
        component: target.join(azf::FILE),
    };
    for file in [&built.daemon, &built.emulator, &built.agent, &built.component] {
        if !file.is_file() {
            bail!("cargo has built everything, but {} is not there", file.display());
        }
    }
    Ok(built)
}

/// Builds the agent for images of this machine's processor.
pub(crate) fn agent() -> Result<PathBuf> {
    build(&["--package", "sockerless-agent", "--target", "x86_64-unknown-linux-musl", "--profile", "agent"])?;
    Ok(target().join("x86_64-unknown-linux-musl/agent/sockerless-agent"))
}

/// Builds the programs for this machine.
pub(crate) fn programs() -> Result<()> {
    // With the whole workspace in view, as `cargo test` has it: with another set of packages dependencies get other features, and
    // the tests would compile most of them a second time.
    build(&["--workspace", "--bins"])
}

/// Builds the daemon with optimisations.
pub(crate) fn release_daemon() -> Result<PathBuf> {
    say("building the daemon with optimisations (this takes many minutes)");
    build(&["--workspace", "--bins", "--release"])?;
    Ok(target().join("release/sockerless"))
}

/// Builds what only the tests need.
pub(crate) fn test_components() -> Result<TestComponents> {
    say("building azf.wasm as a later version, and a backend that misbehaves");
    let next = azf::build_next()?;
    let guests = target().join("guests");
    let with_logs = guests.join("guest-logs");
    let mut command = tools::cargo();
    command
        .current_dir(root())
        .args(["build", "--locked", "--release", "--target", "wasm32-wasip2", "--features", "logs"])
        .args(["--manifest-path", "host/plugins/tests/guest/Cargo.toml", "--target-dir"])
        .arg(&with_logs);
    tools::run(&mut command)?;
    Ok(TestComponents { next, guest: with_logs.join("wasm32-wasip2/release/test_guest.wasm"), guests })
}

fn build(arguments: &[&str]) -> Result<()> {
    tools::run(tools::cargo().current_dir(root()).args(["build", "--locked"]).args(arguments))
}
