//! `cargo xtask`: builds what the project consists of, and runs the two commands of the README.
//!
//! - `dev`: emulator and daemon with `azf.wasm`, until Ctrl-C.
//! - `test`: every test there is.
//! - `bench`: measures the whole daemon.
//! - `build`: what the other two need, and nothing else.

mod bench;
mod build;
mod clients;
mod dev;
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
    /// Measures the whole daemon with the emulator.
    Bench(bench::Options),
    /// Builds the daemon, the emulator, the agent and azf.wasm.
    Build,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Build => build::everything().map(|built| println!("{built}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
