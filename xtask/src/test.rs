//! `cargo xtask test`.

use anyhow::Result;

use crate::backends;
use crate::build::{self, Built};
use crate::clients;
use crate::say::say;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// Builds everything, then runs all tests of the workspace: the end-to-end tests are one of its packages.
pub(crate) fn run(options: &Options) -> Result<()> {
    let clients = clients::install()?;
    let built = build::everything()?;
    let components = build::test_components()?;
    let examples = backends::install()?;
    if std::env::var_os("SOCKERLESS_API_DESCRIPTION").is_none() {
        say("SOCKERLESS_API_DESCRIPTION is not set: answers are not held against Docker's description of the API");
    }
    say("running the tests");
    let Built { daemon, emulator, agent, component } = built;
    let mut command = tools::cargo();
    command
        .current_dir(build::root())
        .args(["test", "--locked", "--workspace", "--no-fail-fast"])
        .env("SOCKERLESS_TEST_DAEMON", daemon)
        .env("SOCKERLESS_TEST_EMULATOR", emulator)
        .env("SOCKERLESS_TEST_AGENT", agent)
        .env("SOCKERLESS_TEST_COMPONENT", component)
        .env("SOCKERLESS_TEST_NEXT_COMPONENT", components.next)
        .env("SOCKERLESS_TEST_GUEST", components.guest)
        .env("SOCKERLESS_TEST_GUESTS", components.guests)
        .env("SOCKERLESS_TEST_CACHE", build::target().join("component-cache"))
        .envs(clients)
        .envs(examples);
    if let Some(filter) = &options.filter {
        command.arg(filter);
    }
    tools::run(&mut command)
}
