//! `cargo xtask bench`: what the example costs in each language.

use anyhow::Result;

use super::install;
use crate::build::{self, root, target};
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// With an optimised host, as it is released: its first build takes some minutes.
    #[arg(long)]
    release: bool,
}

/// Builds the example in every language that this machine has, and prints a table.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::programs()?;
    let components = install()?;
    let profile = if options.release { "release" } else { "dev" };
    tools::run(
        tools::cargo()
            .current_dir(root())
            // Of the whole workspace, for the reason that `build::programs` gives.
            .args(["bench", "--locked", "--workspace", "--bench", "languages", "--profile", profile])
            .env("SOCKERLESS_TEST_CACHE", target().join("component-cache"))
            .envs(components),
    )
}
