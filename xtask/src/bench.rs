//! `cargo xtask bench`.

use anyhow::Result;

use crate::build;
use crate::clients;
use crate::say::say;
use crate::test;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which one.
    benchmark: Benchmark,
    /// Measure the daemon as it is released, which takes long to build: without it figures tell only of each other.
    #[arg(long)]
    release: bool,
}

/// What is measured. Each prints a table; a figure means something beside the others of the same run.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Benchmark {
    /// Answers of the whole daemon with up to a thousand containers.
    Many,
    /// What clients notice of swaps of the backend.
    Swap,
}

/// Builds what the benchmark needs as the tests do, so that nothing is compiled for it alone, and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let clients = clients::install()?;
    let mut built = build::everything()?;
    if options.release {
        built.daemon = build::release_daemon()?;
    }
    let name = match options.benchmark {
        Benchmark::Many => "many",
        Benchmark::Swap => "swap",
    };
    say(format!("running the benchmark {name}"));
    let mut command = tools::cargo();
    command.current_dir(build::root()).args(["bench", "--locked", "--workspace", "--profile", "dev", "--bench", name]);
    test::environment(&mut command, built, clients);
    tools::run(&mut command)
}
