//! `sockerless`: a daemon that speaks the Docker Engine API and runs containers through WebAssembly backends.
//!
//! This crate is the command line and the wiring; what it wires is in the crates beside it.

#![forbid(unsafe_code)]

mod address;
mod admin;
mod azure;
mod backends;
mod cli;
mod client;
mod component_file;
mod config;
mod conformance;
mod doctor;
mod inherited;
mod manual;
mod operator;
mod orphans;
mod plugin;
mod record;
mod reload;
mod remembered;
mod replay;
mod roles;
mod serve;
mod service_manager;
mod signatures;
mod socket_mode;
mod state_dir;
mod state_lock;
mod stopping;
mod toolkit;
mod traces;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let result = match arguments.command {
        cli::Command::Serve(options) => serve::run(*options),
        cli::Command::Doctor(options) => doctor::run(*options),
        cli::Command::Plugin { host, command } => plugin::run(&host, command),
        cli::Command::Azure { command } => azure::run(command),
        cli::Command::Replay(options) => return replay::run(&options),
        cli::Command::Completions { shell } => manual::completions(shell),
        cli::Command::Man { folder } => manual::pages(&folder),
        cli::Command::Store { host, command } => orphans::store(&host, command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockerless: {error:#}");
            ExitCode::FAILURE
        }
    }
}
