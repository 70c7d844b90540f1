//! `cargo xtask test`.

use std::process::Command;

use anyhow::Result;

use crate::agent::{self, Processor};
use crate::backends;
use crate::build::{self, Built, TestComponents};
use crate::clients::{self, Variable};
use crate::release;
use crate::say::say;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// Holds the transcripts of the Docker CLI and the tables of requests against a Docker Engine at this address (`unix://…`)
    /// instead, and shows what it answers differently.
    #[arg(long, value_name = "ADDRESS")]
    reference: Option<String>,
}

/// Builds everything, then runs all tests of the workspace: the end-to-end tests are one of its packages.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(address) = &options.reference {
        return compare(address, options);
    }
    let programs = clients::find_programs()?;
    // What waits for the network beside what computes.
    let (clients, built) = std::thread::scope(|scope| {
        let clients = scope.spawn(|| clients::install(programs));
        let built = build::everything();
        (clients.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), built)
    });
    let (clients, built) = (clients?, built?);
    let components = build::test_components()?;
    let examples = backends::install()?;
    let Built { daemon, agent, component, .. } = built.clone();
    let archive =
        release::pack(&release::Programs { daemon, agent, component }, &build::target().join("dist-of-tests"))?;
    if std::env::var_os("SOCKERLESS_API_DESCRIPTION").is_none() {
        say("SOCKERLESS_API_DESCRIPTION is not set: answers are not held against Docker's description of the API");
    }
    say("running the tests");
    let mut command = tools::cargo();
    command.current_dir(build::root()).args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    environment(&mut command, built, clients);
    let TestComponents { next, guest, guests } = components;
    command.env("SOCKERLESS_TEST_NEXT_COMPONENT", next);
    command.env("SOCKERLESS_TEST_GUEST", guest).env("SOCKERLESS_TEST_GUESTS", guests);
    command.env("SOCKERLESS_TEST_RELEASE", archive).envs(examples);
    let aarch64 = agent::file(Processor::Aarch64);
    if aarch64.is_file() {
        command.env("SOCKERLESS_TEST_AGENT_AARCH64", aarch64);
    }
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        // Most of them wait for other programs most of the time.
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        command.env("RUST_TEST_THREADS", (2 * processors).to_string());
    }
    if let Some(filter) = &options.filter {
        command.arg(filter);
    }
    tools::run(&mut command)
}

/// Holds transcripts and tables against an Engine. Nothing of this project is asked, so nothing but the CLI is needed.
fn compare(address: &str, options: &Options) -> Result<()> {
    say(format!("holding transcripts and tables against the Docker Engine at {address}"));
    let mut command = tools::cargo();
    command.current_dir(build::root()).args([
        "test",
        "--locked",
        "--workspace",
        "--no-fail-fast",
        "--test",
        "cli",
        "--test",
        "wire",
    ]);
    command.env("SOCKERLESS_TEST_DOCKER", "docker").env("SOCKERLESS_TEST_REFERENCE", address);
    command.args(&options.filter);
    tools::run(&mut command)
}

/// Tells end-to-end tests and benchmarks where everything is.
pub(crate) fn environment(command: &mut Command, built: Built, clients: Vec<Variable>) {
    let Built { daemon, emulator, agent, component } = built;
    command
        .env("SOCKERLESS_TEST_DAEMON", daemon)
        .env("SOCKERLESS_TEST_EMULATOR", emulator)
        .env("SOCKERLESS_TEST_AGENT", agent)
        .env("SOCKERLESS_TEST_COMPONENT", component)
        .env("SOCKERLESS_TEST_CACHE", build::target().join("component-cache"))
        .envs(clients);
}
