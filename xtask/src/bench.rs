//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use crate::backends;
use crate::build;
use crate::clients;
use crate::say::say;
use crate::test;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which one.
    benchmark: Benchmark,
    /// Measure the daemon, or its part that runs backends, as it is released, which takes long to build: without it figures tell only of
    /// each other.
    #[arg(long)]
    release: bool,
    /// How many swaps there are in `swap`.
    #[arg(long, value_name = "N", default_value_t = 100)]
    swaps: u32,
    /// How many clients there are in `soak`.
    #[arg(long, value_name = "N", default_value_t = 500)]
    clients: u32,
    /// How long `soak` takes.
    #[arg(long, value_name = "N", default_value_t = 600)]
    seconds: u32,
}

/// What is measured. Each prints a table; a figure means something beside the others of the same run.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Benchmark {
    /// Answers of the whole daemon, with the emulator, with up to a thousand containers.
    Many,
    /// What clients notice of swaps of the backend.
    Swap,
    /// Whether many clients for many minutes, while Azure has faults, leave anything behind in the daemon.
    Soak,
    /// What the example backend costs in each language that this machine can build it in.
    Languages,
}

/// Builds what the benchmark needs, as the tests do, so that nothing is compiled for it alone, and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    match options.benchmark {
        Benchmark::Many => daemon("many", options),
        Benchmark::Swap => daemon("swap", options),
        Benchmark::Soak => daemon("soak", options),
        Benchmark::Languages => languages(options.release),
    }
}

/// One of the whole daemon.
fn daemon(name: &str, options: &Options) -> Result<()> {
    let clients = clients::install(clients::find_programs()?)?;
    let mut built = build::everything()?;
    if options.release {
        built.daemon = build::release_daemon()?;
    }
    let mut command = benchmark(name, "dev");
    command.env("SOCKERLESS_SWAPS", options.swaps.to_string());
    command.env("SOCKERLESS_SOAK_CLIENTS", options.clients.to_string());
    command.env("SOCKERLESS_SOAK_SECONDS", options.seconds.to_string());
    test::environment(&mut command, built, clients);
    tools::run(&mut command)
}

fn languages(release: bool) -> Result<()> {
    build::programs()?;
    let components = backends::install()?;
    // The benchmark is the host itself.
    let mut command = benchmark("languages", if release { "release" } else { "dev" });
    command.env("SOCKERLESS_TEST_CACHE", build::target().join("component-cache")).envs(components);
    tools::run(&mut command)
}

/// Runs a benchmark. Of the whole workspace, for the reason that `build::programs` gives.
fn benchmark(name: &str, profile: &str) -> Command {
    say(format!("running the benchmark {name}"));
    let mut command = tools::cargo();
    command.current_dir(build::root()).args(["bench", "--locked", "--workspace"]);
    command.args(["--profile", profile, "--bench", name]);
    command
}
