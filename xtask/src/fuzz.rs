//! `cargo xtask fuzz`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::say::say;
use crate::tools;

/// No input may make a target ask for more memory than this at once, in MiB: a number in an input is not believed. In all it may hold what
/// libFuzzer allows, 2 GiB. Without libFuzzer each target has a bound of its own.
const LARGEST_BLOCK: &str = "-malloc_limit_mb=64";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// One of `fuzz/fuzz_targets`. Absent: all of them, one after the other.
    target: Option<String>,
    /// For how long each is run.
    #[arg(default_value_t = 60)]
    seconds: u64,
    /// Runs nothing but this input, which has broken something before.
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
    /// Mutates by this seed, without cargo-fuzz even if that is there.
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs fuzz targets with cargo-fuzz and the nightly compiler where both are, else by mutations of the corpus.
pub(crate) fn run(options: &Options) -> Result<()> {
    let names = targets()?;
    let chosen: Vec<&String> =
        names.iter().filter(|name| options.target.as_ref().is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no such target: name one of {}", names.join(", "));
    }
    let guided = options.input.is_none() && options.seed.is_none() && is_there();
    if !guided && options.input.is_none() {
        say("without cargo-fuzz (`cargo install cargo-fuzz`, and a nightly compiler) inputs are mutated blindly");
    }
    for name in chosen {
        say(format_args!("{name}: {} s", options.seconds));
        if guided {
            let limit = format!("-max_total_time={}", options.seconds);
            // What is new to it goes there, and into the repository's corpus when somebody has looked at it.
            let found = build::target().join("fuzz").join(name);
            std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
            let corpus = build::root().join("fuzz/corpus").join(name);
            let mut command = Command::new("cargo");
            // This cargo's own variables would choose its own compiler.
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
            command.current_dir(build::root()).args(["+nightly", "fuzz", "run", name]).args([found, corpus]);
            tools::run(command.args(["--", &limit, LARGEST_BLOCK]))?;
            continue;
        }
        let mut command = tools::cargo();
        command.current_dir(build::root()).args(["test", "--locked", "--workspace", "--test", "short"]);
        command.args(["--", "--exact", name, "--nocapture"]);
        match &options.input {
            Some(file) => command.env("SOCKERLESS_FUZZ_INPUT", std::path::absolute(file)?),
            None => command.env("SOCKERLESS_FUZZ_SECONDS", options.seconds.to_string()),
        };
        command.envs(options.seed.map(|seed| ("SOCKERLESS_FUZZ_SEED", seed.to_string())));
        tools::run(&mut command)?;
    }
    Ok(())
}

/// The names of all targets.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(build::root().join("fuzz/fuzz_targets"))? {
        names.extend(entry?.path().file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Whether this machine has cargo-fuzz and a nightly compiler.
fn is_there() -> bool {
    let mut command = Command::new("cargo");
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    tools::output(command.args(["+nightly", "fuzz", "--version"])).is_some()
}
