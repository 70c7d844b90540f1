//! `sockerless`: a daemon that speaks the Docker Engine API and runs containers through WebAssembly backends.
//!
//! This crate is the command line and the wiring; what it wires is in the crates beside it.

#![forbid(unsafe_code)]

mod address;
mod admin;
mod backends;
mod cli;
mod client;
mod config;
mod doctor;
mod logging;
mod orphans;
mod plugin;
mod remembered;
mod serve;
mod state_dir;

use std::process::ExitCode;

use clap::Parser;

/// Runs a command that does one thing after the other.
fn managing(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn azure(command: cli::AzureCommand) -> anyhow::Result<()> {
    match command {
        cli::AzureCommand::Prune { host, backend, dry_run, force, chosen } => {
            managing(orphans::prune(&host, orphans::Prune { backend, dry_run, force, chosen }))
        }
    }
}

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let result = match arguments.command {
        cli::Command::Serve(options) => serve::run(*options),
        cli::Command::Doctor(options) => doctor::run(*options),
        cli::Command::Plugin { host, command } => plugin::run(&host, command),
        cli::Command::Azure { command } => azure(command),
        cli::Command::Store { host, command: cli::StoreCommand::Rebuild { backend, owner } } => {
            managing(orphans::rebuild(&host, backend, owner))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockerless: {error:#}");
            ExitCode::FAILURE
        }
    }
}
