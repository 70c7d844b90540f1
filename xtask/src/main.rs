//! `cargo xtask`: builds what the project consists of, and runs the two commands of the README.
//!
//! - `dev`: emulator and daemon with `azf.wasm`, until Ctrl-C.
//! - `test`: every test there is.
//! - `bench`: measures the daemon with many containers, or the example backend in each language.
//! - `build`: what `dev` and `test` need of this project, and nothing else.
//! - `release`: an archive to hand out.
//! - `fuzz`: runs fuzz targets for longer than `test` does.
//! - `backends`: the example backend in every language that it is written in.

mod agent;
mod azf;
mod backends;
mod bench;
mod build;
mod clients;
mod dev;
mod fuzz;
mod registries;
mod release;
mod say;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds sockerless, runs it against the Azure emulator, and tests it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the Azure emulator and the daemon with azf.wasm, and stays until Ctrl-C.
    Dev(dev::Options),
    /// Runs every test: the crates' own, and the end-to-end tests with the Docker CLI, Python and Node.
    Test(test::Options),
    /// Measures something, and prints a table.
    Bench(bench::Options),
    /// Runs fuzz targets.
    Fuzz(fuzz::Options),
    /// Builds the daemon, the emulator, the agent and azf.wasm.
    Build(build::Options),
    /// Builds the example backend, in all of its languages or in those that are named, and prints where the components are.
    Backends(backends::Options),
    /// Builds what is released, and packs it: the daemon with optimisations, the agent, azf.wasm, the manual, checksums. Takes long.
    Release(release::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Backends(options) => backends::run(&options),
        Command::Release(options) => release::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
